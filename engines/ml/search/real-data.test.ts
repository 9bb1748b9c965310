// Searches from posted market data to a prediction, over HTTP alone.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { gunzipSync } from 'node:zlib';
import { sharedData } from '../../../test/shared-data.ts';
import { TestEngine } from '../../../test/support/engine.ts';
import { ended } from '../../../test/support/searches.ts';
import definition from '../index.ts';

const BTC = sharedData('btc-perp-1min-ohlcv-2022-01.csv.gz');
const STOCKS = sharedData('sp500-20-stocks-daily-close-1990-2022.csv.gz');

describe.skipIf(!BTC || !STOCKS)('searches on market data', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await TestEngine.start(definition, { NAUTILUS_THREADS: '2' });
  });
  afterAll(() => engine?.stop());

  async function searched(file: string, rows: number, path: string, body: object) {
    const lines = new TextDecoder().decode(gunzipSync(await Bun.file(file).bytes())).split('\n');
    const table = lines.slice(0, rows + 1).join('\n');
    const reply = await fetch(`${engine.url}/datasets`, { method: 'POST', body: table });
    const { dataset_id } = (await reply.json()) as { dataset_id: string };
    const { status, body: job } = await engine.post(path, { dataset_id, ...body });
    expect([status, job.errors]).toEqual([202, undefined]);
    const results = await ended(engine, job.job_id);
    expect([results.state, results.reason]).toEqual(['completed', null]);
    return { results, deploy: (more = {}) => engine.post(`/automl/deploy/${job.job_id}`, more) };
  }

  test('of minutes over the published families, by the Sharpe ratio, end with a model that predicts', async () => {
    const { results, deploy } = await searched(BTC!, 500, '/automl/start', {
      search_space: {
        model_types: ['xgboost', 'neural_network', 'transformer'],
        features: ['price', 'volume', 'technical', 'sentiment'],
        hyperparameters: {
          ...{ learning_rate: [0.01, 0.1], hidden_layers: [1, 2], dropout: [0.1] },
          // Enough for a test.
          ...{ epochs: [2], n_estimators: [20] },
        },
      },
      ...{
        validation_metric: 'sharpe_ratio',
        max_trials: 5,
        parallel: 1,
        sampler: 'random',
        steps: 2,
        seed: 4,
      },
    });
    expect(results.unused.at(-1)).toMatchObject({ pointer: '/search_space/features/3' });
    const families = new Set(results.leader_board.map(({ family }: { family: string }) => family));
    expect(families.size).toBeGreaterThan(1);
    expect(results.deflated_sharpe.trials).toBe(results.trials.complete);
    expect(results.deflated_sharpe.probability).toBeLessThanOrEqual(1);
    const { body } = await deploy({ target_hardware: 'cpu' });
    expect(body.deployed).toBe(true);
    const { signature } = (await engine.get(`/models/${body.model_id}/versions/1`)).body;
    const inputs = [Array(signature.input.columns).fill(0)];
    const { status, body: said } = await engine.post('/predict', { model_id: body.model_id, inputs });
    expect([status, said.predictions.flat().every(Number.isFinite)]).toEqual([200, true]);
  });

  test('of a panel of stocks find a linear model on every split', async () => {
    const { results } = await searched(STOCKS!, 300, '/hyperopt/start', {
      family: 'elastic_net',
      space: [
        { kind: 'float', name: 'alpha', low: 1e-6, high: 1e-2, log: true },
        { kind: 'float', name: 'l1_ratio', low: 0.1, high: 1 },
      ],
      features: ['aapl', 'jpm', 'xom'].map((column) => ({ kind: 'log_return', column })),
      target: { kind: 'log_return', column: 'jpm' },
      scheme: { kind: 'purged_k_fold', folds: 3 },
      ...{ validation_metric: 'ic', sampler: 'sobol', max_trials: 4, parallel: 1, pruner: 'hyperband' },
    });
    expect(results.trials.complete).toBe(4);
    expect(results.leader_board[0].score).toBeGreaterThanOrEqual(results.leader_board[3].score);
    expect(Object.keys(results.test.report.groups)).toEqual(['regression', 'information']);
  });
});
