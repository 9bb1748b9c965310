// The relative strength index: published values on real closes, the streaming order of operations, edges.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { sharedData } from '../../test/shared-data.ts';
import { InvalidOptionError, ShapeMismatchError } from '../core/errors.ts';
import golden from './golden.json';
import { type KernelOptions, rsi } from './index.ts';

/** One bar after the other in the order of operations that the kernel promises to repeat bit for bit. */
function streamingRsi(close: ArrayLike<number>, period: number): number[] {
  const out: number[] = [];
  let [averageGain, averageLoss] = [0, 0];
  for (let bar = 0; bar < close.length; bar++) {
    const change = bar === 0 ? 0 : close[bar]! - close[bar - 1]!;
    const gain = Math.max(change, 0);
    const loss = Math.max(-change, 0);
    if (bar <= period) {
      averageGain += gain;
      averageLoss += loss;
    } else {
      averageGain = (averageGain * (period - 1) + gain) / period;
      averageLoss = (averageLoss * (period - 1) + loss) / period;
    }
    if (bar === period) {
      averageGain /= period;
      averageLoss /= period;
    }
    const total = averageGain + averageLoss;
    out.push(bar < period ? Number.NaN : total === 0 ? 50 : 100 * (averageGain / total));
  }
  return out;
}

function single(close: ArrayLike<number>, period: number): Float64Array {
  return rsi({ bars: close.length, series: 1, close: Float64Array.from(close), period }).out;
}

// The same recursion in f64 with at most a different order inside one expression: differences stay near 1e-13 of 100.
const goldenTolerance = 1e-9;
const file = sharedData('orcl-1995-2014-daily-ohlcv.csv.gz');

async function oracleCloses(path: string): Promise<Float64Array> {
  const text = new TextDecoder().decode(Bun.gunzipSync(await Bun.file(path).bytes()));
  const rows = text.trim().split('\n').slice(1);
  return Float64Array.from(rows, (row) => Number(row.split(',')[4]));
}

describe('rsi', () => {
  test('equals TA-Lib on the first forty real closes, with its first value at index 14', () => {
    const out = single(golden.rsi.first_closes, 14);
    golden.rsi.first_rsi_14.forEach((expected, bar) => {
      if (expected === null) expect(out[bar]).toBeNaN();
      else expect(Math.abs(out[bar]! - expected)).toBeLessThanOrEqual(goldenTolerance);
    });
    expect(out[13]).toBeNaN();
    expect(out[14]).not.toBeNaN();
  });

  test.skipIf(file === null)('equals TA-Lib on 5,036 real closes for periods 14 and 2', async () => {
    const close = await oracleCloses(file!);
    expect(close.length).toBe(golden.rsi.bars);
    for (const [period, expected] of [
      [14, golden.rsi.rsi_14],
      [2, golden.rsi.rsi_2],
    ] as const) {
      const out = single(close, period);
      for (const [bar, value] of Object.entries(expected)) {
        expect(Math.abs(out[Number(bar)]! - value)).toBeLessThanOrEqual(goldenTolerance);
      }
    }
  });

  test('has the bits of a bar-by-bar stream for any panel width and period', () => {
    const price = fc.double({ min: 1e-5, max: 1e5, noNaN: true });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 19 }),
        fc.integer({ min: 1, max: 20 }),
        fc.infiniteStream(price),
        (bars, series, period, prices) => {
          const close = Float64Array.from(prices.take(bars * series));
          const { out } = rsi({ bars, series, close, period });
          for (let column = 0; column < series; column++) {
            const own = close.filter((_, at) => at % series === column);
            const panel = out.filter((_, at) => at % series === column);
            expect([...panel]).toEqual(streamingRsi(own, period));
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test('stays near the f64 result in f32', () => {
    const close = Float32Array.from({ length: 400 }, (_, bar) => 100 + 8 * Math.sin(bar / 7) + (bar % 5));
    const f32 = rsi({ bars: 400, series: 1, close, period: 14 }).out;
    const f64 = single(close, 14);
    // The recursion keeps about `period` roundings of 2^-24 alive, on a scale of 100.
    for (let bar = 14; bar < 400; bar++) expect(Math.abs(f32[bar]! - f64[bar]!)).toBeLessThan(2e-4);
    expect(f32).toBeInstanceOf(Float32Array);
  });

  test('is 50 when prices never move, 100 when they only rise, 0 when they only fall', () => {
    const bars = Array.from({ length: 20 }, (_, bar) => bar);
    expect(
      single(
        bars.map(() => 7),
        14,
      )[14],
    ).toBe(50);
    expect(
      single(
        bars.map((bar) => 1 + bar),
        14,
      )[19],
    ).toBe(100);
    expect(
      single(
        bars.map((bar) => 100 - bar),
        14,
      )[19],
    ).toBe(0);
  });

  test('stays NaN after a NaN close, in that series only', () => {
    const close = Float64Array.from({ length: 60 }, (_, at) => 50 + ((at * 7) % 11));
    close[10 * 2 + 1] = Number.NaN;
    const { out } = rsi({ bars: 30, series: 2, close, period: 5 });
    for (let bar = 5; bar < 30; bar++) {
      expect(Number.isNaN(out[bar * 2 + 1]!)).toBe(bar >= 10);
      expect(out[bar * 2]).not.toBeNaN();
    }
  });

  test('is all NaN for a panel of at most period bars, and empty for an empty panel', () => {
    expect(single([1, 2, 3], 3).every(Number.isNaN)).toBe(true);
    expect(rsi({ bars: 0, series: 5, close: new Float64Array(0), period: 14 }).out.length).toBe(0);
  });

  test('writes into the given array, and gives the same bits off-thread', async () => {
    const close = Float64Array.from({ length: 300 }, (_, at) => 100 + Math.cos(at) * (at % 9));
    const out = new Float64Array(300);
    const now = rsi({ bars: 100, series: 3, close, period: 14, out });
    expect(now.out).toBe(out);
    const later = await rsi.async({ bars: 100, series: 3, close, period: 14 });
    expect([...later.out]).toEqual([...now.out]);
    expect([later.backend, later.target]).toEqual([now.backend, now.target]);
  });

  test('reaches the caller when a short array moves out of the JavaScript heap during an off-thread run', async () => {
    const close = Float64Array.of(1, 2, 3, 2);
    const out = new Float64Array(4);
    const pending = rsi.async({ bars: 4, series: 1, close, period: 2, out });
    expect(out.buffer.byteLength).toBe(32);
    await pending;
    expect([...out]).toEqual(streamingRsi(close, 2));
  });

  test('refuses wrong options and shapes by class', () => {
    const good = { bars: 2, series: 2, close: new Float64Array(4), period: 1 };
    const refused = (change: object) => () => rsi({ ...good, ...change } as KernelOptions<typeof rsi.def>);
    expect(refused({ period: 0 })).toThrow(InvalidOptionError);
    expect(refused({ period: 2.5 })).toThrow(InvalidOptionError);
    expect(refused({ bars: undefined })).toThrow(InvalidOptionError);
    expect(refused({ out: new Float32Array(4) })).toThrow(InvalidOptionError);
    expect(refused({ out: good.close })).toThrow(InvalidOptionError);
    expect(refused({ close: new Float64Array(3) })).toThrow(ShapeMismatchError);
    expect(refused({ out: new Float64Array(3) })).toThrow(ShapeMismatchError);
  });
});
