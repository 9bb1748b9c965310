// A symbol that became another, and one that two instruments had.
import { afterAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { CorporateAction, Trade } from '../../../src/market/records.ts';
import { History } from './history.ts';
import { namedRanges, type Rename } from './renames.ts';
import { samples, trades } from './test-records.ts';
import { FIRST_US, LAST_US } from './view.ts';

const DAY_US = 86_400e6;
const START_US = 1_723_075_200_000_000;

// As in 2022: the fund META became METV in January, and FB became META in June.
const FUND_US = START_US + 2 * DAY_US;
const FACEBOOK_US = START_US + 5 * DAY_US;
const RENAMES: Rename[] = [
  { from: 'META', to: 'METV', atUs: FUND_US },
  { from: 'FB', to: 'META', atUs: FACEBOOK_US },
];
const FACEBOOK = [
  { symbol: 'FB', fromUs: FIRST_US, toUs: FACEBOOK_US - 1 },
  { symbol: 'META', fromUs: FACEBOOK_US, toUs: LAST_US },
];
const FUND = [
  { symbol: 'META', fromUs: FIRST_US, toUs: FUND_US - 1 },
  { symbol: 'METV', fromUs: FUND_US, toUs: LAST_US },
];

describe('symbols of an instrument', () => {
  test('are those that it had, by the time at which the symbol is meant', () => {
    const of = (symbol: string, atUs: number) => namedRanges(RENAMES, symbol, atUs, () => true);
    expect(of('META', LAST_US)).toEqual(FACEBOOK);
    expect(of('META', START_US)).toEqual(FUND);
    expect(of('METV', LAST_US)).toEqual(FUND);
    expect(of('FB', START_US)).toEqual(FACEBOOK);
    // Between the two nobody that is known had it.
    expect(of('META', FUND_US + 5)).toEqual([{ symbol: 'META', fromUs: FUND_US, toUs: LAST_US }]);
  });

  test('go back under the new one where nothing is stored under the old one, to when others had it', () => {
    expect(namedRanges(RENAMES, 'META', LAST_US, () => false)).toEqual([
      { symbol: 'META', fromUs: FUND_US, toUs: LAST_US },
    ]);
  });

  test('follow each other without a gap, whatever became what', () => {
    const symbol = fc.constantFrom('A', 'B', 'C', 'D');
    const rename = fc.record({ from: symbol, to: symbol, atUs: fc.integer({ min: 0, max: 30 }) });
    fc.assert(
      fc.property(
        fc.array(rename, { maxLength: 12 }),
        symbol,
        fc.integer({ min: 0, max: 40 }),
        fc.boolean(),
        (list, of, at, has) => {
          const times = new Set<number>();
          const renames = list
            .filter((r) => r.from !== r.to && !times.has(r.atUs) && times.add(r.atUs))
            .sort((a, b) => a.atUs - b.atUs);
          const ranges = namedRanges(renames, of, at, () => has);
          expect(ranges.find((r) => r.fromUs <= at && at <= r.toUs)?.symbol).toBe(of);
          for (const [i, range] of ranges.entries()) {
            expect(range.fromUs).toBeLessThanOrEqual(range.toUs);
            if (i > 0) expect(range.fromUs).toBe(ranges[i - 1]!.toUs + 1);
          }
          expect(ranges.at(-1)!.toUs).toBe(LAST_US);
        },
      ),
    );
  });
});

describe('a range that is read by symbol', () => {
  const folder = mkdtempSync(join(tmpdir(), 'renames-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('is that of one instrument under all of its symbols, from the table and from partitions', async () => {
    const history = await History.open({ dataDir: folder, threads: 1 });
    const daily = (symbol: string, days: readonly number[]) =>
      days.map(
        (day): Trade => ({ ...trades(1, START_US + day * DAY_US, day)[0]!, symbol, tsReceiveUs: START_US }),
      );
    const facebook = [...daily('FB', [0, 1, 2, 3, 4]), ...daily('META', [5, 6])];
    const fund = [...daily('META', [0, 1]), ...daily('METV', [2, 3])];
    await history.put([...facebook, ...fund]);
    const action = samples().find((r) => r.kind === 'corporate_action') as CorporateAction;
    const renames = RENAMES.map(({ from, to, atUs }) => {
      const named = { action: 'rename' as const, symbol: from, renamedTo: to, ratio: null };
      return { ...action, ...named, tsEventUs: atUs };
    });
    const read = async (symbol: string, query: { atUs?: number; newest?: boolean; limit?: number } = {}) => {
      const { atUs, ...rest } = query;
      const names = await history.namesOf('trade', symbol, { atUs });
      const all: Trade[] = [];
      for await (const batch of history.records({ kind: 'trade', symbol, names, ...rest }))
        all.push(...batch);
      return all;
    };
    expect(await read('FB')).toEqual(facebook.slice(0, 5));
    // Two sources tell of it, one a day later.
    const again = renames.map((r) => ({ ...r, source: 'other', tsEventUs: r.tsEventUs + DAY_US }));
    await history.put([...renames, ...again]);
    for (const days of [0, 3, 20]) {
      if (days > 0) await history.maintain(START_US + days * DAY_US + 2 * 3600e6);
      expect(await read('META')).toEqual(facebook);
      // Nothing is stored under it since: the last that had it is meant.
      expect(await read('FB')).toEqual(facebook);
      expect(await read('METV')).toEqual(fund);
      expect(await read('META', { atUs: START_US })).toEqual(fund);
      expect(await read('META', { newest: true, limit: 3 })).toEqual(facebook.slice(-3));
    }
    await history.close();
  });
});
