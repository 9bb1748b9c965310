// Which part of an engine's work this process does, where several processes share it: leases of partitions, fenced in the database.
import type { LeaseBoard } from '../bus/lease-board.ts';
import { PARTITIONS, partitionOf } from '../bus/partition.ts';
import { PartitionHolder } from '../bus/partition-holder.ts';
import { type IsOurs, TakenOverError, type WorkShare } from '../bus/work-share.ts';
import { InvariantError, StorageUnavailableError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Database, Migrations, Transaction } from '../store/database.ts';

/** Schema component `work` of an engine whose work is divided: the newest epoch of each partition, and whose it is. */
export const WORK_TABLES: Migrations = [
  'CREATE TABLE work_partitions (part BIGINT PRIMARY KEY, epoch BIGINT NOT NULL);',
  'ALTER TABLE work_partitions ADD COLUMN member TEXT;',
];

export interface WorkPartitionsOptions {
  /** Processes of one group share the partitions. */
  readonly group: string;
  /** Name of this process in the group; the same after a restart. */
  readonly member: string;
  readonly database: Database;
  readonly leases: LeaseBoard;
  /** Milliseconds after the death of a process within which others have taken over. */
  readonly leaseMs: number;
  readonly log: Log;
}

const ALL = Array.from({ length: PARTITIONS }, (_, partition) => partition);

const isIn =
  (partition: number): IsOurs =>
  (key) =>
    partitionOf(key) === partition;

/** A fair share of the partitions, from {@link WorkPartitions.start} to {@link WorkPartitions.stop}. */
export class WorkPartitions implements WorkShare {
  readonly #options: WorkPartitionsOptions;
  readonly #holder: PartitionHolder;
  /** The newest epochs in the database, as far as this process knows. */
  readonly #known = new Map<number, number>();
  /** The epochs with which this process works: in the database, and not lost since. */
  readonly #own = new Map<number, number>();
  #forget: (isLost: IsOurs) => Promise<void> = async () => {};
  #begin: (isGained: IsOurs) => void = () => {};
  #inUse: () => readonly string[] = () => [];
  #joining: ReturnType<typeof setTimeout> | undefined;
  #joined = false;
  #stopped = false;
  /** Why partitions cannot be taken at the moment, as far as it was said. */
  #told: string | undefined;

