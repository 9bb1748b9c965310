import { describe, expect, test } from 'bun:test';
import { InvalidOptionError } from '../../../core/errors.ts';
import { normals } from '../../../onnx/training/test-job.ts';
import { control, linearError, relativeError, serve } from '../test-kit.ts';
import { cnn } from './cnn.ts';
import { gru, lstm, rnn } from './recurrent.ts';
import { transformer } from './transformer.ts';

const STEPS = 5;
const FEATURES = 2;

/** Sequences whose target is the product of the first feature two steps back and now: no line tells it. */
function data(rows: number, seed: number) {
  const columns = STEPS * FEATURES;
  const inputs = normals(rows * columns, seed).map((x) => 50 + 3 * Math.max(-2, Math.min(2, x)));
  const at = (row: number, step: number) => (inputs[row * columns + step * FEATURES]! - 50) / 3;
  const targets = Float32Array.from({ length: rows }, (_, row) => at(row, STEPS - 3) * at(row, STEPS - 1));
  return { rows, columns, inputs, targets };
}

const shared = { steps: STEPS, learning_rate: 0.01, epochs: 25, batch_size: 64 } as const;

const cases = {
  rnn: (part: ReturnType<typeof data>) =>
    rnn.fit('regression', part, rnn.options.parse({ ...shared, units: 24 }), control),
  gru: (part: ReturnType<typeof data>) =>
    gru.fit('regression', part, gru.options.parse({ ...shared, units: 24 }), control),
  lstm: (part: ReturnType<typeof data>) =>
    lstm.fit('regression', part, lstm.options.parse({ ...shared, units: 24 }), control),
  transformer: (part: ReturnType<typeof data>) =>
    transformer.fit(
      'regression',
      part,
      transformer.options.parse({ ...shared, width: 24, heads: 2, layers: 1 }),
      control,
    ),
  cnn: (part: ReturnType<typeof data>) =>
    cnn.fit('regression', part, cnn.options.parse({ ...shared, channels: [24, 24] }), control),
};

describe('a network of sequences', () => {
  const train = data(1500, 1);
  const unseen = data(300, 2);

  test('has a task here that a line does not learn', () => {
    expect(linearError(train)).toBeGreaterThan(0.95);
  });

  for (const [name, fit] of Object.entries(cases)) {
    test(`${name} learns the product of two steps, and is served in the units of its data`, async () => {
      const fitted = await fit(train);
      expect(fitted.model.metadata).toMatchObject({ family: name, task: 'regression' });
      const predicted = await serve(fitted, unseen.inputs, unseen.rows);
      expect(relativeError(predicted, unseen.targets)).toBeLessThan(0.2);
    });
  }

  test('refuses steps that do not divide the columns, and heads that do not divide the width', async () => {
    const options = gru.options.parse({ steps: 3 });
    await expect(gru.fit('regression', data(20, 1), options, control)).rejects.toThrow(InvalidOptionError);
    expect(transformer.options.safeParse({ width: 10, heads: 4 }).success).toBe(false);
  });
});
