// A job over the end of its process: the command, a real engine process, kill -9 in the middle of an import.
import { afterEach, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../support/eventually.ts';
import { REDIS_SERVER, TestRedis } from '../support/redis.ts';
import { TestSystem } from '../support/system.ts';

setDefaultTimeout(120_000);

const ROWS = 300_000;

function largeCsv(): string {
  const lines = ['time,open,high,low,close,volume'];
  for (let i = 0; i < ROWS; i++) lines.push(`${1_640_991_660_000_000 + i * 60_000_000},100,102,99,101,${i}`);
  return lines.join('\n');
}

describe('jobs of a running system', () => {
  let redis: TestRedis | undefined;
  let system: TestSystem;
  afterEach(async () => {
    await system?.stop();
    await redis?.stop();
    redis = undefined;
  });

  for (const place of ['the database', 'Redis']) {
    test.skipIf(place === 'Redis' && REDIS_SERVER === null)(
      `an import kept in ${place} is finished after kill -9 of its engine, and its file is removed`,
      async () => {
        if (place === 'Redis') redis = await TestRedis.start();
        system = await TestSystem.start(['--only', 'marketdata'], redis ? { REDIS_URL: redis.url } : {});
        const body = largeCsv();
        const path = '/bars/import?symbol=BTC-PERP&wait=false';
        const accepted = await system.request('marketdata', path, { method: 'POST', body });
        expect(accepted.status).toBe(202);
        const { job_id, progress_url } = accepted.body;
        const { pid, port } = await system.engine('marketdata');
        const job = async (at: number) => (await fetch(`http://127.0.0.1:${at}${progress_url}`)).json();
        await eventually(async () => (await job(port)).progress?.done > 0, 'it to be in the middle');
        process.kill(pid, 'SIGKILL');
        const back = async () => (await system.engine('marketdata'))?.pid !== pid;
        await eventually(back, 'the engine to come back');
        const ended = async () => {
          const { port: now } = await system.engine('marketdata');
          return (await job(now).catch(() => null))?.finished_ts_us > 0;
        };
        await eventually(ended, 'the job to end');
        const { jobs } = JSON.parse((await system.run(['jobs', 'marketdata', '--json'])).stdout);
        expect(jobs).toMatchObject([
          { engine: 'marketdata', job_id, state: 'completed', attempt: 2, attempts: 3 },
        ]);
        const result = await system.request('marketdata', `${progress_url}/result`);
        expect(result.body).toMatchObject({ rows: ROWS, imported: ROWS, rejected: 0 });
        await eventually(
          () => readdirSync(join(system.dataDir, 'uploads')).length === 0,
          'no file to be left',
        );
        const listed = await system.run(['jobs']);
        expect(listed.stdout).toContain(job_id);
        const late = await system.run(['jobs', 'cancel', 'marketdata', job_id]);
        expect([late.code, late.stdout]).toEqual([
          1,
          `${job_id} (import) has ended already: it is completed.\n`,
        ]);
        expect((await system.run(['jobs', 'cancel', 'marketdata', 'none'])).code).toBe(2);
      },
    );
  }
});
