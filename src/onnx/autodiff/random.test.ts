import { describe, expect, test } from 'bun:test';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { encodeModel } from '../graph.ts';
import { stepKeys } from '../training/batches.ts';
import { dropout } from './ops.ts';
import { uniform } from './random.ts';
import { Tape } from './tape.ts';

const COUNT = 20_000;

/** Returns what `of` gives for each key. */
async function draws(
  of: (tape: Tape) => ReturnType<typeof uniform>,
  keys: Uint32Array,
): Promise<Float32Array[]> {
  const tape = new Tape();
  const result = of(tape);
  const graph = tape.graph('draw', [tape.input('key', [1], 'uint32')], [result]);
  const session = await InferenceSession.create(encodeModel({ graph }), { intraOpNumThreads: 1 });
  const found: Float32Array[] = [];
  for (const key of keys) {
    const results = await session.run({ key: new OrtTensor('uint32', Uint32Array.of(key), [1]) });
    found.push(results[result.name]!.data as Float32Array);
  }
  await session.release();
  return found;
}

const correlation = (a: Float32Array, b: Float32Array) => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - 0.5) * (b[i]! - 0.5);
  return (12 * sum) / a.length;
};

// Keys of neighbouring steps and layers, which is how training uses them.
const keys = stepKeys(7, 0, 6, 2);
const uniforms = await draws((tape) => uniform([COUNT], tape.input('key', [1], 'uint32')), keys);

describe('random numbers of a graph', () => {
  test('are uniform: chi-squared over 64 bins stays within its 1 in 10^5 bound, for every key', () => {
    for (const values of uniforms) {
      const bins = new Float64Array(64);
      for (const value of values) {
        expect(value >= 0 && value < 1).toBe(true);
        bins[Math.floor(value * 64)] = bins[Math.floor(value * 64)]! + 1;
      }
      const expected = COUNT / 64;
      const chi = bins.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
      // 63 degrees of freedom: quantiles 1e-5 and 1 - 1e-5 (scipy.stats.chi2.ppf).
      expect(chi).toBeGreaterThan(26);
      expect(chi).toBeLessThan(120);
    }
  });

  test('are no other for the neighbour: elements, steps and layers do not follow each other', () => {
    // Five standard errors of a correlation of so many pairs.
    const bound = 5 / Math.sqrt(COUNT - 16);
    for (const [i, values] of uniforms.entries()) {
      for (const other of uniforms.slice(i + 1)) {
        expect(Math.abs(correlation(values, other))).toBeLessThan(bound);
      }
      for (const lag of [1, 2, 16]) {
        expect(Math.abs(correlation(values.subarray(lag), values.subarray(0, -lag)))).toBeLessThan(bound);
      }
    }
  });

  test('are the same for the same seed, step and layer', async () => {
    const again = await draws(
      (tape) => uniform([COUNT], tape.input('key', [1], 'uint32')),
      stepKeys(7, 3, 4, 2),
    );
    expect(again[0]).toEqual(uniforms[6]!);
    expect(stepKeys(8, 0, 6, 2)).not.toEqual(keys);
  });

  test('leave out as many elements as asked, and keep the mean', async () => {
    const rate = 0.3;
    const masks = await draws((tape) => {
      const ones = tape.constant([COUNT], new Float32Array(COUNT).fill(1));
      return dropout(ones, rate, tape.input('key', [1], 'uint32'));
    }, keys);
    for (const mask of masks) {
      const left = mask.filter((value) => value === 0).length / COUNT;
      expect(Math.abs(left - rate)).toBeLessThan(5 * Math.sqrt((rate * (1 - rate)) / COUNT));
      expect(new Set(mask)).toEqual(new Set([0, Math.fround(1 / (1 - rate))]));
    }
  });
});
