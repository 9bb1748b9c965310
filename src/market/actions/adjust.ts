// Bars adjusted for splits and cash dividends, as the caller chooses, with what was applied and what was not.
import type { BarRecord, CorporateAction } from '../records.ts';
import { DAY_US } from '../sessions/days.ts';

/** `raw` as the source gave them; `split` in shares of today; `total_return` also as if dividends had been reinvested. */
export const ADJUSTMENTS = ['raw', 'split', 'total_return'] as const;
export type AdjustmentMode = (typeof ADJUSTMENTS)[number];

/** What one ex-day does to the bars before it. */
export interface AppliedAction {
  readonly action: 'split' | 'dividend';
  readonly exUs: number;
  /** New shares for one old share, or cash for one share as it was on the ex-day. */
  readonly value: number;
  /** Prices before the ex-day are multiplied by it. */
  readonly factor: number;
}

/** An action that changes nothing, and why. */
export interface IgnoredAction {
  readonly action: CorporateAction['action'];
  readonly exUs: number;
  readonly source: string;
  readonly reason:
    | 'not asked for'
    | 'not yet in force'
    | 'another source says it'
    | 'no positive number'
    | 'no close before it'
    | 'not below the close before it'
    | 'the close before it is adjusted for dividends';
}

export interface AdjustmentOptions {
  /** Actions after this time are not in force. */
  readonly asOfUs: number;
}

/** The bar before an ex-day, or null. */
export type CloseBefore = (exUs: number) => Pick<BarRecord, 'close' | 'adjusted'> | null;

/** Factors of one instrument, ready for its bars. */
export class Adjustment {
  readonly mode: AdjustmentMode;
  readonly applied: readonly AppliedAction[];
  readonly ignored: readonly IgnoredAction[];
  // Factors of all bars before `ex[i]` and not before `ex[i - 1]`.
  readonly #ex: readonly number[];
  readonly #split: readonly number[];
  readonly #dividend: readonly number[];

  constructor(mode: AdjustmentMode, applied: readonly AppliedAction[], ignored: readonly IgnoredAction[]) {
    this.mode = mode;
    this.applied = applied;
    this.ignored = ignored;
    this.#ex = applied.map(({ exUs }) => exUs);
    this.#split = fromTheEnd(applied, 'split');
    this.#dividend = fromTheEnd(applied, 'dividend');
  }

