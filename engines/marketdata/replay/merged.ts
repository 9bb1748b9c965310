// Several ordered streams of records as one.
import type { MarketRecord } from '../../../src/market/records.ts';

/** Records that are handed on at once. */
const BATCH = 1024;

interface Reader {
  readonly batches: AsyncIterator<readonly MarketRecord[]>;
  batch: readonly MarketRecord[];
  at: number;
}

/**
 * Yields the records of all streams in the order of `timeOf`, those of one time in the order of the streams. Holds one batch of each stream; ends
 * all of them when it is ended.
 */
export async function* merged(
  streams: readonly AsyncIterable<readonly MarketRecord[]>[],
  timeOf: (record: MarketRecord) => number,
): AsyncGenerator<readonly MarketRecord[]> {
  const all: Reader[] = streams.map((s) => ({ batches: s[Symbol.asyncIterator](), batch: [], at: 0 }));
  try {
    const open: Reader[] = [];
    for (const reader of all) if (await fill(reader)) open.push(reader);
    let batch: MarketRecord[] = [];
    while (open.length > 0) {
      let first = 0;
      let firstUs = timeOf(open[0]!.batch[open[0]!.at]!);
      for (let i = 1; i < open.length; i++) {
        const us = timeOf(open[i]!.batch[open[i]!.at]!);
        if (us < firstUs) [first, firstUs] = [i, us];
      }
      const reader = open[first]!;
      batch.push(reader.batch[reader.at++]!);
      if (reader.at === reader.batch.length && !(await fill(reader))) open.splice(first, 1);
      if (batch.length < BATCH) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0) yield batch;
  } finally {
    await Promise.all(all.map(({ batches }) => batches.return?.(undefined)));
  }
}

async function fill(reader: Reader): Promise<boolean> {
  for (;;) {
    const next = await reader.batches.next();
    if (next.done) return false;
    if (next.value.length === 0) continue;
    reader.batch = next.value;
    reader.at = 0;
    return true;
  }
}
