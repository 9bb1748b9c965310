// Predictions of the stream: watched as others are, and told whether they came true by the bars that follow.
import type { Matures, WaitingAnswers } from './records.ts';

/** Predictions that wait for a bar, at most; of further ones nobody tells whether they came true. */
const MAX_PENDING = 100_000;
/** Instruments whose newest bars are kept, and how many of each. */
const MAX_SYMBOLS = 1000;
const KEPT_BARS = 256;
/** Outcomes that wait to be matched, before they are handed over at once. */
export const HANDED_OVER = 256;

interface Pending extends Matures {
  readonly prediction_id: string;
}

/** What a bar told. */
interface Told {
  readonly prediction_id: string;
  readonly row: number;
  readonly value: number;
}

/** The predictions of one model of which a later bar tells whether they came true. */
export class Maturing {
  // Of each instrument, in the order of their bars.
  readonly #pending = new Map<string, Pending[]>();
  // The newest bars of each instrument: a prediction may come after the bar that tells whether it came true.
  readonly #bars = new Map<string, { tsUs: number; close: number }[]>();
  #count = 0;
  #outcomes: Told[] = [];

  get count(): number {
    return this.#count;
  }

  /** Outcomes that nobody has taken. */
  get ready(): number {
    return this.#outcomes.length;
  }

  add(prediction_id: string, matures: Matures): void {
    const bars = this.#bars.get(matures.symbol) ?? [];
    if ((bars.at(-1)?.tsUs ?? 0) >= matures.due_us) {
      const bar = bars.find(({ tsUs }) => tsUs === matures.due_us);
      if (bar) this.#tell(prediction_id, bar.close > matures.close);
      return;
    }
    if (this.#count >= MAX_PENDING) return;
    const list = this.#pending.get(matures.symbol) ?? [];
    this.#pending.set(matures.symbol, list);
    list.push({ ...matures, prediction_id });
    this.#count++;
  }

  /** Goes on with what waited when an earlier process ended. */
  restore(waiting: readonly WaitingAnswers[]): void {
    for (const { prediction_id, matures } of waiting) if (matures) this.add(prediction_id, matures);
  }

  /** Takes a bar. What was to mature on a bar that never came is forgotten, as training forgets rows beside a gap. */
  bar(symbol: string, tsUs: number, close: number): void {
    this.#remember(symbol, tsUs, close);
    const list = this.#pending.get(symbol);
    if (!list) return;
    let passed = 0;
    for (; passed < list.length && list[passed]!.due_us <= tsUs; passed++) {
      const { prediction_id, due_us, close: before } = list[passed]!;
      if (due_us === tsUs) this.#tell(prediction_id, close > before);
    }
    list.splice(0, passed);
    this.#count -= passed;
    if (list.length === 0) this.#pending.delete(symbol);
  }

  #tell(prediction_id: string, rose: boolean): void {
    this.#outcomes.push({ prediction_id, row: 0, value: Number(rose) });
  }

  #remember(symbol: string, tsUs: number, close: number): void {
    let bars = this.#bars.get(symbol);
    if (!bars) {
      if (this.#bars.size >= MAX_SYMBOLS) this.#bars.delete(this.#bars.keys().next().value!);
      bars = [];
      this.#bars.set(symbol, bars);
    }
    // What goes back in time is another session of the market.
    if ((bars.at(-1)?.tsUs ?? 0) >= tsUs) bars.length = 0;
    bars.push({ tsUs, close });
    if (bars.length > 2 * KEPT_BARS) bars.splice(0, bars.length - KEPT_BARS);
  }

  /** Hands the outcomes over. */
  take(): Told[] {
    const outcomes = this.#outcomes;
    this.#outcomes = [];
    return outcomes;
  }

  /** Takes outcomes back that could not be stored; of too many the oldest are lost. */
  giveBack(outcomes: readonly Told[]): void {
    this.#outcomes = [...outcomes, ...this.#outcomes].slice(-MAX_PENDING);
  }
}

/** Returns how many bars ahead a card says that it looks at the direction of the close; null where it says nothing of the kind. */
export function horizonOf(card: unknown): number | null {
  const { hyperparameters, serving } = card as {
    hyperparameters?: { horizon_bars?: unknown };
    serving?: { target?: { kind?: string; column?: string; horizon?: string } };
  };
  const bars = hyperparameters?.horizon_bars;
  if (typeof bars === 'number' && Number.isInteger(bars) && bars > 0) return bars;
  const { kind, column, horizon } = serving?.target ?? {};
  const rows = /^(\d+) rows?$/.exec(horizon ?? '')?.[1];
  return kind === 'direction' && column === 'close' && rows ? Number(rows) : null;
}
