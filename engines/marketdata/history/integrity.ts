// Whether the partitions are what the manifest says: their lengths at a look, their contents by hash, a part at a time.
import { join } from 'node:path';
import type { HistoryDatabase } from './database.ts';
import { damageOf, sha256Of } from './partition-files.ts';
import { type Partition, partitions, quoted } from './view.ts';

/** A partition that is not what the manifest says. */
export interface Damage {
  readonly partition: Partition;
  readonly reason: 'missing' | 'torn' | 'changed' | 'unreadable';
}

/** Knows which partitions are damaged: reads of their range fail until they are restored. */
export class Integrity {
  readonly #database: HistoryDatabase;
  readonly #damaged = new Map<string, Damage>();
  /** Ids of those that have been read, longest ago first. */
  readonly #read = new Set<string>();
  readonly #stopping = new AbortController();
  #running: Promise<unknown> = Promise.resolve();

  constructor(database: HistoryDatabase) {
    this.#database = database;
  }

  /** Partitions that the last look at each found damaged. */
  get damaged(): readonly Damage[] {
    return [...this.#damaged.values()];
  }

  /** Looks at all files, without reading them. Returns what the manifest has. */
  async look(): Promise<readonly Partition[]> {
    const all = await partitions(this.#database, 'true');
    const known = new Set(all.map(({ id }) => id));
    for (const ids of [this.#damaged, this.#read, this.#database.damaged])
      for (const id of ids.keys()) if (!known.has(id)) ids.delete(id);
    for (const partition of all) {
      const seen = this.#seen(partition);
      // What is wrong with its contents is told by reading it again.
      if (seen !== null || !this.#database.damaged.has(partition.id)) this.#note(partition, seen);
    }
    return all;
  }

  /**
   * Looks at all files and compares the hashes of some with the manifest: those that are known to be changed or unreadable, then those that were not read for longest, as many as have `maxBytes` together,
   * but at least one. Returns what is damaged.
   */
  verify(maxBytes = Number.POSITIVE_INFINITY): Promise<readonly Damage[]> {
    const result = this.#running.then(() => this.#verify(maxBytes));
    this.#running = result.catch(() => {});
    return result;
  }

  /** Reads one file, unless a look says enough. */
  async check(partition: Partition): Promise<Damage['reason'] | null> {
    const seen = this.#seen(partition);
    if (seen !== null) return this.#note(partition, seen);
    const path = join(this.#database.folder, partition.path);
    const hash = await sha256Of(path, this.#stopping.signal).catch(() => null);
    this.#stopping.signal.throwIfAborted();
    this.#read.delete(partition.id);
    this.#read.add(partition.id);
    if (hash === null) return this.#note(partition, 'unreadable');
    return this.#note(partition, hash === partition.sha256 ? null : 'changed');
  }

  /** Ends the reading under way. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #verify(maxBytes: number): Promise<readonly Damage[]> {
    const all = await this.look();
    const place = new Map([...this.#read].map((id, i) => [id, i]));
    // Those that were found damaged come first: they may have been restored.
    const placeOf = ({ id }: Partition) => (this.#database.damaged.has(id) ? -2 : (place.get(id) ?? -1));
    const due = all.toSorted((a, b) => placeOf(a) - placeOf(b));
    let left = maxBytes;
    for (const { id, bytes } of due) {
      if (left <= 0 || this.#stopping.signal.aborted) break;
      left -= bytes;
      // While it is open, files that leave the manifest stay; those that have left it before are nobody's.
      await this.#database.reading(async (connection) => {
        const [partition] = await partitions(this.#database, `id = ${quoted(id)}`, [], connection);
        if (partition) await this.check(partition);
      });
    }
    return this.damaged;
  }

  #seen({ path, bytes }: Partition): 'missing' | 'torn' | null {
    return damageOf(join(this.#database.folder, path), bytes);
  }

  #note<R extends Damage['reason'] | null>(partition: Partition, reason: R): R {
    if (reason === null) this.#damaged.delete(partition.id);
    else this.#damaged.set(partition.id, { partition, reason });
    if (reason === 'changed' || reason === 'unreadable') this.#database.damaged.set(partition.id, reason);
    else this.#database.damaged.delete(partition.id);
    return reason;
  }
}
