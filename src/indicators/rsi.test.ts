// The relative strength index beyond the contract of all indicators: a long real series, the plain recursion, single precision.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { sharedData } from '../../test/shared-data.ts';
import golden from './golden.json';
import { compute, computePanel, openPanel, rsi } from './index.ts';
import { sameBits } from './test-series.ts';

/** One bar after the other, as Wilder writes it. */
function plainRsi(close: ArrayLike<number>, period: number): number[] {
  const out: number[] = [];
  let [averageGain, averageLoss] = [0, 0];
  for (let bar = 0; bar < close.length; bar++) {
    const change = bar === 0 ? 0 : close[bar]! - close[bar - 1]!;
    const gain = Math.max(change, 0);
    const loss = Math.max(-change, 0);
    if (bar <= period) {
      averageGain += gain / period;
      averageLoss += loss / period;
    } else {
      averageGain = (averageGain * (period - 1) + gain) / period;
      averageLoss = (averageLoss * (period - 1) + loss) / period;
    }
    const total = averageGain + averageLoss;
    out.push(bar < period ? Number.NaN : total === 0 ? 50 : 100 * (averageGain / total));
  }
  return out;
}

const file = sharedData(golden.source.data);

async function closes(path: string): Promise<Float64Array> {
  const text = new TextDecoder().decode(Bun.gunzipSync(await Bun.file(path).bytes()));
  const rows = text.trim().split('\n').slice(1);
  return Float64Array.from(rows, (row) => Number(row.split(',')[4]));
}

describe('rsi', () => {
  test.skipIf(file === null)('equals TA-Lib on 5,036 real closes for periods 14 and 2', async () => {
    const close = await closes(file!);
    expect(close.length).toBe(golden.bars);
    for (const [period, expected] of [
      [14, golden.rsi_14],
      [2, golden.rsi_2],
    ] as const) {
      const out = compute(rsi, { period }, { close }).rsi;
      for (const [bar, value] of Object.entries(expected))
        expect(Math.abs(out[Number(bar)]! - value)).toBeLessThanOrEqual(golden.tolerance.abs);
    }
  });

  test('of a panel of any width and period has the bits of its stream, and the values of the plain recursion', () => {
    // Seven often enough that some series begin with a price that does not move.
    const price = fc.oneof(fc.constant(7), fc.double({ min: 1e-5, max: 1e5, noNaN: true }));
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 19 }),
        fc.integer({ min: 2, max: 20 }),
        fc.infiniteStream(price),
        (bars, series, period, prices) => {
          const close = Float64Array.from(prices.take(bars * series));
          const out = computePanel(rsi, { period }, { bars, series, inputs: { close } }).outputs.rsi;
          const stream = openPanel(rsi, { period }, series);
          for (let at = 0; at < close.length; at += series) {
            const values = stream.update({ close: close.subarray(at, at + series) });
            expect(sameBits(values, out.subarray(at, at + series))).toBe(true);
          }
          for (let column = 0; column < series; column++) {
            const own = close.filter((_, at) => at % series === column);
            for (const [bar, value] of plainRsi(own, period).entries()) {
              const found = out[bar * series + column]!;
              if (Number.isNaN(value)) expect(found).toBeNaN();
              // Some 40 roundings of 2^-53 on a scale of 100.
              else expect(Math.abs(found - value)).toBeLessThan(1e-11);
            }
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test('stays near the f64 result in f32', () => {
    const close = Float32Array.from({ length: 400 }, (_, bar) => 100 + 8 * Math.sin(bar / 7) + (bar % 5));
    const panel = { bars: 400, series: 1 };
    const f32 = computePanel(rsi, { period: 14 }, { ...panel, inputs: { close } }).outputs.rsi;
    const f64 = compute(rsi, { period: 14 }, { close: Float64Array.from(close) }).rsi;
    // The recursion keeps about `period` roundings of 2^-24 alive, on a scale of 100.
    for (let bar = 14; bar < 400; bar++) expect(Math.abs(f32[bar]! - f64[bar]!)).toBeLessThan(2e-4);
    expect(f32).toBeInstanceOf(Float32Array);
  });

  test('is 50 from its first value on when prices never move, 100 when they only rise, 0 when they only fall', () => {
    const close = Float64Array.from({ length: 20 * 3 }, (_, at) => {
      const bar = Math.floor(at / 3);
      return [7, 1 + bar, 100 - bar][at % 3]!;
    });
    const out = computePanel(rsi, { period: 14 }, { bars: 20, series: 3, inputs: { close } }).outputs.rsi;
    expect([...out.subarray(13 * 3, 14 * 3)]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
    for (let bar = 14; bar < 20; bar++) expect([...out.subarray(bar * 3, bar * 3 + 3)]).toEqual([50, 100, 0]);
  });

  test('writes into the given array', () => {
    const close = Float64Array.from({ length: 30 }, (_, at) => 100 + Math.cos(at) * (at % 9));
    const out = new Float64Array(30);
    const panel = { bars: 30, series: 1, inputs: { close } };
    const given = computePanel(rsi, { period: 14 }, { ...panel, outputs: { rsi: out } });
    expect(given.outputs.rsi).toBe(out);
    expect(sameBits(out, computePanel(rsi, { period: 14 }, panel).outputs.rsi)).toBe(true);
  });
});
