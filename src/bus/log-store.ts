// The durable log of the hub: appends that arrive together are stored together, and a broken file never takes the hub with it.
import { SQLiteError } from 'bun:sqlite';
import { renameSync, rmSync } from 'node:fs';
import { DependencyUnavailableError, StorageUnavailableError } from '../core/errors.ts';
import {
  checkAppend,
  type EventLog,
  type LogBatch,
  type LogBounds,
  type LogPlace,
  type StreamId,
} from './event-log.ts';
import { LocalLog, type LocalStore } from './local-log.ts';
import { LogCheckpoints } from './log-checkpoints.ts';
import { type LogDurability, LogFile } from './log-file.ts';
import { LogReaders, type LogSlices } from './log-readers.ts';
import { olderGeneration } from './memory-log.ts';
import { DEFAULT_RETENTION, type RetentionOf } from './retention.ts';

export interface LogStoreOptions {
  readonly path: string;
  /** Default `process`. */
  readonly durability?: LogDurability;
  /** What is kept of each topic; default {@link DEFAULT_RETENTION}. Looked at every `sweepMs`. */
  readonly retention?: RetentionOf;
  /** Default ten seconds. */
  readonly sweepMs?: number;
  /** Milliseconds since the epoch; default the system's. */
  readonly now?: () => number;
  /** Hears of each failure of the file, with what was done about it. */
  readonly onFailure?: (what: string, error: unknown) => void;
}

interface Append {
  readonly stream: StreamId;
  readonly generation: string;
  readonly first: number;
  readonly payloads: readonly string[];
  readonly known: boolean;
  readonly resolve: (last: number) => void;
  readonly reject: (error: unknown) => void;
}

// Not every failure is worth a try at once: an unreachable disk would be asked for each call.
const REOPEN_MS = 1000;
const BROKEN = new Set(['SQLITE_CORRUPT', 'SQLITE_NOTADB']);

/**
 * A log in one SQLite file. It is opened when it is first used, and again after it failed: each call rejects with
 * StorageUnavailableError until that succeeds (full disk: until there is room). A file that is broken is put aside under
 * another name and begun anew; its owners fill it again.
 */
export class LogStore implements LogSlices, LocalStore {
  readonly readers = new LogReaders(this);
  readonly #options: LogStoreOptions;
  readonly #sweeper: ReturnType<typeof setInterval>;
  readonly #checkpoints: LogCheckpoints;
  #file: LogFile | undefined;
  #retryAt = 0;
  #queue: Append[] = [];
  #sweeping = false;
  #closed = false;

