// Which part of an engine's work this process does, where several processes share it: leases of partitions, fenced in the database.
import type { LeaseBoard } from '../bus/lease-board.ts';
import { PARTITIONS, partitionOf } from '../bus/partition.ts';
import { PartitionHolder } from '../bus/partition-holder.ts';
import { InvariantError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Database, Migrations, Transaction } from '../store/database.ts';

/** Schema component `work` of an engine whose work is divided: the newest epoch of each partition. */
export const WORK_TABLES: Migrations = [
  'CREATE TABLE work_partitions (part BIGINT PRIMARY KEY, epoch BIGINT NOT NULL);',
];

/** The part of the work that this process does. */
export interface WorkShare {
  /** Whether work on `key` is this process's at the moment; what {@link ours} says in a transaction counts. */
  holds(key: string): boolean;
  /**
   * Returns the items whose keys this process works on, and makes sure of it for as long as `tx` lasts: another process that takes
   * over waits for its end, and what a later one has taken over already is left out.
   */
  ours<T>(
    tx: Transaction,
    items: readonly T[],
    keyOf: (item: T) => string,
  ): readonly T[] | Promise<readonly T[]>;
  /** Sets what is called when partitions are lost; another process takes them over once it has resolved. */
  onLost(forget: () => Promise<void>): void;
}

/** The share of an engine with a single process: everything. */
export const ALL_WORK: WorkShare = {
  holds: () => true,
  ours: (_, items) => items,
  onLost: () => {},
};

export interface WorkPartitionsOptions {
  /** Processes of one group share the partitions. */
  readonly group: string;
  /** Name of this process in the group; the same after a restart. */
  readonly member: string;
  readonly database: Database;
  readonly leases: LeaseBoard;
  readonly leaseMs: number;
  readonly log: Log;
}

const ALL = Array.from({ length: PARTITIONS }, (_, partition) => partition);

/** A fair share of the partitions, from {@link WorkPartitions.start} to {@link WorkPartitions.stop}. */
export class WorkPartitions implements WorkShare {
  readonly #options: WorkPartitionsOptions;
  readonly #holder: PartitionHolder;
  /** The newest epochs that this process knows of. */
  readonly #epochs = new Map<number, number>();
  /** Partitions whose epoch is in the database: gained, and not lost since. */
  readonly #ready = new Set<number>();
  #forget: () => Promise<void> = async () => {};

  constructor(options: WorkPartitionsOptions) {
    this.#options = options;
    const { leases, group, member, leaseMs, log } = options;
    this.#holder = new PartitionHolder({
      board: leases,
      group,
      member,
      resources: ALL.map(String),
      ttlMs: leaseMs,
      minEpoch: (resource) => this.#epochs.get(Number(resource)) ?? 0,
      onGained: (resource, epoch) => this.#gained(Number(resource), epoch),
      onLost: (resource, reason) => this.#lost(Number(resource), reason),
      onError: (err) => log.error({ err }, 'taking or giving a partition failed'),
    });
  }

  /** Takes the first share. Resolves after one attempt, also when the leases are away: it goes on trying. */
  async start(): Promise<void> {
    await this.#readEpochs();
    await this.#holder.start();
  }

  /** Gives everything back, so that others take over at once. */
  stop(): Promise<void> {
    return this.#holder.stop();
  }

  /** Partitions that this process works on, in order. */
  held(): number[] {
    return ALL.filter((partition) => this.#isHeld(partition));
  }

  holds(key: string): boolean {
    return this.#isHeld(partitionOf(key));
  }

  async ours<T>(tx: Transaction, items: readonly T[], keyOf: (item: T) => string): Promise<readonly T[]> {
    const confirmed = new Map<number, boolean>();
    const ours: T[] = [];
    for (const item of items) {
      const partition = partitionOf(keyOf(item));
      if (!confirmed.has(partition)) confirmed.set(partition, await this.#confirm(tx, partition));
      if (confirmed.get(partition)) ours.push(item);
    }
    return ours;
  }

  onLost(forget: () => Promise<void>): void {
    this.#forget = forget;
  }

  async #confirm(tx: Transaction, partition: number): Promise<boolean> {
    if (!this.#isHeld(partition)) return false;
    // The write keeps a later holder waiting until this transaction ends, where a read would let it pass.
    const row = await tx.get(
      'UPDATE work_partitions SET epoch = epoch WHERE part = ? AND epoch = ? RETURNING part',
      partition,
      this.#epochs.get(partition) ?? 0,
    );
    if (row) return true;
    const { log } = this.#options;
    log.warn({ partition }, 'another process has taken over the partition');
    this.#holder.drop(String(partition));
    this.#ready.delete(partition);
    // Not waited for: forgetting waits for this very transaction.
    void this.#forget().catch((err) => log.error({ err }, 'forgetting a partition failed'));
    return false;
  }

  #isHeld(partition: number): boolean {
    return this.#ready.has(partition) && this.#holder.held.has(String(partition));
  }

  async #readEpochs(): Promise<void> {
    const rows = await this.#options.database.all<{ part: number; epoch: number }>(
      'SELECT part, epoch FROM work_partitions',
    );
    for (const { part, epoch } of rows) this.#epochs.set(part, epoch);
  }

  async #gained(partition: number, epoch: number): Promise<void> {
    const row = await this.#options.database.transaction((tx) =>
      tx.get(
        `INSERT INTO work_partitions (part, epoch) VALUES (?, ?)
         ON CONFLICT (part) DO UPDATE SET epoch = excluded.epoch WHERE work_partitions.epoch <= excluded.epoch RETURNING part`,
        partition,
        epoch,
      ),
    );
    if (!row) {
      // The board has forgotten more than the database: the next claim names what is needed.
      await this.#readEpochs();
      throw new InvariantError(`the epoch ${epoch} of partition ${partition} is behind the database`);
    }
    this.#epochs.set(partition, epoch);
    this.#ready.add(partition);
    this.#options.log.info({ partition, epoch }, 'works on a partition');
  }

  async #lost(partition: number, reason: string): Promise<void> {
    this.#ready.delete(partition);
    await this.#forget();
    this.#options.log.info({ partition, reason }, 'gives a partition up');
  }
}
