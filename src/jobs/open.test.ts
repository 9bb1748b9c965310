// Jobs as an engine opens them: where they are kept, and how long Redis may take to answer.
import { afterEach, describe, expect, test } from 'bun:test';
import { z } from 'zod';
import { REDIS_SERVER, TestRedis } from '../../test/support/redis.ts';
import { Bus } from '../bus/client.ts';
import { MemoryHub } from '../bus/memory.ts';
import { systemClock } from '../core/clock.ts';
import { loadConfig } from '../core/config.ts';
import { DependencyUnavailableError } from '../core/errors.ts';
import { createLog } from '../core/log.ts';
import { openSqlite } from '../store/sqlite-database.ts';
import { JOB_TABLES } from './database-schema.ts';
import { defineJob } from './define.ts';
import type { Jobs } from './jobs.ts';
import { openJobs } from './open.ts';

const DEFINITIONS = [defineJob({ kind: 'work', input: z.string(), result: z.string(), run: async (x) => x })];

describe.skipIf(REDIS_SERVER === null)('jobs on Redis', () => {
  const cleanup: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of cleanup.splice(0).reverse()) await end();
  });

  test('give a question up after DEFAULT_TIMEOUT', async () => {
    const redis = await TestRedis.start();
    cleanup.push(() => redis.stop());
    /** Opens jobs that have a connection; nobody works on them. */
    const open = async (engine: string, timeout: string): Promise<{ jobs: Jobs; id: string }> => {
      const config = loadConfig({ REDIS_URL: redis.url, DEFAULT_TIMEOUT: timeout });
      const database = openSqlite(':memory:', { jobs: JOB_TABLES });
      const bus = new Bus(engine, new MemoryHub().connect());
      const log = createLog(engine, 'silent');
      const jobs = openJobs(
        { bus, clock: systemClock, config, log, database },
        { engine, definitions: DEFINITIONS },
      );
      cleanup.push(() => Promise.all([jobs.stop(100), database.close()]));
      const { job_id: id } = await jobs.add('work', 'x');
      return { jobs, id };
    };
    const [long, short] = [await open('long', '600000'), await open('short', '500')];
    redis.signal('SIGSTOP');
    cleanup.push(() => redis.signal('SIGCONT'));
    const asked = [long, short].map(({ jobs, id }, i) =>
      jobs.get(id).catch((error: unknown) => ({ i, error })),
    );
    expect(await Promise.race(asked)).toMatchObject({ i: 1, error: expect.any(DependencyUnavailableError) });
  });
});