  constructor(options: WorkPartitionsOptions) {
    this.#options = options;
    const { leases, group, member, leaseMs } = options;
    this.#holder = new PartitionHolder({
      board: leases,
      group,
      member,
      resources: ALL.map(String),
      ttlMs: leaseMs,
      minEpoch: (resource) => this.#known.get(Number(resource)) ?? 0,
      onGained: (resource, epoch) => this.#gained(Number(resource), epoch),
      onLost: (resource, reason) => this.#lost(Number(resource), reason),
      isInUse: (resource) => this.#inUse().some(isIn(Number(resource))),
      onError: (err) => this.#failed(err),
    });
  }

  /**
   * Begins to take a share. A process that comes to others lets them take over what its predecessor held before it asks for its own:
   * they have what was said in between. Resolves at once then, and when the leases are away: it goes on trying.
   */
  async start(): Promise<void> {
    const { leases, group, member, leaseMs } = this.#options;
    await this.#readEpochs();
    await leases.leave(group, member).catch(() => {});
    if (await this.#isAlone()) return this.#join();
    // Two rounds of the others.
    this.#joining = setTimeout(() => void this.#joinAfterOthers(), (2 * leaseMs) / 5);
  }

  /** Gives everything back, so that others take over at once. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#joining);
    if (this.#joined) await this.#holder.stop();
  }

  /** Partitions that this process works on, in order. */
  held(): number[] {
    return ALL.filter((partition) => this.#isHeld(partition));
  }

  holds(key: string): boolean {
    return this.#isHeld(partitionOf(key));
  }

  async ours<T>(tx: Transaction, items: readonly T[], keyOf: (item: T) => string): Promise<readonly T[]> {
    const partitions = items.map((item) => partitionOf(keyOf(item)));
    const confirmed = new Set<number>();
    // In order: two processes that lock the same rows never wait for each other.
    for (const partition of [...new Set(partitions)].sort((a, b) => a - b)) {
      if (await this.#confirm(tx, partition)) confirmed.add(partition);
    }
    return items.filter((_, i) => confirmed.has(partitions[i]!));
  }

  async require(tx: Transaction, key: string): Promise<void> {
    if (!(await this.#confirm(tx, partitionOf(key)))) throw new TakenOverError(key);
  }

  onLost(forget: (isLost: IsOurs) => Promise<void>): void {
    this.#forget = forget;
  }

  onGained(begin: (isGained: IsOurs) => void): void {
    this.#begin = begin;
  }

  keepInUse(keys: () => readonly string[]): void {
    this.#inUse = keys;
  }

  // A database that is away, or held by somebody, keeps the others from taking over for longer than they need else.
  async #joinAfterOthers(): Promise<void> {
    const { database, member, leaseMs } = this.#options;
    const left = await database
      .all('SELECT part FROM work_partitions WHERE member = ?', member)
      .catch(() => ALL);
    if (left.length === 0 || (await this.#isAlone())) return this.#join();
    if (!this.#stopped) this.#joining = setTimeout(() => void this.#joinAfterOthers(), leaseMs / 25);
  }

  /** Whether nobody else has anything, as far as the leases can be asked. */
  async #isAlone(): Promise<boolean> {
    const { leases, group } = this.#options;
    const held = await leases.holders(group).catch(() => []);
    return held.length === 0;
  }

  async #join(): Promise<void> {
    if (this.#stopped) return;
    this.#joined = true;
    await this.#holder.start();
  }

  async #confirm(tx: Transaction, partition: number): Promise<boolean> {
    if (!this.#isHeld(partition)) return false;
    // The write keeps a later holder waiting until this transaction ends, where a read would let it pass.
    const row = await tx.get(
      'UPDATE work_partitions SET epoch = epoch WHERE part = ? AND epoch = ? RETURNING part',
      partition,
      this.#own.get(partition)!,
    );
    if (row) return true;
    const { log } = this.#options;
    log.warn({ partition }, 'another process has taken over the partition');
    this.#holder.drop(String(partition));
    this.#own.delete(partition);
    // Not waited for: forgetting waits for this very transaction.
    void this.#forget(isIn(partition)).catch((err) => log.error({ err }, 'forgetting a partition failed'));
    return false;
  }

  #isHeld(partition: number): boolean {
    const epoch = this.#own.get(partition);
    return epoch !== undefined && this.#holder.held.get(String(partition)) === epoch;
  }

  async #readEpochs(): Promise<void> {
    const rows = await this.#options.database.all<{ part: number; epoch: number }>(
      'SELECT part, epoch FROM work_partitions',
    );
    for (const { part, epoch } of rows) this.#known.set(part, epoch);
  }

  async #gained(partition: number, epoch: number): Promise<void> {
    const row = await this.#options.database.transaction((tx) =>
      tx.get(
        `INSERT INTO work_partitions (part, epoch, member) VALUES (?, ?, ?)
         ON CONFLICT (part) DO UPDATE SET epoch = excluded.epoch, member = excluded.member
         WHERE work_partitions.epoch <= excluded.epoch RETURNING part`,
        partition,
        epoch,
        this.#options.member,
      ),
    );
    if (!row) {
      // The board has forgotten more than the database: the next claim names what is needed.
      await this.#readEpochs();
      throw new InvariantError(`the epoch ${epoch} of partition ${partition} is behind the database`);
    }
    this.#known.set(partition, epoch);
    this.#own.set(partition, epoch);
    this.#told = undefined;
    this.#options.log.info({ partition, epoch }, 'works on a partition');
    this.#begin(isIn(partition));
  }

  // Partitions are tried again several times a second: a database that is away is told of once.
  #failed(err: unknown): void {
    if (err instanceof StorageUnavailableError) {
      if (err.message === this.#told) return;
      this.#told = err.message;
    }
    this.#options.log.error({ err }, 'taking or giving a partition failed');
  }

  async #lost(partition: number, reason: string): Promise<void> {
    this.#own.delete(partition);
    await this.#forget(isIn(partition));
    this.#options.log.info({ partition, reason }, 'gives a partition up');
  }
}
