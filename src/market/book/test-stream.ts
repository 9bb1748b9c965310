// A made stream of one book for tests: a model of the levels, deltas numbered as a venue does, snapshots at any moment.
import type { BookDelta, BookSnapshot, Levels, Quote } from '../records.ts';
import type { Scale } from '../scale.ts';

export const SCALE: Scale = Object.freeze({ price: 1, size: 2 });

const stamp = (index: number, scale: Scale) => ({
  symbol: 'BTC-USDT',
  source: 'test',
  tsEventUs: 1_000_000 + index * 100_000,
  tsReceiveUs: 1_001_000 + index * 100_000,
  flags: 0,
  scale,
});

/** What changes in one step: prices relative to the middle, which keeps the sides apart, and sizes. */
export interface Step {
  readonly bids: readonly (readonly [number, number])[];
  readonly asks: readonly (readonly [number, number])[];
}

/** The plain form of a book: a map for each side, sorted when asked. */
export class ModelBook {
  readonly bids = new Map<number, number>();
  readonly asks = new Map<number, number>();

  apply(delta: Pick<BookDelta, 'bids' | 'asks'>): void {
    change(this.bids, delta.bids);
    change(this.asks, delta.asks);
  }

  levels(): { bids: number[]; asks: number[] } {
    return {
      bids: [...this.bids].sort((a, b) => b[0] - a[0]).flat(),
      asks: [...this.asks].sort((a, b) => a[0] - b[0]).flat(),
    };
  }
}

function change(side: Map<number, number>, levels: Levels): void {
  for (let i = 0; i < levels.length; i += 2) {
    if (levels[i + 1] === 0) side.delete(levels[i]!);
    else side.set(levels[i]!, levels[i + 1]!);
  }
}

/** Deltas of steps, and after each the whole book as a snapshot and as a best quote. Index 0 of both is the book before the first delta. */
export interface Stream {
  readonly deltas: readonly BookDelta[];
  readonly snapshots: readonly BookSnapshot[];
  readonly quotes: readonly Quote[];
}

export const MIDDLE = 10_000;

/** Makes a stream: delta `i` has the numbers 10 i + 1 to 10 i + 10, with the one before as `previousSequence`. */
export function streamOf(steps: readonly Step[]): Stream {
  const model = new ModelBook();
  model.apply({ bids: [MIDDLE - 1, 5, MIDDLE - 3, 7], asks: [MIDDLE + 1, 6, MIDDLE + 2, 8] });
  const snapshots = [snapshotOf(model, 0, 0)];
  const quotes = [quoteOf(model, 0, 0)];
  const deltas = steps.map((step, index): BookDelta => {
    const delta: BookDelta = {
      ...stamp(index, SCALE),
      kind: 'book_delta',
      sequence: 10 * index + 10,
      firstSequence: 10 * index + 1,
      previousSequence: 10 * index,
      bids: step.bids.flatMap(([below, size]) => [MIDDLE - below, size]),
      asks: step.asks.flatMap(([above, size]) => [MIDDLE + above, size]),
      checksum: null,
    };
    model.apply(delta);
    snapshots.push(snapshotOf(model, delta.sequence!, index));
    quotes.push(quoteOf(model, delta.sequence!, index));
    return delta;
  });
  return { deltas, snapshots, quotes };
}

export function snapshotOf(model: ModelBook, sequence: number, index: number): BookSnapshot {
  return { ...stamp(index, SCALE), kind: 'book_snapshot', sequence, checksum: null, ...model.levels() };
}

function quoteOf(model: ModelBook, sequence: number, index: number): Quote {
  const { bids, asks } = model.levels();
  return {
    ...stamp(index, SCALE),
    kind: 'quote',
    sequence,
    bid: bids[0] ?? 0,
    bidSize: bids[1] ?? 0,
    ask: asks[0] ?? 0,
    askSize: asks[1] ?? 0,
  };
}
