import { describe, expect, test } from 'bun:test';
import { normals } from '../../../onnx/training/test-job.ts';
import type { Fitted } from '../../family.ts';
import { anomalyScores, anomalyThreshold } from '../anomaly.ts';
import { control, relativeError, serve } from '../test-kit.ts';
import { autoencoder, lstmAutoencoder } from './autoencoder.ts';

const STEPS = 8;

/** Waves of any phase: eight numbers that two describe, though no plane through them is flat. Unusual rows are noise of their size. */
function waves(rows: number, seed: number, usual = true): Float32Array {
  const drawn = normals(rows * STEPS, seed);
  return Float32Array.from({ length: rows * STEPS }, (_, i) => {
    const row = Math.floor(i / STEPS);
    const wave = Math.sin((i % STEPS) * 0.8 + 3 * drawn[row * STEPS]!);
    return 20 + 4 * (usual ? wave : drawn[i]! * Math.SQRT1_2);
  });
}

async function check(fitted: Fitted, inputs: Float32Array) {
  const usual = waves(200, 2);
  const unusual = waves(200, 3, false);
  const [again, other] = [await serve(fitted, usual, 200), await serve(fitted, unusual, 200)];
  expect(relativeError(again, usual)).toBeLessThan(0.1);
  const threshold = anomalyThreshold(
    anomalyScores(inputs, await serve(fitted, inputs, 1000), inputs, STEPS),
    0.95,
  );
  const beyond = (scores: Float32Array) => scores.filter((score) => score > threshold).length / scores.length;
  expect(beyond(anomalyScores(usual, again, inputs, STEPS))).toBeLessThan(0.15);
  expect(beyond(anomalyScores(unusual, other, inputs, STEPS))).toBeGreaterThan(0.9);
}

describe('an autoencoder', () => {
  const inputs = waves(1000, 1);
  const data = { rows: 1000, columns: STEPS, inputs };
  const shared = { latent: 2, learning_rate: 0.01 };

  test('gives usual rows again, and unusual ones badly', async () => {
    const options = autoencoder.options.parse({ ...shared, epochs: 40 });
    await check(await autoencoder.fit('reconstruction', data, options, control), inputs);
  });

  test('of sequences does too', async () => {
    const options = lstmAutoencoder.options.parse({
      ...shared,
      latent: 3,
      epochs: 60,
      steps: STEPS,
      batch_size: 32,
    });
    await check(await lstmAutoencoder.fit('reconstruction', data, options, control), inputs);
  });
});
