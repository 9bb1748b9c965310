// What goes wrong while a model trains, seen from the port of the engine: a reason each time, and a registry without a trace of it.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import * as disk from 'node:fs/promises';
import { join } from 'node:path';
import { readFrameCsv } from '../../../src/learning/tables/read-csv.ts';
import { TestEngine } from '../../../test/support/engine.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { DatasetStore } from '../datasets/store.ts';
import definition from '../index.ts';

const ROWS = 400;
const line = (i: number) => `${1_600_000_000 + i * 60},${100 + Math.sin(i)},${Math.cos(i)}`;
const TABLE = `ts,close,x\n${Array.from({ length: ROWS }, (_, i) => line(i)).join('\n')}\n`;

let engine: TestEngine;
let dataset_id: string;
beforeEach(async () => {
  engine = await TestEngine.start(definition);
  dataset_id = (await table()).body.dataset_id;
  await engine.post('/models', { model_id: 'm', model_type: 'price_prediction' });
});
afterEach(() => engine?.stop());

// biome-ignore lint/suspicious/noExplicitAny: replies of several shapes
async function table(body = TABLE): Promise<{ status: number; body: any }> {
  const response = await fetch(`${engine.url}/datasets`, { method: 'POST', body });
  return { status: response.status, body: await response.json() };
}

/** Starts a training and returns what tells of its job. */
async function train(family: string, options: object) {
  const { status, body } = await engine.post('/models/m/train', {
    ...{ dataset_id, family, options, resamples: 100 },
    features: [{ kind: 'value', column: 'x' }],
    target: { kind: 'value', column: 'close' },
  });
  expect([status, body.errors]).toEqual([202, undefined]);
  const job = async () => (await engine.get(body.progress_url)).body;
  return {
    job,
    goesOn: () => eventually(async () => (await job()).progress?.done > 0, 'the fit goes on'),
    ended: async () => {
      await eventually(async () => (await job()).finished_ts_us !== null, 'the job ends');
      return job();
    },
    cancel: () => engine.send('DELETE', body.progress_url),
  };
}

const versions = async () => (await engine.get('/models/m/versions')).body.versions;

/** A fit that takes many times as long as what happens in the middle of it. */
const LONG = { epochs: 2500, batch_size: 64 };

/** Fits that would take hours. */
const ENDLESS = [
  ['mlp', { epochs: 100_000, batch_size: 8 }],
  ['gradient_boosting', { rounds: 10_000, max_leaves: 200, min_rows: 1 }],
] as const;

/** The processes that train for this engine. */
async function children(): Promise<number[]> {
  const ps = Bun.spawn(['ps', '-eo', 'pid=,ppid=,args='], { stdout: 'pipe' });
  const lines = (await new Response(ps.stdout).text()).trim().split('\n');
  const mine = lines.map((text) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(text)!);
  return mine
    .filter(([, , parent, args]) => Number(parent) === process.pid && args!.includes('ml/training/child.ts'))
    .map(([, pid]) => Number(pid));
}

