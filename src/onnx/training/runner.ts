// Runs chunks of steps: on the CPU a whole chunk is one call, on a GPU each step is one and the state stays there.
import { InferenceSession, Tensor, type TypedTensor } from 'onnxruntime-node';
import { BackendUnavailableError } from '../../core/errors.ts';
import { encodeModel } from '../graph.ts';
import { stepKeys } from './batches.ts';
import type { Rows, TrainingJob } from './job.ts';
import { CONTROLS, controlsOf } from './optimisers.ts';
import { learningRate } from './schedule.ts';
import { stateNames } from './step.ts';

/** The rows of some steps, as `Batches.fill` gives them. */
export interface Chunk {
  readonly from: number;
  readonly to: number;
  readonly indices: BigInt64Array;
  readonly weights: Float32Array;
}

/** Something that trains. */
export interface StepRunner {
  /** Runs the steps of a chunk, starting from the state after the last one; returns their losses. */
  run(chunk: Chunk): Promise<Float32Array>;
  /** Returns the state: parameters and moments. */
  state(): Promise<readonly Float32Array[]>;
  release(): Promise<void>;
}

const floats = (data: Float32Array, dims: readonly number[]) => new Tensor('float32', data, [...dims]);

function sessionOptions(threads: number): InferenceSession.SessionOptions {
  return {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 4,
    // Moments of parameters that stopped moving fade into denormal numbers, on which a CPU is a hundred times slower.
    extra: { session: { set_denormal_as_zero: '1' } },
  };
}

/** Tensors of the rows, which every call reads in place. */
function dataFeeds(job: TrainingJob, data: Rows): Record<string, Tensor> {
  return {
    inputs: floats(data.inputs, [data.rows, job.columns]),
    ...(data.targets ? { targets: floats(data.targets, [data.rows, job.targetWidth]) } : {}),
  };
}

function chunkFeeds(job: TrainingJob, { from, to, indices, weights }: Chunk): Record<string, Tensor> {
  return {
    steps: new Tensor('int64', BigInt64Array.of(BigInt(to - from)), []),
    indices: new Tensor('int64', indices, [to - from, job.batch]),
    weights: floats(weights, [to - from, job.batch]),
  };
}

/** Returns the numbers that the optimiser needs of each step, [steps, CONTROLS]. */
function controls(job: TrainingJob, from: number, to: number, steps: number): Float32Array {
  const values = new Float32Array((to - from) * CONTROLS);
  for (let step = from; step < to; step++) {
    const rate = learningRate(job.schedule, step, steps);
    values.set(controlsOf(job.optimiser, rate, step), (step - from) * CONTROLS);
  }
  return values;
}

/** Returns a runner that starts from `state` on the CPU. `steps` is the length of the whole run, which schedules need. */
export async function cpuRunner(
  job: TrainingJob,
  state: readonly Float32Array[],
  steps: number,
  threads: number,
): Promise<StepRunner> {
  const session = await InferenceSession.create(job.loop, sessionOptions(threads));
  const names = stateNames(job.optimiser);
  const data = dataFeeds(job, job.data);
  let now = state;
  return {
    async run(chunk) {
      const { from, to } = chunk;
      const results = await session.run({
        ...data,
        ...chunkFeeds(job, chunk),
        control: floats(controls(job, from, to, steps), [to - from, CONTROLS]),
        ...(job.keys > 0
          ? { keys: new Tensor('uint32', stepKeys(job.seed, from, to, job.keys), [to - from, job.keys]) }
          : {}),
        ...Object.fromEntries(names.map((name, i) => [name, floats(now[i]!, [now[i]!.length])])),
      });
      now = names.map((name) => results[`${name}_next`]!.data as Float32Array);
      return results.losses!.data as Float32Array;
    },
    state: async () => now,
    release: () => session.release(),
  };
}

/** Returns a function that measures batches with the given parameters; the graph has no dropout. */
export async function evaluator(job: TrainingJob, data: Rows, threads: number) {
  const session = await InferenceSession.create(job.evaluation, sessionOptions(threads));
  const feeds = dataFeeds(job, data);
  return {
    async losses(chunk: Chunk, parameters: Float32Array): Promise<Float32Array> {
      const results = await session.run({
        ...feeds,
        ...chunkFeeds(job, chunk),
        parameters: floats(parameters, [parameters.length]),
      });
      return results.losses!.data as Float32Array;
    },
    release: () => session.release(),
  };
}

