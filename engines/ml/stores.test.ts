// The models that served the stream, on every database: told once each, listed, kept over a restart.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { topics } from '../../src/bus/topics.ts';
import { TestEngine, walkBars } from '../../test/support/engine.ts';
import { eventually } from '../../test/support/eventually.ts';
import { POSTGRES_BIN, TestPostgres } from '../../test/support/postgres.ts';
import { type EngineStore, logged, STORES } from '../../test/support/stores.ts';
import definition from './index.ts';
import { featureBodies } from './test-features.ts';

const MODEL = 'btc-direction-15m';

for (const { name, present, start } of STORES) {
  describe.skipIf(!present)(`deployments of models on ${name}`, () => {
    const registry = mkdtempSync(join(tmpdir(), 'models-'));
    const card = join(registry, MODEL, 'model.json');
    let store: EngineStore;
    beforeAll(async () => {
      cpSync(resolve(import.meta.dir, '../../models'), registry, { recursive: true });
      store = await start();
    });
    afterAll(async () => {
      rmSync(registry, { recursive: true });
      await store?.stop();
    });

    test('each model that begins to serve the stream is told once, with what served before', async () => {
      const env = { ...store.env(), NAUTILUS_MODELS_DIR: registry };
      const engine = await TestEngine.start(definition, env);
      const told = () => logged(engine, topics.modelDeployments);
      const loaded = () =>
        eventually(async () => (await engine.get('/health')).body.status === 'healthy', 'the model');
      await eventually(async () => (await told()).length === 1, 'the first deployment');
      await engine.restart(definition, env);
      await loaded();
      const text = readFileSync(card, 'utf8');
      writeFileSync(card, text.replace('"version": "1.0.0"', '"version": "1.0.1"'));
      await engine.restart(definition, env);
      await eventually(async () => (await told()).length === 2, 'the second deployment');
      const { sha256 } = JSON.parse(text).artefact;
      const deployed = { model_id: MODEL, artefact_sha256: sha256 };
      expect((await told()).map((e) => e.body)).toEqual([
        { ...deployed, model_version: '1.0.0', previous_version: null },
        { ...deployed, model_version: '1.0.1', previous_version: '1.0.0' },
      ]);
      const first = (await engine.get('/models/deployments?limit=1')).body;
      expect(first).toMatchObject({ deployments: [{ seq: 2, model_version: '1.0.1' }], next_cursor: 2 });
      const { body } = await engine.get(`/models/deployments?limit=5&cursor=${first.next_cursor}`);
      expect(body).toEqual({
        deployments: [
          {
            seq: 1,
            ...deployed,
            model_version: '1.0.0',
            previous_version: null,
            since_us: expect.any(Number),
          },
        ],
        next_cursor: null,
      });
      expect((await engine.get('/models/deployments?limit=0')).status).toBe(422);
      await engine.stop();
    });
  });
}

test.skipIf(POSTGRES_BIN === null)(
  'predicts while Postgres is away, and records the model once it is back',
  async () => {
    const server = await TestPostgres.start();
    const registry = mkdtempSync(join(tmpdir(), 'models-'));
    const env = { DATABASE_URL: server.url, NAUTILUS_MODELS_DIR: registry };
    // The model comes when Postgres has gone.
    const engine = await TestEngine.start(definition, env);
    await eventually(async () => (await engine.get('/health')).body.missing.length > 0, 'no model');
    await server.kill();
    cpSync(resolve(import.meta.dir, '../../models'), registry, { recursive: true });
    expect((await engine.post('/predict', { inputs: [Array(7).fill(0)] })).status).toBe(200);
    for (const [i, body] of featureBodies(walkBars('AWAY', 210)).entries()) {
      engine.bus.publish(topics.featureValues, body, { tsEventUs: i });
    }
    const told = await engine.received(topics.mlPredictions, 210);
    expect(told.at(-1)!.body.prediction).toBeNumber();
    expect(await logged(engine, topics.modelDeployments)).toEqual([]);
    await server.restart();
    const deployed = async () => (await logged(engine, topics.modelDeployments)).length === 1;
    await eventually(deployed, 'the deployment is told');
    await engine.stop();
    await server.stop();
    rmSync(registry, { recursive: true });
  },
  60_000,
);
