// One request for a run in a child process: its rows, who waits for it, and until when.
import { DeadlineExceededError } from '../../../src/core/errors.ts';
import { CancelledError } from '../../../src/native/index.ts';
import type { ProviderChoice } from '../../../src/onnx/provider.ts';
import type { FixedFile } from '../../../src/onnx/session.ts';
import type { Waiting } from './batch-queue.ts';
import type { ModelProfile } from './profile.ts';

/** A model that processes run. */
export interface PooledModel {
  /** The same for the same artefact, output and provider, and for nothing else. */
  readonly key: string;
  /** Its id in metrics. */
  readonly modelId: string;
  readonly bytes: Uint8Array;
  /** Files of a variant that runs in place of it on an accelerator. */
  readonly variant?: readonly FixedFile[] | undefined;
  /** Names of its input and output. */
  readonly input: string;
  readonly output: string;
  readonly columns: number;
  readonly provider: ProviderChoice['provider'];
  /** Most rows of one run. */
  readonly maxRows: number;
  /** Undefined until a process has tried it. */
  profile?: ModelProfile;
  /** Numbers in one row of its output; undefined as long as the profile is. */
  width?: number;
  /** Set by `ModelPool.retire`. */
  retired?: boolean;
}

/** Outputs of a run and what ran it. */
export interface RunResult {
  /** [rows, width]. */
  readonly output: Float32Array;
  readonly provider: ProviderChoice;
}

/** How long somebody waits for a run. */
export interface RunControl {
  /** Milliseconds from now. */
  readonly timeoutMs: number;
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined;
}

/** A request that waits or runs. A task of no rows only wants its model to be ready. */
export class Task implements Waiting {
  readonly model: PooledModel;
  readonly inputs: Float32Array;
  readonly rows: number;
  readonly since = performance.now();
  /** When nobody waits for it any more, in milliseconds of `performance.now()`. */
  readonly deadline: number;
  readonly done: Promise<RunResult>;
  settled = false;
  alone: boolean;
  /** Processes that were lost with it. */
  losses = 0;
  #resolve!: (result: RunResult) => void;
  #reject!: (error: Error) => void;
  #release = () => {};

  /** `givenUp` is called when the time is over or the caller does not wait any longer. */
  constructor(
    model: PooledModel,
    inputs: Float32Array,
    rows: number,
    { timeoutMs, signal }: RunControl,
    givenUp: (task: Task) => void,
  ) {
    this.model = model;
    this.inputs = inputs;
    this.rows = rows;
    this.alone = rows === 0;
    this.deadline = this.since + timeoutMs;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const late = () => {
      this.fail(new DeadlineExceededError(`Expected the prediction within ${timeoutMs} ms, was not there`));
      givenUp(this);
    };
    const cancel = () => {
      this.fail(new CancelledError('The caller gave the prediction up'));
      givenUp(this);
    };
    const timer = setTimeout(late, timeoutMs);
    signal?.addEventListener('abort', cancel);
    this.#release = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', cancel);
    };
  }

  succeed(result: RunResult): void {
    if (!this.#settle()) return;
    this.#resolve(result);
  }

  fail(error: Error): void {
    if (!this.#settle()) return;
    this.#reject(error);
  }

  #settle(): boolean {
    if (this.settled) return false;
    this.settled = true;
    this.#release();
    return true;
  }
}
