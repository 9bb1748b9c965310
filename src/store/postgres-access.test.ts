// Ways into a Postgres: addresses, users, passwords, TLS, and what is said where there is none.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import { chownSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../../test/support/eventually.ts';
import { POSTGRES_BIN, TestPostgres } from '../../test/support/postgres.ts';
import { InvalidOptionError, StorageUnavailableError } from '../core/errors.ts';
import type { Database, Schemas } from './database.ts';
import { openDatabase } from './open.ts';
import { openPostgres } from './postgres.ts';

const schemas: Schemas = { engine: ['CREATE TABLE a (id BIGINT PRIMARY KEY)'] };

describe.skipIf(POSTGRES_BIN === null)('a database in Postgres', () => {
  let server: TestPostgres;
  const opened: Database[] = [];
  beforeAll(async () => {
    server = await TestPostgres.start();
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((db) => db.close()));
  });
  afterAll(() => server?.stop());

  const add = (db: Database, id: number) =>
    db.transaction((tx) => tx.write('INSERT INTO a (id) VALUES (?)', id));
  const ids = async (db: Database) => (await db.all<{ id: number }>('SELECT id FROM a')).map((row) => row.id);
  const refused = (promise: Promise<unknown>) => expect(promise).rejects.toThrow(StorageUnavailableError);

  test('promises to survive the power only over a server that waits for its disk', async () => {
    const options = { settings: server.settings(), engine: 'power', durability: 'power' } as const;
    await expect(openPostgres(schemas, options)).rejects.toThrow(InvalidOptionError);
    await expect(openPostgres(schemas, options)).rejects.toThrow('fsync = on');
  });

  test('says why it cannot be opened, without the password', async () => {
    const of = (url: string) =>
      openDatabase(
        { dataDir: '/', postgres: server.settings('', url), durability: 'process', defaultTimeoutMs: 1000 },
        'x',
        schemas,
      ).catch((error: Error) => error);
    const password = 'hushhush';
    for (const [url, why] of [
      [`postgres://nautilus:${password}@127.0.0.1:1/postgres`, 'ECONNREFUSED'],
      [`postgres://nautilus:${password}@127.0.0.1:${server.port}/none`, 'there is no such database'],
      [`postgres://nobody:${password}@127.0.0.1:${server.port}/postgres`, 'user or password refused'],
      [
        `postgres://nautilus:${password}@127.0.0.1:${server.port}/postgres?sslmode=require`,
        'sslmode=disable',
      ],
    ] as const) {
      const error = await of(url);
      expect(error).toBeInstanceOf(StorageUnavailableError);
      expect((error as Error).message).toContain(why);
      expect(Bun.inspect(error)).not.toContain(password);
    }
  });

  test.skipIf(Bun.which('openssl') === null)(
    'is reached over TLS, whose certificate is checked when asked',
    async () => {
      const [key, certificate] = ['server.key', 'server.crt'].map((name) => join(server.data, name)) as [
        string,
        string,
      ];
      const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
      const made = [
        'req',
        '-x509',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-days',
        '2',
        '-keyout',
        key,
        '-out',
        certificate,
      ];
      expect(Bun.spawnSync(['openssl', ...made, ...subject]).exitCode).toBe(0);
      const { uid, gid } = statSync(server.data);
      for (const file of [key, certificate]) chownSync(file, uid, gid);
      await server.run('ALTER SYSTEM SET ssl = on');
      await server.run('SELECT pg_reload_conf()');
      const of = (host: string, parameters: string) =>
        openPostgres(schemas, {
          settings: server.settings('', `postgres://nautilus@${host}:${server.port}/postgres?${parameters}`),
          engine: 'tls',
        });
      const encrypted = async (db: Database) => {
        opened.push(db);
        return db.get('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()');
      };
      const known = `sslmode=verify-full&sslrootcert=${certificate}`;
      await eventually(
        () =>
          of('localhost', known)
            .then(encrypted)
            .then(
              () => true,
              () => false,
            ),
        'TLS is on',
      );
      expect(await encrypted(await of('localhost', known))).toEqual({ ssl: 1 });
      expect(await encrypted(await of('127.0.0.1', 'sslmode=require'))).toEqual({ ssl: 1 });
      expect(await encrypted(await of('127.0.0.1', 'sslmode=disable'))).toEqual({ ssl: 0 });
      await refused(of('127.0.0.1', known));
      await refused(of('localhost', 'sslmode=verify-full'));
    },
  );

  test('is opened with a password by a user who owns the schema and may make none', async () => {
    const rules = join(server.data, 'pg_hba.conf');
    writeFileSync(rules, `host all secured 127.0.0.1/32 scram-sha-256\n${readFileSync(rules, 'utf8')}`);
    await server.run(
      "CREATE ROLE secured LOGIN PASSWORD 'hushhush'; CREATE SCHEMA owned AUTHORIZATION secured",
    );
    await server.run('SELECT pg_reload_conf()');
    const as = (password: string, engine: string) => {
      const url = `postgres://secured${password}@127.0.0.1:${server.port}/postgres`;
      return openPostgres(schemas, { settings: server.settings('', url), engine });
    };
    const reason = (password: string) =>
      as(password, 'owned').then(
        async (db) => {
          await db.close();
          return 'opened';
        },
        (error: Error) => error.message,
      );
    await eventually(
      async () => (await reason('')).includes('it asks for a password'),
      'passwords are asked for',
    );
    expect(await reason(':wrong')).toContain('user or password refused (28P01)');
    const db = await as(':hushhush', 'owned');
    opened.push(db);
    await add(db, 1);
    expect(await ids(db)).toEqual([1]);
    await expect(as(':hushhush', 'another')).rejects.toThrow('permission denied for database postgres');
  });

  test('is reached over a Unix socket', async () => {
    const url = `postgres://nautilus@localhost:${server.port}/postgres?host=${server.folder}`;
    const db = await openPostgres(schemas, { settings: server.settings('', url), engine: 'socket' });
    opened.push(db);
    await add(db, 1);
    expect(await ids(db)).toEqual([1]);
  });
});