describe('a training', () => {
  test('whose loss diverges fails with that reason', async () => {
    const options = {
      optimizer: 'sgd',
      learning_rate: 10,
      clip_norm: 1e6,
      schedule: 'constant',
      epochs: 200,
    };
    const job = await (await train('mlp', options)).ended();
    expect(job).toMatchObject({ state: 'failed', attempt: 1, error: { type: '/problems/diverged' } });
    expect(await versions()).toEqual([]);
  });

  test.each(ENDLESS)('of %s is cancelled in the middle, and leaves no process', async (family, options) => {
    const { goesOn, cancel, ended } = await train(family, options);
    await goesOn();
    await cancel();
    expect(await ended()).toMatchObject({ state: 'cancelled' });
    expect(await children()).toEqual([]);
    expect(await versions()).toEqual([]);
  });

  test('whose process is killed is tried again, and registered once', async () => {
    const { goesOn, ended } = await train('mlp', LONG);
    await goesOn();
    const [pid] = await children();
    process.kill(pid!, 'SIGKILL');
    expect(await ended()).toMatchObject({ state: 'completed', attempt: 2 });
    expect(await versions()).toHaveLength(1);
  });

  test('whose engine is started again in the middle is taken up, and registered once', async () => {
    const { goesOn, ended } = await train('mlp', LONG);
    await goesOn();
    await engine.restart(definition);
    expect(await ended()).toMatchObject({ state: 'completed' });
    expect(await versions()).toHaveLength(1);
  });

  test('of a model that is deleted meanwhile fails, and the model stays deleted', async () => {
    const { goesOn, ended } = await train('mlp', LONG);
    await goesOn();
    expect((await engine.send('DELETE', '/models/m')).status).toBe(200);
    expect(await ended()).toMatchObject({ state: 'failed', error: { type: '/problems/not-found' } });
    expect((await engine.get('/models/m')).status).toBe(404);
  });

  test('gives no version to another model that has the id meanwhile', async () => {
    const { goesOn, ended } = await train('mlp', LONG);
    await goesOn();
    await engine.send('DELETE', '/models/m');
    await engine.post('/models', { model_id: 'm', model_type: 'price_prediction' });
    expect(await ended()).toMatchObject({ state: 'failed', error: { type: '/problems/not-found' } });
    expect(await versions()).toEqual([]);
  });

  test('ends on the table that it has read when that is deleted; one that waits fails', async () => {
    const first = await train('mlp', LONG);
    const second = await train('ridge', {});
    await first.goesOn();
    expect((await engine.send('DELETE', `/datasets/${dataset_id}`)).status).toBe(204);
    expect(await first.ended()).toMatchObject({ state: 'completed' });
    expect(await second.ended()).toMatchObject({ state: 'failed', error: { type: '/problems/not-found' } });
    expect(await versions()).toHaveLength(1);
  });

  test('whose states can be neither written nor removed is registered all the same', async () => {
    // A file where their folder should be.
    await Bun.write(join(engine.dataDir, 'training'), '');
    expect(await (await train('mlp', { epochs: 10 })).ended()).toMatchObject({ state: 'completed' });
    expect(await versions()).toHaveLength(1);
    await engine.restart(definition);
    expect(await versions()).toHaveLength(1);
  });

  test('whose version can not be written fails with that reason, and the next one is registered', async () => {
    // A file where the folder should be: nothing can be written below it.
    const folder = join(engine.dataDir, 'models');
    await disk.rm(folder, { recursive: true, force: true });
    await Bun.write(folder, '');
    const job = await (await train('ridge', {})).ended();
    expect(job).toMatchObject({ state: 'failed', error: { type: '/problems/storage-unavailable' } });
    expect(await versions()).toEqual([]);
    await disk.rm(folder);
    expect(await (await train('ridge', {})).ended()).toMatchObject({ state: 'completed' });
    expect(await versions()).toHaveLength(1);
  });
});

describe('a table', () => {
  test('on a data folder that can not be written is refused as a fault of storage', async () => {
    const folder = join(engine.dataDir, 'datasets');
    await disk.rm(folder, { recursive: true });
    await Bun.write(folder, '');
    const reply = await table();
    expect([reply.status, reply.body.type]).toEqual([503, '/problems/storage-unavailable']);
    await disk.rm(folder);
    expect((await table()).status).toBe(201);
  });

  test.each(['mkdir', 'open', 'rename'] as const)(
    'on a disk that is full at %s leaves nothing',
    async (call) => {
      const full = async () => {
        throw Object.assign(new Error('full'), { code: 'ENOSPC' });
      };
      const root = join(engine.dataDir, 'elsewhere');
      async function* chunks() {
        yield new TextEncoder().encode(TABLE);
      }
      const file = await readFrameCsv(chunks(), { maxBytes: 1e6, maxCells: 1e5 });
      const store = new DatasetStore(root, true, 1e9, { ...disk, [call]: full });
      await expect(store.save(file, 'table', 1)).rejects.toMatchObject({ slug: 'storage-unavailable' });
      const left = await disk.readdir(join(root, 'datasets')).catch(() => []);
      expect(left).toEqual([]);
      // The same table, once there is room.
      const { dataset_id: id } = await new DatasetStore(root, true).save(file, 'table', 1);
      expect((await new DatasetStore(root, true).open(id)).frame.rows).toBe(ROWS);
    },
  );
});
