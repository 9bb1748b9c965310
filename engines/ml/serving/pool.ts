// The processes that run models, and who gets one next. Nothing is run twice to an end, and nobody is answered twice.
import { ConflictError, DependencyUnavailableError } from '../../../src/core/errors.ts';
import { CancelledError } from '../../../src/native/index.ts';
import { BatchQueue } from './batch-queue.ts';
import { OverloadedError } from './errors.ts';
import { IDLE_MS, MAX_WAITING_BYTES } from './limits.ts';
import { ModelProcess } from './model-process.ts';
import { estimateUs } from './profile.ts';
import { type PoolEvents, runBatch } from './run-batch.ts';
import { type PooledModel, type RunControl, type RunResult, Task } from './task.ts';

/** How a pool works. */
export interface PoolOptions {
  readonly processes: number;
  /** Resident bytes at which a process is ended. */
  readonly processBytes: number;
  /** Most requests of one model that wait. */
  readonly maxWaiting: number;
  /** Microseconds that rows wait for company while a process is idle. */
  readonly delayUs: number;
  /** Milliseconds that a process may take to start. */
  readonly startMs: number;
  readonly events: PoolEvents;
}

interface Place {
  readonly process: ModelProcess;
  busy: boolean;
  idle?: ReturnType<typeof setTimeout> | undefined;
}

/** Failures to start after which those that wait are told. */
const MOST_START_FAILURES = 3;
const FIRST_RETRY_MS = 100;

const NO_ROWS = new Float32Array(0);

const stopped = () => new ConflictError('Expected a running engine, was stopped');

