// One unit of work on the writing connection to Postgres; those of a group share one transaction of the server.
import type { QueryResult } from 'pg';
import { InvariantError } from '../core/errors.ts';
import type { SqlValue, Transaction } from './database.ts';
import { plain, type Query, type Session } from './postgres-link.ts';
import { type Statements, wired } from './postgres-sql.ts';

/** Writes that are gathered at most before they are sent. */
const MAX_GATHERED = 512;

const COMMIT = plain('COMMIT');
const ROLLBACK = plain('ROLLBACK');
const SAVEPOINT = plain('SAVEPOINT unit');
const RELEASE = plain('RELEASE SAVEPOINT unit');
const UNDO = plain('ROLLBACK TO SAVEPOINT unit');

/** The transaction of the server that a group of units shares. It begins with the first statement. */
export class Group {
  begun = false;
  readonly session: Session;
  readonly statements: Statements;
  /** Whether there are several units, each of which has to be undone alone. */
  readonly shared: boolean;

  constructor(session: Session, statements: Statements, shared: boolean) {
    this.session = session;
    this.statements = statements;
    this.shared = shared;
  }

  /** Stores what the units did. */
  async commit(): Promise<void> {
    if (this.begun) checkStored(await this.session.send([COMMIT]));
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

  /** Ends the unit after its work: sends what is left; a unit that is alone is stored with it. Throws when any of it failed. */
  async end(): Promise<void> {
    this.over = true;
    const { shared } = this.#group;
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#gathered.length === 0 && !this.#sent) return;
    this.#gathered.push(shared ? RELEASE : COMMIT);
    const result = await this.#flush();
    if (this.#failure !== undefined) throw this.#failure;
    if (!shared) checkStored(result);
  }

  /** Takes back what the unit did. */
  async undo(): Promise<void> {
    this.over = true;
    this.#gathered = [];
    const { session, shared } = this.#group;
    if (!this.#sent || session.lost) return;
    await session.send(shared ? [UNDO, RELEASE] : [ROLLBACK]);
  }

  #gather(sql: string, values: readonly SqlValue[]): void {
    if (this.over) throw new InvariantError('a transaction was used after its end');
    const { text, name } = this.#group.statements.of(sql);
    this.#gathered.push({ text, name, values: wired(values) });
  }

  async #flush(): Promise<QueryResult> {
    const queries = this.#gathered;
    this.#gathered = [];
    if (!this.#sent) {
      this.#sent = true;
      if (this.#group.shared) queries.unshift(SAVEPOINT);
      if (!this.#group.begun) queries.unshift(plain('BEGIN'));
      this.#group.begun = true;
    }
    try {
      return await this.#group.session.send(queries);
    } catch (error) {
      // Whatever comes after a failure fails for its sake, so that the first is the reason.
      this.#failure ??= error;
      throw this.#failure;
    }
  }
}
