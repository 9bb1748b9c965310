// Hot path: the way of a job from being added in bulk to its stored outcome. What ours costs on SQLite and on BullMQ, beside a
// bare BullMQ with the same number of jobs at once on the same real Redis. A regression means more round trips for each job.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { z } from 'zod';
import { Bus } from '../../src/bus/client.ts';
import { MemoryHub } from '../../src/bus/memory.ts';
import { topics } from '../../src/bus/topics.ts';
import { systemClock } from '../../src/core/clock.ts';
import { createLog } from '../../src/core/log.ts';
import type { JobBackend } from '../../src/jobs/backend.ts';
import { BullBackend } from '../../src/jobs/bull-backend.ts';
import { DatabaseBackend } from '../../src/jobs/database-backend.ts';
import { JOB_TABLES } from '../../src/jobs/database-schema.ts';
import { defineJob } from '../../src/jobs/define.ts';
import { Jobs } from '../../src/jobs/jobs.ts';
import { RETENTION } from '../../src/jobs/record.ts';
import { openSqlite } from '../../src/store/sqlite-database.ts';
import { REDIS_SERVER, TestRedis } from '../../test/support/redis.ts';
import { comparePairs, quantile } from '../pairs.ts';
import { grouped, isQuick, PAIR_COLUMNS, pairRow, publish } from '../report.ts';

const PAIRS = isQuick ? 15 : 31;
/** Jobs in one sample, and how many run at once. */
const JOBS = 1000;
const CONCURRENCY = 100;
const inputs = Array.from({ length: JOBS }, (_, i) => ({ number: i }));
const log = createLog('bench', 'silent');

/** Resolves when as many ends were seen as jobs were added. */
class Ends {
  #left = 0;
  #done: () => void = () => {};

  expect(count: number): Promise<void> {
    this.#left = count;
    return new Promise((resolve) => {
      this.#done = resolve;
    });
  }

  seen(count: number): void {
    this.#left -= count;
    if (this.#left === 0) this.#done();
  }
}

const kind = defineJob({
  kind: 'double',
  concurrency: CONCURRENCY,
  input: z.object({ number: z.int() }),
  result: z.int(),
  run: ({ number }) => 2 * number,
});

async function oursSide(backend: JobBackend) {
  const hub = new MemoryHub();
  const ends = new Ends();
  await new Bus('watcher', hub.connect()).subscribe(topics.jobs, (batch) => {
    ends.seen(batch.filter(({ body }) => (body as { state: string }).state === 'completed').length);
  });
  const jobs = new Jobs({
    engine: 'bench',
    definitions: [kind],
    backend,
    bus: new Bus('bench', hub.connect()),
    log,
  });
  await jobs.start();
  const run = async () => {
    const all = ends.expect(JOBS);
    await jobs.addAll('double', inputs);
    await all;
  };
  return { run, close: () => jobs.stop(1000) };
}

function bareSide(port: number) {
  const ends = new Ends();
  const [adds, works] = [0, 1].map(() => new Redis(port, '127.0.0.1', { maxRetriesPerRequest: null }));
  const queue = new Queue('bare', { connection: adds! });
  const worker = new Worker<{ number: number }>('bare', async ({ data }) => 2 * data.number, {
    connection: works!,
    concurrency: CONCURRENCY,
  });
  worker.on('completed', () => ends.seen(1));
  const keep = { age: RETENTION.ageS, count: RETENTION.count };
  const opts = { removeOnComplete: keep, removeOnFail: keep };
  const run = async () => {
    const all = ends.expect(JOBS);
    await queue.addBulk(inputs.map((data) => ({ name: 'double', data, opts })));
    await all;
  };
  const close = async () => {
    await Promise.all([worker.close(), queue.close()]);
    adds!.disconnect();
    works!.disconnect();
  };
  return { run, close };
}

/** Runs that also count the processor time of this process, in microseconds a job: it tells more on a busy machine. */
function counted(run: () => Promise<void>) {
  const times: number[] = [];
  return {
    run: async () => {
      const before = process.cpuUsage();
      await run();
      const { user, system } = process.cpuUsage(before);
      times.push((user + system) / JOBS);
    },
    median: () => quantile(times, 0.5).toFixed(0),
  };
}

if (REDIS_SERVER) {
  const redis = await TestRedis.start();
  const folder = mkdtempSync(join(tmpdir(), 'jobs-bench-'));
  const kinds = [kind];
  const database = openSqlite(join(folder, 'bench.sqlite'), { jobs: JOB_TABLES });
  const bare = bareSide(redis.port);
  const sides = {
    'jobs on BullMQ': new BullBackend({ settings: redis.settings(), engine: 'bench', kinds, log }),
    'jobs on SQLite': new DatabaseBackend({ database, kinds, clock: systemClock, log, ownsDatabase: true }),
  };
  const rows: string[][] = [];
  for (const [name, backend] of Object.entries(sides)) {
    const side = await oursSide(backend);
    const [ours, rival] = [counted(side.run), counted(bare.run)];
    const result = await comparePairs({ name, pairs: PAIRS, a: ours.run, b: rival.run });
    const rate = (ns: number) => grouped((JOBS * 1e9) / ns);
    const rates = `${rate(result.aNs)} jobs a second, bare ${rate(result.bNs)}`;
    const processor = `processor ${ours.median()} us a job, bare ${rival.median()}`;
    rows.push(pairRow(result, 'bare BullMQ', `${rates}; ${processor}`));
    await side.close();
  }
  await bare.close();
  await redis.stop();
  rmSync(folder, { recursive: true, force: true });
  publish({
    title: 'Jobs',
    note: `${JOBS} jobs added in bulk, ${CONCURRENCY} at once in one process, until the outcome of each is stored; Redis on loopback.`,
    columns: PAIR_COLUMNS,
    rows,
  });
}
