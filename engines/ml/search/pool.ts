// Processes that run trials: each for one search, with its table in memory, kept from one trial to the next.
import { resolve } from 'node:path';
import { ChildLostError, ChildProcess } from '../../../src/core/child-process.ts';
import {
  DeadlineExceededError,
  DependencyUnavailableError,
  InvariantError,
  type NautilusError,
  TooLargeError,
} from '../../../src/core/errors.ts';
import { CancelledError } from '../../../src/native/errors.ts';
import { MAX_BYTES } from '../training/limits.ts';
import {
  type Finish,
  type Finished,
  type Open,
  type Order,
  type RunTrial,
  type Said,
  saidSchema,
} from './messages.ts';
import type { Outcome } from './records.ts';

const PROGRAM = resolve(import.meta.dir, 'child.ts');
/** A process that nobody has asked for anything for so long is ended. */
const IDLE_MS = 20_000;

interface Slot {
  readonly searchId: string;
  readonly child: ChildProcess<Order, Said>;
  /** Trials that the process has been told of: the history that it needs starts here. */
  known: number;
  idle: ReturnType<typeof setTimeout> | undefined;
}

/** What runs one order. */
export interface PoolControl {
  readonly signal: AbortSignal;
  /** Milliseconds that it may take. */
  readonly timeoutMs: number;
}

export interface PoolOptions {
  /** Most processes at once; those that are idle make room. */
  readonly size: number;
  readonly maxBytes?: number;
  readonly idleMs?: number;
  /** For tests: another program. */
  readonly program?: string;
}

/** See the head of the file. What happens in a process happens to one trial: the next one gets another. */
export class TrialPool {
  readonly #options: PoolOptions;
  readonly #idle: Slot[] = [];
  readonly #busy = new Set<Slot>();
  readonly #maxBytes: number;
  #stopped = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#maxBytes = options.maxBytes ?? MAX_BYTES;
  }

  /** Processes that live. */
  get size(): number {
    return this.#idle.length + this.#busy.size;
  }

  /**
   * Runs a trial. `history` returns what the pruner knows from a number on. Throws CancelledError as soon as the signal fires, and for what
   * else keeps a trial from an outcome a NautilusError: DeadlineExceededError, TooLargeError (memory), DependencyUnavailableError
   * (the process ended), or what the trial itself threw.
   */
  async trial(
    searchId: string,
    open: Open,
    order: Omit<RunTrial, 'history'> & {
      readonly history: (from: number) => Promise<RunTrial['history']>;
    },
    control: PoolControl,
  ): Promise<Outcome> {
    const said = await this.#run(searchId, open, control, async (slot) => {
      const history = await order.history(slot.known);
      slot.known += history.length;
      return { ...order, history };
    });
    if (said.type !== 'outcome') throw new InvariantError('a trial ended without an outcome');
    return said.outcome;
  }

  /** Fits and tests a model of a search's end. Throws as {@link trial} does. */
  async finish(searchId: string, open: Open, order: Finish, control: PoolControl): Promise<Finished> {
    const said = await this.#run(searchId, open, control, async () => order);
    if (said.type !== 'finished') throw new InvariantError('the end of a search came without a model');
    return said.finished;
  }

  /** Ends the idle processes of a search. */
  end(searchId: string): void {
    for (const slot of this.#idle.filter((one) => one.searchId === searchId)) this.#drop(slot);
  }

  /** Ends all processes. */
  stop(): void {
    this.#stopped = true;
    for (const slot of [...this.#idle, ...this.#busy]) this.#drop(slot);
  }

  async #run(
    searchId: string,
    open: Open,
    { signal, timeoutMs }: PoolControl,
    order: (slot: Slot) => Promise<RunTrial | Finish>,
  ): Promise<Said> {
    if (signal.aborted || this.#stopped) throw cancelled();
    const slot = this.#take(searchId, open);
    try {
      return await slot.child.ask(await order(slot), { signal, timeoutMs });
    } catch (error) {
      if (error instanceof ChildLostError) throw lostAs(error, timeoutMs, this.#maxBytes);
      throw error;
    } finally {
      // What the trial itself threw leaves its process as it was.
      if (slot.child.alive) this.#rest(slot);
      else this.#drop(slot);
    }
  }

  #take(searchId: string, open: Open): Slot {
    const found = this.#idle.findIndex((slot) => slot.searchId === searchId);
    const slot = found >= 0 ? this.#idle.splice(found, 1)[0]! : this.#start(searchId, open);
    clearTimeout(slot.idle);
    this.#busy.add(slot);
    return slot;
  }

  #start(searchId: string, open: Open): Slot {
    while (this.#idle.length > 0 && this.size >= this.#options.size) this.#drop(this.#idle[0]!);
    const child = new ChildProcess<Order, Said>({
      program: this.#options.program ?? PROGRAM,
      purpose: 'that runs trials',
      threads: open.threads,
      maxBytes: this.#maxBytes,
      answers: saidSchema,
    });
    child.tell(open);
    const slot: Slot = { searchId, child, known: 0, idle: undefined };
    void child.exited.then(() => this.#drop(slot));
    return slot;
  }

  #rest(slot: Slot): void {
    this.#busy.delete(slot);
    if (this.#stopped) {
      this.#drop(slot);
      return;
    }
    this.#idle.push(slot);
    slot.idle = setTimeout(() => this.#drop(slot), this.#options.idleMs ?? IDLE_MS);
    slot.idle.unref?.();
  }

  #drop(slot: Slot): void {
    clearTimeout(slot.idle);
    this.#busy.delete(slot);
    const at = this.#idle.indexOf(slot);
    if (at >= 0) this.#idle.splice(at, 1);
    slot.child.kill();
  }
}

function cancelled(): CancelledError {
  return new CancelledError('The trial was cancelled; nothing of it is kept');
}

function lostAs({ loss, how }: ChildLostError, timeoutMs: number, maxBytes: number): NautilusError {
  if (loss === 'cancelled') return cancelled();
  if (loss === 'memory') return new TooLargeError('Expected a trial within its memory', maxBytes);
  if (loss === 'time')
    return new DeadlineExceededError(`Expected a trial within ${timeoutMs / 1000} s, was not done by then`);
  return new DependencyUnavailableError(
    `Expected the process that runs the trial to live, was ended by ${how}`,
  );
}
