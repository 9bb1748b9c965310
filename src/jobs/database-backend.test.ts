import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { POSTGRES_BIN, TestPostgres } from '../../test/support/postgres.ts';
import { jobsConformance } from './conformance.ts';
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
