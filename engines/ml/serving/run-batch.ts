// One run of a process for the requests of a batch, and what becomes of each of them.
import { DeadlineExceededError, DependencyUnavailableError } from '../../../src/core/errors.ts';
import { InvalidModelError } from '../../../src/onnx/errors.ts';
import { type Loss, ModelLimitError, ProcessLostError } from './errors.ts';
import { SET_ASIDE_MS } from './limits.ts';
import type { ModelProcess } from './model-process.ts';
import type { PooledModel, RunResult, Task } from './task.ts';

/** What a pool tells of. */
export interface PoolEvents {
  /** A batch was run. */
  ran(model: PooledModel, requests: number, rows: number, seconds: number): void;
  /** A process was lost. */
  lost(loss: Loss): void;
  /** A request will be run again. */
  retried(): void;
  /** A model is not to be tried for a while. */
  setAside(key: string, error: ModelLimitError): void;
}

/** Losses after which a request is not tried again. */
const MOST_LOSSES = 2;

/** Runs tasks of one model together and settles them; returns those that have to run again. Never rejects. */
export async function runBatch(
  process: ModelProcess,
  model: PooledModel,
  tasks: readonly Task[],
  events: PoolEvents,
): Promise<Task[]> {
  const live = tasks.filter((task) => !task.settled);
  if (live.length === 0) return [];
  const started = performance.now();
  const leftMs = () => Math.max(1, Math.max(...live.map(({ deadline }) => deadline)) - performance.now());
  try {
    await prepare(process, model, live, leftMs());
    const rows = live.reduce((sum, task) => sum + task.rows, 0);
    if (rows > 0) {
      const results = await run(process, model, live, rows, leftMs());
      for (const [i, task] of live.entries()) task.succeed(results[i]!);
      events.ran(model, live.length, rows, (performance.now() - started) / 1000);
    } else for (const task of live) task.succeed(NOTHING);
    return [];
  } catch (error) {
    if (error instanceof ProcessLostError) {
      events.lost(error.loss);
      return afterLoss(error.loss, model, live, performance.now() - started, events);
    }
    return afterFailure(error as Error, live);
  }
}

const NOTHING: RunResult = {
  output: new Float32Array(0),
  provider: { provider: 'cpu', coreMlFlags: 0, reason: 'nothing ran' },
};

// Versions of equal bytes share a key: what a process has opened for one may not be measured for another.
async function prepare(process: ModelProcess, model: PooledModel, tasks: readonly Task[], timeoutMs: number) {
  if (process.loaded.has(model.key) && model.profile === undefined) process.close(model.key);
  if (!process.loaded.has(model.key)) await load(process, model, timeoutMs);
  for (const { model: other } of tasks) {
    if (model.profile) other.profile ??= model.profile;
    if (model.width !== undefined) other.width ??= model.width;
  }
}

async function load(process: ModelProcess, model: PooledModel, timeoutMs: number): Promise<void> {
  const { key, bytes, variant = [], input, output, columns, provider, maxRows, profile } = model;
  const measure = profile === undefined;
  const asked = { key, bytes, variant, input, output, columns, provider, maxRows, measure };
  const reply = await process.load(asked, timeoutMs);
  if (reply.profile) model.profile = reply.profile;
  model.width = reply.width;
}

async function run(
  process: ModelProcess,
  { key, columns, width, profile }: PooledModel,
  tasks: readonly Task[],
  rows: number,
  timeoutMs: number,
): Promise<RunResult[]> {
  const { inputs, outputs } = process.memory;
  let at = 0;
  for (const task of tasks) {
    inputs.set(task.inputs, at);
    at += task.inputs.length;
  }
  // Fewer rows than the floor would get other bits: the last one is repeated.
  const filled = Math.max(rows, profile!.floor ?? 0);
  for (; at < filled * columns; at++) inputs[at] = inputs[at - columns]!;
  const { values, provider } = await process.run(key, filled, timeoutMs);
  if (values !== filled * width!) throw new InvalidModelError('Expected as many output rows as input rows');
  let from = 0;
  return tasks.map((task) => {
    const to = from + task.rows * width!;
    const output = outputs.slice(from, to);
    from = to;
    return { output, provider };
  });
}

// Whose rows the model cannot run is not known: each tries alone.
function afterFailure(error: Error, tasks: readonly Task[]): Task[] {
  if (tasks.length === 1) {
    tasks[0]!.fail(error);
    return [];
  }
  for (const task of tasks) task.alone = true;
  return tasks.filter((task) => !task.settled);
}

function afterLoss(
  loss: Loss,
  { key }: PooledModel,
  tasks: readonly Task[],
  ranMs: number,
  events: PoolEvents,
): Task[] {
  const again: Task[] = [];
  const single = tasks.length === 1;
  const limit = (words: string) => {
    const error = new ModelLimitError(words, SET_ASIDE_MS / 1000);
    events.setAside(key, error);
    return error;
  };
  for (const task of tasks) {
    task.losses++;
    task.alone = true;
    if (loss === 'time') {
      // It ends a process only once the time of everybody is over, so that most have been told already.
      const allowedMs = task.deadline - task.since;
      if (single && ranMs > allowedMs / 2) limit('Expected a model that ends in time, was stopped');
      task.fail(new DeadlineExceededError('Expected the prediction in time, was stopped'));
    } else if (loss === 'memory' && single) {
      task.fail(limit('Expected a model that runs within the memory of its process, was more'));
    } else if (task.losses >= MOST_LOSSES) {
      if (single) limit('Expected a model that does not end its process, was ended twice');
      task.fail(new DependencyUnavailableError('Expected a process that runs the model, was lost twice'));
    } else if (!task.settled) {
      again.push(task);
      events.retried();
    }
  }
  return again;
}
