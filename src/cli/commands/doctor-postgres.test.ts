// What the doctor says of a Postgres in each of its states.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { POSTGRES_BIN, TestPostgres } from '../../../test/support/postgres.ts';
import { postgresFindings } from './doctor-postgres.ts';

const levels = (findings: Awaited<ReturnType<typeof postgresFindings>>) =>
  Object.fromEntries(findings.map(({ check, level }) => [check, level]));

test('the doctor says that Postgres is not used', async () => {
  const found = await postgresFindings({
    postgres: undefined,
    durability: 'process',
    defaultTimeoutMs: 1000,
  });
  expect(found.map((f) => [f.check, f.level])).toEqual([['Postgres', 'info']]);
});

describe.skipIf(POSTGRES_BIN === null)('the doctor over Postgres', () => {
  let server: TestPostgres;
  beforeAll(async () => {
    server = await TestPostgres.start(['-c', 'max_connections=16']);
    await server.run('CREATE ROLE guest LOGIN');
  });
  afterAll(() => server?.stop());
  const visit = (url = server.url, durability: 'process' | 'power' = 'process') =>
    postgresFindings({ postgres: server.settings('', url), durability, defaultTimeoutMs: 2000 });

  test('tells what a server without fsync would lose, and that it has too few connections', async () => {
    const found = await visit();
    expect(levels(found)).toEqual({
      Postgres: 'ok',
      'Postgres rights': 'ok',
      'Postgres durability': 'info',
      'Postgres connections': 'fail',
    });
    expect(found[2]!.found).toStartWith(
      'fsync off, full_page_writes on, synchronous_commit on: kill -9 loses nothing',
    );
    expect(levels(await visit(server.url, 'power'))['Postgres durability']).toBe('fail');
  });

  test('tells a user who may not make schemas, and keeps the password to itself', async () => {
    const found = await visit(server.url.replace('nautilus@', 'guest:hushhush@'));
    expect(levels(found)['Postgres rights']).toBe('info');
    expect(JSON.stringify(found)).not.toContain('hushhush');
  });

  test('tells that nobody answers, or nobody of that name', async () => {
    const away = await visit('postgres://nautilus:hushhush@127.0.0.1:1/postgres');
    expect(levels(away)).toEqual({ Postgres: 'fail' });
    expect(away[0]!.found).toContain('ECONNREFUSED');
    const stranger = await visit(server.url.replace('nautilus@', 'stranger:hushhush@'));
    expect(stranger[0]!.found).toContain('user or password refused');
    expect(JSON.stringify([away, stranger])).not.toContain('hushhush');
  });
});
