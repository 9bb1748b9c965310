// The part of an engine's work that one of its processes does, where several share it by keys.
import { ConflictError } from '../core/errors.ts';
import type { Transaction } from '../store/database.ts';
import type { Envelope } from './envelope.ts';
import type { SessionSpec } from './topics.ts';

/** The field whose values divide the work: each message and each replay belongs to whoever works on its key. */
export type PartitionField = 'portfolio_id' | 'symbol';

/** Tells which keys are a process's own. */
export type IsOurs = (key: string) => boolean;

/** The keys that this process works on at the moment. */
export interface WorkShare {
  /** Whether work on `key` is this process's, by its own account; what the next two say in a transaction counts. */
  holds(key: string): boolean;
  /**
   * Returns those of `items` whose keys this process works on, and makes sure of it for as long as `tx` lasts: another process that
   * takes over waits for its end, and what one has taken over already is left out.
   */
  ours<T>(tx: Transaction, items: readonly T[], keyOf: (item: T) => string): Promise<readonly T[]>;
  /** Makes sure of one key for as long as `tx` lasts. Throws {@link TakenOverError} when it is another's. */
  require(tx: Transaction, key: string): Promise<void>;
  /** Sets what is called when keys were lost; another process takes them over once it has resolved. */
  onLost(forget: (isLost: IsOurs) => Promise<void>): void;
  /** Sets what is called when keys are this process's from now on. */
  onGained(begin: (isGained: IsOurs) => void): void;
  /** Sets what tells the keys that had better not move to a process that has joined, for the time being. */
  keepInUse(keys: () => readonly string[]): void;
}

/** The share of an engine with a single process: everything. */
export const ALL_WORK: WorkShare = {
  holds: () => true,
  ours: async (_, items) => items,
  require: async () => {},
  onLost: () => {},
  onGained: () => {},
  keepInUse: () => {},
};

/** Another process works on the key now. */
export class TakenOverError extends ConflictError {
  constructor(key: string) {
    super(`Another process of the engine has taken over ${key}: start the replay again`);
  }
}

/** Most messages that are kept before older ones go. */
const MAX_KEPT = 20_000;

/** Live messages and replays, told apart by whose they are. */
export class DividedWork {
  readonly #work: WorkShare;
  readonly #by: PartitionField;
  readonly #keepMs: number;
  /** Messages that were another process's, by half of the time that they are kept. */
  #older: Envelope[] = [];
  #newer: Envelope[] = [];
  #since = performance.now();

  /** Messages of others are kept for `keepMs` at least: as long as it may take until somebody works on their keys. */
  constructor(work: WorkShare, by: PartitionField, keepMs: number) {
    this.#work = work;
    this.#by = by;
    this.#keepMs = keepMs;
  }

  takesPart(spec: SessionSpec): boolean {
    return this.#work.holds(spec[this.#by]);
  }

  /** Sets what tells the replay under way, which one that joins does not break off, and messages that wait here, which it does not have. */
  keepFor(inUse: () => { replay: SessionSpec | undefined; waiting: readonly Envelope[] }): void {
    this.#work.keepInUse(() => {
      const { replay, waiting } = inUse();
      const keys = new Set(waiting.map((envelope) => this.#keyOf(envelope)));
      if (replay) keys.add(replay[this.#by]);
      return [...keys];
    });
  }

  /** Makes sure that a replay is this process's while `tx` lasts. */
  require(tx: Transaction, spec: SessionSpec): Promise<void> {
    return this.#work.require(tx, spec[this.#by]);
  }

  /** Returns the messages that this process handles and keeps the others for a while. */
  sort(batch: readonly Envelope[]): readonly Envelope[] {
    const isOurs = batch.map((envelope) => this.#work.holds(this.#keyOf(envelope)));
    this.#turn();
    for (const [i, envelope] of batch.entries()) if (!isOurs[i]) this.#newer.push(envelope);
    return batch.filter((_, i) => isOurs[i]);
  }

  /** Those of the messages that are this process's for as long as `tx` lasts. */
  ours(tx: Transaction, batch: readonly Envelope[]): Promise<readonly Envelope[]> {
    return this.#work.ours(tx, batch, (envelope) => this.#keyOf(envelope));
  }

  /** Calls `handle` when keys are this process's from now on, with what came for them since their last process may have died. */
  onGained(handle: (missed: readonly Envelope[]) => void): void {
    this.#work.onGained((isGained) => {
      this.#turn();
      const is = (envelope: Envelope) => isGained(this.#keyOf(envelope));
      const missed = [...this.#older, ...this.#newer].filter(is);
      this.#older = this.#older.filter((e) => !is(e));
      this.#newer = this.#newer.filter((e) => !is(e));
      handle(missed);
    });
  }

  #keyOf({ body }: Envelope): string {
    return (body as Record<PartitionField, string>)[this.#by];
  }

  #turn(): void {
    const age = performance.now() - this.#since;
    if (age < this.#keepMs && this.#newer.length < MAX_KEPT) return;
    this.#older = age < 2 * this.#keepMs ? this.#newer : [];
    this.#newer = [];
    this.#since = performance.now();
  }
}
