// A symbol with a model of its own: trained, tagged and deployed over HTTP, then named by published bodies.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { resolve } from 'node:path';
import { Philox } from '../../../src/core/philox.ts';
import { TestEngine } from '../../../test/support/engine.ts';
import { eventually } from '../../../test/support/eventually.ts';
import definition from '../index.ts';

const env = { NAUTILUS_MODELS_DIR: resolve(import.meta.dir, '../../../models') };
const ROWS = 600;

/** A price whose next return is 0.0002 (rsi - 50) with noise. */
function table(): string {
  const random = new Philox(11).fillUniform(new Float64Array(2 * ROWS));
  const lines = ['ts,close,rsi'];
  let close = 100;
  for (let i = 0; i < ROWS; i++) {
    const rsi = 100 * random[2 * i]!;
    lines.push(`${1_600_000_000 + i * 60},${close},${rsi}`);
    close *= Math.exp(0.0002 * (rsi - 50) + 0.004 * (random[2 * i + 1]! - 0.5));
  }
  return `${lines.join('\n')}\n`;
}

describe('a symbol with a model of its own', () => {
  let engine: TestEngine;
  let dataset_id: string;
  beforeAll(async () => {
    engine = await TestEngine.start(definition, env);
    const headers = { 'content-type': 'text/csv' };
    const response = await fetch(`${engine.url}/datasets?name=walk`, {
      method: 'POST',
      body: table(),
      headers,
    });
    dataset_id = ((await response.json()) as { dataset_id: string }).dataset_id;
  });
  afterAll(() => engine.stop());

  const deployed = async (model_id: string, model: object, training: object) => {
    expect((await engine.post('/models', { model_id, ...model })).status).toBe(201);
    const accepted = await engine.post(`/models/${model_id}/train`, {
      dataset_id,
      resamples: 100,
      ...training,
    });
    expect([accepted.status, accepted.body.errors]).toEqual([202, undefined]);
    let job = accepted.body;
    await eventually(async () => {
      job = (await engine.get(accepted.body.progress_url)).body;
      return job.finished_ts_us !== null;
    }, 'the training ends');
    expect([job.state, job.error]).toEqual(['completed', null]);
    expect((await engine.post(`/models/${model_id}/deploy`)).status).toBe(200);
    return (await engine.get(job.result_url)).body;
  };
  const features = [{ kind: 'value', column: 'rsi' }];
  const body = {
    model_type: 'price_prediction',
    symbols: ['ACME/B', 'OTHER'],
    features: { price_data: [10, 10], volume: [1000, 1000], rsi: [80, 80], macd: [0.1, 0.1] },
  };

  test('its body is answered by that model, other symbols by the generic one', async () => {
    const before = (await engine.post('/predict', body)).body.predictions;
    expect([before['ACME/B'].generic, before.OTHER.generic]).toEqual([true, true]);
    const model = { model_type: 'price_prediction', family: 'ridge', tags: ['symbol:acme-b'] };
    const target = { kind: 'log_return', column: 'close', horizon: 1 };
    const report = await deployed('acme-return', model, { features, target });
    const { body: after } = await engine.post('/predict', body);
    const [own, other] = [after.predictions['ACME/B'], after.predictions.OTHER];
    expect([own.model_id, own.generic, other]).toEqual(['acme-return', false, before.OTHER]);
    // 0.0002 (80 - 50), within what 300 rows of uniform noise of deviation 0.0012 tell.
    expect(Math.abs(own.expected_return - 0.006)).toBeLessThan(0.001);
    expect(own.target_price).toBe(10 * Math.exp(own.expected_return));
    const { level, margin } = report.interval;
    expect(own.interval).toEqual({
      level,
      low: own.expected_return - margin,
      high: own.expected_return + margin,
    });
    expect(after.prediction_horizon).toBe('1 row, 1d');
    expect(after.model_version).toBe('acme-return@1, price-prediction-generic-1d@1.0.0');
    const plain = (await engine.post('/predict', { model_id: 'acme-return', inputs: [[80], [20]] })).body;
    expect(plain.interval).toEqual({
      level,
      low: plain.predictions.map((value: number) => value - margin),
      high: plain.predictions.map((value: number) => value + margin),
    });
    expect(plain.calibrated).toBeNull();
  });

  test('the list of models shows what the version that serves reads, gives and scored', async () => {
    const { models } = (await engine.get('/models?name=acme-return')).body;
    const version = (await engine.get('/models/acme-return/versions/1')).body;
    expect(models[0]).toMatchObject({
      inputs: ['rsi'],
      output: 'logarithmic return of close 1 rows ahead',
      out_of_sample: version.metrics,
    });
    expect(version.signature.serving.target).toEqual({
      kind: 'log_return',
      column: 'close',
      horizon: '1 row',
    });
  });

  test('a tag of a horizon binds the model to it', async () => {
    const asked = async (prediction_horizon?: string) =>
      (await engine.post('/predict', { ...body, prediction_horizon })).body.predictions['ACME/B'].model_id;
    expect([await asked('1h'), await asked()]).toEqual(['acme-return', 'acme-return']);
    const changed = await fetch(`${engine.url}/models/acme-return`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ tags: ['symbol:acme-b', 'horizon:1h'] }),
    });
    expect(changed.status).toBe(200);
    expect([await asked('1h'), await asked()]).toEqual(['acme-return', 'price-prediction-generic-1d']);
  });
});
