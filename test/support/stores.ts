// The databases that tests of engines run on: SQLite always, Postgres where it is installed.
import { Database } from 'bun:sqlite';
import { afterAll, beforeAll, beforeEach } from 'bun:test';
import { join } from 'node:path';
import type { Envelope } from '../../src/bus/envelope.ts';
import { PARTITIONS } from '../../src/bus/partition.ts';
import type { Topic } from '../../src/bus/topics.ts';
import type { Dialect } from '../../src/store/database.ts';
import type { TestEngine } from './engine.ts';
import { POSTGRES_BIN, TestPostgres } from './postgres.ts';

/** Where an engine under test keeps its state. */
export interface EngineStore {
  /** Settings of an engine; each call gives a place of its own. */
  env(): Record<string, string>;
  /** Runs statements on the database of an engine behind its back; `{schema}` stands before a table's name. */
  run(engine: TestEngine, sql: Readonly<Record<Dialect, string>>): Promise<void>;
  stop(): Promise<void>;
}

class SqliteStore implements EngineStore {
  env(): Record<string, string> {
    return { DATABASE_URL: '' };
  }

  async run({ dataDir, context }: TestEngine, sql: Readonly<Record<Dialect, string>>): Promise<void> {
    const db = new Database(join(dataDir, `${context.bus.source}.sqlite`));
    db.run('PRAGMA busy_timeout = 2000');
    try {
      db.run(sql.sqlite.replaceAll('{schema}', ''));
    } finally {
      db.close();
    }
  }

  async stop(): Promise<void> {}
}

class PostgresStore implements EngineStore {
  readonly #server: TestPostgres;
  #made = 0;

  constructor(server: TestPostgres) {
    this.#server = server;
  }

  env(): Record<string, string> {
    this.#made++;
    return { DATABASE_URL: this.#server.url, NAUTILUS_DATABASE_SCHEMA_PREFIX: `t${this.#made}_` };
  }

  async run({ context }: TestEngine, sql: Readonly<Record<Dialect, string>>): Promise<void> {
    const { schemaPrefix } = context.config.postgres!;
    await this.#server.run(sql.postgres.replaceAll('{schema}', `${schemaPrefix}${context.bus.source}.`));
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }
}

/** Every kind of database, for `describe.skipIf(!present)`. */
export const STORES: readonly {
  readonly name: string;
  readonly present: boolean;
  start(): Promise<EngineStore>;
}[] = [
  { name: 'SQLite', present: true, start: async () => new SqliteStore() },
  {
    name: 'Postgres',
    present: POSTGRES_BIN !== null,
    start: async () => new PostgresStore(await TestPostgres.start()),
  },
];

/**
 * Starts the database of a block of tests, stops it after them, and runs `each` before every test with settings that give an
 * engine a place of its own there.
 */
export function useStore(
  start: () => Promise<EngineStore>,
  each: (store: EngineStore, env: Record<string, string>) => Promise<void>,
): void {
  let store: EngineStore | undefined;
  beforeAll(async () => {
    store = await start();
  });
  afterAll(() => store?.stop());
  beforeEach(() => each(store!, store!.env()));
}

const CHANGES = ['INSERT', 'UPDATE', 'DELETE'] as const;

/** Makes every change of a table fail, as a disk does that cannot be written, until `mend`. */
export function breakTable(store: EngineStore, engine: TestEngine, table: string): Promise<void> {
  return store.run(engine, {
    sqlite: CHANGES.map(
      (change) =>
        `CREATE TRIGGER broken_${change} BEFORE ${change} ON ${table} BEGIN SELECT RAISE(ABORT, 'broken'); END;`,
    ).join('\n'),
    postgres: `CREATE FUNCTION {schema}broken() RETURNS trigger LANGUAGE plpgsql AS $body$
        BEGIN RAISE EXCEPTION 'broken'; END $body$;
      CREATE TRIGGER broken BEFORE ${CHANGES.join(' OR ')} ON {schema}${table}
        FOR EACH ROW EXECUTE FUNCTION {schema}broken();`,
  });
}

/** Ends what `breakTable` began. */
export function mend(store: EngineStore, engine: TestEngine): Promise<void> {
  return store.run(engine, {
    sqlite: CHANGES.map((change) => `DROP TRIGGER broken_${change};`).join('\n'),
    postgres: 'DROP FUNCTION {schema}broken() CASCADE;',
  });
}

/** Events of a durable topic that have reached the log, by partition and position. */
export async function logged<Body>(engine: TestEngine, topic: Topic<Body>): Promise<Envelope<Body>[]> {
  const log = engine.hub.connectLog();
  const places = Array.from({ length: PARTITIONS }, (_, partition) => {
    return { topic: topic.name, partition, generation: '', position: 0 };
  });
  const batches = await log.read(places, { maxEvents: 1000, waitMs: 0 });
  return batches.flatMap(({ events }) => events.map((e) => JSON.parse(e.payload) as Envelope<Body>));
}
