// The talk with the rivals in Python: what happens where they are missing, and when a task fails.
import { afterEach, describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fillPrices } from '../inputs.ts';
import { Rivals } from './rivals.ts';

// Five libraries are loaded first.
const START_MS = 60_000;
const named = process.env.NAUTILUS_BENCH_PYTHON;
afterEach(() => {
  if (named === undefined) delete process.env.NAUTILUS_BENCH_PYTHON;
  else process.env.NAUTILUS_BENCH_PYTHON = named;
});

test('there are none where the named Python does not exist or cannot run them', async () => {
  for (const python of ['/nowhere/python', 'false']) {
    process.env.NAUTILUS_BENCH_PYTHON = python;
    expect(await Rivals.start(1)).toBeNull();
  }
});

describe.skipIf(!existsSync(join(import.meta.dir, '.venv/installed')))('installed rivals', () => {
  test(
    'name their versions, answer with time and value, and survive a task that fails',
    async () => {
      const rivals = (await Rivals.start(1))!;
      try {
        expect(rivals.versions).toMatchObject({ NumPy: expect.any(String), 'TA-Lib': expect.any(String) });
        const failing = rivals.run('expression', { code: '1 / 0', numbers: {}, inputs: {} });
        expect(await failing.catch(String)).toContain('ZeroDivisionError');
        const request = { code: 'np.full(n, 2.5)', numbers: { n: 3 }, inputs: {} };
        const { ns, value } = await rivals.run('expression', request);
        expect(ns).toBeGreaterThan(0);
        expect(value).toBe(2.5);
        expect(await rivals.run('expression', { ...request, code: 'np.full(n, np.nan)' })).toMatchObject({
          value: null,
        });
      } finally {
        rivals.stop();
      }
    },
    START_MS,
  );

  test(
    'compute with the same prices as the benches',
    async () => {
      const rivals = (await Rivals.start(1))!;
      const close = new Float64Array(50 * 3);
      fillPrices(close, 3);
      try {
        const { value } = await rivals.run('indicator', { code: 'SMA(c, 2)', bars: 50, series: 3 });
        expect(value).toBeCloseTo((close.at(-1)! + close.at(-4)!) / 2, 10);
      } finally {
        rivals.stop();
      }
    },
    START_MS,
  );
});
