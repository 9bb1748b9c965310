// The ML engine through its port and the bus.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { resolve } from 'node:path';
import { topics } from '../../src/bus/topics.ts';
import { MODEL_INPUTS } from '../../src/indicators/index.ts';
import { logisticProbability } from '../../src/onnx/logistic.ts';
import { TestEngine, walkBars } from '../../test/support/engine.ts';
import { eventually } from '../../test/support/eventually.ts';
import definition from './index.ts';
import { committed, expectedRows, featureBodies } from './test-features.ts';

const env = { NAUTILUS_MODELS_DIR: resolve(import.meta.dir, '../../models'), MONITORING_INTERVAL: '1' };
const zeros = Array(MODEL_INPUTS.length).fill(0);

describe('ml engine', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await TestEngine.start(definition, env);
  });
  afterAll(() => engine.stop());

  test('is healthy once its model is loaded, and says which model it runs', async () => {
    await eventually(async () => (await engine.get('/health')).body.status === 'healthy', 'the model');
    const { body } = await engine.get('/system/status');
    expect(body).toMatchObject({
      missing: [],
      model: { model_id: 'btc-direction-15m', loaded: true, reason: null, version: '1.0.0', provider: 'cpu' },
    });
    expect(body.model.artefact_sha256).toBe(committed.card.artefact.sha256);
  });

  test('tells of its hardware under the published name too', async () => {
    const told = () => engine.messages(topics.mlHardwareMetrics);
    await eventually(() => told().length > 0, 'ml.hardware_metrics');
    const [own] = told();
    expect(own!.body.engine).toBe('ml');
    expect(engine.messages(topics.hardwareMetrics).map((e) => e.body)).toContainEqual(own!.body);
  });

  test('lists its models and shows their cards', async () => {
    const { status, body } = await engine.get('/models');
    expect(status).toBe(200);
    expect(body.rejected).toEqual([]);
    expect(body.stream).toEqual({ model_id: 'btc-direction-15m', loaded: true, reason: null });
    const generic = ['price-prediction', 'trading-signals'].flatMap((type) =>
      ['15m', '1d', '1h'].map((horizon) => `${type}-generic-${horizon}`),
    );
    const ids = body.models.map(({ model_id }: { model_id: string }) => model_id);
    expect(ids).toEqual(['btc-direction-15m', ...generic]);
    expect(body.models[0]).toMatchObject({
      model_id: 'btc-direction-15m',
      version: '1.0.0',
      inputs: [...MODEL_INPUTS],
      out_of_sample: committed.card.out_of_sample.metrics,
      loaded: true,
    });
    expect((await engine.get('/models/btc-direction-15m')).body).toEqual(committed.card);
  });

  test('predicts posted rows as the formula of the card says, with confidence and signal', async () => {
    const rows = expectedRows(featureBodies(walkBars('ROWS', 320))).flatMap((row) => (row ? [[...row]] : []));
    const { status, body } = await engine.post('/predict', { model_id: 'btc-direction-15m', inputs: rows });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      model_id: 'btc-direction-15m',
      model_version: '1.0.0',
      inputs: [...MODEL_INPUTS],
      hardware_used: 'cpu',
      backend: 'onnxruntime',
      thresholds: { buy_above: 0.53, sell_below: 0.49 },
    });
    expect(body.predictions).toHaveLength(rows.length);
    for (const [i, p] of (body.predictions as number[]).entries()) {
      // Float32 through a sum of seven products: an error below 1e-6 of a probability.
      expect(Math.abs(p - logisticProbability(committed.parameters, rows[i]!))).toBeLessThan(1e-6);
      expect(body.confidence[i]).toBe(Math.max(p, 1 - p));
      expect(body.signal[i]).toBe(p > 0.53 ? 'BUY' : p < 0.49 ? 'SELL' : 'HOLD');
    }
    expect(new Set(body.signal)).toEqual(new Set(['BUY', 'HOLD', 'SELL']));
  });

  test('gives one message per features message, null until the inputs are warm, then the model reads them', async () => {
    const bodies = featureBodies(walkBars('STREAM', 260));
    const sent = bodies.map((body, i) =>
      engine.bus.publish(topics.featureValues, body, { tsEventUs: 1_640_991_660_000_000 + i * 60_000_000 }),
    );
    const got = (await engine.received(topics.mlPredictions, 260)).filter((e) => e.body.symbol === 'STREAM');
    expect(got.map((e) => e.ts_event_us)).toEqual(sent.map((e) => e.ts_event_us));
    expect(got.map((e) => e.correlation_id)).toEqual(sent.map((e) => e.correlation_id));
    for (const [i, row] of expectedRows(bodies).entries()) {
      const { prediction, confidence, ...rest } = got[i]!.body;
      expect(rest).toEqual({
        symbol: 'STREAM',
        model_id: 'btc-direction-15m',
        timestamp: sent[i]!.ts_event_us / 1e6,
        model_version: '1.0.0',
        hardware_used: 'cpu',
      });
      if (row === null) expect([prediction, confidence]).toEqual([null, 0]);
      else {
        expect(Math.abs(prediction! - logisticProbability(committed.parameters, row))).toBeLessThan(1e-6);
        expect(confidence).toBe(Math.max(prediction!, 1 - prediction!));
      }
    }
    expect(got.filter((e) => e.body.prediction === null)).toHaveLength(199);

    const newest = await engine.post('/predict', { symbol: 'STREAM' });
    expect(newest.status).toBe(200);
    expect(newest.body).toMatchObject({
      symbol: 'STREAM',
      ts_event_us: sent.at(-1)!.ts_event_us,
      predictions: [got.at(-1)!.body.prediction],
    });
    const metrics = (await engine.get('/metrics')).body as string;
    expect(metrics).toMatch(/nautilus_ml_predictions_total\{[^}]*source="stream",outcome="value"[^}]*\} 61/);
    expect(metrics).toMatch(/nautilus_ml_predictions_total\{[^}]*source="stream",outcome="null"[^}]*\} 199/);
    expect(metrics).toMatch(/nautilus_ml_inference_seconds_count\{[^}]*\} 6\d/);
  });

  test('predicts nothing for features that are incomplete, from a flat market, or too big for float32', async () => {
    const warm = featureBodies(walkBars('ODD', 201)).at(-1)!;
    const { atr_14: _, ...without } = warm.features;
    const odd = [
      { ...warm, features: { ...warm.features, atr_14: 0 } },
      { ...warm, features: { ...warm.features, macd_histogram: 1e300 } },
      { ...warm, features: {} },
      { ...warm, features: without },
    ];
    const before = engine.messages(topics.mlPredictions).length;
    for (const body of [...odd, warm]) engine.bus.publish(topics.featureValues, body);
    const got = (await engine.received(topics.mlPredictions, before + 5)).slice(before);
    expect(got.map((e) => e.body.prediction !== null)).toEqual([false, false, false, false, true]);

    const flat = { ...odd[0]!, symbol: 'FLAT' };
    engine.bus.publish(topics.featureValues, flat);
    await engine.received(topics.mlPredictions, before + 6);
    expect(await engine.post('/predict', { symbol: 'FLAT' })).toMatchObject({
      status: 409,
      body: { type: '/problems/conflict' },
    });
  });

  test('answers bad requests with problems that name the field, never echo a value and publish nothing', async () => {
    engine.bus.publish(topics.featureValues, featureBodies(walkBars('COLD', 3)).at(-1)!);
    await eventually(
      () => engine.messages(topics.mlPredictions).some((e) => e.body.symbol === 'COLD'),
      'the cold instrument',
    );
    const before = engine.messages(topics.mlPredictions).length;
    const secret = 'do-not-echo-me';
    const big = [0, 0, 0, 1e39, 0, 0, 0];
    const cases: [unknown, number, string, string][] = [
      [undefined, 422, 'invalid-option', ''],
      [{}, 422, 'invalid-option', 'either inputs, symbol or bars'],
      [{ inputs: [zeros], symbol: 'STREAM' }, 422, 'invalid-option', 'either inputs, symbol or bars'],
      [{ inputs: [] }, 422, 'invalid-option', '/inputs'],
      [{ inputs: zeros }, 422, 'invalid-option', '/inputs/0'],
      [{ inputs: [zeros, [...zeros.slice(1), secret]] }, 422, 'invalid-option', '/inputs/1/6'],
      [{ inputs: [[...zeros.slice(1), null]] }, 422, 'invalid-option', '/inputs/0/6'],
      [{ inputs: Array(10_001).fill([0]) }, 422, 'invalid-option', '/inputs'],
      [{ inputs: [zeros], [secret.slice(0, 3)]: 1 }, 422, 'invalid-option', ''],
      [{ inputs: [zeros], model_id: '../secret' }, 422, 'invalid-option', '/model_id'],
      [{ inputs: [zeros], model_id: 'nope' }, 404, 'not-found', ''],
      [{ inputs: [zeros, [...zeros, 0]] }, 422, 'shape-mismatch', '/inputs/1'],
      [{ inputs: [zeros, big] }, 422, 'non-finite-input', '/inputs/1/3'],
      // In range of float32, but infinity minus infinity inside the model.
      [{ inputs: [zeros, [3e38, 0, 3e38, 3e38, 3e38, 3e38, 3e38]] }, 422, 'non-finite-input', '/inputs/1'],
      [{ symbol: 'UNKNOWN' }, 404, 'not-found', ''],
      [{ symbol: 'COLD' }, 422, 'insufficient-history', '"needed":200,"received":1'],
    ];
    for (const [body, status, slug, named] of cases) {
      const answer = await engine.post('/predict', body);
      const text = JSON.stringify(answer.body);
      expect([text, answer.status, answer.type, answer.body.type]).toEqual([
        text,
        status,
        'application/problem+json',
        `/problems/${slug}`,
      ]);
      expect(text).toContain(named);
      expect(text).not.toContain(secret);
    }
    const broken = await fetch(`${engine.url}/predict`, {
      method: 'POST',
      body: '{"inputs": [[NaN]]}',
      headers: { 'content-type': 'application/json' },
    });
    expect(broken.status).toBe(400);
    const infinite = await fetch(`${engine.url}/predict`, {
      method: 'POST',
      body: '{"inputs": [[1e999,0,0,0,0,0,0]]}',
      headers: { 'content-type': 'application/json' },
    });
    expect(infinite.status).toBe(422);
    for (const id of ['nope', '..%2f..%2fpackage', 'BTC']) {
      expect([id, (await engine.get(`/models/${id}`)).status]).toEqual([id, 404]);
    }
    expect((await engine.post('/predict/elsewhere', { inputs: [zeros] })).status).toBe(404);
    expect(engine.messages(topics.mlPredictions).length).toBe(before);
    expect((await engine.get('/health')).body.status).toBe('healthy');
  });
});
