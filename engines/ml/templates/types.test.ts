// Every published type: defined by its name alone, trained with what that fills in, deployed, and named by a body.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { resolve } from 'node:path';
import { Philox } from '../../../src/core/philox.ts';
import { MODEL_TEMPLATES } from '../../../src/learning/templates/definitions.ts';
import { TestEngine } from '../../../test/support/engine.ts';
import { eventually } from '../../../test/support/eventually.ts';
import definition from '../index.ts';
import { SYMBOL_TYPES } from './symbols/schemas.ts';

const env = { NAUTILUS_MODELS_DIR: resolve(import.meta.dir, '../../../models') };
const ROWS = 420;
/** Of networks: one pass is enough to see the whole path. */
const QUICK: Record<string, object> = {
  neural_network: { epochs: 1, hidden: [8] },
  transformer: { epochs: 1, width: 8, heads: 2, layers: 1 },
  xgboost: { rounds: 20 },
  lstm_autoencoder: { epochs: 1, units: 4, latent: 2 },
};

function bars(): string {
  const random = new Philox(5).fillUniform(new Float64Array(3 * ROWS));
  const lines = ['ts,open,high,low,close,volume'];
  let open = 100;
  for (let i = 0; i < ROWS; i++) {
    const [a, b, c] = random.subarray(3 * i, 3 * i + 3);
    const close = open * Math.exp(0.03 * (a! - 0.5) * (i % 100 < 50 ? 1 : 3));
    const [high, low] = [Math.max(open, close) * (1 + 0.002 * b!), Math.min(open, close) * (1 - 0.002 * b!)];
    lines.push(`${1_600_000_000 + i * 3600},${open},${high},${low},${close},${100 + 50 * c!}`);
    open = close;
  }
  return `${lines.join('\n')}\n`;
}

const ofType: Record<string, (one: Record<string, unknown>) => boolean> = {
  trading_signals: ({ signal, calibrated }) =>
    ['SELL', 'HOLD', 'BUY'].includes(signal as string) && calibrated === true,
  market_regime: ({ regime, confidence }) =>
    [0, 1, 2].includes(regime as number) && Number(confidence) > 1 / 3,
  volatility_forecasting: ({ volatility, interval }) => Number.isFinite(volatility) && interval !== null,
  position_sizing: ({ position_size: size, volatility }) =>
    Math.abs(Number(size) - Math.min(2, 0.005 / Number(volatility))) < 1e-12,
  lstm_autoencoder: ({ reconstruction_error: error }) => Number(error) > 0,
};
const asPrice = ({ expected_return, target_price, target_interval }: Record<string, unknown>) =>
  target_price === 50 * Math.exp(expected_return as number) && target_interval !== null;

