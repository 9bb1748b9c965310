// Postgres behind the database port: the common suite, and what only a server can do to its clients.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../../test/support/eventually.ts';
import { POSTGRES_BIN, TestPostgres } from '../../test/support/postgres.ts';
import { StorageUnavailableError } from '../core/errors.ts';
import { appendOnly } from './append-only.ts';
import { storeConformance } from './conformance.ts';
import type { Database, Schemas } from './database.ts';
import { openPostgres } from './postgres.ts';
import { numbered } from './postgres-sql.ts';

const installed = POSTGRES_BIN !== null;
const schemas: Schemas = { engine: ['CREATE TABLE a (id BIGINT PRIMARY KEY, x DOUBLE PRECISION)'] };
const insert = 'INSERT INTO a (id) VALUES (?)';

storeConformance(
  'Postgres',
  async () => {
    const server = await TestPostgres.start();
    return {
      open: (engine, steps) => openPostgres(steps, { settings: server.settings(), engine, timeoutMs: 5000 }),
      stop: () => server.stop(),
    };
  },
  installed,
);

test('parameters get numbers outside of quotes and comments', () => {
  expect(numbered(`SELECT '?''?', "?""?" -- ?\n, ? /* ?\n? */ FROM a WHERE b = ? AND c = '?'`)).toBe(
    `SELECT '?''?', "?""?" -- ?\n, $1 /* ?\n? */ FROM a WHERE b = $2 AND c = '?'`,
  );
});

