import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { POSTGRES_BIN, TestPostgres } from '../../test/support/postgres.ts';
import { openSqlite } from '../store/sqlite-database.ts';
import { jobsConformance } from './conformance.ts';
import { pruneJobs } from './database-recovery.ts';
import { JOB_TABLES } from './database-schema.ts';
import { isDead, takeOwner } from './owner.ts';

jobsConformance('SQLite', () => {
  const folder = mkdtempSync(join(tmpdir(), 'jobs-'));
  return {
    place: join(folder, 'test.sqlite'),
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
});

if (POSTGRES_BIN) {
  let postgres: TestPostgres | undefined;
  let schemas = 0;
  afterAll(() => postgres?.stop());
  jobsConformance('Postgres', async () => {
    postgres ??= await TestPostgres.start();
    return { place: `${postgres.url}#jobs${schemas++}`, close: () => {} };
  });
}

test('an owner is dead once it is released or its process has ended, and of another machine nobody knows', async () => {
  const owner = takeOwner();
  expect(isDead(owner.name)).toBe(false);
  owner.release();
  expect(isDead(owner.name)).toBe(true);
  const child = Bun.spawn(['sleep', '60']);
  const there = owner.name.replace(`|${process.pid}|`, `|${child.pid}|`);
  expect(isDead(there)).toBe(false);
  child.kill('SIGKILL');
  await child.exited;
  expect(isDead(there)).toBe(true);
  expect(isDead(`elsewhere|${child.pid}|x`)).toBe(false);
});

test('forgets finished jobs of a kind that are older than 7 days or more than 10,000, and no others', async () => {
  const database = openSqlite(':memory:', { jobs: JOB_TABLES });
  const nowUs = 1_800_000_000_000_000;
  const oldUs = nowUs - 7 * 86_400 * 1e6 - 1;
  const insert = `INSERT INTO jobs (id, kind, state, priority, attempt, attempts, cancel_requested, run_at_us, finished_us, input)
    VALUES (?, ?, ?, 0, 1, 1, 0, 0, ?, 'null')`;
  await database.transaction((tx) => {
    tx.write(insert, 'old', 'rare', 'completed', oldUs);
    tx.write(insert, 'waits', 'rare', 'waiting', null);
    tx.write(insert, 'young', 'rare', 'failed', oldUs + 1);
    for (let i = 0; i < 10_002; i++)
      tx.write(insert, `many-${String(i).padStart(5, '0')}`, 'many', 'completed', nowUs);
  });
  await pruneJobs(database, ['rare', 'many'], nowUs);
  const left = await database.transaction((tx) => tx.all<{ id: string }>('SELECT id FROM jobs ORDER BY id'));
  expect(left.map(({ id }) => id).slice(-2)).toEqual(['waits', 'young']);
  expect([left.length, left[0]!.id]).toEqual([10_002, 'many-00002']);
  await database.close();
});
