// One unit of work on the writing connection to SQLite; those of a group share one transaction. Waits for other processes without blocking.
import type { Database as Connection, Statement } from 'bun:sqlite';
import { InvariantError } from '../core/errors.ts';
import type { SqlValue, Transaction } from './database.ts';
import { checkedValues } from './values.ts';

/** Waits between two looks whether another process still holds the file, in milliseconds. */
const LOOK_MS = { first: 1, longest: 25 };

/** A connection with its statements. */
export class Connected {
  readonly #statements = new Map<string, Statement>();

  constructor(readonly db: Connection) {}

  // Texts are those of the program, so that they are few and stay.
  statement(sql: string): Statement {
    let known = this.#statements.get(sql);
    if (!known) {
      known = this.db.prepare(sql);
      this.#statements.set(sql, known);
    }
    return known;
  }

  all(sql: string, values: readonly SqlValue[]): unknown[] {
    return this.statement(sql).all(...checkedValues(values));
  }

  run(sql: string): void {
    this.statement(sql).run();
  }

  close(): void {
    for (const statement of this.#statements.values()) statement.finalize();
    this.#statements.clear();
    this.db.close();
  }
}

/**
 * Patience with another process that holds the file: looks again and again with the event loop free meanwhile, until it has held it
 * for `limitMs`. After that each attempt is made only once, so that a holder that was paused delays nobody twice.
 */
export class Patience {
  readonly #limitMs: number;
  #sinceMs: number | undefined;

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  /** What `attempt` returns; undefined when another process holds the file. */
  once<T>(attempt: () => T): { readonly value: T } | undefined {
    try {
      const value = attempt();
      this.#sinceMs = undefined;
      return { value };
    } catch (error) {
      if (!isBusy(error)) throw error;
      this.#sinceMs ??= performance.now();
      if (this.#isOver) throw error;
      return undefined;
    }
  }

  /** What `attempt` returns in the end. Throws the error of SQLite when the limit is reached. */
  async wait<T>(attempt: () => T): Promise<T> {
    for (let wait = LOOK_MS.first; ; wait = Math.min(wait * 2, LOOK_MS.longest)) {
      // Half of the wait is random, so that several who wait do not look in one instant.
      await Bun.sleep(wait * (0.5 + Math.random() / 2));
      const done = this.once(attempt);
      if (done) return done.value;
    }
  }

  get #isOver(): boolean {
    return this.#sinceMs !== undefined && performance.now() - this.#sinceMs >= this.#limitMs;
  }
}

function isBusy(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' && code.startsWith('SQLITE_BUSY');
}

/** While another process writes, what a unit does is kept in order and done as soon as that has ended. */
export class SqliteUnit implements Transaction {
  readonly #connected: Connected;
  readonly #patience: Patience;
  readonly #grouped: boolean;
  /** What waits for the right to write. */
  #late: (() => void)[] | undefined;
  #begun: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;
  #touched = false;
  over = false;

  constructor(connected: Connected, patience: Patience, grouped: boolean) {
    this.#connected = connected;
    this.#patience = patience;
    this.#grouped = grouped;
  }

  write(sql: string, ...values: SqlValue[]): void {
    const checked = checkedValues(values);
    const run = () => this.#connected.statement(sql).run(...checked);
    if (this.#begin()) run();
    else this.#late!.push(run);
  }

  async all<Row>(sql: string, ...values: SqlValue[]): Promise<Row[]> {
    if (this.#begin()) return this.#connected.all(sql, values) as Row[];
    let rows: unknown[] = [];
    this.#late!.push(() => {
      rows = this.#connected.all(sql, values);
    });
    await this.#begun;
    if (this.#failure) throw this.#failure.error;
    return rows as Row[];
  }

  async get<Row>(sql: string, ...values: SqlValue[]): Promise<Row | null> {
    if (!this.#begin()) return (await this.all<Row>(sql, ...values))[0] ?? null;
    return (this.#connected.all(sql, values)[0] as Row | undefined) ?? null;
  }

  /** Ends the unit after its work; a promise only when something still waits. */
  end(): void | Promise<void> {
    this.over = true;
    if (this.#late) return this.#begun!.then(() => this.#end());
    this.#end();
  }

  /** Takes back what the unit did. */
  async undo(): Promise<void> {
    this.over = true;
    await this.#begun;
    if (!this.#touched || !this.#connected.db.inTransaction) return;
    if (!this.#grouped) this.#connected.run('ROLLBACK');
    else {
      this.#connected.run('ROLLBACK TO unit');
      this.#connected.run('RELEASE unit');
    }
  }

  #end(): void {
    if (this.#failure) throw this.#failure.error;
    if (this.#touched && this.#grouped) this.#connected.run('RELEASE unit');
  }

  // A unit that touches nothing costs nothing. Returns false when what comes has to wait.
  #begin(): boolean {
    if (this.over) throw new InvariantError('a transaction was used after its end');
    if (this.#late) return false;
    if (this.#failure) throw this.#failure.error;
    if (this.#touched) return true;
    const begin = () => this.#connected.run('BEGIN IMMEDIATE');
    if (this.#connected.db.inTransaction || this.#patience.once(begin)) {
      this.#open();
      return true;
    }
    this.#late = [];
    this.#begun = this.#beginLater(begin);
    return false;
  }

  async #beginLater(begin: () => void): Promise<void> {
    try {
      await this.#patience.wait(begin);
      this.#open();
      // Whatever comes after a failure fails for its sake, so that the first is the reason.
      for (const run of this.#late!) run();
    } catch (error) {
      this.#failure = { error };
    }
    this.#late = undefined;
  }

  #open(): void {
    if (this.#grouped) this.#connected.run('SAVEPOINT unit');
    this.#touched = true;
  }
}
