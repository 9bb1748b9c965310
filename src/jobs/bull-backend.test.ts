import { afterEach, describe, expect, test } from 'bun:test';
import { z } from 'zod';
import { eventually } from '../../test/support/eventually.ts';
import { REDIS_SERVER, TestRedis } from '../../test/support/redis.ts';
import { Bus } from '../bus/client.ts';
import { MemoryHub } from '../bus/memory.ts';
import { DependencyUnavailableError } from '../core/errors.ts';
import { createLog } from '../core/log.ts';
import { BullBackend } from './bull-backend.ts';
import { jobsConformance } from './conformance.ts';
import { defineJob } from './define.ts';
import { Jobs } from './jobs.ts';

if (REDIS_SERVER) {
  jobsConformance('BullMQ', async () => {
    const redis = await TestRedis.start();
    return { place: redis.url, close: () => redis.stop() };
  });
}

describe.skipIf(REDIS_SERVER === null)('jobs on BullMQ while Redis is away', () => {
  let redis: TestRedis;
  let jobs: Jobs;
  afterEach(async () => {
    await jobs?.stop(500);
    await redis?.stop();
  });

  /** Jobs whose work is to wait for the test. */
  async function started(gate: Promise<unknown>): Promise<void> {
    redis = await TestRedis.start(['--appendonly', 'yes', '--appendfsync', 'always']);
    const definition = defineJob({
      kind: 'work',
      input: z.string(),
      result: z.string(),
      concurrency: 2,
      run: async (name) => {
        if (name === 'held') await gate;
        return name;
      },
    });
    const log = createLog('jobs', 'silent');
    const kinds = [definition];
    const backend = new BullBackend({ settings: redis.settings(), engine: 'test', kinds, log });
    const bus = new Bus('test', new MemoryHub().connect());
    jobs = new Jobs({ engine: 'test', definitions: [definition], backend, bus, log });
    await jobs.start();
  }

  const outages = [
    { what: 'killed', begin: () => redis.kill(), end: () => redis.restart() },
    { what: 'paused', begin: () => redis.signal('SIGSTOP'), end: () => redis.signal('SIGCONT') },
  ];
  test.each(outages)(
    'goes on after Redis was $what for longer than workers wait for a job',
    async (outage) => {
      const gate = Promise.withResolvers<void>();
      await started(gate.promise);
      const held = await jobs.add('work', 'held');
      await eventually(async () => (await jobs.get(held.job_id)).state === 'active', 'the job to run');
      await outage.begin();
      const beganMs = performance.now();
      // Workers wait one second at a time.
      while (performance.now() - beganMs < 2500)
        await expect(jobs.add('work', 'lost')).rejects.toBeInstanceOf(DependencyUnavailableError);
      gate.resolve();
      await outage.end();
      const ended = () =>
        jobs.get(held.job_id).then(
          ({ state }) => state === 'completed',
          () => false,
        );
      await eventually(ended, 'the outcome of what ran meanwhile');
      const after = await jobs.add('work', 'after');
      expect(await jobs.wait(after.job_id)).toMatchObject({ state: 'completed', attempt: 1 });
      expect(await jobs.get(held.job_id)).toMatchObject({ state: 'completed', attempt: 1 });
    },
    40_000,
  );

  test('begins when Redis comes, where it was away before the first job', async () => {
    await started(Promise.resolve());
    await redis.kill();
    await expect(jobs.add('work', 'lost')).rejects.toBeInstanceOf(DependencyUnavailableError);
    await redis.restart();
    let id = '';
    const added = async () => {
      id = (await jobs.add('work', 'late').catch(() => null))?.job_id ?? '';
      return id !== '';
    };
    await eventually(added, 'a job to be added');
    expect(await jobs.wait(id)).toMatchObject({ state: 'completed', attempt: 1 });
  });

  test('stops within its grace while Redis is away', async () => {
    await started(Promise.resolve());
    await jobs.wait((await jobs.add('work', 'first')).job_id);
    await redis.kill();
    await jobs.stop(300);
  });
});