describe('published types of models', () => {
  let engine: TestEngine;
  let dataset_id: string;
  beforeAll(async () => {
    engine = await TestEngine.start(definition, env);
    const headers = { 'content-type': 'text/csv' };
    const sent = await fetch(`${engine.url}/datasets`, { method: 'POST', body: bars(), headers });
    dataset_id = ((await sent.json()) as { dataset_id: string }).dataset_id;
  });
  afterAll(() => engine.stop());

  const ended = async ({
    status,
    body,
  }: {
    status: number;
    body: { progress_url: string } & Record<string, unknown>;
  }) => {
    expect([status, body.errors, body.detail]).toEqual([202, undefined, undefined]);
    let job: Record<string, unknown> = body;
    await eventually(async () => {
      job = (await engine.get(body.progress_url)).body;
      return job.finished_ts_us !== null;
    }, 'the job ends');
    expect([job.state, job.error]).toEqual(['completed', null]);
    return (await engine.get(job.result_url as string)).body;
  };

  test('all bodies that name symbols have a definition, and the other way round', () => {
    expect(MODEL_TEMPLATES.map(({ name }) => name).sort()).toEqual([...SYMBOL_TYPES].sort());
  });

  test.each(MODEL_TEMPLATES.map(({ name }) => name))(
    '%s trains, deploys and predicts by its name alone',
    async (type) => {
      const template = MODEL_TEMPLATES.find(({ name }) => name === type)!;
      const model_id = type.replaceAll('_', '-');
      const made = await engine.post('/models', {
        model_id,
        model_type: type,
        tags: ['symbol:acme'],
        ...(QUICK[type] && { options: QUICK[type] }),
      });
      expect([made.status, made.body.errors]).toEqual([201, undefined]);
      expect(made.body).toMatchObject({
        task: template.task,
        family: template.family,
        options: template.options,
        configuration: { training: JSON.parse(JSON.stringify(template.training)) },
      });
      const report = await ended(
        await engine.post(`/models/${model_id}/train`, { dataset_id, resamples: 100 }),
      );
      expect([report.task, report.family]).toEqual([template.task, template.family]);
      expect((await engine.post(`/models/${model_id}/deploy`)).status).toBe(200);
      const columns = Object.fromEntries(
        (report.inputs as string[]).map((name, i) => [name, [0.01 + i / 1000]]),
      );
      const reply = await engine.post('/predict', {
        model_type: type,
        symbols: ['ACME'],
        features: { price_data: [50], ...columns },
        ...(type === 'position_sizing' && { target_volatility: 0.005, max_leverage: 2 }),
      });
      expect([reply.status, reply.body.errors]).toEqual([200, undefined]);
      const one = reply.body.predictions.ACME;
      expect(reply.body.unused).toEqual(one.target_price === null ? ['price_data'] : []);
      expect([one.model_id, one.generic, one.reason]).toEqual([model_id, false, undefined]);
      expect([one, (ofType[type] ?? asPrice)(one)]).toEqual([one, true]);
    },
  );

  test('a validation takes the splits of the type, and its features', async () => {
    const report = await ended(
      await engine.post('/models/market-regime/validate', { dataset_id, resamples: 100 }),
    );
    expect([report.scheme.kind, report.inputs]).toEqual([
      'holdout',
      ['close_log_return_1', 'close_volatility_20'],
    ]);
  });

  test('an architecture is a family of the type that has some, and nothing else', async () => {
    const make = (more: object) => engine.post('/models', { model_type: 'neural_network', ...more });
    expect((await make({ architecture: 'gru' })).body).toMatchObject({ family: 'gru', task: 'regression' });
    const wrong = [
      await make({ architecture: 'perceptron' }),
      await make({ architecture: 'gru', family: 'gru' }),
      await make({ architecture: 'gru', model_type: 'transformer' }),
    ];
    for (const { status, body } of wrong)
      expect([status, body.errors[0].pointer]).toEqual([422, '/architecture']);
    expect(wrong[0]!.body.errors[0].expected).toContain('feedforward');
  });

  test('a configuration that is no training is refused when it is needed, by its place', async () => {
    const training = { features: [{ kind: 'mood' }] };
    await engine.post('/models', {
      model_id: 'odd',
      model_type: 'price_prediction',
      configuration: { training },
    });
    const { status, body } = await engine.post('/models/odd/train', { dataset_id });
    expect([status, body.errors[0].pointer]).toEqual([422, '/configuration/training/features/0/kind']);
  });

  test('what belongs to one type is refused for the others', async () => {
    const asked = { model_type: 'price_prediction', symbols: ['ACME'], max_leverage: 2 };
    const { status, body } = await engine.post('/predict', asked);
    expect([status, body.errors[0].pointer]).toEqual([422, '/max_leverage']);
  });

  test('lists every type with its defaults and its body', async () => {
    const { templates } = (await engine.get('/templates')).body;
    const names = templates.map(({ model_type }: { model_type: string }) => model_type);
    for (const name of [...SYMBOL_TYPES, 'portfolio_risk', 'sentiment']) expect(names).toContain(name);
    const signals = templates.find(
      ({ model_type }: { model_type: string }) => model_type === 'trading_signals',
    );
    expect(signals).toMatchObject({ family: 'logistic', validation: { kind: 'purged_k_fold', folds: 5 } });
    expect(signals.generic_models).toContain('trading-signals-generic-1d');
    expect(signals.request.properties.symbols.type).toBe('array');
  });
});
