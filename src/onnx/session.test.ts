import { afterAll, describe, expect, test } from 'bun:test';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InferenceSession } from 'onnxruntime-node';
import {
  BackendUnavailableError,
  ConflictError,
  InvalidOptionError,
  NonFiniteInputError,
  NotFoundError,
  ShapeMismatchError,
  TooLargeError,
} from '../core/errors.ts';
import { CORE_ML_BYTES } from '../hardware/routing.ts';
import { InvalidModelError } from './errors.ts';
import { MAX_MODEL_BYTES } from './inspect.ts';
import { encodeLogistic } from './logistic.ts';
import { chooseProvider } from './provider.ts';
import { loadRuntime, type OrtRuntime } from './runtime.ts';
import { MAX_BATCH_ROWS, openSession } from './session.ts';
import { logistic, logisticRows, modelOf } from './test-models.ts';

const folder = await mkdtemp(join(tmpdir(), 'onnx-session-'));
afterAll(() => rm(folder, { recursive: true }));
const model = encodeLogistic(logistic);
const relu = { op: 'Relu', inputs: ['input'], outputs: ['output'] } as const;

describe('openSession', () => {
  test('says what it loaded and where it runs', async () => {
    const session = await openSession(model, { platform: 'linux' });
    expect(session.input).toEqual({ name: 'input', columns: 3 });
    expect(session.output).toEqual({ name: 'probability', columns: 1 });
    expect(session.provider.provider).toBe('cpu');
    expect(session.threads).toBe(1);
    await session.close();
  });

  test('gives the same file or bytes the same predictions', async () => {
    const path = join(folder, 'model.onnx');
    await writeFile(path, model);
    const [fromFile, fromBytes] = [await openSession(path), await openSession(model)];
    const inputs = logisticRows(5);
    expect(await fromFile.predict(inputs, 5)).toEqual(await fromBytes.predict(inputs, 5));
    await Promise.all([fromFile.close(), fromBytes.close()]);
  });

  test('predicts a batch as it predicts its rows one by one', async () => {
    const session = await openSession(model);
    const rows = 257;
    const inputs = logisticRows(rows);
    const batch = await session.predict(inputs, rows);
    for (let i = 0; i < rows; i++) {
      const [single] = await session.predict(inputs.slice(i * 3, i * 3 + 3), 1);
      // A batch may take another matrix kernel, which adds the terms in another order: some units of float32.
      expect(Math.abs(single! - batch[i]!)).toBeLessThan(1e-6);
    }
    await session.close();
  });

  test('answers predictions that run at the same time, and waits for them when closing', async () => {
    const session = await openSession(model, { threads: 2 });
    const all = Array.from({ length: 20 }, (_, i) => session.predict(logisticRows(i + 1), i + 1));
    const closed = session.close();
    expect((await Promise.all(all)).map((rows) => rows.length)).toEqual(all.map((_, i) => i + 1));
    await closed;
    await session.close();
    await expect(session.predict(logisticRows(1), 1)).rejects.toThrow(ConflictError);
  });

  test('refuses rows, lengths and values that a model must not see', async () => {
    const session = await openSession(model);
    for (const rows of [0, -1, 1.5, MAX_BATCH_ROWS + 1]) {
      await expect(session.predict(new Float32Array(3), rows)).rejects.toThrow(InvalidOptionError);
    }
    await expect(session.predict(new Float32Array(5), 2)).rejects.toThrow(ShapeMismatchError);
    const gap = logisticRows(2);
    gap[4] = Number.NaN;
    await expect(session.predict(gap, 2)).rejects.toThrow(
      new NonFiniteInputError('Expected finite inputs, was not at row 1, column 1'),
    );
    await session.close();
  });

  test('lets missing values through for models that read them', async () => {
    const session = await openSession(model, { finite: false });
    const [value] = await session.predict(new Float32Array([0.5, Number.NaN, 1000]), 1);
    expect(value).toBeNaN();
    await session.close();
  });

  test('refuses missing files, big files and thread counts out of range', async () => {
    const path = join(folder, 'big.onnx');
    await writeFile(path, '');
    await truncate(path, MAX_MODEL_BYTES + 1);
    await expect(openSession(path)).rejects.toThrow(TooLargeError);
    await expect(openSession(join(folder, 'none.onnx'))).rejects.toThrow(NotFoundError);
    await expect(openSession(folder)).rejects.toThrow(NotFoundError);
    for (const threads of [0, 257, 1.5]) {
      await expect(openSession(model, { threads })).rejects.toThrow(InvalidOptionError);
    }
  });

  test('refuses inputs that the caller would not fill and shapes that are not rows', async () => {
    const value = (name: string, dims: (number | string)[], type: 'float32' | 'int64' = 'float32') =>
      ({ name, type, dims }) as const;
    const inputs = [
      [value('other', ['N', 2])],
      [value('input', ['N', 2]), value('state', ['N', 2])],
      [value('input', ['N', 2], 'int64')],
      [value('input', ['N', 'F'])],
      [value('input', [4, 2])],
      [value('input', ['N', 2, 2])],
      [],
    ];
    for (const list of inputs) {
      await expect(openSession(modelOf([relu], { inputs: list }))).rejects.toThrow(InvalidModelError);
    }
    for (const outputs of [[], [value('output', ['N', 2], 'int64')], [value('output', ['N', 2, 1])]]) {
      await expect(openSession(modelOf([relu], { outputs }))).rejects.toThrow(InvalidModelError);
    }
    await expect(openSession(modelOf([relu]), { output: 'missing' })).rejects.toThrow(InvalidModelError);
  });

  test('refuses a graph that ONNX Runtime can not load, without repeating its message', async () => {
    const broken = modelOf([{ ...relu, inputs: ['nowhere'] }]);
    const error = await openSession(broken).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(InvalidModelError);
    expect((error as Error).message).toBe('Expected a model that ONNX Runtime can load');
    expect((error as Error).cause).toBeDefined();
  });

  test('names a model that fails while it runs, or whose rows do not match', async () => {
    const shape = { name: 's', type: 'int64', dims: [2], data: new BigInt64Array([-1n, 3n]) } as const;
    const reshape = { op: 'Reshape', inputs: ['input', 's'], outputs: ['output'] } as const;
    const outputs = [{ name: 'output', type: 'float32', dims: ['M', 3] }] as const;
    const session = await openSession(modelOf([reshape], { constants: [shape], outputs }));
    await expect(session.predict(new Float32Array(2), 1)).rejects.toThrow('runs on this input');
    await expect(session.predict(new Float32Array(6), 3)).rejects.toThrow('as many output rows');
    await session.close();
  });
});

