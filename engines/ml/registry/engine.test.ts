// Registered models through the port of the engine, on every database.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { resolve } from 'node:path';
import { topics } from '../../../src/bus/topics.ts';
import { encodeLogistic, logisticProbability } from '../../../src/onnx/logistic.ts';
import { sha256 } from '../../../src/onnx/registry.ts';
import { logistic } from '../../../src/onnx/test-models.ts';
import { type Reply, TestEngine } from '../../../test/support/engine.ts';
import { type EngineStore, logged, STORES } from '../../../test/support/stores.ts';
import definition from '../index.ts';

const models = resolve(import.meta.dir, '../../../models');
const steeper = { ...logistic, intercept: 2.5 };
const files = { first: encodeLogistic(logistic), second: encodeLogistic(steeper) };
const row = [0.55, -1, 1100];

for (const { name, present, start } of STORES) {
  describe.skipIf(!present)(`the registry of models on ${name}`, () => {
    let store: EngineStore;
    let env: Record<string, string>;
    let engine: TestEngine;
    beforeAll(async () => {
      store = await start();
      env = { ...store.env(), NAUTILUS_MODELS_DIR: models };
      engine = await TestEngine.start(definition, env);
    }, 30_000);
    afterAll(async () => {
      await engine?.stop();
      await store?.stop();
    });

    const predicted = async (model_id: string) => {
      const { status, body } = await engine.post('/predict', { model_id, inputs: [row] });
      return status === 200 ? [body.model_version, body.predictions[0]] : [status, body.type];
    };
    const close = (value: number) => expect.closeTo(value, 6);

    test('a posted file becomes a version, is deployed, predicts, and is rolled back', async () => {
      const made = await upload(engine, '/models?model_id=rise&model_type=classification', files.first);
      expect(made.body).toMatchObject({
        model_id: 'rise',
        source: 'registry',
        task: 'classification',
        newest_version: '1',
        production_version: null,
        revision: 1,
      });
      expect(made.status).toBe(201);
      expect(await predicted('rise')).toEqual([409, '/problems/conflict']);
      expect(await predicted('rise@1')).toEqual(['1', close(logisticProbability(logistic, row))]);

      const deployed = await engine.post('/models/rise/deploy');
      expect(deployed.body).toMatchObject({ seq: 1, kind: 'deploy', version: '1', previous_version: null });
      expect(await predicted('rise')).toEqual(['1', close(logisticProbability(logistic, row))]);

      expect((await upload(engine, '/models/rise/versions', files.second)).body).toMatchObject({
        version: '2',
        stage: 'none',
        artefact: { sha256: sha256(files.second), bytes: files.second.length },
        signature: { input: { name: 'input', columns: 3 }, output: { columns: 1 } },
      });
      expect(await predicted('rise')).toEqual(['1', close(logisticProbability(logistic, row))]);
      expect((await engine.post('/models/rise/deploy', { version: '2', target: 'cpu' })).status).toBe(200);
      expect(await predicted('rise')).toEqual(['2', close(logisticProbability(steeper, row))]);

      const back = await engine.post('/models/rise/rollback');
      expect(back.body).toMatchObject({ seq: 3, kind: 'rollback', version: '1', previous_version: '2' });
      expect(await predicted('rise')).toEqual(['1', close(logisticProbability(logistic, row))]);
      expect(await engine.post('/models/rise/rollback')).toMatchObject({ status: 409 });
      const stages = (await engine.get('/models/rise/versions')).body.versions;
      expect(stages.map((v: { version: string; stage: string }) => [v.version, v.stage])).toEqual([
        ['2', 'archived'],
        ['1', 'production'],
      ]);
      const told = (await logged(engine, topics.modelDeployments)).filter((e) => e.body.model_id === 'rise');
      expect(told.map((e) => [e.body.model_version, e.body.previous_version])).toEqual([
        ['1', null],
        ['2', '1'],
        ['1', '2'],
      ]);
    });

    test('a version that answers otherwise than when it came does not get to serve', async () => {
      const swap = (table: string) => `UPDATE ${table} SET probe = (SELECT o.probe FROM ${table} o
        WHERE o.model_id = 'rise' AND o.version = 1) WHERE model_id = 'rise' AND version = 2;`;
      await store.run(engine, { sqlite: swap('model_versions'), postgres: swap('{schema}model_versions') });
      const refused = await engine.post('/models/rise/deploy', { version: '2' });
      expect([refused.status, refused.body.detail]).toEqual([
        409,
        expect.stringContaining('stored with the version'),
      ]);
      expect(await predicted('rise')).toEqual(['1', close(logisticProbability(logistic, row))]);
      expect((await engine.get('/models/rise/deployments')).body.deployments).toHaveLength(3);
    });

    test('is the same after a restart', async () => {
      await engine.restart(definition, env);
      expect(await predicted('rise')).toEqual(['1', close(logisticProbability(logistic, row))]);
      expect((await engine.get('/models/rise/status')).body).toMatchObject({
        status: 'deployed',
        production_version: '1',
        loaded: true,
      });
    });
  });
}

/** Posts the bytes of a file. */
async function upload(engine: TestEngine, path: string, file: Uint8Array<ArrayBuffer>): Promise<Reply> {
  const headers = { 'content-type': 'application/octet-stream' };
  const response = await fetch(engine.url + path, { method: 'POST', headers, body: file });
  return {
    status: response.status,
    type: response.headers.get('content-type') ?? '',
    body: await response.json(),
  };
}
