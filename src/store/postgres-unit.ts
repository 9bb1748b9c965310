// One unit of work on the writing connection to Postgres; those of a group share one transaction of the server.
import type { QueryResult } from 'pg';
import { InvariantError } from '../core/errors.ts';
import type { SqlValue, Transaction } from './database.ts';
import { type Link, plain, type Query, type Session } from './postgres-link.ts';
import { type Statements, wired } from './postgres-sql.ts';

/** Writes that are gathered at most before they are sent. */
const MAX_GATHERED = 512;

const BEGIN = plain('BEGIN');
const COMMIT = plain('COMMIT');
const ROLLBACK = plain('ROLLBACK');
const SAVEPOINT = plain('SAVEPOINT unit');
const RELEASE = plain('RELEASE SAVEPOINT unit');
const UNDO = plain('ROLLBACK TO SAVEPOINT unit');

/** What a unit sent without waiting for the answer, to be sent again should an earlier one fail. */
interface Posted {
  readonly queries: readonly Query[];
  readonly answer: Promise<unknown>;
  readonly failed: (error: unknown) => void;
}

/** The transaction of the server that a group of units shares. It begins with the first statement. */
export class Group {
  begun = false;
  /** Whether the server was asked to store: should it be lost then, it may have done so. */
  asked = false;
  readonly statements: Statements;
  /** Whether there are several units, each of which has to be undone alone. */
  readonly shared: boolean;
  readonly #link: Link;
  #session: Session | undefined;
  #connecting: Promise<Session> | undefined;
  #away = false;
  #posted: Posted[] = [];

  constructor(link: Link, statements: Statements, shared: boolean) {
    this.#link = link;
    this.statements = statements;
    this.shared = shared;
  }

  /** Whether the connection is gone, and what the units did with it. */
  get lost(): boolean {
    return this.#away || (this.#session?.lost ?? false);
  }

  /** Sends on the connection that the group keeps. The first call takes it, so that units that do nothing need none. */
  send(queries: readonly Query[]): Promise<QueryResult> {
    if (!this.#session && !this.#connecting) {
      const session = this.#link.session();
      if (session instanceof Promise) this.#connecting = session;
      else this.#session = session;
    }
    return this.#session ? this.#session.send(queries) : this.#sendLater(queries);
  }

  async #sendLater(queries: readonly Query[]): Promise<QueryResult> {
    try {
      this.#session = await this.#connecting!;
    } catch (error) {
      this.#away = true;
      throw error;
    }
    return this.#session.send(queries);
  }

  /** Returns what has to go before the first statement of a unit. */
  opening(): Query[] {
    const queries = this.begun ? [] : [BEGIN];
    this.begun = true;
    return this.shared ? [...queries, SAVEPOINT] : queries;
  }

  /** Sends all that a unit does, and leaves the answer to `settle`: units that only write cost no round trip each. */
  post(queries: readonly Query[], failed: (error: unknown) => void): void {
    const answer = this.send([...this.opening(), ...queries]);
    answer.catch(() => {});
    this.#posted.push({ queries, answer, failed });
  }

  /**
   * Waits for what was posted. After a failure the server refuses all that follows until the failed unit is undone: the units
   * behind it, which only wrote, are then sent again, one by one. Throws when the connection is lost.
   */
  async settle(): Promise<void> {
    const posted = this.#posted;
    if (posted.length === 0) return;
    this.#posted = [];
    const answers = await Promise.allSettled(posted.map(({ answer }) => answer));
    const first = answers.findIndex(({ status }) => status === 'rejected');
    if (first < 0) return;
    for (let at = first; at < posted.length; at++) {
      const { queries, answer, failed } = posted[at]!;
      try {
        await (at === first ? answer : this.send([SAVEPOINT, ...queries]));
      } catch (error) {
        if (this.lost) throw error;
        failed(error);
        await this.undo();
      }
    }
  }

  /** Takes back the unit that failed: alone, or the whole transaction that is its own. */
  async undo(): Promise<void> {
    await this.send(this.shared ? [UNDO, RELEASE] : [ROLLBACK]);
  }

  /** Stores what the units did. */
  async commit(): Promise<void> {
    await this.settle();
    if (!this.begun) return;
    this.asked = true;
    checkStored(await this.send([COMMIT]));
  }
}

/** A transaction that failed answers COMMIT with ROLLBACK; no failure of a unit gets this far. */
function checkStored({ command }: QueryResult): void {
  if (command !== 'COMMIT')
    throw new InvariantError('a transaction of the database ended without being stored');
}

export class PostgresUnit implements Transaction {
  over = false;
  readonly #group: Group;
  #gathered: Query[] = [];
  #sent = false;
  #settled: Promise<void> | undefined;
  #failure: unknown;

  constructor(group: Group) {
    this.#group = group;
  }

  write(sql: string, ...values: SqlValue[]): void {
    this.#gather(sql, values);
    if (this.#gathered.length >= MAX_GATHERED) this.#flush().catch(() => {});
  }

  async all<Row>(sql: string, ...values: SqlValue[]): Promise<Row[]> {
    this.#gather(sql, values);
    return (await this.#flush()).rows as Row[];
  }

  async get<Row>(sql: string, ...values: SqlValue[]): Promise<Row | null> {
    return (await this.all<Row>(sql, ...values))[0] ?? null;
  }

  /**
   * Ends the unit after its work: sends what is left; a unit that is alone is stored with it. Throws when any of it failed;
   * `failed` is called when that is found out later.
   */
  async end(failed: (error: unknown) => void): Promise<void> {
    this.over = true;
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#gathered.length === 0 && !this.#sent) return;
    const { shared } = this.#group;
    this.#gathered.push(shared ? RELEASE : COMMIT);
    this.#group.asked = !shared;
    if (shared && !this.#sent) {
      this.#group.post(this.#gathered, failed);
      return;
    }
    const result = await this.#flush();
    if (this.#failure !== undefined) throw this.#failure;
    if (!shared) checkStored(result);
  }

  /** Takes back what the unit did. */
  async undo(): Promise<void> {
    this.over = true;
    this.#gathered = [];
    if (this.#sent && !this.#group.lost) await this.#group.undo();
  }

  #gather(sql: string, values: readonly SqlValue[]): void {
    if (this.over) throw new InvariantError('a transaction was used after its end');
    const { text, name } = this.#group.statements.of(sql);
    this.#gathered.push({ text, name, values: wired(values) });
  }

  async #flush(): Promise<QueryResult> {
    let queries = this.#gathered;
    this.#gathered = [];
    try {
      if (!this.#sent) {
        this.#sent = true;
        // What this unit reads must not fail for the sake of another one.
        this.#settled = this.#group.settle();
        queries = [...this.#group.opening(), ...queries];
      }
      await this.#settled;
      return await this.#group.send(queries);
    } catch (error) {
      // Whatever comes after a failure fails for its sake, so that the first is the reason.
      this.#failure ??= error;
      throw this.#failure;
    }
  }
}
