// A child process that does one thing after the other: how it is started, asked, limited and ended. Its own side is child-work.ts.
import { z } from 'zod';
import { DependencyUnavailableError, InvariantError, NautilusError, type ProblemExtras } from './errors.ts';
import { MEMORY_SIGNAL } from './memory-limit.ts';

/** Returns the schema of an object that only a program of ours can have made, whose members are not looked at. */
export function objectOf<T extends object>() {
  return z.custom<T>((value) => typeof value === 'object' && value !== null);
}

const readySchema = z.object({ type: z.literal('ready') });
const failedSchema = z.object({
  type: z.literal('failed'),
  slug: z.string(),
  status: z.number(),
  title: z.string(),
  detail: z.string(),
  extras: objectOf<ProblemExtras>(),
  stack: z.string().optional(),
});
const ownSchema = z.discriminatedUnion('type', [readySchema, failedSchema]);

/** What every process says beside its answers: once that it listens, and in place of an answer what was thrown. */
export type Own = z.infer<typeof ownSchema>;

/** Why a process is gone: it held too much memory, was ended for its time, by its caller's signal, or in any other way. */
export type Loss = 'memory' | 'time' | 'cancelled' | 'died';

/** The process is gone. Whoever asked says so in words of what it did. */
export class ChildLostError extends Error {
  readonly loss: Loss;
  /** The signal, the exit code, or what it said that nobody understands. */
  readonly how: string;

  constructor(loss: Loss, how: string) {
    super(`the process is gone: ${loss}, by ${how}`);
    this.loss = loss;
    this.how = how;
  }
}

/** How a process is started. */
export interface ChildOptions<Answer, Note> {
  /** Path of a program that calls `answerOrders`. */
  readonly program: string;
  /** What it is for, as the end of "a process ...". */
  readonly purpose: string;
  /** Resident bytes beyond which it ends itself. */
  readonly maxBytes: number;
  /** What its program finds behind its limit in `process.argv`. */
  readonly args?: readonly string[];
  /** Threads of its kernels; as many as of this process by default. */
  readonly threads?: number;
  /** What it may answer. */
  readonly answers: z.ZodType<Answer>;
  /** What it may say before it answers. */
  readonly notes?: z.ZodType<Note>;
  /** How messages travel: `json` where what runs there is not ours. */
  readonly serialization?: 'advanced' | 'json';
}

/** What goes with one order. */
export interface AskControl<Note> {
  /** Ends the process. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds after which the process is ended. */
  readonly timeoutMs?: number;
  readonly heard?: (note: Note) => void;
}

interface Waiter<Answer, Note> {
  readonly heard: ((note: Note) => void) | undefined;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

/** A running process. It ends with this one, and nothing that a library prints there is a log of ours. */
export class ChildProcess<Order, Answer, Note = never> {
  /** Resolves when it is gone. */
  readonly exited: Promise<void>;
  readonly #child: Bun.Subprocess;
  readonly #options: ChildOptions<Answer, Note>;
  readonly #ready = Promise.withResolvers<void>();
  /** Orders from before it listened. */
  #early: Order[] | undefined = [];
  #waiter: Waiter<Answer, Note> | undefined;
  /** Why it was ended from here. */
  #ended: { readonly loss: Loss; readonly how?: string } | undefined;
  #lost: ChildLostError | undefined;

  /** Starts it. Throws DependencyUnavailableError where the system has no process left. */
  constructor(options: ChildOptions<Answer, Note>) {
    this.#options = options;
    // Nobody has to wait for it.
    this.#ready.promise.catch(() => undefined);
    this.#child = spawn(options, (message) => this.#said(message));
    this.exited = this.#child.exited.then(() => this.#gone());
  }

  get pid(): number {
    return this.#child.pid;
  }

  get alive(): boolean {
    return this.#lost === undefined && this.#ended === undefined;
  }

  /** Resolves when it listens. Throws {@link ChildLostError} when it ends instead, or is silent for `timeoutMs`. */
  async ready(timeoutMs: number): Promise<void> {
    const timer = this.#limit(timeoutMs);
    await this.#ready.promise.finally(() => clearTimeout(timer));
  }