describe('chooseProvider', () => {
  test('takes the CPU off macOS and says so when Core ML is asked for', () => {
    expect(chooseProvider('auto', 1e9, 'linux').provider).toBe('cpu');
    expect(() => chooseProvider('coreml', 1, 'linux')).toThrow(BackendUnavailableError);
    expect(() => chooseProvider('coreml-gpu', 1, 'win32')).toThrow(BackendUnavailableError);
  });

  test('takes Core ML on macOS for big models or when asked, with the flags of each unit', () => {
    expect(chooseProvider('auto', CORE_ML_BYTES - 1, 'darwin').provider).toBe('cpu');
    expect(chooseProvider('auto', CORE_ML_BYTES, 'darwin')).toMatchObject({
      provider: 'coreml',
      coreMlFlags: 0x14,
    });
    expect(chooseProvider('coreml', 1, 'darwin').coreMlFlags).toBe(0x14);
    expect(chooseProvider('coreml-gpu', 1, 'darwin').coreMlFlags).toBe(0x30);
    expect(chooseProvider('cpu', 1e9, 'darwin').provider).toBe('cpu');
  });
});

describe('a Core ML session', () => {
  /** The real runtime, but a session that was asked for Core ML runs on the CPU with `error` added to its output. */
  async function coreMlStandIn(error: number): Promise<OrtRuntime & { asked: unknown[] }> {
    const real = await loadRuntime();
    const asked: unknown[] = [];
    return {
      asked,
      Tensor: real.Tensor,
      InferenceSession: {
        async create(bytes, options) {
          const first = options.executionProviders?.[0];
          asked.push(first);
          const session = await real.InferenceSession.create(bytes, {
            ...options,
            executionProviders: ['cpu'],
          });
          if (first === 'cpu') return session;
          const run = async (feeds: InferenceSession.FeedsType, fetches: string[]) => {
            const result = await session.run(feeds, fetches);
            const data = (result.probability!.data as Float32Array).map((value) => value + error);
            return { probability: { data } };
          };
          return { run, release: () => session.release() } as unknown as InferenceSession;
        },
      },
    };
  }

  test('is used when it agrees with the CPU', async () => {
    const runtime = await coreMlStandIn(1e-3);
    const session = await openSession(model, { runtime, platform: 'darwin', provider: 'coreml' });
    expect(runtime.asked).toEqual(['cpu', { name: 'coreml', coreMlFlags: 0x14 }]);
    expect(session.provider).toMatchObject({ provider: 'coreml', reason: 'asked for' });
    await session.close();
  });

  test('is replaced by the CPU when it disagrees, and the reply says why', async () => {
    for (const error of [0.3, Number.NaN]) {
      const runtime = await coreMlStandIn(error);
      const session = await openSession(model, { runtime, platform: 'darwin', provider: 'coreml' });
      expect(session.provider).toMatchObject({
        provider: 'cpu',
        reason: 'Core ML disagreed with the CPU on a probe',
      });
      const [value] = await session.predict(new Float32Array(logistic.mean), 1);
      expect(value).toBeCloseTo(1 / (1 + Math.exp(0.2)), 6);
      await session.close();
    }
  });
});
