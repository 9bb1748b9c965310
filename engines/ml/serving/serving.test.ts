// Predictions on request through the engine's port: batches, hardware, limits, faults.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { resolve } from 'node:path';
import { topics } from '../../../src/bus/topics.ts';
import { MODEL_INPUTS } from '../../../src/indicators/index.ts';
import { TestEngine, walkBars } from '../../../test/support/engine.ts';
import definition from '../index.ts';
import { expectedRows, featureBodies } from '../test-features.ts';

const env = { NAUTILUS_MODELS_DIR: resolve(import.meta.dir, '../../../models'), MAX_BATCH_SIZE: '100' };
const rows = expectedRows(featureBodies(walkBars('ROWS', 400))).flatMap((row) => (row ? [[...row]] : []));
const onMac = process.platform === 'darwin';

describe('serving', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await TestEngine.start(definition, env);
  });
  afterAll(() => engine.stop());

  test('answers a batch with what each row gets alone', async () => {
    const inputs = rows.slice(0, 100);
    const { status, body } = await engine.post('/predict/batch', { inputs });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      model_id: 'btc-direction-15m',
      inputs: [...MODEL_INPUTS],
      hardware_used: 'cpu',
      where: 'in_process',
    });
    for (const [i, row] of inputs.entries()) {
      const alone = (await engine.post('/predict', { inputs: [row] })).body;
      expect([alone.predictions[0], alone.confidence[0], alone.signal[0]]).toEqual([
        body.predictions[i],
        body.confidence[i],
        body.signal[i],
      ]);
    }
  });

  test('answers more rows than a run may have with the same numbers', async () => {
    const { predictions } = (await engine.post('/predict', { inputs: rows })).body;
    expect(rows.length).toBeGreaterThan(100);
    const parts = [rows.slice(0, 100), rows.slice(100, 200), rows.slice(200)];
    const replies = await Promise.all(parts.map((inputs) => engine.post('/predict/batch', { inputs })));
    expect(predictions).toEqual(replies.flatMap(({ body }) => body.predictions));
  });

  test('refuses a batch that is too large, and bad rows by their place', async () => {
    const [row] = rows;
    const large = await engine.post('/predict/batch', { inputs: rows.slice(0, 101) });
    expect(large).toMatchObject({ status: 413, body: { type: '/problems/too-large', limit_rows: 100 } });
    const cases: [unknown, number, string, string][] = [
      [{ inputs: [] }, 422, 'invalid-option', '/inputs'],
      [{ inputs: [row, []] }, 422, 'invalid-option', '/inputs/1'],
      [{ inputs: [row, row!.slice(1)] }, 422, 'shape-mismatch', '/inputs/1'],
      [{ inputs: [[...row!.slice(1), 1e39]] }, 422, 'non-finite-input', '/inputs/0/6'],
      [{ inputs: [row], hardware: 'tpu' }, 422, 'invalid-option', '/hardware'],
      [{ inputs: [row], timeout_ms: 0 }, 422, 'invalid-option', '/timeout_ms'],
      [{ inputs: [row], timeout_ms: 60_000 }, 422, 'invalid-option', '/timeout_ms'],
      [{ inputs: [row], model_id: 'nope' }, 404, 'not-found', ''],
      [{ inputs: [row], model_id: 'btc-direction-15m@9.9.9' }, 404, 'not-found', ''],
      [{ inputs: [row], extra: 1 }, 422, 'invalid-option', ''],
    ];
    for (const [body, status, slug, named] of cases) {
      const answer = await engine.post('/predict/batch', body);
      expect([named, answer.status, answer.body.type]).toEqual([named, status, `/problems/${slug}`]);
      expect(JSON.stringify(answer.body)).toContain(named);
    }
  });

  test.skipIf(onMac)(
    'has no accelerator here: 503, or the CPU where that is allowed, and says so',
    async () => {
      const inputs = rows.slice(0, 2);
      const { predictions } = (await engine.post('/predict', { inputs })).body;
      for (const path of ['/predict/neural-engine', '/predict/metal-gpu']) {
        const refused = await engine.post(path, { inputs });
        expect(refused).toMatchObject({ status: 503, body: { type: '/problems/backend-unavailable' } });
        const allowed = await engine.post(path, { inputs, allow_fallback: true });
        expect(allowed).toMatchObject({ status: 200, body: { hardware_used: 'cpu', predictions } });
      }
      const hybrid = await engine.post('/predict/hybrid', { inputs });
      expect(hybrid).toMatchObject({ status: 200, body: { hardware_used: 'cpu', predictions } });
      const named = await engine.post('/predict/batch', { inputs, hardware: 'metal_gpu' });
      expect(named).toMatchObject({ status: 503, body: { type: '/problems/backend-unavailable' } });
    },
  );

  test('publishes a prediction of the model of the stream where it is asked to, and nothing else', async () => {
    const told = () => engine.messages(topics.mlPredictions);
    await engine.post('/predict', { inputs: [rows[0]] });
    expect(told()).toEqual([]);
    const { status, body } = await engine.post('/predict/publish', { symbol: 'ASKED', inputs: rows[0] });
    expect(status).toBe(200);
    const [message] = await engine.received(topics.mlPredictions, 1);
    expect(message!.body).toEqual({
      symbol: 'ASKED',
      model_id: 'btc-direction-15m',
      timestamp: body.ts_event_us / 1e6,
      prediction: body.predictions[0],
      confidence: body.confidence[0],
      model_version: '1.0.0',
      hardware_used: 'cpu',
    });
    expect(message!.ts_event_us).toBe(body.ts_event_us);
    const cases: [unknown, number][] = [
      [{ inputs: rows[0] }, 422],
      [{ symbol: 'ASKED', inputs: [1] }, 422],
      [{ symbol: 'NEVER-SEEN' }, 404],
      [{ symbol: 'ASKED', inputs: rows[0], model_id: 'nope' }, 404],
    ];
    for (const [request, expected] of cases)
      expect((await engine.post('/predict/publish', request)).status).toBe(expected);
    expect(told()).toHaveLength(1);
  });

  test('tells what it measured', async () => {
    const metrics = (await engine.get('/metrics')).body as string;
    expect(metrics).toMatch(
      /nautilus_ml_predict_seconds_count\{[^}]*model_id="btc-direction-15m",where="in_process"\} [1-9]/,
    );
    expect(metrics).toMatch(/nautilus_ml_cache_bytes\{[^}]*\} [1-9]/);
    const { body } = await engine.get('/system/status');
    expect(body).toMatchObject({ open_models: 1, waiting_requests: 0 });
    expect(body.processes).toHaveLength(1);
  });
});
