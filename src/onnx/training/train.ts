// One training run in this process: chunks of steps, validation after each epoch, the best parameters, checkpoints.
import { DivergedError } from '../../core/errors.ts';
import { Batches } from './batches.ts';
import { decodeCheckpoint, type EpochRecord, encodeCheckpoint, type RunState } from './checkpoint.ts';
import { fingerprintOf } from './fingerprint.ts';
import type { TrainingJob, TrainingProgress, TrainingResult } from './job.ts';
import { momentCount } from './optimisers.ts';
import { cpuRunner, evaluator, gpuRunner, type StepRunner } from './runner.ts';

/** What runs a job. */
export interface RunControl {
  /** Threads of one operation, at least 1. */
  readonly threads: number;
  /** A checkpoint to go on from. */
  readonly resume?: Uint8Array | undefined;
  /** Called after each chunk of steps; what it throws ends the run. */
  readonly progress?: (progress: TrainingProgress) => void | Promise<void>;
  /** Called with all state, at most every `checkpointMs`, between chunks. */
  readonly checkpoint?: (bytes: Uint8Array<ArrayBuffer>) => void;
  /** Milliseconds from one checkpoint to the next; 10,000 by default. */
  readonly checkpointMs?: number;
}

/** A chunk is as many steps as run in about this time: often enough for progress, long enough to cost nothing. */
const CHUNK_MS = 200;
const MAX_CHUNK_STEPS = 1000;

/**
 * Runs a job to its end. Calls native code in stretches of about 200 ms, so an engine runs it in a child process (see
 * `trainInChild`). The result has the same bits for the same job and number of threads, wherever it was
 * interrupted and resumed.
 * Throws DivergedError when the loss is no number any more, ConflictError or MalformedBodyError for a wrong checkpoint.
 */
export async function train(job: TrainingJob, control: RunControl): Promise<TrainingResult> {
  const fingerprint = fingerprintOf(job);
  const run = await Run.open(job, control, fingerprint);
  try {
    return await run.toEnd();
  } finally {
    await run.release();
  }
}

class Run {
  readonly #job: TrainingJob;
  readonly #control: RunControl;
  readonly #fingerprint: string;
  readonly #batches: Batches;
  readonly #steps: number;
  readonly #runner: StepRunner;
  readonly #validation: Validation | undefined;
  readonly #history: EpochRecord[];
  #state: RunState;
  #chunkSteps = 1;
  #checkpointAt = performance.now();

  private constructor(
    job: TrainingJob,
    control: RunControl,
    parts: {
      fingerprint: string;
      batches: Batches;
      runner: StepRunner;
      validation: Validation | undefined;
      state: RunState;
    },
  ) {
    this.#job = job;
    this.#control = control;
    this.#fingerprint = parts.fingerprint;
    this.#batches = parts.batches;
    this.#steps = parts.batches.perEpoch * job.epochs;
    this.#runner = parts.runner;
    this.#validation = parts.validation;
    this.#state = parts.state;
    this.#history = [...parts.state.history];
  }

  static async open(job: TrainingJob, control: RunControl, fingerprint: string): Promise<Run> {
    const state = control.resume ? decodeCheckpoint(control.resume, fingerprint) : freshState(job);
    const { batch, seed, data } = job;
    const batches = new Batches(data.rows, { batch, weights: data.weights, seed });
    const steps = batches.perEpoch * job.epochs;
    const runner =
      job.provider === 'webgpu'
        ? await gpuRunner(job, state.vectors, steps)
        : await cpuRunner(job, state.vectors, steps, control.threads);
    const validation = job.validation && (await Validation.open(job, control.threads));
    return new Run(job, control, { fingerprint, batches, runner, validation, state });
  }

