import { afterAll, describe, expect, test } from 'bun:test';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { InsufficientHistoryError, InvalidOptionError, NotFoundError } from '../../../src/core/errors.ts';
import { FEATURE_BARS, FeatureStream, modelInputs } from '../../../src/indicators/feature-set.ts';
import type { Bar } from '../../../src/market/bar.ts';
import { readBars } from './bars.ts';
import { buildDataset, splitInTime } from './dataset.ts';

const MINUTE = 60_000_000;
const folder = await mkdtemp(join(tmpdir(), 'fit-bars-'));
afterAll(() => rm(folder, { recursive: true }));

function barsOf(count: number, missing: ReadonlySet<number> = new Set()): Bar[] {
  return Array.from({ length: count }, (_, i) => {
    const close = 100 + 5 * Math.sin(i / 9) + Math.sin(i * 1.3);
    const bar = { open: close, high: close + 0.5, low: close - 0.5, close, volume: 1 };
    return { ...bar, symbol: 'X', ts_event_us: i * MINUTE, interval_us: MINUTE };
  }).filter((_, i) => !missing.has(i));
}

describe('buildDataset', () => {
  test('labels each row by the close `horizon` bars later, from the first bar with all features', () => {
    const bars = barsOf(300);
    const data = buildDataset(bars, 15);
    expect(data.rows).toBe(300 - 15 - (FEATURE_BARS - 1));
    for (let row = 0; row < data.rows; row++) {
      const at = data.tsUs[row]! / MINUTE;
      expect(at).toBe(row + FEATURE_BARS - 1);
      expect(data.labels[row]).toBe(bars[at + 15]!.close > bars[at]!.close ? 1 : 0);
      expect(data.returns[row]).toBe(Math.log(bars[at + 15]!.close / bars[at]!.close));
    }
  });

  test('takes inputs from no later bar: cutting the future off leaves them alone', () => {
    const [long, short] = [buildDataset(barsOf(400), 15), buildDataset(barsOf(300), 15)];
    expect(long.inputs.subarray(0, short.inputs.length)).toEqual(short.inputs);
    const stream = new FeatureStream();
    const bars = barsOf(FEATURE_BARS);
    const features = bars.map((bar) => stream.update(bar)).at(-1)!;
    expect(long.inputs.subarray(0, long.columns)).toEqual(modelInputs(bars.at(-1)!, features)!);
  });

  test('gives no row to bars whose label would reach over a gap', () => {
    const data = buildDataset(barsOf(300, new Set([250])), 15);
    const times = [...data.tsUs].map((us) => us / MINUTE);
    expect(times.filter((at) => at >= 235 && at < 250)).toEqual([]);
    expect(times).toContain(234);
    expect(times).toContain(251);
  });

  test('refuses a horizon that is no whole number of bars', () => {
    for (const horizon of [0, -1, 1.5, Number.NaN]) {
      expect(() => buildDataset(barsOf(210), horizon)).toThrow(InvalidOptionError);
    }
  });
});

describe('splitInTime', () => {
  test('keeps an embargo so that no training label looks at a test bar', () => {
    const data = buildDataset(barsOf(400), 15);
    const { train, test: rest } = splitInTime(data, 0.7, 15 * MINUTE);
    expect(rest.rows).toBe(data.rows - Math.floor(data.rows * 0.7));
    expect(rest.tsUs[0]! - train.tsUs.at(-1)!).toBe(16 * MINUTE);
    expect(train.inputs.length).toBe(train.rows * data.columns);
    expect(rest.labels).toEqual(data.labels.subarray(data.rows - rest.rows));
  });

  test('says so when a part would be empty', () => {
    const data = buildDataset(barsOf(220), 15);
    expect(() => splitInTime(data, 0.7, 15 * MINUTE)).toThrow(InsufficientHistoryError);
    expect(() => splitInTime(buildDataset(barsOf(10), 1), 0.7, MINUTE)).toThrow(InsufficientHistoryError);
  });
});

describe('readBars', () => {
  const header = 'timestamp,open,high,low,close,volume\n';
  const good = '2022-01-01 00:00:00.000000,1,2,0.5,1.5,10\n2022-01-01 00:05:00,1.5,2,1,1,0\n';

  test('reads plain and gzipped files alike, and hashes the file as it lies on disk', async () => {
    await writeFile(join(folder, 'a.csv'), header + good);
    await writeFile(join(folder, 'a.csv.gz'), gzipSync(header + good));
    const [plain, packed] = [
      await readBars(join(folder, 'a.csv'), 'X'),
      await readBars(join(folder, 'a.csv.gz'), 'X'),
    ];
    expect(packed.bars).toEqual(plain.bars);
    expect(packed.sha256).not.toBe(plain.sha256);
    expect(plain.intervalUs).toBe(5 * MINUTE);
    expect(plain.bars[0]).toEqual({
      ...{ symbol: 'X', ts_event_us: Date.UTC(2022, 0, 1) * 1000, interval_us: 5 * MINUTE },
      ...{ open: 1, high: 2, low: 0.5, close: 1.5, volume: 10 },
    });
  });

  test.each([
    ['an empty field', '2022-01-01 00:10:00,1,2,0.5,,10\n'],
    ['a time of another form', '01/02/2022,1,2,0.5,1,10\n'],
    ['a day that does not exist', '2022-13-45 00:10:00,1,2,0.5,1,10\n'],
    ['a high below the low', '2022-01-01 00:10:00,1,0.5,2,1,10\n'],
    ['a negative volume', '2022-01-01 00:10:00,1,2,0.5,1,-1\n'],
    ['a time that goes back', '2022-01-01 00:01:00,1,2,0.5,1,1\n'],
  ])('refuses %s', async (_, row) => {
    const path = join(folder, 'bad.csv');
    await writeFile(path, header + good + row);
    await expect(readBars(path, 'X')).rejects.toThrow(InvalidOptionError);
  });

  test('names files that are absent, no CSV or not gzipped', async () => {
    await expect(readBars(join(folder, 'none.csv'), 'X')).rejects.toThrow(NotFoundError);
    await writeFile(join(folder, 'json.csv'), '{\n  "a": 1\n}');
    await writeFile(join(folder, 'plain.csv.gz'), header + good);
    await writeFile(join(folder, 'short.csv'), header);
    for (const name of ['json.csv', 'plain.csv.gz', 'short.csv']) {
      await expect(readBars(join(folder, name), 'X')).rejects.toThrow(InvalidOptionError);
    }
  });
});
