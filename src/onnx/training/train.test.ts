import { describe, expect, test } from 'bun:test';
import { ConflictError, DivergedError, MalformedBodyError } from '../../core/errors.ts';
import { products, smallJob } from './test-job.ts';
import { train } from './train.ts';

const bits = (values: Float32Array) =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('hex');

describe('a training run', () => {
  test('learns what no linear model can: the product of its inputs', async () => {
    const { history, steps } = await train(
      smallJob({}, { epochs: 60, schedule: { kind: 'cosine', rate: 0.03, warmUp: 0.1 } }),
      { threads: 1 },
    );
    // The variance of the product of two uniforms in [-1, 1] is 1/9, and no line explains any of it.
    expect(history[0]!.loss).toBeGreaterThan(0.05);
    expect(history.at(-1)!.loss).toBeLessThan(0.002);
    expect(history.map(({ epoch }) => epoch)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
    // 500 rows in minibatches of 32: the sixteenth is filled up.
    expect(steps).toBe(60 * 16);
  });

  test('gives the same bits for the same seed, others for another seed', async () => {
    const run = async (seed: number) =>
      bits((await train(smallJob({ dropout: 0.2 }, { seed }), { threads: 1 })).parameters);
    const first = await run(1);
    expect(await run(1)).toBe(first);
    expect(await run(2)).not.toBe(first);
  });

  test('goes on from any checkpoint to the bits of a run that never stopped', async () => {
    const job = smallJob({ dropout: 0.2 }, { validation: products(100, 5), epochs: 3 });
    const checkpoints: Uint8Array[] = [];
    const whole = await train(job, {
      threads: 1,
      checkpointMs: 0,
      checkpoint: (bytes) => checkpoints.push(bytes),
    });
    expect(checkpoints.length).toBeGreaterThan(3);
    for (const resume of checkpoints) {
      const resumed = await train(job, { threads: 1, resume });
      expect(bits(resumed.parameters)).toBe(bits(whole.parameters));
      expect(resumed.history).toEqual(whole.history);
    }
  });

  test('refuses a checkpoint of another run, and bytes that are none', async () => {
    const checkpoints: Uint8Array[] = [];
    await train(smallJob(), { threads: 1, checkpointMs: 0, checkpoint: (bytes) => checkpoints.push(bytes) });
    const resume = checkpoints[0]!;
    await expect(train(smallJob({}, { seed: 8 }), { threads: 1, resume })).rejects.toThrow(ConflictError);
    await expect(train(smallJob({}, { data: products(500, 4) }), { threads: 1, resume })).rejects.toThrow(
      ConflictError,
    );
    // As many bytes as were promised, of which the disk kept but the first ones.
    const unwritten = resume.slice().fill(0, -64);
    for (const broken of [resume.slice(0, 40), resume.slice(0, -4), new Uint8Array(8), unwritten]) {
      await expect(train(smallJob(), { threads: 1, resume: broken })).rejects.toThrow(MalformedBodyError);
    }
  });

  test('stops early and keeps the parameters of the best epoch', async () => {
    // Validation targets that contradict training: every step makes them worse.
    const contrary = products(100, 5);
    const validation = { ...contrary, targets: contrary.targets!.map((y) => -y) };
    const job = smallJob({}, { epochs: 200, patience: 5, validation });
    const { history, stoppedEarly, epoch, parameters } = await train(job, { threads: 1 });
    expect(stoppedEarly).toBe(true);
    expect(history).toHaveLength(epoch + 5);
    const losses = history.map((record) => record.validation_loss!);
    expect(Math.min(...losses)).toBe(losses[epoch - 1]!);
    // A run of just the best number of epochs ends with the same parameters: the schedule is constant.
    const short = await train(smallJob({}, { epochs: epoch }), { threads: 1 });
    expect(bits(parameters)).toBe(bits(short.parameters));
  });

  test('counts rows by their weights: weight 0 is as if the row were not there', async () => {
    const data = products(90);
    const weights = Float32Array.from({ length: 90 }, (_, i) => (i < 60 ? 2 : 0));
    const weighted = await train(smallJob({}, { data: { ...data, weights } }), { threads: 1 });
    const without = {
      rows: 60,
      inputs: data.inputs.slice(0, 120),
      targets: data.targets!.slice(0, 60),
      weights: new Float32Array(60).fill(2),
    };
    const shorter = await train(smallJob({}, { data: without }), { threads: 1 });
    expect(bits(weighted.parameters)).toBe(bits(shorter.parameters));
  });

  test('uses every row of the last minibatch, and nothing but them', async () => {
    // One step over three rows in a minibatch of eight is the step over a minibatch of three.
    const data = products(3);
    const wide = await train(smallJob({ batch: 8 }, { data, epochs: 1 }), { threads: 1 });
    const exact = await train(smallJob({ batch: 3 }, { data, epochs: 1 }), { threads: 1 });
    for (const [i, value] of wide.parameters.entries()) {
      // Sums of eight and of three products may round in another order.
      expect(Math.abs(value - exact.parameters[i]!)).toBeLessThan(1e-6);
    }
  });

  test('ends with DivergedError, with the step, when the loss is no number any more', async () => {
    const optimiser = { kind: 'sgd', momentum: 0.9, weightDecay: 0 } as const;
    const job = smallJob({ optimiser }, { epochs: 50, schedule: { kind: 'constant', rate: 1e6 } });
    const error = await train(job, { threads: 1 }).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(DivergedError);
    expect(error.extras.step).toBeGreaterThan(1);
    // Clipped gradients mend a rate that is only too large.
    const large = { epochs: 50, schedule: { kind: 'constant', rate: 0.5 } } as const;
    const clipped = await train(smallJob({ optimiser, clipNorm: 0.1 }, large), { threads: 1 });
    expect(Number.isFinite(clipped.history.at(-1)!.loss)).toBe(true);
  });

  test('tells how far it is, up to the whole', async () => {
    const fractions: number[] = [];
    await train(smallJob(), { threads: 1, progress: ({ fraction }) => void fractions.push(fraction) });
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
    expect(fractions.at(-1)).toBe(1);
  });
});
