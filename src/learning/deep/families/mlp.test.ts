import { describe, expect, test } from 'bun:test';
import { NonFiniteInputError } from '../../../core/errors.ts';
import { CancelledError } from '../../../native/errors.ts';
import { encodeModel } from '../../../onnx/graph.ts';
import { normals, products } from '../../../onnx/training/test-job.ts';
import { control, linearError, relativeError, serve } from '../test-kit.ts';
import { mlp } from './mlp.ts';

/** The product of two inputs, far from mean 0 and deviation 1, with targets of their own scale. */
function data(rows: number, seed: number) {
  const { inputs, targets } = products(rows, seed);
  return {
    rows,
    columns: 2,
    inputs: inputs.map((x, i) => (i % 2 === 0 ? 100 + 5 * x : -3 + 0.01 * x)),
    targets: targets!.map((y) => 1000 + 50 * y),
  };
}

const options = mlp.options.parse({ epochs: 60, learning_rate: 0.01, hidden: [32], activation: 'tanh' });

describe('a feed-forward network', () => {
  test('learns a product that a line cannot, in the units of its data, and is served as it was fitted', async () => {
    const train = data(1000, 1);
    const unseen = data(300, 2);
    const fitted = await mlp.fit('regression', train, options, control);
    const predicted = await serve(fitted, unseen.inputs, unseen.rows);
    expect(linearError(train)).toBeGreaterThan(0.9);
    expect(relativeError(predicted, unseen.targets)).toBeLessThan(0.05);
    expect(fitted.history).toHaveLength(60);
    expect(fitted.facts).toMatchObject({ parameters: 2 * 32 + 32 + 32 + 1, best_epoch: 60 });
  });

  test('tells classes that no line parts, with probabilities that sum to 1', async () => {
    const train = data(1000, 1);
    const signs = (part: typeof train) => part.targets.map((y) => (y > 1000 ? 1 : 0));
    const fitted = await mlp.fit(
      'classification',
      { ...train, targets: signs(train), classes: 2 },
      options,
      control,
    );
    const unseen = data(300, 2);
    const probabilities = await serve(fitted, unseen.inputs, unseen.rows);
    expect(probabilities).toHaveLength(600);
    let right = 0;
    for (const [i, truth] of signs(unseen).entries()) {
      expect(Math.abs(probabilities[2 * i]! + probabilities[2 * i + 1]! - 1)).toBeLessThan(1e-5);
      right += Number(probabilities[2 * i + truth]! > 0.5);
    }
    // A line is right half of the time: the classes are the quadrants of a cross.
    expect(right / 300).toBeGreaterThan(0.93);
  });

  test('gives the same bits for the same seed, whatever the number of threads', async () => {
    // Products of 512 x 512 by 512 x 1 are among those that ONNX Runtime rounds differently on three threads.
    const wide = mlp.options.parse({ epochs: 2, dropout: 0.1, hidden: [512, 512], batch_size: 512 });
    const random = { rows: 768, columns: 64, inputs: normals(768 * 64, 1), targets: normals(768, 2) };
    const bytes = async (seed: number, threads = 1) => {
      const { model } = await mlp.fit('regression', random, wide, { seed, threads });
      return Bun.SHA256.hash(encodeModel(model), 'hex');
    };
    const first = await bytes(1);
    expect(await bytes(1, 3)).toBe(first);
    expect(await bytes(2)).not.toBe(first);
  });

  test('weighs rare classes as much as common ones when it is asked to', async () => {
    // Overlapping classes, one in twenty: by default the rare one is hardly ever told.
    const { inputs } = products(2000, 9);
    const targets = Float32Array.from({ length: 2000 }, (_, i) => (i % 20 === 0 ? 1 : 0));
    const shifted = inputs.map((x, i) => x + 0.5 * targets[Math.floor(i / 2)]!);
    const train = { rows: 2000, columns: 2, inputs: shifted, targets, classes: 2 };
    const told = async (class_weights: 'none' | 'balanced') => {
      const chosen = mlp.options.parse({ epochs: 20, learning_rate: 0.01, hidden: [8], class_weights });
      const output = await serve(await mlp.fit('classification', train, chosen, control), shifted, 2000);
      let [hits, rare] = [0, 0];
      for (let i = 0; i < 2000; i++) {
        if (targets[i] === 1) rare += 1;
        if (targets[i] === 1 && output[2 * i + 1]! > 0.5) hits += 1;
      }
      return hits / rare;
    };
    expect(await told('none')).toBeLessThan(0.3);
    expect(await told('balanced')).toBeGreaterThan(0.6);
  });

  test('refuses what it cannot read, and stops when it is told to', async () => {
    const broken = data(100, 1);
    broken.inputs[7] = Number.NaN;
    await expect(mlp.fit('regression', broken, options, control)).rejects.toThrow(NonFiniteInputError);
    await expect(mlp.fit('clustering', data(100, 1), options, control)).rejects.toThrow(
      'Expected a task among',
    );
    await expect(mlp.fit('regression', data(3, 1), options, control)).rejects.toThrow(
      'Expected more training rows',
    );
    const signal = AbortSignal.abort();
    await expect(mlp.fit('regression', data(100, 1), options, { ...control, signal })).rejects.toThrow(
      CancelledError,
    );
  });
});
