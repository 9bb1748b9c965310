// Where the files of a variant go when a model is opened for serving: to the process that runs it on an accelerator, and nowhere else.
import { expect, test } from 'bun:test';
import { encodeLogistic } from '../../../src/onnx/logistic.ts';
import { logistic } from '../../../src/onnx/test-models.ts';
import { makeHalf } from '../../../src/onnx/variants/make.ts';
import type { FoundModel } from '../model-source.ts';
import { ModelProcess } from '../serving/model-process.ts';
import { ServedModels } from '../serving/models.ts';
import type { ModelPool } from '../serving/pool.ts';
import type { PooledModel } from '../serving/task.ts';

const LONG_MS = 60_000;
const bytes = encodeLogistic(logistic);
const fixed = makeHalf(bytes, 'test').files.map((file) => ({ rows: file.rows!, bytes: file.bytes }));

const whole: FoundModel = {
  key: 'rise@1',
  card: {
    model_id: 'rise',
    version: '1',
    model_type: 'classification',
    inputs: ['a', 'b', 'c'].map((name) => ({ name })),
    output: { name: 'probability' },
    artefact: { sha256: 'sha', bytes: bytes.length },
  },
  bytes: async () => bytes,
};

/** A pool that only takes down what it is to prepare. */
function prepares() {
  const prepared: PooledModel[] = [];
  const profile = { floor: 1, oneRowUs: 1e6, mostRowsUs: 1e6, mostRows: 1, wholeRows: 1 };
  const pool = {
    async prepare(model: PooledModel) {
      prepared.push(Object.assign(model, { profile, width: 1 }));
    },
    retire() {},
  } as unknown as ModelPool;
  return { pool, prepared };
}

test('an accelerator gets the variant beside the model, the CPU the model alone', async () => {
  let read = 0;
  const files = async () => {
    read++;
    return fixed;
  };
  const found: FoundModel = { ...whole, variant: { key: 'one+other', files } };
  const { pool, prepared } = prepares();
  const source = { find: async () => found };
  const models = new ServedModels({ source, pool, cacheBytes: 1e9, maxBatchRows: 64, platform: 'darwin' });
  await models.get('rise', 'cpu', { timeoutMs: LONG_MS });
  expect([read, prepared[0]!.variant, models.bytes]).toEqual([0, undefined, bytes.length]);
  await models.get('rise', 'coreml', { timeoutMs: LONG_MS });
  expect([read, prepared[1]!.variant]).toEqual([1, fixed]);
  // Other files under the same version are another model to a process.
  expect(prepared.map(({ key }) => key)).toEqual([
    'sha/input/probability/3/cpu',
    'sha/input/probability/3/coreml/one+other',
  ]);
  expect(models.bytes).toBe(2 * bytes.length + fixed[0]!.bytes.length + fixed[1]!.bytes.length);
  await models.close();
});

test('a version that is deployed anew with a variant, or without it, no longer serves what was open', async () => {
  const variant = { key: 'one+other', files: async () => fixed };
  let now: FoundModel = { ...whole, provider: 'coreml' };
  const { pool } = prepares();
  const source = { find: async () => now };
  const models = new ServedModels({ source, pool, cacheBytes: 1e9, maxBatchRows: 64, platform: 'darwin' });
  const served = async () => (await models.get('rise', 'auto', { timeoutMs: LONG_MS })).pooled.variant;
  expect(await served()).toBeUndefined();
  now = { ...now, variant };
  models.forget('rise');
  expect(await served()).toBe(fixed);
  const { variant: _, ...plain } = now;
  now = plain;
  models.forget('rise');
  expect(await served()).toBeUndefined();
  expect(models.size).toBe(2);
  await models.close();
});

test('a process that runs models reads the files of a variant', async () => {
  const process = await ModelProcess.start(2 ** 31, LONG_MS);
  try {
    const model = {
      bytes,
      input: 'input',
      output: 'probability',
      columns: 3,
      provider: 'cpu' as const,
      maxRows: 64,
      measure: false,
    };
    expect(await process.load({ ...model, key: 'own', variant: fixed }, LONG_MS)).toMatchObject({ width: 1 });
    // It has looked into each of them.
    const swapped = fixed.map((file, i) => ({ ...file, bytes: fixed[1 - i]!.bytes }));
    const wrong = process.load({ ...model, key: 'wrong', variant: swapped }, LONG_MS);
    await expect(wrong).rejects.toThrow('Expected a variant for 1 rows of its model, was another');
  } finally {
    process.kill();
    await process.exited;
  }
});