/** Runs models in child processes, which start when they are first needed. */
export class ModelPool {
  readonly #options: PoolOptions;
  readonly #events: PoolEvents;
  readonly #queues = new Map<string, BatchQueue<Task>>();
  readonly #places = new Set<Place>();
  #starting = 0;
  #startFailures = 0;
  #waitingBytes = 0;
  #wake: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    const { events } = options;
    // A process that ends because the engine stops is no loss.
    this.#events = { ...events, lost: (loss) => !this.#closed && events.lost(loss) };
  }

  /** Ids of the processes that run. */
  get pids(): number[] {
    return [...this.#places].map(({ process }) => process.pid);
  }

  /** Requests that wait for a process. */
  get waiting(): number {
    let count = 0;
    for (const queue of this.#queues.values()) count += queue.length;
    return count;
  }

  /**
   * Opens a model in a process and measures it, which gives it its `profile` and `width`. Throws what opening it throws, ModelLimitError
   * when it takes too much time or memory, and what {@link run} throws.
   */
  async prepare(model: PooledModel, control: RunControl): Promise<void> {
    await this.#add(model, NO_ROWS, 0, control);
  }

  /**
   * Returns the outputs of at most `model.maxRows` rows. `inputs` [rows, columns] is not copied before it is its turn: leave it alone
   * until the promise settles. A process that is lost in the middle is replaced once.
   * Throws OverloadedError, DeadlineExceededError, CancelledError, ModelLimitError, DependencyUnavailableError (no process starts, or
   * two were lost), ConflictError after {@link close}, and what the model throws.
   */
  run(model: PooledModel, inputs: Float32Array, rows: number, control: RunControl): Promise<RunResult> {
    return this.#add(model, inputs, rows, control);
  }

  /** Frees a model in all processes once what runs has ended. What still waits for it is answered first. */
  retire(model: PooledModel): void {
    model.retired = true;
    if (this.#queues.has(model.key)) return;
    for (const { process } of this.#places) process.close(model.key);
  }

  /** Fails what waits and runs, and ends all processes. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#wake);
    this.#failWaiting(stopped());
    const places = [...this.#places];
    for (const { process } of places) process.kill();
    await Promise.all(places.map(({ process }) => process.exited));
  }

  #add(model: PooledModel, inputs: Float32Array, rows: number, control: RunControl): Promise<RunResult> {
    if (this.#closed) return Promise.reject(stopped());
    if (control.signal?.aborted)
      return Promise.reject(new CancelledError('The caller gave the prediction up'));
    const queue = this.#queueOf(model.key);
    const full = queue.length >= this.#options.maxWaiting;
    if (full || this.#waitingBytes + inputs.byteLength > MAX_WAITING_BYTES) {
      const what = full ? `${this.#options.maxWaiting} requests of this model` : `${MAX_WAITING_BYTES} bytes`;
      const waitS = this.#drainS(model, queue);
      return Promise.reject(new OverloadedError(`Expected at most ${what} to wait, was more`, waitS));
    }
    const task = new Task(model, inputs, rows, control, (given) => this.#giveUp(given));
    this.#waitingBytes += inputs.byteLength;
    queue.push(task);
    this.#pump();
    return task.done;
  }

  #queueOf(key: string): BatchQueue<Task> {
    let queue = this.#queues.get(key);
    if (!queue) {
      queue = new BatchQueue();
      this.#queues.set(key, queue);
    }
    return queue;
  }

  #drainS({ profile }: PooledModel, queue: BatchQueue<Task>): number {
    const rows = queue.rowsUpTo(Number.MAX_SAFE_INTEGER);
    const us = profile ? estimateUs(profile, rows) / this.#options.processes : 0;
    return Math.min(60, Math.max(1, Math.ceil(us / 1e6)));
  }

  // What runs goes on to its end: its process is needed again, and ends by itself when the last deadline has passed.
  #giveUp(task: Task): void {
    const queue = this.#queues.get(task.model.key);
    const before = queue?.length;
    queue?.remove(task);
    if (queue && queue.length !== before) this.#waitingBytes -= task.inputs.byteLength;
  }

  #pump(): void {
    for (;;) {
      const queue = this.#next();
      if (!queue) return;
      const place = this.#free(queue.head!.model.key);
      if (!place) {
        this.#startOne();
        return;
      }
      void this.#serve(place, queue);
    }
  }

  /** The queue whose first request came first, among those that do not wait for company. */
  #next(): BatchQueue<Task> | undefined {
    let first: BatchQueue<Task> | undefined;
    let wakeMs = Number.POSITIVE_INFINITY;
    const now = performance.now();
    for (const queue of this.#queues.values()) {
      const { head } = queue;
      if (!head) continue;
      const restMs = head.since + this.#options.delayUs / 1000 - now;
      if (restMs > 0 && !head.alone && queue.rowsUpTo(head.model.maxRows) < head.model.maxRows) {
        wakeMs = Math.min(wakeMs, restMs);
      } else if (!first || head.since < first.head!.since) first = queue;
    }
    if (!first && wakeMs < Number.POSITIVE_INFINITY) {
      clearTimeout(this.#wake);
      // Timers know whole milliseconds only; what is left of one is waited for by turns of the event loop.
      if (wakeMs >= 1) this.#wake = setTimeout(() => this.#pump(), Math.floor(wakeMs));
      else setImmediate(() => this.#pump());
    }
    return first;
  }

  #free(key: string): Place | undefined {
    let any: Place | undefined;
    for (const place of this.#places) {
      if (place.busy) continue;
      if (place.process.loaded.has(key)) return place;
      any ??= place;
    }
    return any;
  }

  async #serve(place: Place, queue: BatchQueue<Task>): Promise<void> {
    place.busy = true;
    clearTimeout(place.idle);
    const { model } = queue.head!;
    const shared = model.profile !== undefined && model.profile.floor !== null;
    const tasks = queue.take(model.maxRows, shared);
    for (const task of tasks) this.#waitingBytes -= task.inputs.byteLength;
    const again = await runBatch(place.process, model, tasks, this.#events);
    place.busy = false;
    this.#putBack(model.key, again);
    if (model.retired && !this.#queues.has(model.key)) this.retire(model);
    this.#rest(place);
    this.#pump();
  }

  #putBack(key: string, again: readonly Task[]): void {
    if (this.#closed) {
      for (const task of again) task.fail(stopped());
      return;
    }
    for (const task of again) this.#waitingBytes += task.inputs.byteLength;
    // It may be another queue than before: one that was empty is gone.
    const queue = this.#queueOf(key);
    queue.unshift(again);
    if (queue.length === 0) this.#queues.delete(key);
  }

  #rest(place: Place): void {
    if (!place.process.alive) {
      this.#places.delete(place);
      return;
    }
    place.idle = setTimeout(() => {
      this.#places.delete(place);
      place.process.kill();
    }, IDLE_MS);
    place.idle.unref();
  }

  #startOne(): void {
    if (this.#starting > 0 || this.#places.size >= this.#options.processes) return;
    this.#starting++;
    const { processBytes, startMs } = this.#options;
    ModelProcess.start(processBytes, startMs)
      .then(
        (process) => {
          this.#startFailures = 0;
          if (this.#closed) process.kill();
          else this.#welcome(process);
        },
        () => this.#failedToStart(),
      )
      .finally(() => {
        this.#starting--;
        if (this.#startFailures === 0) this.#pump();
      });
  }

  #welcome(process: ModelProcess): void {
    const place: Place = { process, busy: false };
    this.#places.add(place);
    this.#rest(place);
    // One that ends while nothing runs on it is forgotten here, others in #serve.
    void process.exited.then(() => {
      if (!place.busy) this.#places.delete(place);
    });
  }

  #failedToStart(): void {
    this.#startFailures++;
    if (this.#startFailures >= MOST_START_FAILURES && this.#places.size === 0) {
      this.#startFailures = 0;
      this.#failWaiting(new DependencyUnavailableError('Expected a process that runs models, none starts'));
      return;
    }
    this.#wake = setTimeout(() => this.#pump(), FIRST_RETRY_MS * 2 ** this.#startFailures);
  }

  #failWaiting(error: Error): void {
    for (const queue of this.#queues.values())
      for (const task of queue.take(Number.POSITIVE_INFINITY, true)) task.fail(error);
    // Those that have to be alone are taken one by one.
    for (const queue of this.#queues.values())
      while (queue.head) for (const task of queue.take(1, false)) task.fail(error);
    this.#queues.clear();
    this.#waitingBytes = 0;
  }
}
