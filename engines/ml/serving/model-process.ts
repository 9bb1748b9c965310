// One process that runs models, as the engine sees it: asked one thing at a time, ended when it takes too long.
import { rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { NautilusError } from '../../../src/core/errors.ts';
import { MEMORY_SIGNAL } from '../../../src/core/memory-limit.ts';
import type { FixedFile } from '../../../src/onnx/session.ts';
import { type Loss, ProcessLostError } from './errors.ts';
import type {
  ChildReply,
  ChildRequest,
  DoneReply,
  LoadedReply,
  LoadRequest,
  RunRequest,
} from './messages.ts';
import { createSharedMemory, type SharedMemory, scratchPath } from './shared-memory.ts';

const PROGRAM = resolve(import.meta.dir, 'child.ts');

interface Waiter {
  readonly resolve: (reply: ChildReply) => void;
  readonly reject: (error: Error) => void;
}

/** A model that a process can open. */
export type Loadable = Omit<LoadRequest, 'type' | 'file' | 'variant'> & {
  readonly bytes: Uint8Array;
  readonly variant?: readonly FixedFile[];
};

/** A running process. All calls reject with {@link ProcessLostError} once it is gone, for whatever reason. */
export class ModelProcess {
  readonly memory: SharedMemory;
  /** Keys of the models that are open in it. */
  readonly loaded = new Set<string>();
  readonly #child: Bun.Subprocess;
  #waiter: Waiter | undefined;
  #lost: ProcessLostError | undefined;
  /** Why it was ended by us. */
  #ended: Loss | undefined;

  private constructor(child: Bun.Subprocess, memory: SharedMemory) {
    this.#child = child;
    this.memory = memory;
  }

  /** Starts a process and waits until it answers. Throws {@link ProcessLostError} when it ends instead, or is silent for `timeoutMs`. */
  static async start(limitBytes: number, timeoutMs: number): Promise<ModelProcess> {
    const path = scratchPath();
    const memory = createSharedMemory(path);
    try {
      const child = Bun.spawn([process.execPath, '--no-orphans', PROGRAM, path, String(limitBytes)], {
        ipc: (reply: ChildReply) => started.#answered(reply),
        stdin: 'ignore',
        // What a model makes its runtime print is no log of ours.
        stdout: 'ignore',
        stderr: 'ignore',
      });
      const started: ModelProcess = new ModelProcess(child, memory);
      void child.exited.then(() => started.#gone());
      await started.#wait(timeoutMs);
      return started;
    } finally {
      // Both sides have it open: nothing is left behind, however they end.
      unlinkSync(path);
    }
  }

  get pid(): number {
    return this.#child.pid;
  }

  get alive(): boolean {
    return this.#lost === undefined;
  }

  /** Resolves when it is gone. */
  get exited(): Promise<unknown> {
    return this.#child.exited;
  }

  /** Opens a model and warms it up. Throws what opening it throws, as a plain NautilusError. */
  async load({ bytes, variant = [], ...model }: Loadable, timeoutMs: number): Promise<LoadedReply> {
    const written: string[] = [];
    const write = (content: Uint8Array) => {
      const path = scratchPath();
      // Before it is written: where there is no space left a part of it stays.
      written.push(path);
      writeFileSync(path, content, { mode: 0o600, flag: 'wx' });
      return path;
    };
    try {
      const files = variant.map(({ rows, bytes: content }) => ({ rows, file: write(content) }));
      const request = { type: 'load', file: write(bytes), variant: files, ...model } as const;
      const reply = await this.#ask(request, timeoutMs);
      this.loaded.add(model.key);
      return reply as LoadedReply;
    } finally {
      for (const path of written) rmSync(path, { force: true });
    }
  }

  /** Runs the first `rows` rows of the shared inputs; the outputs are in the shared outputs until the next run. */
  async run(key: string, rows: number, timeoutMs: number): Promise<DoneReply> {
    return (await this.#ask({ type: 'run', key, rows }, timeoutMs)) as DoneReply;
  }

  /** Frees a model as soon as what runs has ended. */
  close(key: string): void {
    if (this.loaded.delete(key) && this.alive) this.#send({ type: 'close', key });
  }

  /** Ends it at once. */
  kill(why: Loss = 'died'): void {
    this.#ended ??= why;
    this.#child.kill('SIGKILL');
  }

  #ask(request: LoadRequest | RunRequest, timeoutMs: number): Promise<ChildReply> {
    if (this.#lost) return Promise.reject(this.#lost);
    const answer = this.#wait(timeoutMs);
    this.#send(request);
    return answer;
  }

  #send(request: ChildRequest): void {
    try {
      this.#child.send(request);
    } catch {
      // Its pipe is closed before its end is known here: that tells whoever waits.
      this.kill();
    }
  }

  #wait(timeoutMs: number): Promise<ChildReply> {
    const timer = setTimeout(() => this.kill('time'), timeoutMs);
    const { promise, resolve, reject } = Promise.withResolvers<ChildReply>();
    this.#waiter = { resolve, reject };
    if (this.#lost) reject(this.#lost);
    return promise.finally(() => clearTimeout(timer));
  }

  #answered(reply: ChildReply): void {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    if (reply.type !== 'failed') waiter?.resolve(reply);
    else waiter?.reject(new NautilusError(reply.slug, reply.status, reply.title, reply.detail));
  }

  #gone(): void {
    const bySelf: Loss = this.#child.signalCode === MEMORY_SIGNAL ? 'memory' : 'died';
    this.#lost = new ProcessLostError(this.#ended ?? bySelf);
    this.#waiter?.reject(this.#lost);
  }
}
