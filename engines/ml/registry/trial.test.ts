// A model in a process of its own: its answer, or why there is none, and nothing left running.
import { expect, test } from 'bun:test';
import { encodeLogistic, logisticProbability } from '../../../src/onnx/logistic.ts';
import { logistic, logisticRows } from '../../../src/onnx/test-models.ts';
import { memoryHungry, network } from '../serving/test-models.ts';
import { type Trial, tryModel } from './trial.ts';

const inputs = logisticRows(4);
const good: Trial = {
  model: encodeLogistic(logistic),
  inputs,
  rows: 4,
  columns: 3,
  input: 'input',
  output: 'probability',
  provider: 'cpu',
};
const wide: Trial = { ...good, output: 'output' };
const LONG = { timeoutMs: 60_000 };

test('answers as the model does', async () => {
  const { outputs, provider } = await tryModel(good, LONG);
  expect(provider).toBe('cpu');
  for (let i = 0; i < 4; i++) {
    const expected = logisticProbability(logistic, [...inputs.subarray(3 * i, 3 * i + 3)]);
    // Float32 through a sum of three products.
    expect(Math.abs(outputs[i]! - expected)).toBeLessThan(1e-6);
  }
});

test('says why a model does not load, without harm to this process', async () => {
  const refused = tryModel({ ...good, model: good.model.slice(0, 100) }, LONG);
  await expect(refused).rejects.toMatchObject({ slug: 'invalid-model', status: 422 });
  await expect(tryModel({ ...good, output: 'other' }, LONG)).rejects.toMatchObject({ slug: 'invalid-model' });
});

test('ends a model that takes too long', async () => {
  const endless = tryModel({ ...wide, model: network(4000, 1024) }, { timeoutMs: 1500 });
  await expect(endless).rejects.toThrow('within 1500 ms');
}, 60_000);

test('ends a model that takes too much memory', async () => {
  // 1024 rows of 512 x 512 products are 1 GiB.
  const rows = 1024;
  const hungry = { ...wide, model: memoryHungry(512), rows, inputs: new Float32Array(3 * rows) };
  await expect(tryModel(hungry, { ...LONG, maxBytes: 400 * 2 ** 20 })).rejects.toThrow('bytes of memory');
}, 60_000);

test.skipIf(process.platform === 'darwin')('is refused on hardware that is not here', async () => {
  const elsewhere = tryModel({ ...good, provider: 'coreml' }, LONG);
  await expect(elsewhere).rejects.toMatchObject({ slug: 'backend-unavailable', status: 503 });
});
