// A training over the end of its engine: the command, a real engine process, kill -9 in the middle of a fit.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../support/eventually.ts';
import { TestSystem } from '../support/system.ts';

setDefaultTimeout(180_000);

const ROWS = 400;
const line = (i: number) => `${1_600_000_000 + i * 60},${100 + Math.sin(i)},${Math.cos(i)}`;
const TABLE = `ts,close,x\n${Array.from({ length: ROWS }, (_, i) => line(i)).join('\n')}\n`;

describe('a training whose engine is killed', () => {
  let system: TestSystem;
  let dataset_id: string;
  beforeAll(async () => {
    system = await TestSystem.start(['--only', 'ml']);
    const { body } = await system.request('ml', '/datasets', { method: 'POST', body: TABLE });
    dataset_id = body.dataset_id;
    await system.post('ml', '/models', { model_id: 'm', model_type: 'price_prediction' });
  });
  afterAll(() => system?.stop());

  /** Processes that train for an engine. */
  async function childrenOf(engine: number): Promise<number[]> {
    const ps = Bun.spawn(['ps', '-eo', 'pid=,ppid=,args='], { stdout: 'pipe' });
    const lines = (await new Response(ps.stdout).text()).trim().split('\n');
    return lines
      .map((text) => text.trim().split(/\s+/))
      .filter(
        ([, parent, ...args]) => Number(parent) === engine && args.join(' ').includes('training/child.ts'),
      )
      .map(([pid]) => Number(pid));
  }

  const isGone = (pid: number) => {
    try {
      process.kill(pid, 0);
      return false;
    } catch {
      return true;
    }
  };

  async function train(family: string, options: object) {
    const { status, body } = await system.post('ml', '/models/m/train', {
      ...{ dataset_id, family, options, resamples: 100 },
      features: [{ kind: 'value', column: 'x' }],
      target: { kind: 'value', column: 'close' },
    });
    expect([status, body.errors]).toEqual([202, undefined]);
    let { port, pid } = await system.engine('ml');
    const job = async () =>
      (await fetch(`http://127.0.0.1:${port}${body.progress_url}`).catch(() => null))?.json();
    return {
      job,
      folder: join(system.dataDir, 'training', body.job_id),
      goesOn: () => eventually(async () => (await job())?.progress !== null, 'the fit goes on'),
      cancel: () => system.request('ml', body.progress_url, { method: 'DELETE' }),
      async killEngine() {
        const children = await childrenOf(pid);
        expect(children).toHaveLength(1);
        process.kill(pid, 'SIGKILL');
        await eventually(() => children.every(isGone), 'its process to end with it');
        await eventually(async () => {
          const now = await system.engine('ml');
          if (now.pid === pid || now.health !== 'healthy') return false;
          ({ port, pid } = now);
          return true;
        }, 'the engine to come back');
      },
      ended: async () => {
        await eventually(async () => (await job())?.finished_ts_us > 0, 'the job to end');
        return job();
      },
    };
  }

  // One that calls native code in long stretches, and one that does not.
  test.each([
    ['gradient_boosting', { rounds: 600, max_leaves: 200, min_rows: 1 }],
    ['mlp', { epochs: 2500, batch_size: 64 }],
  ])('of %s is taken up once, and registered once', async (family, options) => {
    const { versions: before } = (await system.request('ml', '/models/m/versions')).body;
    const { goesOn, killEngine, ended, folder } = await train(family, options);
    await goesOn();
    await killEngine();
    expect(await ended()).toMatchObject({ state: 'completed', attempt: 2 });
    const { versions } = (await system.request('ml', '/models/m/versions')).body;
    expect(versions).toHaveLength(before.length + 1);
    expect(await childrenOf((await system.engine('ml')).pid)).toEqual([]);
    await eventually(() => !existsSync(folder), 'its states to be removed');
  });

  test('goes on from the state that was kept, and leaves none when it is cancelled', async () => {
    const { job, folder, killEngine, cancel, ended } = await train('mlp', { epochs: 100_000, batch_size: 8 });
    const stepOf = (now: { progress?: { note?: string } }) =>
      Number(/^step (\d+)/.exec(now?.progress?.note ?? '')?.[1] ?? 0);
    const isKept = () =>
      existsSync(folder) && readdirSync(folder).some((name) => name.endsWith('.checkpoint'));
    let kept = 0;
    await eventually(async () => {
      const step = stepOf(await job());
      if (isKept()) return true;
      kept = step;
      return false;
    }, 'a state to be kept');
    expect(kept).toBeGreaterThan(1);
    await killEngine();
    let again = 0;
    await eventually(async () => {
      const now = await job();
      again = now?.attempt === 2 ? stepOf(now) : 0;
      return again > 0;
    }, 'the fit to go on');
    expect(again).toBeGreaterThanOrEqual(kept);
    await cancel();
    expect(await ended()).toMatchObject({ state: 'cancelled' });
    expect(await childrenOf((await system.engine('ml')).pid)).toEqual([]);
    await eventually(() => !existsSync(folder), 'its states to be removed');
  });
});
