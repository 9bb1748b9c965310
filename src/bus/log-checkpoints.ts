// When the write-ahead log of the durable log is moved into its file: by a thread of its own, started when there is work for it.
import { Worker } from 'node:worker_threads';

/** Bytes of the write-ahead log after which a checkpoint is worth it. */
const CHECKPOINT_BYTES = 8 * 2 ** 20;

/** Asks for checkpoints as the log grows. Without the thread SQLite does them by itself, later and in the writer's turn. */
export class LogCheckpoints {
  readonly #path: string;
  readonly #onFailure: (error: unknown) => void;
  #worker: Worker | undefined;
  #bytes = 0;
  #busy = false;
  #closed = false;

  constructor(path: string, onFailure: (error: unknown) => void) {
    this.#path = path;
    this.#onFailure = onFailure;
  }

  /** Counts what was written since the last call. */
  written(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < CHECKPOINT_BYTES || this.#busy || this.#closed) return;
    this.#bytes = 0;
    this.#busy = true;
    this.#worker ??= this.#start();
    this.#worker.postMessage(this.#path);
  }

  /** Ends the thread, once it has finished what it does. */
  close(): void {
    this.#closed = true;
    if (!this.#busy) void this.#worker?.terminate();
  }

  #start(): Worker {
    const worker = new Worker(new URL('./log-checkpoint-worker.ts', import.meta.url));
    worker.unref();
    worker.on('message', (failure: string | null) => this.#done(failure));
    worker.on('error', (error) => this.#done(String(error)));
    return worker;
  }

  #done(failure: string | null): void {
    this.#busy = false;
    if (this.#closed) void this.#worker?.terminate();
    else if (failure !== null) this.#onFailure(failure);
  }
}
