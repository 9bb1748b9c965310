// A process that runs jobs for the tests and is killed in the middle: `bun test-worker.ts <place> <folder of marks>`.
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { Bus } from '../bus/client.ts';
import { MemoryHub } from '../bus/memory.ts';
import { systemClock } from '../core/clock.ts';
import { createLog } from '../core/log.ts';
import { postgresSettings } from '../core/postgres-settings.ts';
import { redisSettings } from '../core/redis-settings.ts';
import { openSqlite } from '../store/sqlite-database.ts';
import type { BackendTiming, JobBackend } from './backend.ts';
import { BullBackend } from './bull-backend.ts';
import { DatabaseBackend } from './database-backend.ts';
import { JOB_TABLES } from './database-schema.ts';
import { defineJob } from './define.ts';
import { Jobs } from './jobs.ts';

/** Short, so that tests see a silent process lose its jobs. */
export const TEST_TIMING: BackendTiming = { leaseMs: 1500, pollMs: 50 };

/** Jobs that leave a mark for each attempt and go on until a file appears. */
export function markedJobs(marks: string) {
  const work = (kind: string, attempts: number) =>
    defineJob({
      kind,
      attempts,
      backoffMs: 1,
      concurrency: 2,
      input: z.object({ name: z.string() }),
      result: z.object({ attempt: z.int(), attempts_seen: z.int() }),
      async run({ name }, { attempt, progress, signal }) {
        writeFileSync(join(marks, `${name}.${attempt}`), '');
        progress(attempt, 10, 'at work');
        while (!existsSync(join(marks, 'go'))) {
          signal.throwIfAborted();
          await Bun.sleep(5);
        }
        const seen = readdirSync(marks).filter((file) => file.startsWith(`${name}.`)).length;
        return { attempt, attempts_seen: seen };
      },
    });
  return [work('thrice', 3), work('once', 1)];
}

/** Opens the backend that a text names: a SQLite file, a Postgres URL with `#` and a schema, a Redis URL, or one with `#` and nodes of a cluster. */
export async function backendAt(
  place: string,
  kinds: readonly { kind: string; concurrency: number }[],
): Promise<JobBackend> {
  const log = createLog('jobs', 'silent');
  if (place.startsWith('redis:')) {
    const [at, clusterNodes] = place.split('#') as [string, string?];
    const settings = redisSettings({ url: at, clusterNodes, prefix: 'test:' });
    return new BullBackend({ settings, engine: 'test', kinds, log, timing: TEST_TIMING });
  }
  const schemas = { jobs: JOB_TABLES };
  let database = place.startsWith('postgres:') ? undefined : openSqlite(place, schemas);
  if (!database) {
    const { openPostgres } = await import('../store/postgres.ts');
    const [url, engine] = place.split('#') as [string, string];
    const settings = postgresSettings({ url });
    database = await openPostgres(schemas, {
      settings,
      engine,
      durability: 'process',
      timeoutMs: 5000,
    });
  }
  return new DatabaseBackend({
    database,
    kinds,
    clock: systemClock,
    log,
    timing: TEST_TIMING,
    ownsDatabase: true,
  });
}

if (import.meta.main) {
  const [place, marks] = process.argv.slice(2) as [string, string];
  const definitions = markedJobs(marks);
  const jobs = new Jobs({
    engine: 'test',
    definitions,
    backend: await backendAt(place, definitions),
    bus: new Bus('worker', new MemoryHub().connect()),
    log: createLog('worker', 'silent'),
  });
  await jobs.start();
  writeFileSync(join(marks, 'started'), '');
}
