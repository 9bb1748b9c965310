// An experiment over the end of its engine, on the embedded bus and over Redis: what was counted stays, and counts once.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { signModel } from '../../engines/ml/experiments/test-kit.ts';
import { eventually } from '../support/eventually.ts';
import { REDIS_SERVER, TestRedis } from '../support/redis.ts';
import { TestSystem } from '../support/system.ts';

setDefaultTimeout(120_000);

const NEEDED = ['--only', 'ml,websocket'];

function survives(system: () => TestSystem) {
  test('an engine that is killed goes on with what it had counted, and tells it on the bus', async () => {
    let { port: ml, pid } = await system().engine('ml');
    // The port is looked up once: each look is a process.
    const ask = async (path: string, init: RequestInit = {}) => {
      const response = await fetch(`http://127.0.0.1:${ml}${path}`, init);
      // biome-ignore lint/suspicious/noExplicitAny: replies of many shapes
      return { status: response.status, body: (await response.json()) as any };
    };
    const headers = { 'content-type': 'application/json' };
    const post = (path: string, body: object) =>
      ask(path, { method: 'POST', headers, body: JSON.stringify(body) });
    const file = (slope: number) => ({ inputs: ['x'], artefact_base64: signModel(slope) });
    const made = { model_id: 'sign', model_type: 'classification', ...file(1) };
    expect((await post('/models', made)).status).toBe(201);
    expect((await post('/models/sign/versions', file(-1))).status).toBe(201);
    expect((await post('/models/sign/deploy', { version: '1' })).status).toBe(200);

    const { port } = await system().engine('websocket');
    const states = new Set<string>();
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`);
    const subscribed = Promise.withResolvers<void>();
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(data as string);
      const topics = ['ml.experiment_updates'];
      if (frame.type === 'welcome') socket.send(JSON.stringify({ type: 'subscribe', id: '1', topics }));
      else if (frame.type === 'batch' || frame.body) {
        for (const { body } of frame.type === 'batch' ? frame.messages : [frame]) states.add(body.state);
      } else subscribed.resolve();
    };
    await subscribed.promise;
    const begun = await post('/experiments', {
      ...{ model_id: 'sign', metric: 'accuracy', mode: 'shadow' },
      guardrails: { latency_ms: null },
    });
    expect(begun.status).toBe(201);
    const path = `/experiments/${begun.body.experiment_id}`;
    const page = async () => (await ask(path)).body;
    const outcomes: { prediction_id: string; outcome: number }[] = [];
    for (let i = 0; i < 20; i++) {
      const x = Math.sin(i + 1);
      const { body } = await post('/predict', {
        model_id: 'sign',
        key: `k${i}`,
        inputs: [[x]],
      });
      outcomes.push({ prediction_id: body.prediction_id, outcome: x > 0 ? 1 : 0 });
    }
    const first = await post(`${path}/outcomes`, { outcomes: outcomes.slice(0, 12) });
    expect(first.body).toMatchObject({ counted: 12, state: 'running' });
    const before = await page();
    expect(before.arms.map(({ value }: { value: number }) => value)).toEqual([1, 0]);

    process.kill(pid, 'SIGKILL');
    const isBack = async () => {
      const now = await system().engine('ml');
      if (now.pid === pid || now.health !== 'healthy') return false;
      ({ port: ml, pid } = now);
      return true;
    };
    await eventually(isBack, 'the engine is back');
    expect(await page()).toEqual(before);
    // All again: what was counted is not counted twice, what was not is.
    const again = await post(`${path}/outcomes`, { outcomes });
    expect(again.body).toMatchObject({ counted: 8, repeated: 12, unknown: 0 });
    expect((await page()).arms.map(({ observations }: never) => observations)).toEqual([20, 20]);
    expect((await ask(`${path}/stop`, { method: 'POST' })).body.state).toBe('stopped');
    await eventually(() => states.has('running') && states.has('stopped'), 'word of its states');
    socket.close();
  });
}

describe('experiments over the embedded bus', () => {
  let system: TestSystem;
  beforeAll(async () => {
    system = await TestSystem.start(NEEDED);
  });
  afterAll(() => system?.stop());
  survives(() => system);
});

describe.skipIf(REDIS_SERVER === null)('experiments over Redis', () => {
  let redis: TestRedis;
  let system: TestSystem;
  beforeAll(async () => {
    redis = await TestRedis.start();
    system = await TestSystem.start(NEEDED, { REDIS_URL: redis.url });
  });
  afterAll(async () => {
    await system?.stop();
    await redis?.stop();
  });
  survives(() => system);
});