/** Returns rows `indices` of a row-major matrix. */
function gather(data: Float32Array, width: number, indices: BigInt64Array): Float32Array {
  const rows = new Float32Array(indices.length * width);
  indices.forEach((row, i) => {
    const at = Number(row) * width;
    rows.set(data.subarray(at, at + width), i * width);
  });
  return rows;
}

/**
 * Returns a runner on a GPU through the WebGPU provider: the state goes from call to call without leaving it. Two threads at once end the
 * process in Dawn on Metal; the runtime opens and runs on the thread that asks, which is the only one of the process of a training. Throws
 * BackendUnavailableError where there is no GPU.
 */
export async function gpuRunner(
  job: TrainingJob,
  state: readonly Float32Array[],
  steps: number,
): Promise<StepRunner> {
  const names = stateNames(job.optimiser);
  const onGpu = Object.fromEntries(names.map((name) => [`${name}_next`, 'gpu-buffer' as const]));
  const provider = { executionProviders: ['webgpu'], logSeverityLevel: 4 } as const;
  const session = await InferenceSession.create(job.loop, {
    ...provider,
    preferredOutputLocation: { ...onGpu, loss: 'cpu' },
  }).catch((cause) => {
    const error = new BackendUnavailableError(
      'Expected a GPU that WebGPU finds, was none that takes this network',
    );
    error.cause = cause;
    throw error;
  });
  // A tensor on the GPU is read through a graph that copies it: asking for its data ends the process.
  const reader = await InferenceSession.create(copyGraph(names, state[0]!.length), provider);
  let now: Record<string, Tensor> = Object.fromEntries(
    names.map((name, i) => [name, floats(state[i]!, [state[i]!.length])]),
  );
  const step = async ({ indices, weights }: Chunk, at: number): Promise<number> => {
    const results = await session.run({
      inputs: floats(gather(job.data.inputs, job.columns, indices), [job.batch, job.columns]),
      ...(job.data.targets
        ? {
            targets: floats(gather(job.data.targets, job.targetWidth, indices), [job.batch, job.targetWidth]),
          }
        : {}),
      weights: floats(weights, [job.batch]),
      control: floats(controls(job, at, at + 1, steps), [CONTROLS]),
      ...(job.keys > 0
        ? { keys: new Tensor('uint32', stepKeys(job.seed, at, at + 1, job.keys), [job.keys]) }
        : {}),
      ...now,
    });
    for (const tensor of Object.values(now)) if (tensor.location === 'gpu-buffer') tensor.dispose();
    now = Object.fromEntries(names.map((name) => [name, results[`${name}_next`] as Tensor]));
    return (results.loss as TypedTensor<'float32'>).data[0]!;
  };
  return {
    async run({ from, to, indices, weights }) {
      const losses = new Float32Array(to - from);
      for (let at = from; at < to; at++) {
        const [low, high] = [(at - from) * job.batch, (at - from + 1) * job.batch];
        const one = {
          from: at,
          to: at + 1,
          indices: indices.subarray(low, high),
          weights: weights.slice(low, high),
        };
        losses[at - from] = await step(one, at);
      }
      return losses;
    },
    async state() {
      const results = await reader.run(now);
      return names.map((name) => Float32Array.from(results[`${name}_copy`]!.data as Float32Array));
    },
    async release() {
      await session.release();
      await reader.release();
    },
  };
}

function copyGraph(names: readonly string[], size: number): Uint8Array<ArrayBuffer> {
  const value = (name: string) => ({ name, type: 'float32', dims: [size] }) as const;
  return encodeModel({
    graph: {
      name: 'copy',
      nodes: names.map((name) => ({ op: 'Identity', inputs: [name], outputs: [`${name}_copy`] })),
      constants: [],
      inputs: names.map(value),
      outputs: names.map((name) => value(`${name}_copy`)),
    },
  });
}
