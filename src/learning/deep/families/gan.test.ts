import { expect, test } from 'bun:test';
import { Philox } from '../../../core/philox.ts';
import { normals } from '../../../onnx/training/test-job.ts';
import { serve } from '../test-kit.ts';
import { gan } from './gan.ts';

const STEPS = 12;
const MEMORY = 0.7;

/** Windows of an autoregression with memory 0.7, mean 5 and deviation 2. */
function windows(rows: number, seed: number): Float32Array {
  const shocks = normals(rows * STEPS, seed);
  const values = new Float32Array(rows * STEPS);
  for (let i = 0; i < values.length; i++) {
    const before = i % STEPS === 0 ? undefined : (values[i - 1]! - 5) / 2;
    const next =
      before === undefined ? shocks[i]! : MEMORY * before + Math.sqrt(1 - MEMORY ** 2) * shocks[i]!;
    values[i] = 5 + 2 * next;
  }
  return values;
}

/** Mean, deviation, skewness, kurtosis, and autocorrelation at lags 1 to 3 of windows. */
function figures(values: Float32Array) {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const moment = (power: number) =>
    values.reduce((sum, value) => sum + (value - mean) ** power, 0) / values.length;
  const deviation = Math.sqrt(moment(2));
  const lag = (steps: number) => {
    let [sum, count] = [0, 0];
    values.forEach((value, i) => {
      if (i % STEPS < steps) return;
      sum += (value - mean) * (values[i - steps]! - mean);
      count += 1;
    });
    return sum / count / moment(2);
  };
  return {
    mean,
    deviation,
    skewness: moment(3) / deviation ** 3,
    kurtosis: moment(4) / deviation ** 4,
    autocorrelation: [lag(1), lag(2), lag(3)],
  };
}

test('makes series with the moments and the autocorrelation of those it was fitted on', async () => {
  const rows = 1024;
  const inputs = windows(rows, 1);
  const options = gan.options.parse({ epochs: 120, learning_rate: 0.002 });
  const fitted = await gan.fit('generation', { rows, columns: STEPS, inputs }, options, {
    seed: 3,
    threads: 1,
  });
  const uniforms = Float32Array.from(new Philox(99).fillUniform(new Float64Array(rows * STEPS)));
  const made = figures(await serve(fitted, uniforms, rows));
  const real = figures(inputs);
  // In standard deviations; two samples of 1,024 windows from one source differ by about a quarter of these bounds.
  expect(Math.abs(made.mean - real.mean) / real.deviation).toBeLessThan(0.1);
  expect(Math.abs(made.deviation / real.deviation - 1)).toBeLessThan(0.1);
  expect(Math.abs(made.skewness - real.skewness)).toBeLessThan(0.3);
  expect(Math.abs(made.kurtosis - real.kurtosis)).toBeLessThan(0.7);
  for (const [lag, value] of real.autocorrelation.entries()) {
    expect(Math.abs(made.autocorrelation[lag]! - value)).toBeLessThan(0.1);
  }
  // Other noise gives other series, not one of the training rows over and over.
  expect(new Set(Array.from(await serve(fitted, uniforms, rows))).size).toBeGreaterThan(rows * STEPS * 0.9);
});
