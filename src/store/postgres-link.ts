// A connection to Postgres that comes back after it was lost. Statements and values are in postgres-sql.ts.
import type { Duplex } from 'node:stream';
import type { Client, ClientConfig, DatabaseError, QueryResult } from 'pg';
import { InvalidOptionError, StorageUnavailableError } from '../core/errors.ts';
import type { PostgresSettings } from '../core/postgres-settings.ts';
import { type Statement, TYPES, type Wire } from './postgres-sql.ts';

/** One statement with its values. */
export interface Query extends Statement {
  readonly values?: Wire[];
}

export interface LinkOptions {
  readonly settings: PostgresSettings;
  /** `application_name` of the connection. */
  readonly name: string;
  /** Statements that each new connection runs first. */
  readonly setUp: string;
  /** Longest wait for the connection and for each statement. */
  readonly timeoutMs: number;
}

const FIRST_DELAY_MS = 50;
const LONGEST_DELAY_MS = 2000;
/** The server stops a late statement itself; only one that is silent is given up this much later. */
const SILENCE_MS = 1000;

/** Returns a query without values, which is not kept parsed. */
export function plain(text: string): Query {
  return { text, name: undefined };
}

/** The connection as long as it lives. What it sends is answered in order; after its loss everything is refused. */
export class Session {
  lost = false;
  /** Longest silence of the server while an answer is awaited. */
  limitMs: number;
  readonly #client: Client;
  readonly #address: string;
  #pending = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(client: Client, { settings, timeoutMs }: LinkOptions) {
    this.#client = client;
    this.#address = settings.address;
    this.limitMs = timeoutMs + SILENCE_MS;
    client.once('end', () => this.#lose());
    client.on('error', () => this.#lose());
  }

  /**
   * Sends all `queries` at once and resolves with the result of the last. Rejects with the first failure, once all are
   * answered: {@link StorageUnavailableError} when Postgres cannot store or is away, its own error otherwise.
   */
  send(queries: readonly Query[]): Promise<QueryResult> {
    if (this.lost) return Promise.reject(new StorageUnavailableError('The connection to Postgres was lost'));
    return new Promise((resolve, reject) => {
      let left = queries.length;
      let failure: Error | undefined;
      const answered = (error: Error | undefined, result: QueryResult) => {
        failure ??= error ?? undefined;
        this.#heard();
        if (--left > 0) return;
        if (failure) reject(told(failure, this.#address));
        else resolve(result);
      };
      const stream = this.#stream();
      if (this.#pending === 0) this.#timer = setTimeout(() => this.destroy(), this.limitMs);
      this.#pending += queries.length;
      stream.cork();
      for (const { text, name, values } of queries) {
        // The client keeps the object as its own.
        this.#client.query({ text, name, values } as never, answered as never);
      }
      stream.uncork();
    });
  }

  /** Ends the connection at once; what is under way fails. */
  destroy(): void {
    this.#lose();
    this.#stream().destroy();
  }

  async end(): Promise<void> {
    if (this.lost) return;
    const timer = setTimeout(() => this.destroy(), this.limitMs);
    await this.#client.end();
    clearTimeout(timer);
  }

  // The client corks each query by itself; all that go out together shall be one packet.
  #stream(): Duplex {
    return (this.#client as unknown as { connection: { stream: Duplex } }).connection.stream;
  }

  #heard(): void {
    if (--this.#pending > 0) this.#timer?.refresh();
    else clearTimeout(this.#timer);
  }

  #lose(): void {
    this.lost = true;
    clearTimeout(this.#timer);
  }
}

/**
 * Gives out the one living {@link Session}, and makes a new one when it was lost. A caller waits for the attempt under way;
 * after a failure the next attempt starts 50 ms to 2 s later, a little at random, so that many processes do not come at once.
 */
export class Link {
  readonly #options: LinkOptions;
  #session: Session | undefined;
  #attempt: Promise<Session> | undefined;
  #failures = 0;
  #retryAt = 0;
  #closed = false;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  /** Throws {@link StorageUnavailableError} when Postgres cannot be reached. */
  session(): Promise<Session> | Session {
    if (this.#session && !this.#session.lost) return this.#session;
    this.#attempt ??= this.#connect().finally(() => {
      this.#attempt = undefined;
    });
    return this.#attempt;
  }

  /** Waits for what is under way, then ends. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#attempt?.catch(() => {});
    await this.#session?.end();
  }

  async #connect(): Promise<Session> {
    const wait = this.#retryAt - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    if (this.#closed) throw new StorageUnavailableError('The database is closed');
    const { Client } = await import('pg');
    const client = new Client(clientConfig(this.#options));
    // Failures come through the calls that they hit.
    client.on('error', () => {});
    try {
      await client.connect();
      const session = new Session(client, this.#options);
      await session.send([plain(this.#options.setUp)]);
      this.#session = session;
      this.#failures = 0;
      return session;
    } catch (error) {
      const delay = Math.min(FIRST_DELAY_MS * 2 ** this.#failures++, LONGEST_DELAY_MS);
      this.#retryAt = performance.now() + delay * (0.5 + Math.random() / 2);
      client.end().catch(() => {});
      throw told(error as Error, this.#options.settings.address, true);
    }
  }
}

/** Returns what the driver needs to connect; everything is given, so that no variable of libpq changes it. */
export function clientConfig({ settings, name, timeoutMs }: LinkOptions): ClientConfig {
  const { host, port, database, sslMode, sslRootCert } = settings;
  const verify = { rejectUnauthorized: true, ...(sslRootCert === undefined ? {} : { ca: sslRootCert }) };
  return {
    ...settings.credentials(),
    host,
    port,
    database,
    ssl: sslMode === 'disable' ? false : sslMode === 'require' ? { rejectUnauthorized: false } : verify,
    application_name: name,
    connectionTimeoutMillis: timeoutMs,
    keepAlive: true,
    pipeline: true,
    types: TYPES as never,
  };
}

/** Classes of SQLSTATE that pass by themselves or by an administrator's hand, and what to say of them. */
const UNAVAILABLE: readonly (readonly [RegExp, string])[] = [
  [/^08/, 'the connection was lost'],
  [/^28/, 'user or password refused'],
  [/^3D000/, 'there is no such database'],
  [/^53100/, 'its disk is full'],
  [/^53300/, 'it has no connection left'],
  [/^53/, 'it is out of resources'],
  [/^57014/, 'a statement took longer than DEFAULT_TIMEOUT'],
  [/^57P/, 'it is starting or stopping'],
  [/^58/, 'its files cannot be read or written'],
  [/^25006/, 'it can only be read'],
  [/^25P0[34]/, 'a transaction waited too long'],
  [/^(40001|40P01|55P03)/, 'another process holds the same rows'],
];

/** Returns what is said of a failure of the driver, which speaks of its own parts. */
function reasonOf(message: string): string {
  if (message.includes('does not support SSL'))
    return 'it has no TLS: sslmode=disable in DATABASE_URL goes without';
  if (message.includes('password must be')) return 'it asks for a password: DATABASE_PASSWORD_FILE';
  return message;
}

/** Returns what is said of a failure: {@link StorageUnavailableError} when Postgres is away or cannot store, else `error`. */
export function told(error: Error, address: string, connecting = false): Error {
  if (error instanceof StorageUnavailableError || error instanceof InvalidOptionError) return error;
  const { severity, code } = error as Partial<DatabaseError>;
  if (severity === undefined || code === undefined) {
    // What is no answer of the server is a failure of the connection; errors of values are told by their class.
    if (!connecting && error.name === 'InvariantError') return error;
    return new StorageUnavailableError(
      `Postgres at ${address} cannot be used (${code ?? reasonOf(error.message)})`,
    );
  }
  const why =
    UNAVAILABLE.find(([state]) => state.test(code))?.[1] ?? (connecting ? error.message : undefined);
  return why === undefined
    ? error
    : new StorageUnavailableError(`Postgres at ${address} cannot be used: ${why} (${code})`);
}
