// What is told of models on ml.models: after each change, and everything for a websocket engine that has started.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { resolve } from 'node:path';
import { topics } from '../../../src/bus/topics.ts';
import { TestEngine } from '../../../test/support/engine.ts';
import { eventually } from '../../../test/support/eventually.ts';
import definition from '../index.ts';

const env = { NAUTILUS_MODELS_DIR: resolve(import.meta.dir, '../../../models') };

describe('news of models', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await TestEngine.start(definition, env);
  });
  afterAll(() => engine.stop());

  const told = (id: string) =>
    engine
      .messages(topics.models)
      .map(({ body }) => body)
      .filter(({ model_id }) => model_id === id);
  const tells = (id: string, condition: (news: ReturnType<typeof told>[number]) => boolean) =>
    eventually(() => told(id).some(condition), `news of ${id}`);

  test('come after a model is made, changed and deleted', async () => {
    await engine.post('/models', { model_id: 'mine', model_type: 'price_prediction', name: 'Mine' });
    await tells('mine', ({ name }) => name === 'Mine');
    expect(told('mine').at(-1)).toMatchObject({
      source: 'registry',
      model_type: 'price_prediction',
      deleted: false,
      deployed_version: null,
      versions: [],
    });
    await engine.send('PUT', '/models/mine', { name: 'Yours' });
    await tells('mine', ({ name }) => name === 'Yours');
    await engine.send('DELETE', '/models/mine');
    await tells('mine', ({ deleted }) => deleted);
  });

  test('are all told when a websocket engine has started, and not for others', async () => {
    await engine.post('/models', { model_id: 'second', model_type: 'price_prediction' });
    await tells('second', () => true);
    const presence = {
      port: 1,
      pid: 4711,
      status: 'healthy' as const,
      missing: [],
      version: '0.1.0',
      uptime_s: 1,
      rss_bytes: 1,
      lockstep: true,
    };
    engine.bus.publish(topics.presence, { ...presence, engine: 'strategy' });
    engine.bus.publish(topics.presence, { ...presence, engine: 'websocket' });
    await eventually(() => told('second').length === 2, 'the second word on a model');
    await tells('btc-direction-15m', () => true);
    const [card] = told('btc-direction-15m');
    expect(card).toMatchObject({ source: 'file', algorithm: expect.any(String), deleted: false });
    expect(card!.deployed_version).toBe(card!.versions[0]!.version);
    expect(card!.versions[0]!.metrics.accuracy).toBeGreaterThan(0.5);
    // Each model was told once for the one engine that has started.
    expect(told('btc-direction-15m').length).toBe(1);
  });
});
