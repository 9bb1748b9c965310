// A variant in place of its model on an accelerator: the flags, the files, the rows, and the CPU behind it.
import { describe, expect, test } from 'bun:test';
import type { InferenceSession } from 'onnxruntime-node';
import { inspectModel } from '../inspect.ts';
import { encodeLogistic } from '../logistic.ts';
import { loadRuntime, type OrtRuntime } from '../runtime.ts';
import { openSession } from '../session.ts';
import { logistic, logisticRows } from '../test-models.ts';
import { makeHalf } from './make.ts';

interface Opened {
  readonly options: InferenceSession.SessionOptions;
  readonly rows: number | string;
}

/** ONNX Runtime on the CPU that says it is Core ML; what runs is counted, and fails when it is told to. */
async function double() {
  const real = await loadRuntime();
  const opened: Opened[] = [];
  const ran: (number | string)[] = [];
  const faults = { create: false, run: false };
  const runtime: OrtRuntime = {
    Tensor: real.Tensor,
    InferenceSession: {
      async create(bytes, options) {
        const isFast = typeof options.executionProviders?.[0] === 'object';
        const [rows] = inspectModel(bytes).inputs[0]!.dims;
        if (isFast && faults.create && rows === 64) throw new Error('no such program');
        opened.push({ options, rows: rows! });
        const session = await real.InferenceSession.create(bytes, {
          executionProviders: ['cpu'],
          logSeverityLevel: 4,
        });
        const run = session.run.bind(session);
        return Object.assign(session, {
          run: (...call: Parameters<typeof run>) => {
            if (isFast && faults.run) throw new Error('device lost');
            if (isFast) ran.push(rows!);
            return run(...call);
          },
        });
      },
    },
  };
  return { runtime, opened, ran, faults };
}

describe('a variant on an accelerator', () => {
  const bytes = encodeLogistic(logistic);
  const variant = makeHalf(bytes, 'test').files.map((file) => ({ rows: file.rows!, bytes: file.bytes }));
  const open = (runtime: OrtRuntime, provider: 'coreml' | 'coreml-gpu') =>
    openSession(bytes, { runtime, platform: 'darwin', provider, variant });

  test('has fixed shapes, 28 for the Neural Engine, and takes rows in pieces of its files', async () => {
    const { runtime, opened, ran } = await double();
    const session = await open(runtime, 'coreml');
    const fast = opened.filter(({ options }) => typeof options.executionProviders?.[0] === 'object');
    expect(fast.map(({ rows }) => rows)).toEqual([1, 64]);
    expect(fast[0]!.options.executionProviders).toEqual([{ name: 'coreml', coreMlFlags: 28 }, 'cpu']);
    // The model itself is what the CPU runs, for the comparison and when Core ML fails.
    expect(opened.filter((one) => !fast.includes(one)).map(({ rows }) => rows)).toEqual(['N']);
    ran.length = 0;
    for (const [rows, pieces] of [
      [1, [1]],
      [2, [64]],
      [64, [64]],
      [65, [64, 1]],
      [130, [64, 64, 64]],
    ] as const) {
      const output = await session.predict(logisticRows(rows), rows);
      expect(output).toHaveLength(rows);
      expect(session.ranOn(output).provider).toBe('coreml');
      expect(ran.splice(0)).toEqual([...pieces]);
    }
    await session.close();
    const gpu = await open(runtime, 'coreml-gpu');
    expect(opened.at(-1)!.options.executionProviders).toEqual([{ name: 'coreml', coreMlFlags: 56 }, 'cpu']);
    await gpu.close();
  });

  test('leaves the call to the model on the CPU when it fails', async () => {
    const { runtime, faults } = await double();
    const session = await open(runtime, 'coreml');
    const plain = await openSession(bytes, { provider: 'cpu' });
    const rows = logisticRows(70);
    const before = await session.predict(rows, 70);
    faults.run = true;
    const after = await session.predict(rows, 70);
    expect(session.ranOn(after)).toEqual({
      provider: 'cpu',
      coreMlFlags: 0,
      reason: 'coreml failed: device lost',
    });
    expect(after).toEqual(await plain.predict(rows, 70));
    // Float16 weights: close, but not the same bits.
    expect(before).not.toEqual(after);
    await Promise.all([session.close(), plain.close()]);
  });

  test('is not used in part when one of its files does not open', async () => {
    const { runtime, faults } = await double();
    faults.create = true;
    const session = await open(runtime, 'coreml');
    const output = await session.predict(logisticRows(3), 3);
    expect(session.ranOn(output).reason).toBe('coreml failed: no such program');
    await session.close();
  });
});
