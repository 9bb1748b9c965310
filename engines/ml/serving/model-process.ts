// One process that runs models, as the engine sees it: asked one thing at a time, ended when it takes too long.
import { rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { ChildLostError, ChildProcess } from '../../../src/core/child-process.ts';
import type { FixedFile } from '../../../src/onnx/session.ts';
import { ProcessLostError } from './errors.ts';
import {
  type ChildReply,
  type ChildRequest,
  type DoneReply,
  type LoadedReply,
  type LoadRequest,
  type RunRequest,
  replySchema,
} from './messages.ts';
import { createSharedMemory, type SharedMemory, scratchPath } from './shared-memory.ts';

const PROGRAM = resolve(import.meta.dir, 'child.ts');

type Child = ChildProcess<ChildRequest, ChildReply>;

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
  readonly #child: Child;

  private constructor(child: Child, memory: SharedMemory) {
    this.#child = child;
    this.memory = memory;
  }

  /** Starts a process and waits until it answers. Throws {@link ProcessLostError} when it ends instead, or is silent for `timeoutMs`. */
  static async start(limitBytes: number, timeoutMs: number): Promise<ModelProcess> {
    const path = scratchPath();
    const memory = createSharedMemory(path);
    try {
      const child: Child = new ChildProcess({
        program: PROGRAM,
        purpose: 'that runs models',
        maxBytes: limitBytes,
        args: [path],
        answers: replySchema,
        // What runs there may be anybody's.
        serialization: 'json',
      });
      await child.ready(timeoutMs).catch(lost);
      return new ModelProcess(child, memory);
    } finally {
      // Both sides have it open: nothing is left behind, however they end.
      unlinkSync(path);
    }
  }

  get pid(): number {
    return this.#child.pid;
  }

  get alive(): boolean {
    return this.#child.alive;
  }

  /** Resolves when it is gone. */
  get exited(): Promise<void> {
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
    if (this.loaded.delete(key) && this.alive) this.#child.tell({ type: 'close', key });
  }

  /** Ends it at once. */
  kill(): void {
    this.#child.kill();
  }

  #ask(request: LoadRequest | RunRequest, timeoutMs: number): Promise<ChildReply> {
    return this.#child.ask(request, { timeoutMs }).catch(lost);
  }
}

function lost(error: unknown): never {
  if (!(error instanceof ChildLostError)) throw error;
  throw new ProcessLostError(error.loss === 'cancelled' ? 'died' : error.loss);
}
