// Drift of real bars: none within a quiet day that is split at random, a plain one from one week to a later one.
import { describe, expect, test } from 'bun:test';
import { gunzipSync } from 'node:zlib';
import { sharedData } from '../../../test/shared-data.ts';
import { readFrameCsv } from '../tables/read-csv.ts';
import { compareSketches } from './compare.ts';
import { qualityReport } from './quality.ts';
import { TableSketch } from './table-sketch.ts';
import { uniformStream } from './test-streams.ts';

const file = sharedData('btc-perp-1min-ohlcv-2022-01.csv.gz');
const ROWS = 20_000;

describe.skipIf(file === null)(
  'drift of a month of bars (where this machine has the shared market data)',
  () => {
    const read = async () => {
      const text = new TextDecoder().decode(gunzipSync(await Bun.file(file!).bytes()));
      const body = text
        .split('\n')
        .slice(0, ROWS + 1)
        .join('\n');
      const { frame } = await readFrameCsv(new Blob([body]).stream(), { maxBytes: 1e8, maxCells: 1e7 });
      const close = frame.columns.get('close')!;
      const returns = close.map((price, i) => (i === 0 ? Number.NaN : Math.log(price / close[i - 1]!)));
      return { frame, columns: new Map([...frame.columns, ['return', returns]]) };
    };
    let known: ReturnType<typeof read> | undefined;
    const bars = () => (known ??= read());
    const part = (columns: ReadonlyMap<string, Float64Array>, keep: (row: number) => boolean) =>
      TableSketch.build(
        new Map(Array.from(columns, ([name, values]) => [name, values.filter((_, row) => keep(row))])),
      );

    test('prices drift from the first week to the second, halves drawn at random do not', async () => {
      const { columns } = await bars();
      const week = 7 * 1440;
      const weeks = compareSketches(
        part(columns, (row) => row < week),
        part(columns, (row) => row >= week && row < 2 * week),
      );
      const of = (name: string) => weeks.columns.find(({ column }) => column === name)!;
      expect(of('close')).toMatchObject({ drifted: true, reason: 'distribution' });
      // Returns keep their middle while prices move: far less than drift of prices.
      expect(of('return').tests.ks!.effect.value!).toBeLessThan(of('close').tests.ks!.effect.value! / 3);
      const random = uniformStream(4);
      const side = Array.from({ length: ROWS }, () => random() < 0.5);
      const halves = compareSketches(
        part(columns, (row) => side[row]!),
        part(columns, (row) => !side[row]!),
      );
      expect(halves.drifted).toBe(0);
      expect(Math.max(...halves.columns.map(({ tests }) => tests.psi!.statistic!))).toBeLessThan(0.01);
    });

    test('bars are sound: they rise in time, none is double, and few are missing', async () => {
      const { frame, columns } = await bars();
      const { findings } = await qualityReport({ columns, tsUs: frame.tsUs, seriesOf: frame.seriesOf });
      const found = new Set(findings.map(({ flag }) => flag));
      for (const flag of ['time_not_rising', 'duplicate_rows', 'all_missing', 'non_finite'] as const)
        expect(found.has(flag)).toBe(false);
      // The first return of a series does not exist.
      expect(findings.find(({ flag, column }) => flag === 'missing' && column === 'return')!.count).toBe(1);
    });
  },
);