  constructor(options: LogStoreOptions) {
    this.#options = options;
    this.#checkpoints = new LogCheckpoints(options.path, (error) =>
      options.onFailure?.('a checkpoint of the event log failed: it is tried again', error),
    );
    this.#sweeper = setInterval(() => this.sweep(), options.sweepMs ?? 10_000);
    this.#sweeper.unref();
  }

  /** Returns a client for code in the hub's own process. */
  connect(): EventLog {
    return new LocalLog('hub', this);
  }

  /**
   * Appends as `EventLog.append` does, together with all that arrive in the same turn of the event loop. `known` says that the
   * stream held events of the generation before: when it does not any more (the file was lost) the answer is 0 and nothing is
   * stored, so that the owner sends everything again instead of beginning in the middle.
   */
  append(
    stream: StreamId,
    generation: string,
    first: number,
    payloads: readonly string[],
    known = false,
  ): Promise<number> {
    checkAppend(generation, first, payloads);
    return new Promise((resolve, reject) => {
      if (this.#queue.length === 0) setImmediate(() => this.#commit());
      this.#queue.push({ stream, generation, first, payloads, known, resolve, reject });
    });
  }

  bounds(stream: StreamId): LogBounds {
    // What was sent before this question is part of the answer.
    this.#commit();
    return this.#guard((file) => {
      const state = file.stream(stream);
      if (!state) return { generation: '', first: 0, last: 0 };
      return { generation: state.generation, first: state.first, last: state.last };
    });
  }

  slice(place: LogPlace, maxEvents: number, maxUnits: number): LogBatch | undefined {
    return this.#guard((file) => file.slice(place, maxEvents, maxUnits));
  }

  trim(stream: StreamId, position: number): void {
    this.#commit();
    this.#guard((file) => {
      const state = file.stream(stream);
      if (state) file.transaction(() => file.forget(state, position + 1));
    });
    this.#sweepOn();
  }

  /** Applies the retention now; the rows go in small steps, so that nobody waits for them. */
  sweep(): void {
    const { retention = () => DEFAULT_RETENTION, now = Date.now } = this.#options;
    try {
      this.#guard((file) => {
        const nowMs = now();
        const due = [...file.streams()]
          .map((state) => ({ state, first: file.keptFrom(state, retention(state.topic), nowMs) }))
          .filter(({ state, first }) => first > state.first);
        if (due.length === 0) return;
        file.transaction(() => {
          for (const { state, first } of due) file.forget(state, first);
        });
      });
    } catch {
      // The failure has been told; the next sweep tries again.
      return;
    }
    this.#sweepOn();
  }

  /** Runs a statement on the open file: for its pragmas. */
  run(sql: string): void {
    this.#guard((file) => file.run(sql));
  }

  /** Stores what has been appended so far and closes the file. */
  close(): void {
    this.#commit();
    this.#closed = true;
    clearInterval(this.#sweeper);
    this.#checkpoints.close();
    this.#file?.close();
    this.#file = undefined;
  }

  #commit(): void {
    const group = this.#queue.splice(0);
    if (group.length === 0) return;
    const outcomes = new Map<Append, number | Error>();
    const grown = new Map<string, StreamId>();
    try {
      this.#guard((file) =>
        file.transaction(() => {
          for (const append of group) outcomes.set(append, this.#apply(file, append, grown));
        }),
      );
    } catch (error) {
      for (const { reject } of group) reject(error);
      return;
    }
    for (const [append, outcome] of outcomes) {
      if (typeof outcome === 'number') append.resolve(outcome);
      else append.reject(outcome);
    }
    for (const stream of grown.values()) this.readers.wake(stream);
    if (this.#file) this.#checkpoints.written(this.#file.takeWritten());
  }

  #apply(file: LogFile, append: Append, grown: Map<string, StreamId>): number | Error {
    const { stream, generation, first, payloads, known } = append;
    let state = file.stream(stream);
    if (state && generation < state.generation) return olderGeneration(stream);
    if (!state || generation > state.generation) {
      if (known) return 0;
      state = file.begin(stream, generation, first);
    }
    if (first > state.last + 1) return state.last;
    const fresh = payloads.slice(state.last - first + 1);
    if (fresh.length === 0) return state.last;
    file.append(state, fresh, (this.#options.now ?? Date.now)());
    grown.set(`${stream.partition}/${stream.topic}`, stream);
    return state.last;
  }

  #sweepOn(): void {
    if (this.#sweeping || this.#closed) return;
    this.#sweeping = true;
    setImmediate(() => {
      this.#sweeping = false;
      try {
        if (!this.#closed && this.#guard((file) => file.sweep())) this.#sweepOn();
      } catch {
        // The failure has been told; the next sweep tries again.
      }
    });
  }

  /** Runs `work` on the open file; turns failures of SQLite into StorageUnavailableError. */
  #guard<T>(work: (file: LogFile) => T): T {
    if (this.#closed) throw new DependencyUnavailableError('The event log was closed');
    const file = this.#open();
    try {
      return work(file);
    } catch (error) {
      // Anything else is a mistake in this process, not the file's.
      if (!(error instanceof SQLiteError)) throw error;
      throw this.#failed(error);
    }
  }

  #open(): LogFile {
    if (this.#file) return this.#file;
    if (performance.now() < this.#retryAt) throw unavailable();
    const { path, durability = 'process' } = this.#options;
    try {
      this.#file = new LogFile(path, durability);
    } catch (error) {
      const failure = this.#failed(error);
      if (!isBroken(error) || performance.now() < this.#retryAt) throw failure;
      // The broken one is out of the way: the caller need not come again.
      return this.#open();
    }
    return this.#file;
  }

  #failed(error: unknown): StorageUnavailableError {
    const { onFailure, path } = this.#options;
    if (codeOf(error) === 'SQLITE_FULL') {
      onFailure?.('the event log has no room on its disk: appends are refused until there is some', error);
      return unavailable();
    }
    this.#file?.close();
    this.#file = undefined;
    const aside = isBroken(error) ? putAside(path) : undefined;
    if (aside) {
      onFailure?.(`the event log was broken: it begins anew, the old file is ${aside}`, error);
    } else {
      this.#retryAt = performance.now() + REOPEN_MS;
      onFailure?.('the event log failed: it is opened again', error);
    }
    return unavailable();
  }
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown }).code ?? '');
}

function isBroken(error: unknown): boolean {
  // Extended codes (SQLITE_CORRUPT_VTAB) begin with the plain one.
  return [...BROKEN].some((code) => codeOf(error).startsWith(code));
}

/** Renames a file; returns its new path, undefined when that cannot be done. */
function putAside(path: string): string | undefined {
  const aside = `${path}.broken-${new Date().toISOString().replaceAll(':', '-')}`;
  try {
    renameSync(path, aside);
    for (const suffix of ['-wal', '-shm']) rmSync(path + suffix, { force: true });
    return aside;
  } catch {
    return undefined;
  }
}

function unavailable(): StorageUnavailableError {
  return new StorageUnavailableError('The event log cannot store at the moment');
}