describe.skipIf(!installed)('a database in Postgres', () => {
  let server: TestPostgres;
  const opened: Database[] = [];
  beforeAll(async () => {
    server = await TestPostgres.start();
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((db) => db.close()));
  });
  afterAll(() => server?.stop());

  async function open(engine: string, steps = schemas, timeoutMs = 5000): Promise<Database> {
    const db = await openPostgres(steps, { settings: server.settings(), engine, timeoutMs });
    opened.push(db);
    return db;
  }
  const add = (db: Database, id: number) => db.transaction((tx) => tx.write(insert, id));
  const ids = async (db: Database) =>
    (await db.all<{ id: number }>('SELECT id FROM a ORDER BY id')).map((row) => row.id);
  const refused = (promise: Promise<unknown>) => expect(promise).rejects.toThrow(StorageUnavailableError);
  /** Resolves once a transaction works again, without anything being opened anew. */
  const recovered = (db: Database) =>
    eventually(
      () =>
        db
          .transaction((tx) => tx.all('SELECT 1 AS one'))
          .then(
            () => true,
            () => false,
          ),
      'a transaction works again',
    );

  test('is a schema of its own, with a name that the server shows', async () => {
    const [risk, orders] = [await open('risk'), await open('orders')];
    await add(risk, 1);
    expect([await ids(risk), await ids(orders)]).toEqual([[1], []]);
    const names = await server.run(
      "SELECT DISTINCT application_name AS n FROM pg_stat_activity WHERE datname = 'postgres'",
    );
    expect(names.map((row) => row.n)).toEqual(expect.arrayContaining(['nautilus-risk', 'nautilus-orders']));
    const prefixed = await openPostgres(schemas, { settings: server.settings('east_'), engine: 'risk' });
    opened.push(prefixed);
    expect(await ids(prefixed)).toEqual([]);
    expect(await server.run('SELECT id FROM risk.a')).toEqual([{ id: '1' }]);
  });

  test('refuses an integer beyond 2^53 on its way in and on its way out', async () => {
    const db = await open('large');
    await expect(add(db, 2 ** 53 + 2)).rejects.toThrow(/bigint/);
    await db.transaction((tx) => tx.write('INSERT INTO a VALUES (9007199254740993, ?)', 2 ** 53 + 2));
    expect(await db.get('SELECT x FROM a')).toEqual({ x: 2 ** 53 + 2 });
    await expect(db.all('SELECT id FROM a')).rejects.toThrow('beyond 2^53');
    expect(await db.get('SELECT CAST(id AS TEXT) AS id FROM a')).toEqual({ id: '9007199254740993' });
  });

  test('keeps what was acknowledged when the server is killed, and works again when it is back', async () => {
    const db = await open('killed');
    const acknowledged: number[] = [];
    const attempts = Promise.allSettled(
      Array.from({ length: 600 }, (_, id) => add(db, id).then(() => acknowledged.push(id))),
    );
    await eventually(() => acknowledged.length > 0, 'the first commit');
    await server.kill();
    for (const attempt of await attempts) {
      if (attempt.status === 'rejected') expect(attempt.reason).toBeInstanceOf(StorageUnavailableError);
    }
    await refused(add(db, 9001));
    await refused(ids(db));
    await server.restart();
    await recovered(db);
    const stored = await ids(db);
    expect(acknowledged.filter((id) => !stored.includes(id))).toEqual([]);
    // Each commit holds all units of a group or none, in their order.
    expect(stored).toEqual(Array.from(stored, (_, at) => at));
    await add(db, 9002);
    expect((await ids(db)).at(-1)).toBe(9002);
  });

  test('stores nothing of a transaction that the server dies in, nor sends the rest of it to another connection', async () => {
    const db = await open('within');
    const halves = [1, 2].map((id) =>
      db.transaction(async (tx) => {
        tx.write(insert, id * 10);
        await tx.all('SELECT 1 AS one');
        if (id === 1) {
          await server.kill();
          await server.restart();
        }
        tx.write(insert, id * 10 + 1);
      }),
    );
    for (const half of await Promise.allSettled(halves)) {
      expect(half).toMatchObject({ status: 'rejected', reason: expect.any(StorageUnavailableError) });
    }
    await recovered(db);
    expect(await ids(db)).toEqual([]);
  });

  test('loses one connection that an administrator ends, and no more than that', async () => {
    const db = await open('ended');
    await add(db, 1);
    const end = (what: string) =>
      server.run(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'nautilus-ended' AND ${what}`,
      );
    await end('true');
    await recovered(db);
    await refused(
      db.transaction(async (tx) => {
        tx.write(insert, 2);
        await tx.all('SELECT 1 AS one');
        await end("state LIKE 'idle in%'");
        await tx.all('SELECT 1 AS one');
      }),
    );
    await recovered(db);
    await add(db, 3);
    expect(await ids(db)).toEqual([1, 3]);
  });

  test('gives up a server that is silent, and takes it up when it speaks again', async () => {
    const db = await open('paused', schemas, 300);
    await add(db, 1);
    server.pause();
    try {
      const silent = await Promise.allSettled([add(db, 2), ids(db)]);
      expect(silent.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
      await refused(add(db, 3));
    } finally {
      server.resume();
    }
    await recovered(db);
    await add(db, 4);
    // The outcome of what was under way when the silence began is not known; what came later was never sent.
    expect((await ids(db)).filter((id) => id !== 2)).toEqual([1, 4]);
  });

  test('gives up a statement that takes too long, and goes on', async () => {
    const db = await open('slow', schemas, 200);
    await refused(db.all('SELECT pg_sleep(5)'));
    await refused(
      db.transaction(async (tx) => {
        tx.write(insert, 1);
        await tx.all('SELECT pg_sleep(5)');
      }),
    );
    await add(db, 2);
    expect(await ids(db)).toEqual([2]);
  });

  test('goes through its steps once when several processes start at once', async () => {
    const step = `CREATE TABLE once (n BIGINT); INSERT INTO once SELECT 1 FROM pg_sleep(0.05)`;
    const script = join(mkdtempSync(join(tmpdir(), 'steps-')), 'start.ts');
    await Bun.write(
      script,
      `import { openPostgres } from ${JSON.stringify(join(import.meta.dir, 'postgres.ts'))};
       import { postgresSettings } from ${JSON.stringify(join(import.meta.dir, '../core/postgres-settings.ts'))};
       const settings = postgresSettings({ url: process.argv[2] });
       const db = await openPostgres({ engine: [${JSON.stringify(step)}] }, { settings, engine: 'many' });
       await db.close();`,
    );
    const children = [1, 2, 3].map(() =>
      Bun.spawn([process.execPath, script, server.url], { stderr: 'inherit' }),
    );
    expect(await Promise.all(children.map((child) => child.exited))).toEqual([0, 0, 0]);
    rmSync(join(script, '..'), { recursive: true });
    expect(await server.run('SELECT n FROM many.once')).toEqual([{ n: '1' }]);
  });

  test('refuses to empty an append-only table', async () => {
    const db = await open('kept', { engine: [...schemas.engine!, appendOnly('a')] });
    await add(db, 1);
    await expect(db.transaction((tx) => tx.write('TRUNCATE a'))).rejects.toThrow('a is append-only');
    expect(await ids(db)).toEqual([1]);
  });

  test('waits for the log of the server even where its default does not', async () => {
    await server.run('ALTER ROLE nautilus SET synchronous_commit = off');
    const db = await open('waits');
    const read = () =>
      db.transaction((tx) => tx.get<{ s: string }>("SELECT current_setting('synchronous_commit') AS s"));
    expect(await read()).toEqual({ s: 'on' });
    await server.run('ALTER ROLE nautilus RESET synchronous_commit');
  });
});
