// What a read gives, whatever the rows lie in: the table, partitions one behind the other, partitions that overlap.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { FLAGS } from '../../../src/market/flags.ts';
import type { Trade } from '../../../src/market/records.ts';
import { History } from './history.ts';
import { trades } from './test-records.ts';

const DAY_US = 86_400e6;
const START_US = 1_723_075_200_000_000;
const HOUR_US = 3600e6;

describe('a read of the history', () => {
  const folder = mkdtempSync(join(tmpdir(), 'reader-'));
  let history: History;
  const stored: Trade[] = [];
  let ids = 0;

  /** Stores trades of a day at hours, two of them at each. */
  async function put(day: number, hours: readonly number[], more: Partial<Trade> = {}) {
    const list = hours.flatMap((hour) => {
      const us = START_US + day * DAY_US + hour * HOUR_US;
      return [0, 1].map(() => ({ ...trades(1, us, ids++)[0]!, ...more }));
    });
    stored.push(...list);
    await history.put(list);
  }
  const roll = (day: number) => history.maintain(START_US + day * DAY_US + 2 * HOUR_US);

  beforeAll(async () => {
    history = await History.open({ dataDir: folder, threads: 4 });
    for (const symbol of ['ONE', 'MANY']) {
      for (let day = 0; day < 3; day++) await put(day, [9, 3, 0], { symbol });
      await put(2, [4], { symbol, flags: FLAGS.bad_timestamp.bit });
    }
    // What makes it harder: a second source, another scale, a day that is rolled twice, rows in the table.
    await put(1, [2, 5], { symbol: 'MANY', source: 'kraken' });
    await roll(3);
    await put(0, [6, 1], { symbol: 'MANY', scale: { price: 1, size: 3 } });
    await roll(3);
    await put(3, [8, 7], { symbol: 'MANY' });
    await put(2, [1, 23], { symbol: 'MANY', id: null });
  });
  afterAll(async () => {
    await history.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const us = fc.integer({ min: -1, max: 24 * 4 }).map((hour) => START_US + hour * HOUR_US);
  const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
  const query = fc.record({
    symbol: fc.constantFrom('ONE', 'MANY'),
    source: optional(fc.constantFrom('binance', 'kraken')),
    fromUs: optional(us),
    toUs: optional(us),
    view: fc.constantFrom('raw' as const, 'repaired' as const),
    // More than a page is counted first.
    limit: optional(fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constant(100_001))),
    newest: fc.boolean(),
    named: fc.boolean(),
  });

  const whole = {
    view: 'raw' as const,
    newest: false,
    named: false,
    source: undefined,
    fromUs: undefined,
    toUs: undefined,
    limit: undefined,
  };

  test('gives each record of its range once and whole, in order of time, then of arrival', async () => {
    await fc.assert(
      fc.asyncProperty(query, async ({ named, ...asked }) => {
        const { symbol, source, fromUs = -Infinity, toUs = Infinity, view, limit, newest } = asked;
        const until = START_US + DAY_US;
        // The symbol of the first day is that of an instrument with another name before.
        const names = named
          ? [
              { symbol: 'ONE', fromUs: 0, toUs: until - 1 },
              { symbol, fromUs: until, toUs: Number.MAX_SAFE_INTEGER },
            ]
          : undefined;
        const expected = stored
          .filter((t) => t.symbol === (named && t.tsEventUs < until ? 'ONE' : symbol))
          .filter((t) => (source ?? t.source) === t.source && t.tsEventUs >= fromUs && t.tsEventUs <= toUs)
          .filter((t) => view === 'raw' || t.flags === 0)
          .sort((a, b) => a.tsEventUs - b.tsEventUs);
        const page = newest && limit ? expected.slice(-limit) : expected.slice(0, limit);
        const read: Trade[] = [];
        for await (const batch of history.records({ kind: 'trade', ...asked, names })) read.push(...batch);
        expect(read).toEqual(page);
        // Columns alone, also where none of them differs from row to row.
        const parts = await Array.fromAsync(
          history.batches({ kind: 'trade', ...asked, names, columns: ['price_decimals', 'source'] }),
        );
        const column = (name: string) => parts.flatMap((part) => [...part.columns[name]!]);
        expect(column('price_decimals')).toEqual(page.map((t) => t.scale.price));
        expect(column('source')).toEqual(page.map((t) => t.source));
      }),
      {
        numRuns: 25,
        examples: [
          [{ ...whole, symbol: 'ONE' }],
          [{ ...whole, symbol: 'MANY' }],
          // More than the last partition has; rows in quarantine among the last.
          [{ ...whole, symbol: 'ONE', newest: true, limit: 12 }],
          [{ ...whole, symbol: 'ONE', newest: true, limit: 7, view: 'repaired' }],
          // Partitions that overlap, and nothing in the table.
          [{ ...whole, symbol: 'MANY', toUs: START_US + 2 * DAY_US - 1 }],
          [{ ...whole, symbol: 'MANY', named: true }],
        ],
      },
    );
  });
});
