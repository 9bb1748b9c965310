// The long work of the Market Data engine: imports and replays as jobs, over every place that keeps jobs.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { topics } from '../../src/bus/topics.ts';
import { TestEngine, walkBars } from '../../test/support/engine.ts';
import { eventually } from '../../test/support/eventually.ts';
import { REDIS_SERVER, TestRedis } from '../../test/support/redis.ts';
import { STORES } from '../../test/support/stores.ts';
import definition from './index.ts';

const csv = (count: number) =>
  [
    'time,open,high,low,close,volume',
    ...walkBars('X', count).map((b) => [b.ts_event_us, b.open, b.high, b.low, b.close, b.volume].join()),
  ].join('\n');

const PLACES = [
  ...STORES,
  {
    name: 'Redis',
    present: REDIS_SERVER !== null,
    async start() {
      const redis = await TestRedis.start();
      return { env: () => ({ REDIS_URL: redis.url }), stop: () => redis.stop() };
    },
  },
];

for (const { name, present, start } of PLACES) {
  describe.skipIf(!present)(`marketdata jobs on ${name}`, () => {
    let place: { env(): Record<string, string>; stop(): Promise<void> };
    let env: Record<string, string>;
    let engine: TestEngine;
    beforeAll(async () => {
      place = await start();
    });
    afterEach(() => engine?.stop());
    afterAll(() => place?.stop());

    async function run(): Promise<void> {
      env = { ...place.env(), NAUTILUS_MAX_IMPORT_BYTES: '200000', NAUTILUS_GRACE_MS: '400' };
      engine = await TestEngine.start(definition, env);
    }

    async function upload(body: string, query: string) {
      const response = await fetch(`${engine.url}/bars/import${query}`, { method: 'POST', body });
      const { status, headers } = response;
      // biome-ignore lint/suspicious/noExplicitAny: replies of many shapes
      return { status, location: headers.get('location'), body: (await response.json()) as any };
    }

    async function ended(id: string) {
      const job = async () => (await engine.get(`/jobs/${id}`)).body;
      await eventually(async () => (await job()).finished_ts_us !== null, 'the job to end');
      return job();
    }

    const uploads = () => {
      try {
        return readdirSync(join(engine.dataDir, 'uploads'));
      } catch {
        return [];
      }
    };

    test('imports a file as a job, with progress on the bus, and serves its result', async () => {
      await run();
      const accepted = await upload(csv(500), '?symbol=BTC-PERP&wait=false');
      expect(accepted.status).toBe(202);
      const { job_id, progress_url } = accepted.body;
      expect([accepted.location, progress_url]).toEqual([`/jobs/${job_id}`, `/jobs/${job_id}`]);
      const done = await ended(job_id);
      expect(done).toMatchObject({
        kind: 'import',
        state: 'completed',
        attempt: 1,
        result_url: `/jobs/${job_id}/result`,
      });
      expect(done.progress.done).toBe(done.progress.total);
      const result = await engine.get(done.result_url);
      expect(result.body).toMatchObject({ rows: 500, imported: 500, replaced: 0, rejected: 0 });
      expect((await engine.get('/bars/BTC-PERP?limit=1000')).body.bars.length).toBe(500);
      await eventually(() => uploads().length === 0, 'the file to be removed');
      const told = engine.messages(topics.jobs).filter((m) => m.body.job_id === job_id);
      expect(told.map((m) => m.body.state)).toEqual(
        expect.arrayContaining(['waiting', 'active', 'completed']),
      );
      expect(told.every((m) => m.body.engine === 'marketdata')).toBe(true);
      const listed = await engine.get('/jobs?state=completed&kind=import&limit=1');
      expect(listed.body).toMatchObject({ total: 1, jobs: [{ job_id }] });
      expect((await engine.send('DELETE', progress_url)).body.state).toBe('completed');
    });

    test('leaves no file of what it refuses, and says why a file is none', async () => {
      await run();
      expect((await upload(csv(10), '?symbol=SIM-BTC&wait=false')).body.type).toBe('/problems/conflict');
      expect((await upload('x'.repeat(200_001), '?symbol=A&wait=false')).status).toBe(413);
      expect(uploads()).toEqual([]);
      const { job_id } = (await upload('no header at all\n', '?symbol=A&wait=false')).body;
      expect(await ended(job_id)).toMatchObject({ state: 'failed', attempt: 1, result_url: null });
      const result = await engine.get(`/jobs/${job_id}/result`);
      expect(result).toMatchObject({ status: 409, type: 'application/problem+json' });
      expect(result.body).toMatchObject({ state: 'failed', error: { type: '/problems/malformed-body' } });
      expect((await engine.get('/jobs/none')).body.type).toBe('/problems/not-found');
      expect((await engine.get('/jobs?state=lost')).status).toBe(422);
      await eventually(() => uploads().length === 0, 'the file to be removed');
    });

    test('removes files that an earlier process has left behind', async () => {
      await run();
      mkdirSync(join(engine.dataDir, 'uploads'), { recursive: true });
      writeFileSync(join(engine.dataDir, 'uploads', '01a201a2-b0a2-77b7-ba3e-31fd69aba61b'), 'half a fi');
      await engine.restart(definition, env);
      await eventually(() => uploads().length === 0, 'the file to be removed');
    });

    test('replays one after the other from the queue, and cancels those that wait and those that run', async () => {
      await run();
      await upload(csv(200), '?symbol=BTC-PERP');
      const queue = async (speed: number) => {
        const body = { symbol: 'BTC-PERP', mode: 'paced', speed };
        return (await engine.post('/replays/queue', body)).body.job_id as string;
      };
      expect((await engine.post('/replays/queue', { symbol: 'NOPE' })).status).toBe(404);
      const slow = await queue(0.001);
      const [waiting, fast] = [await queue(0.001), await queue(1_000_000)];
      const replays = async () => (await engine.get('/replays')).body.replays;
      await eventually(async () => (await replays()).length === 1, 'the first to run');
      expect((await engine.send('DELETE', `/jobs/${waiting}`)).body.state).toBe('cancelled');
      const stopped = await engine.send('DELETE', `/jobs/${slow}`);
      // It may have stopped already when the answer is made.
      expect(stopped.status).toBe(stopped.body.state === 'cancelled' ? 200 : 202);
      expect(stopped.body.cancel_requested).toBe(true);
      expect(await ended(slow)).toMatchObject({ state: 'cancelled', error: { type: '/problems/cancelled' } });
      expect(await ended(fast)).toMatchObject({ state: 'completed' });
      expect((await engine.get(`/jobs/${fast}/result`)).body).toMatchObject({
        state: 'done',
        events_done: 200,
      });
      expect((await replays()).map((r: { state: string }) => r.state)).toEqual(['done', 'cancelled']);
    });
  });
}