  /** Returns the bar adjusted. What its source has adjusted already is not adjusted again; `adjusted` names all that was done. Shares of its volume are those of today. */
  bar(bar: BarRecord): BarRecord {
    if (this.mode === 'raw') return bar;
    const at = firstAfter(this.#ex, bar.tsEventUs);
    const isSplit = bar.adjusted.includes('split');
    const isDividend = bar.adjusted.includes('dividend');
    const split = isSplit ? 1 : (this.#split[at] ?? 1);
    const dividend = isDividend ? 1 : (this.#dividend[at] ?? 1);
    const factor = split * dividend;
    const adjusted = [...bar.adjusted];
    if (!isSplit) adjusted.push('split');
    if (!isDividend && this.mode === 'total_return') adjusted.push('dividend');
    return {
      ...bar,
      open: bar.open * factor,
      high: bar.high * factor,
      low: bar.low * factor,
      close: bar.close * factor,
      volume: bar.volume / split,
      adjusted,
    };
  }

  /** Returns the factor of prices at a time, for bars that their source has not adjusted. */
  factor(us: number): number {
    const at = firstAfter(this.#ex, us);
    return (this.#split[at] ?? 1) * (this.#dividend[at] ?? 1);
  }
}

/**
 * Returns the adjustment by the actions of one instrument. A split of `ratio` new shares for one multiplies the prices before its ex-day by
 * `1 / ratio`. A dividend multiplies them by `1 - amount / close`, with the last close before the ex-day, as CRSP and Yahoo Finance do: adjusted
 * returns over an ex-day are then those of who reinvests at that close less the dividend. Dividends of one day are added; with a split on the same
 * day they are paid for new shares; `amount` is for one share as it was on the ex-day. Where several sources tell of one ex-day, the first in the list counts, at whatever times of the day (of UTC)
 * they say it. The ex-day begins at the action's `tsEventUs`.
 */
export function adjustmentOf(
  mode: AdjustmentMode,
  actions: readonly CorporateAction[],
  closeBefore: CloseBefore,
  { asOfUs }: AdjustmentOptions,
): Adjustment {
  const ignored: IgnoredAction[] = [];
  const splits = new Map<number, Day>();
  const dividends = new Map<number, Day>();
  for (const action of actions) {
    const reason = whyNot(action, mode, asOfUs) ?? addTo(action, splits, dividends);
    if (reason) ignored.push(ignoring(action.action, action.tsEventUs, action.source, reason));
  }
  const applied: AppliedAction[] = [];
  for (const { exUs, value } of splits.values()) {
    applied.push({ action: 'split', exUs, value, factor: 1 / value });
  }
  for (const [day, { exUs, value, source }] of dividends) {
    const before = closeBefore(exUs);
    // For one share of the ex-day: a close in shares of the day before has a split of the ex-day before it, one in shares of today later ones behind it.
    const perShare = before?.adjusted.includes('split')
      ? ratioAfter(splits, day)
      : 1 / (splits.get(day)?.value ?? 1);
    const close = before === null ? Number.NaN : before.close * perShare;
    if (before === null) ignored.push(ignoring('dividend', exUs, source, 'no close before it'));
    else if (before.adjusted.includes('dividend')) {
      ignored.push(ignoring('dividend', exUs, source, 'the close before it is adjusted for dividends'));
    } else if (!(value < close)) {
      ignored.push(ignoring('dividend', exUs, source, 'not below the close before it'));
    } else applied.push({ action: 'dividend', exUs, value, factor: 1 - value / close });
  }
  applied.sort((a, b) => a.exUs - b.exUs);
  return new Adjustment(mode, applied, ignored);
}

/** Returns bars of one instrument, in order, adjusted by their own closes; actions after the last bar are not in force. */
export function adjustBars(
  bars: readonly BarRecord[],
  actions: readonly CorporateAction[],
  mode: AdjustmentMode,
  options: Partial<AdjustmentOptions> = {},
): { readonly bars: BarRecord[]; readonly adjustment: Adjustment } {
  const times = bars.map(({ tsEventUs }) => tsEventUs);
  const closeBefore: CloseBefore = (exUs) => {
    // First bar of the ex-day or after it.
    const at = firstAfter(times, exUs - 1);
    return bars[at - 1] ?? null;
  };
  const asOfUs = times.at(-1) ?? 0;
  const adjustment = adjustmentOf(mode, actions, closeBefore, { asOfUs, ...options });
  return { bars: bars.map((bar) => adjustment.bar(bar)), adjustment };
}

/** What one source says of one ex-day. */
interface Day {
  readonly source: string;
  readonly exUs: number;
  readonly value: number;
}

function whyNot(
  { action, ratio, amount, tsEventUs }: CorporateAction,
  mode: AdjustmentMode,
  asOfUs: number,
): IgnoredAction['reason'] | null {
  if (action === 'rename' || mode === 'raw' || (mode === 'split' && action === 'dividend')) {
    return 'not asked for';
  }
  const value = action === 'split' ? ratio : amount;
  if (value === null || !Number.isFinite(value) || value <= 0) return 'no positive number';
  return tsEventUs > asOfUs ? 'not yet in force' : null;
}

function addTo(
  { action, source, ratio, amount, tsEventUs }: CorporateAction,
  splits: Map<number, Day>,
  dividends: Map<number, Day>,
): IgnoredAction['reason'] | null {
  const days = action === 'split' ? splits : dividends;
  const day = Math.floor(tsEventUs / DAY_US);
  const known = days.get(day);
  if (!known) days.set(day, { source, exUs: tsEventUs, value: (action === 'split' ? ratio : amount)! });
  else if (known.source !== source || action === 'split') return 'another source says it';
  else days.set(day, { source, exUs: Math.min(known.exUs, tsEventUs), value: known.value + amount! });
  return null;
}

function ignoring(
  action: IgnoredAction['action'],
  exUs: number,
  source: string,
  reason: IgnoredAction['reason'],
): IgnoredAction {
  return { action, exUs, source, reason };
}

function ratioAfter(splits: ReadonlyMap<number, Day>, day: number): number {
  let ratio = 1;
  for (const [later, { value }] of splits) if (later > day) ratio *= value;
  return ratio;
}

function fromTheEnd(applied: readonly AppliedAction[], which: AppliedAction['action']): number[] {
  const factors = new Array<number>(applied.length);
  let factor = 1;
  for (let i = applied.length - 1; i >= 0; i--) {
    if (applied[i]!.action === which) factor *= applied[i]!.factor;
    factors[i] = factor;
  }
  return factors;
}

// Index of the first of sorted times that is after one.
function firstAfter(times: readonly number[], us: number): number {
  let from = 0;
  let to = times.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (times[middle]! <= us) from = middle + 1;
    else to = middle;
  }
  return from;
}