  async toEnd(): Promise<TrainingResult> {
    while (this.#state.step < this.#steps && !this.#impatient()) await this.#chunk();
    const { bestParameters, best, step } = this.#state;
    const parameters = bestParameters ?? (await this.#runner.state())[0]!;
    const epoch = best?.epoch ?? this.#history.length;
    return { parameters, history: this.#history, steps: step, epoch, stoppedEarly: step < this.#steps };
  }

  #impatient(): boolean {
    const { patience } = this.#job;
    const { best } = this.#state;
    return patience !== undefined && best !== null && this.#history.length - best.epoch >= patience;
  }

  async #chunk(): Promise<void> {
    const { perEpoch } = this.#batches;
    const from = this.#state.step;
    const left = perEpoch - (from % perEpoch);
    const to = from + Math.min(left, this.#chunkSteps);
    const { indices, weights, totals } = this.#batches.fill(from, to);
    const began = performance.now();
    const losses = await this.#runner.run({ from, to, indices, weights });
    const msPerStep = (performance.now() - began) / (to - from);
    this.#chunkSteps = Math.max(1, Math.min(MAX_CHUNK_STEPS, Math.round(CHUNK_MS / msPerStep)));
    let { epochLoss, epochWeight } = this.#state;
    losses.forEach((loss, i) => {
      if (!Number.isFinite(loss)) throw divergedAt(from + i);
      epochLoss += loss * totals[i]!;
      epochWeight += totals[i]!;
    });
    this.#state = { ...this.#state, step: to, epochLoss, epochWeight };
    const loss = epochLoss / epochWeight;
    if (to % perEpoch === 0) await this.#endEpoch(loss);
    const last = this.#history.at(-1);
    await this.#control.progress?.({
      fraction: to / this.#steps,
      epoch: this.#history.length,
      step: to,
      loss,
      ...(last?.validation_loss === undefined ? {} : { validation_loss: last.validation_loss }),
    });
    await this.#maybeCheckpoint();
  }

  async #endEpoch(loss: number): Promise<void> {
    const epoch = this.#history.length + 1;
    this.#state = { ...this.#state, epochLoss: 0, epochWeight: 0 };
    if (!this.#validation) {
      this.#history.push({ epoch, loss });
      return;
    }
    const [parameters] = await this.#runner.state();
    const measured = await this.#validation.loss(parameters!);
    if (!Number.isFinite(measured)) throw divergedAt(this.#state.step - 1);
    this.#history.push({ epoch, loss, validation_loss: measured });
    const { best } = this.#state;
    if (best === null || measured < best.loss - (this.#job.minDelta ?? 0)) {
      const bestParameters = Float32Array.from(parameters!);
      this.#state = { ...this.#state, best: { loss: measured, epoch }, bestParameters };
    }
  }

  async #maybeCheckpoint(): Promise<void> {
    const { checkpoint, checkpointMs = 10_000 } = this.#control;
    if (!checkpoint || performance.now() - this.#checkpointAt < checkpointMs) return;
    this.#checkpointAt = performance.now();
    const vectors = await this.#runner.state();
    checkpoint(encodeCheckpoint({ ...this.#state, history: this.#history, vectors }, this.#fingerprint));
  }

  async release(): Promise<void> {
    await this.#runner.release();
    await this.#validation?.release();
  }
}

function freshState(job: TrainingJob): RunState {
  const moments = Array.from(
    { length: momentCount(job.optimiser) },
    () => new Float32Array(job.initial.length),
  );
  return {
    step: 0,
    epochLoss: 0,
    epochWeight: 0,
    history: [],
    best: null,
    vectors: [job.initial, ...moments],
  };
}

function divergedAt(step: number): DivergedError {
  return new DivergedError(
    `Expected a finite loss, was none in step ${step + 1}: try a smaller learning rate or clipped gradients`,
    step + 1,
  );
}

/** Measures the loss on rows that nothing is fitted on. */
class Validation {
  readonly #batches: Batches;
  readonly #evaluator: Awaited<ReturnType<typeof evaluator>>;

  private constructor(batches: Batches, evaluate: Awaited<ReturnType<typeof evaluator>>) {
    this.#batches = batches;
    this.#evaluator = evaluate;
  }

  static async open(job: TrainingJob, threads: number): Promise<Validation> {
    const { rows, weights } = job.validation!;
    const batches = new Batches(rows, { batch: job.batch, weights, seed: job.seed, shuffled: false });
    return new Validation(batches, await evaluator(job, job.validation!, threads));
  }

  async loss(parameters: Float32Array): Promise<number> {
    const to = this.#batches.perEpoch;
    const { indices, weights, totals } = this.#batches.fill(0, to);
    const losses = await this.#evaluator.losses({ from: 0, to, indices, weights }, parameters);
    let [sum, weight] = [0, 0];
    losses.forEach((loss, i) => {
      sum += loss * totals[i]!;
      weight += totals[i]!;
    });
    return sum / weight;
  }

  release(): Promise<void> {
    return this.#evaluator.release();
  }
}