  /** Tells it something that has no answer, as soon as it listens. */
  tell(order: Order): void {
    if (this.#early) {
      this.#early.push(order);
      return;
    }
    try {
      this.#child.send(order);
    } catch {
      // Its pipe is closed before its end is known here: that tells whoever waits.
      this.kill();
    }
  }

  /**
   * Tells it an order and returns the answer; one at a time. Throws what the work there throws, as a plain NautilusError, after which it
   * takes the next order; ChildLostError once it is gone, for whatever reason.
   */
  async ask(order: Order, { signal, timeoutMs, heard }: AskControl<Note> = {}): Promise<Answer> {
    if (this.#waiter)
      throw new InvariantError(`the process ${this.#options.purpose} was asked twice at once`);
    if (this.#lost) throw this.#lost;
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.#waiter = { heard, resolve, reject };
    const abort = () => this.kill('cancelled');
    signal?.addEventListener('abort', abort, { once: true });
    const timer = timeoutMs === undefined ? undefined : this.#limit(timeoutMs);
    if (signal?.aborted) abort();
    else this.tell(order);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    }
  }

  /** Ends it at once. */
  kill(loss: Loss = 'died', how?: string): void {
    this.#ended ??= { loss, ...(how !== undefined && { how }) };
    this.#child.kill('SIGKILL');
  }

  #limit(timeoutMs: number) {
    // Longer ones would fire at once.
    return setTimeout(() => this.kill('time'), Math.min(timeoutMs, 2 ** 31 - 1));
  }

  #said(message: unknown): void {
    // Looked at first, as what a schema refuses costs more than what it takes.
    const own = isOwn(message) ? ownSchema.safeParse(message) : undefined;
    if (own?.success) {
      if (own.data.type === 'ready') this.#listens();
      else this.#settle()?.reject(errorOf(own.data));
      return;
    }
    const note = this.#options.notes?.safeParse(message);
    if (note?.success) {
      this.#waiter?.heard?.(note.data);
      return;
    }
    const answer = this.#options.answers.safeParse(message);
    if (answer.success) this.#settle()?.resolve(answer.data);
    else this.kill('died', 'a message of no known form');
  }

  #listens(): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const order of early) this.tell(order);
    this.#ready.resolve();
  }

  #settle(): Waiter<Answer, Note> | undefined {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    return waiter;
  }

  #gone(): void {
    const { signalCode, exitCode } = this.#child;
    const bySelf: Loss = signalCode === MEMORY_SIGNAL ? 'memory' : 'died';
    const { loss, how } = this.#ended ?? { loss: bySelf, how: undefined };
    this.#lost = new ChildLostError(
      loss,
      how ?? (signalCode === null ? `code ${exitCode}` : `${signalCode}`),
    );
    this.#ready.reject(this.#lost);
    this.#settle()?.reject(this.#lost);
  }
}

function isOwn(message: unknown): boolean {
  const { type } = (message ?? {}) as { readonly type?: unknown };
  return type === 'ready' || type === 'failed';
}

function spawn<Answer, Note>(
  { program, purpose, maxBytes, args = [], threads, serialization = 'advanced' }: ChildOptions<Answer, Note>,
  ipc: (message: unknown) => void,
): Bun.Subprocess {
  try {
    return Bun.spawn([process.execPath, '--no-orphans', program, String(maxBytes), ...args], {
      ipc,
      serialization,
      stdin: 'ignore',
      stdout: 'ignore',
      stderr: 'ignore',
      env: { ...process.env, ...(threads !== undefined && { NAUTILUS_THREADS: String(threads) }) },
    });
  } catch (cause) {
    const error = new DependencyUnavailableError(`Expected a process ${purpose}, was refused`);
    error.cause = cause;
    throw error;
  }
}

function errorOf({ slug, status, title, detail, extras, stack }: z.infer<typeof failedSchema>) {
  const error =
    slug === 'internal'
      ? new InvariantError(detail.replace('Invariant: ', ''))
      : new NautilusError(slug, status, title, detail, extras);
  // Where it happened, for the log.
  if (stack !== undefined) error.cause = stack;
  return error;
}
