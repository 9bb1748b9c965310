// Where Postgres is: what a URL may say, and that its password shows nowhere.
import { afterAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from './config.ts';
import { InvalidOptionError } from './errors.ts';
import { postgresSettings } from './postgres-settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'postgres-settings-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const of = (url: string) => postgresSettings({ url });

describe('the settings of Postgres', () => {
  test('come from a URL, with escaped signs in user, password and database', () => {
    const settings = of('postgresql://me%40x:p%2Fw@[::1]:5433/my%20db');
    expect(settings).toMatchObject({ host: '::1', port: 5433, database: 'my db', sslMode: 'disable' });
    expect(settings.credentials()).toEqual({ user: 'me@x', password: 'p/w' });
    expect(of('postgres://me@db/x')).toMatchObject({ host: 'db', port: 5432, schemaPrefix: '' });
  });

  test('ask for TLS beyond this machine unless the URL says otherwise', () => {
    expect(of('postgres://me@localhost/x').sslMode).toBe('disable');
    expect(of('postgres://me@db.example/x').sslMode).toBe('require');
    expect(of('postgres://me@db.example/x?sslmode=disable').sslMode).toBe('disable');
    expect(of('postgres://me@localhost/x?host=/run/postgresql')).toMatchObject({
      host: '/run/postgresql',
      sslMode: 'disable',
    });
    const root = join(folder, 'root.pem');
    writeFileSync(root, 'certificate');
    expect(of(`postgres://me@db/x?sslmode=verify-full&sslrootcert=${root}`)).toMatchObject({
      sslMode: 'verify-full',
      sslRootCert: 'certificate',
    });
  });

  test('take the password of a file, without the line end after it', () => {
    const passwordFile = join(folder, 'password');
    writeFileSync(passwordFile, 'from file\n');
    const settings = postgresSettings({ url: 'postgres://me:other@db/x', passwordFile });
    expect(settings.credentials().password).toBe('from file');
    const missing = { url: 'postgres://me@db/x', passwordFile: join(folder, 'none') };
    expect(() => postgresSettings(missing)).toThrow('DATABASE_PASSWORD_FILE');
  });

  test('are refused by name of the variable, never with their value', () => {
    for (const url of [
      'hushhush',
      'mysql://me:hushhush@db/x',
      'postgres://:hushhush@db/x',
      'postgres://me:hushhush@db',
      'postgres://me:hushhush@db/x/y',
      'postgres://me:hush%hush@db/x',
      'postgres://me:hushhush@db:99999/x',
      'postgres://me:hushhush@db/x?sslmode=prefer',
      'postgres://me:hushhush@db/x?options=-c',
      'postgres://me:hushhush@db/x?host=relative',
      'postgres://me:hushhush@db/x?sslmode=require&sslrootcert=/hushhush',
      'postgres://me:hushhush@db/x?sslmode=verify-full&sslrootcert=/hushhush',
    ]) {
      const error = (() => {
        try {
          return of(url);
        } catch (thrown) {
          return thrown;
        }
      })();
      expect([url, error instanceof InvalidOptionError]).toEqual([url, true]);
      expect((error as Error).message).toStartWith('Bad configuration: DATABASE_URL: ');
      expect(Bun.inspect(error)).not.toContain('hush');
    }
  });

  test('show no user and no password when they are printed or logged', () => {
    const settings = of('postgres://me:hushhush@db:5432/x');
    const shown = `${Bun.inspect(settings)} ${JSON.stringify(settings)} ${settings.address}`;
    expect(shown).not.toContain('hushhush');
    expect(settings.address).toBe('postgres://db:5432/x');
  });

  test('are part of the configuration; a prefix of schemas is a plain lower-case name', () => {
    expect(loadConfig({})).toMatchObject({ postgres: undefined, durability: 'process' });
    const config = loadConfig({
      DATABASE_URL: 'postgres://me@db/x',
      NAUTILUS_DATABASE_SCHEMA_PREFIX: 'east_',
      NAUTILUS_DURABILITY: 'power',
    });
    expect(config).toMatchObject({ postgres: { schemaPrefix: 'east_' }, durability: 'power' });
    for (const prefix of ['East', 'a-b', '1a', 'pg_x', 'a"b', 'x'.repeat(40)]) {
      const env = { NAUTILUS_DATABASE_SCHEMA_PREFIX: prefix };
      expect(() => loadConfig(env)).toThrow('NAUTILUS_DATABASE_SCHEMA_PREFIX');
    }
    expect(() => loadConfig({ NAUTILUS_DURABILITY: 'none' })).toThrow('NAUTILUS_DURABILITY');
  });
});
