// The SQLite file of the durable log: its tables and statements. Grouping, failures and waiting readers are in log-store.ts.
import { Database, type SQLQueryBindings, type Statement } from 'bun:sqlite';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { InvariantError } from '../core/errors.ts';
import type { LogBatch, LogEvent, LogPlace, StreamId } from './event-log.ts';
import { streamKey } from './log-readers.ts';
import type { Retention } from './retention.ts';

// An event is one row whose integer key is its stream's number times this, plus its position: rows of a stream lie together
// and are found without an index. Streams stay below 2^13, so that keys are exact in a number.
const KEYS = 2 ** 40;
const MOST_STREAMS = 2 ** 13 - 1;
const SWEEP_ROWS = 1000;
const PAGE_BYTES = 4096;

// A row of `streams` is one generation of a stream. The greatest one is in force; what is left of others is swept away.
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS streams (
    id INTEGER PRIMARY KEY,
    topic TEXT NOT NULL,
    partition INTEGER NOT NULL,
    generation TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    UNIQUE (topic, partition, generation)
  );
  CREATE TABLE IF NOT EXISTS events (
    key INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    payload TEXT NOT NULL
  );
`;

/** The generation in force of one stream: events `first` to `last`; `first` is `last + 1` when none is left. */
export interface StreamState extends StreamId {
  readonly id: number;
  readonly generation: string;
  first: number;
  last: number;
}

/** How safe an acknowledged append is: `process` outlives kill -9, `power` outlives a power cut (one fsync for each group). */
export type LogDurability = 'process' | 'power';

/** An open log file. Every method throws what SQLite throws. */
export class LogFile {
  readonly #db: Database;
  readonly #statements: Statement[] = [];
  readonly #streams = new Map<string, StreamState>();
  /** Those whose `first` or `last` are not yet in the file. */
  readonly #changed = new Set<StreamState>();
  #written = 0;
  readonly #insertEvent: Statement;
  readonly #insertStream: Statement;
  readonly #updateStream: Statement;
  readonly #select: Statement;
  readonly #selectTime: Statement<{ at_ms: number }, [number]>;
  readonly #firstKey: Statement<{ key: number }, [number, number]>;
  readonly #deleteKeys: Statement;
  readonly #allStreams: Statement<StreamState, []>;
  readonly #deleteStream: Statement;

  constructor(path: string, durability: LogDurability) {
    mkdirSync(dirname(path), { recursive: true });
    const db = new Database(path, { create: true, strict: true });
    try {
      db.run('PRAGMA busy_timeout = 500');
      db.run('PRAGMA journal_mode = WAL');
      db.run(`PRAGMA synchronous = ${durability === 'power' ? 'FULL' : 'NORMAL'}`);
      // Checkpoints are asked for from outside; this is for when they fail.
      db.run('PRAGMA wal_autocheckpoint = 8000');
      db.run('PRAGMA journal_size_limit = 67108864');
      db.run(SCHEMA);
      const prepare = <Row, Values extends SQLQueryBindings[]>(sql: string) => {
        const statement = db.prepare<Row, Values>(sql);
        this.#statements.push(statement as unknown as Statement);
        return statement;
      };
      this.#db = db;
      this.#insertEvent = prepare('INSERT INTO events (key, at_ms, payload) VALUES (?, ?, ?)');
      this.#insertStream = prepare(
        'INSERT INTO streams (topic, partition, generation, first, last) VALUES (?, ?, ?, ?, ?)',
      );
      this.#updateStream = prepare('UPDATE streams SET first = ?, last = ? WHERE id = ?');
      this.#select = prepare('SELECT key, payload FROM events WHERE key > ? AND key <= ? ORDER BY key');
      this.#selectTime = prepare('SELECT at_ms FROM events WHERE key = ?');
      this.#firstKey = prepare('SELECT key FROM events WHERE key >= ? AND key < ? ORDER BY key LIMIT 1');
      this.#deleteKeys = prepare('DELETE FROM events WHERE key >= ? AND key < ?');
      this.#allStreams = prepare('SELECT * FROM streams');
      this.#deleteStream = prepare('DELETE FROM streams WHERE id = ?');
      this.#load();
    } catch (error) {
      this.#finish(db);
      throw error;
    }
  }

  stream(id: StreamId): StreamState | undefined {
    return this.#streams.get(streamKey(id));
  }

  streams(): IterableIterator<StreamState> {
    return this.#streams.values();
  }

  /** Runs `work` in one transaction; its changes are all in the file, or none is. */
  transaction(work: () => void): void {
    this.#db.run('BEGIN IMMEDIATE');
    try {
      work();
      for (const { id, first, last } of this.#changed) this.#updateStream.run(first, last, id);
      this.#db.run('COMMIT');
      this.#written += 2 * PAGE_BYTES * this.#changed.size;
      this.#changed.clear();
    } catch (error) {
      // SQLite ends the transaction itself on some failures (full disk).
      if (this.#db.inTransaction) this.#db.run('ROLLBACK');
      this.#load();
      throw error;
    }
  }

  /** Begins a generation; inside a transaction. */
  begin(stream: StreamId, generation: string, first: number): StreamState {
    const { topic, partition } = stream;
    const { lastInsertRowid } = this.#insertStream.run(topic, partition, generation, first, first - 1);
    const id = Number(lastInsertRowid);
    if (id > MOST_STREAMS) throw new InvariantError(`A log file holds at most ${MOST_STREAMS} streams`);
    const state = { id, topic, partition, generation, first, last: first - 1 };
    this.#streams.set(streamKey(stream), state);
    return state;
  }

  /** Appends at the end of a stream; inside a transaction. */
  append(state: StreamState, payloads: readonly string[], atMs: number): void {
    const base = state.id * KEYS;
    for (const payload of payloads) {
      this.#insertEvent.run(base + ++state.last, atMs, payload);
      this.#written += payload.length;
    }
    this.#changed.add(state);
  }

  slice(place: LogPlace, maxEvents: number, maxUnits: number): LogBatch | undefined {
    const state = this.stream(place);
    if (!state || place.generation > state.generation) return undefined;
    const after = Math.max(place.generation === state.generation ? place.position : 0, state.first - 1);
    if (after >= state.last) return undefined;
    const base = state.id * KEYS;
    const events: LogEvent[] = [];
    let units = 0;
    const last = Math.min(state.last, after + maxEvents);
    const rows = this.#select.iterate(base + after, base + last) as Iterable<{
      key: number;
      payload: string;
    }>;
    for (const { key, payload } of rows) {
      events.push({ position: key - base, payload });
      units += payload.length;
      if (units >= maxUnits) break;
    }
    if (events.length === 0) return undefined;
    return { topic: state.topic, partition: state.partition, generation: state.generation, events };
  }

  /** Forgets events before `first`; inside a transaction. Their rows go with {@link LogFile.sweep}. */
  forget(state: StreamState, first: number): void {
    if (first <= state.first) return;
    state.first = Math.min(first, state.last + 1);
    this.#changed.add(state);
  }

  /** The first position that `retention` keeps. Looks at few rows: times grow with positions. */
  keptFrom(state: StreamState, { maxEvents, maxAgeMs }: Retention, nowMs: number): number {
    let low = Math.max(state.first, state.last - maxEvents + 1);
    let high = state.last + 1;
    const oldest = nowMs - maxAgeMs;
    // Most often nothing is too old, which the first row tells.
    const first = this.#selectTime.get(state.id * KEYS + low);
    if (first && first.at_ms >= oldest) return low;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const row = this.#selectTime.get(state.id * KEYS + middle);
      if (row && row.at_ms >= oldest) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Deletes some rows that nobody can read any more; returns whether there may be others. */
  sweep(): boolean {
    for (const state of this.#streams.values()) {
      if (this.#sweepRange(state.id * KEYS, state.id * KEYS + state.first)) return true;
    }
    const inForce = new Set([...this.#streams.values()].map((state) => state.id));
    for (const { id } of this.#allStreams.all()) {
      if (inForce.has(id)) continue;
      if (this.#sweepRange(id * KEYS, (id + 1) * KEYS)) return true;
      this.#deleteStream.run(id);
    }
    return false;
  }

  /** About the bytes that the write-ahead log has grown by since the last call. */
  takeWritten(): number {
    const written = this.#written;
    this.#written = 0;
    return written;
  }

  run(sql: string): void {
    this.#db.run(sql);
  }

  close(): void {
    this.#finish(this.#db);
  }

  // A statement that lives on keeps the file open, its write-ahead log included.
  #finish(db: Database): void {
    for (const statement of this.#statements) statement.finalize();
    db.close();
  }

  #sweepRange(from: number, to: number): boolean {
    const row = this.#firstKey.get(from, to);
    if (!row) return false;
    this.#deleteKeys.run(row.key, Math.min(to, row.key + SWEEP_ROWS));
    return true;
  }

  #load(): void {
    this.#streams.clear();
    this.#changed.clear();
    // Ascending: the newest generation of a stream comes last and stays.
    const rows = this.#allStreams.all().sort((a, b) => (a.generation < b.generation ? -1 : 1));
    for (const row of rows) this.#streams.set(streamKey(row), row);
  }
}
