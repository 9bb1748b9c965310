// The quality of time: stamps that do not rise, gaps, a clock that jumps or drifts against the one that receives.
import type { QualityFinding } from './types.ts';

export interface TimeOptions {
  /** How many median intervals make a gap. */
  readonly gapFactor: number;
  /** From which step of the offset between both clocks it is a jump, in microseconds. */
  readonly jumpUs: number;
  /** From which rate of the offset it is drift, in millionths. */
  readonly driftPpm: number;
}

/** A finding before it is known whether it is past its threshold. */
export type Found = Omit<QualityFinding, 'failed'>;

/** Blocks whose least delay stands for the offset of the clocks, and rows that each needs. */
const BLOCKS = 50;
const BLOCK_ROWS = 20;

const seconds = (us: number) => `${Number((us / 1e6).toPrecision(4))} s`;
const middle = (ascending: Float64Array) => ascending[ascending.length >>> 1]!;

/** Returns what is wrong with the times of rows; `seriesOf` says which series each row belongs to, all to one without it. */
export function timeFindings(
  tsUs: Float64Array,
  seriesOf: Uint32Array | undefined,
  { gapFactor }: TimeOptions,
): Found[] {
  const last = new Map<number, number>();
  const intervals = new Map<number, number[]>();
  let [falling, pairs] = [0, 0];
  for (const [row, at] of tsUs.entries()) {
    const of = seriesOf?.[row] ?? 0;
    const before = last.get(of);
    if (before !== undefined) {
      pairs += 1;
      const passed = at - before;
      if (passed > 0) {
        const known = intervals.get(of);
        if (known) known.push(passed);
        else intervals.set(of, [passed]);
      } else falling += 1;
    }
    // A stamp that is no number counts once, as one that does not rise.
    if (Number.isFinite(at)) last.set(of, Math.max(at, before ?? at));
    else if (before === undefined) falling += 1;
  }
  let [gaps, risen, longest] = [0, 0, 0];
  for (const some of intervals.values()) {
    const usual = middle(Float64Array.from(some).sort());
    risen += some.length;
    for (const passed of some) {
      if (passed <= gapFactor * usual) continue;
      gaps += 1;
      longest = Math.max(longest, passed);
    }
  }
  const found: Found[] = [];
  if (falling > 0)
    found.push({
      ...{ flag: 'time_not_rising', column: null, count: falling, share: falling / Math.max(1, pairs) },
      reason: `${falling} rows are not later than the row of their series before`,
    });
  if (gaps > 0)
    found.push({
      ...{ flag: 'time_gaps', column: null, count: gaps, share: gaps / risen },
      reason: `${gaps} intervals are longer than ${gapFactor} usual ones, up to ${seconds(longest)}`,
    });
  return found;
}

/**
 * Returns what is wrong with the clock of `tsUs` against the one of `receivedUs`. What a row needed to arrive only makes it later: the least offset of a
 * block of rows is that of the clocks (Paxson 1998, "On calibrating measurements of packet transit times"). Jumps are steps between blocks, drift is the median of
 * their rates, which jumps leave alone. Fewer than 40 rows tell nothing.
 */
export function clockFindings(
  tsUs: Float64Array,
  receivedUs: Float64Array,
  { jumpUs, driftPpm }: TimeOptions,
): Found[] {
  const blocks = Math.min(BLOCKS, Math.floor(tsUs.length / BLOCK_ROWS));
  const offsets: { readonly at: number; readonly offset: number }[] = [];
  for (let block = 0; block < blocks; block++) {
    const from = Math.floor((block * tsUs.length) / blocks);
    const upTo = Math.floor(((block + 1) * tsUs.length) / blocks);
    let least: { at: number; offset: number } | undefined;
    for (let row = from; row < upTo; row++) {
      const offset = receivedUs[row]! - tsUs[row]!;
      if (Number.isFinite(offset) && (!least || offset < least.offset))
        least = { at: receivedUs[row]!, offset };
    }
    if (least) offsets.push(least);
  }
  let [jumps, largest] = [0, 0];
  const rates: number[] = [];
  for (let i = 1; i < offsets.length; i++) {
    const step = offsets[i]!.offset - offsets[i - 1]!.offset;
    const passed = offsets[i]!.at - offsets[i - 1]!.at;
    if (Math.abs(step) > jumpUs) {
      jumps += 1;
      if (Math.abs(step) > Math.abs(largest)) largest = step;
    } else if (passed > 0) rates.push((1e6 * step) / passed);
  }
  const found: Found[] = [];
  if (jumps > 0)
    found.push({
      ...{ flag: 'clock_jump', column: null, count: jumps, share: jumps / (offsets.length - 1) },
      reason: `the clock of the rows jumped against the receiving one, by up to ${seconds(-largest)}`,
    });
  const rate = rates.length > 0 ? middle(Float64Array.from(rates).sort()) : 0;
  if (Math.abs(rate) > driftPpm)
    found.push({
      ...{ flag: 'clock_drift', column: null, count: tsUs.length, share: 1 },
      reason: `the clock of the rows ${rate > 0 ? 'loses' : 'gains'} ${Math.abs(rate).toFixed(0)} millionths against the receiving one`,
    });
  return found;
}
