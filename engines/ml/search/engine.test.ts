// Searches through the port of the engine: a table in, a leader board and a deployed model out.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { type Reply, TestEngine } from '../../../test/support/engine.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { ended, told } from '../../../test/support/searches.ts';
import definition from '../index.ts';
import { searchTable } from './test-table.ts';

const FEATURES = [
  { kind: 'value', column: 'signal' },
  { kind: 'log_return', column: 'close' },
];
const RETURN = { kind: 'log_return' };

async function upload(engine: TestEngine): Promise<string> {
  const headers = { 'content-type': 'text/csv' };
  const response = await fetch(`${engine.url}/datasets`, { method: 'POST', body: searchTable(), headers });
  return (await response.json()).dataset_id;
}

async function accepted(engine: TestEngine, path: string, body: object): Promise<string> {
  const { status, body: reply } = await engine.post(path, body);
  expect([status, reply.errors]).toEqual([202, undefined]);
  return reply.job_id;
}

describe('a search', () => {
  let engine: TestEngine;
  let dataset_id: string;
  beforeAll(async () => {
    engine = await TestEngine.start(definition, { NAUTILUS_THREADS: '2' });
    dataset_id = await upload(engine);
  });
  afterAll(() => engine?.stop());

  test('the best of several trials is tested on rows that none saw, and deployed once', async () => {
    const search = {
      dataset_id,
      family: 'ridge',
      features: FEATURES,
      target: RETURN,
      max_trials: 6,
      parallel: 1,
    };
    const id = await accepted(engine, '/hyperopt/start', search);
    const results = await ended(engine, id);
    expect([results.state, results.reason, results.stop]).toEqual(['completed', null, 'max_trials']);
    expect(results.trials).toEqual({ running: 0, complete: 6, pruned: 0, failed: 0, cancelled: 0 });
    const scores = results.leader_board.map(({ score }: { score: number }) => score);
    expect(scores).toEqual(scores.toSorted((a: number, b: number) => a - b));
    expect(results.best_model).toEqual(results.leader_board[0]);
    const { body: result } = await engine.get(`/jobs/${id}/result`);
    expect((await engine.get(result.results_url)).body.best_model).toEqual(results.best_model);
    const { rmse } = results.test.report.groups.regression.scores;
    // Of about 598 rows with features and labels the last fifth, which the training of a search never has.
    expect([rmse.sample_size, results.test.report.test_from_us]).toEqual([
      120,
      (1_600_000_000 + 479 * 60) * 1e6,
    ]);
    const first = (await engine.post(`/automl/deploy/${id}`)).body;
    expect(first).toMatchObject({ version: '1', trial: results.best_model.trial, deployed: true });
    expect(first.performance['regression.rmse']).toBe(rmse.value);
    expect((await engine.get(`/models/${first.model_id}/versions/1`)).body.lineage).toMatchObject({
      search: { search_id: id, trial: results.best_model.trial },
      recipe: { dataset_id, features: [{ column: 'signal' }, { column: 'close' }] },
    });
    const { body: said } = await engine.post('/predict', { model_id: first.model_id, inputs: [[0.5, 0]] });
    expect(said.predictions[0]).toBeGreaterThan(0.003);
    const again = (await engine.post(`/automl/deploy/${id}`)).body;
    expect(again).toMatchObject({
      model_id: first.model_id,
      version: '1',
      deployment: null,
      deployed: true,
    });
    const other = results.leader_board[3].trial;
    const second = await engine.post(`/automl/deploy/${id}`, {
      ...{ choice: other, model_id: first.model_id, production_ready: false },
    });
    expect([second.status, second.body.version, second.body.deployed]).toEqual([200, '2', false]);
    // A choice that is asked for several times at once is one version, whatever model is meant.
    const third = { choice: results.leader_board[4].trial, production_ready: false };
    const named = { ...third, model_id: first.model_id };
    const twice = await Promise.all(
      [third, third, named, named].map((body) => engine.post(`/automl/deploy/${id}`, body)),
    );
    expect(twice.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    const made = twice.map(({ body }) => `${body.model_id}@${body.version}`);
    expect([made[0], made[2]]).toEqual([made[1], made[3]]);
    expect((await engine.get(`/models/${first.model_id}/versions`)).body.versions).toHaveLength(3);
    const { searches } = (await engine.get('/automl?kind=hyperopt')).body;
    expect(searches).toHaveLength(1);
    expect((await engine.get(`/hyperopt/progress/${id}`)).body).toEqual({
      ...searches[0],
      seconds: expect.any(Number),
    });
  });

  /** As it was published. */
  const PUBLISHED = {
    search_space: {
      model_types: ['xgboost', 'neural_network', 'transformer'],
      features: ['price', 'volume', 'technical', 'sentiment'],
      hyperparameters: {
        learning_rate: [0.001, 0.01, 0.1],
        hidden_layers: [2, 4, 8],
        dropout: [0.1, 0.2, 0.3],
      },
    },
    validation_metric: 'sharpe_ratio',
    hardware: 'metal_gpu',
    max_trials: 1000,
  };

  test('takes the published space as it is written, says what plays no part, and ends when it is cancelled', async () => {
    const id = await accepted(engine, '/automl/start', { dataset_id, ...PUBLISHED });
    await eventually(() => told(engine, id).some(({ trials }) => trials.complete > 0), 'a trial', 110_000);
    expect((await engine.send('DELETE', `/jobs/${id}`)).status).toBe(202);
    const results = await ended(engine, id);
    expect(results).toMatchObject({
      state: 'cancelled',
      reason: { type: '/problems/cancelled' },
      validation_metric: 'sharpe_ratio',
      max_trials: 1000,
      hardware: { asked: 'metal_gpu', used: 'cpu', reason: expect.any(String) },
      test: null,
    });
    expect(results.best_model.score).toBe(results.best_model.validation_metrics.sharpe_ratio);
    expect(results.unused.map(({ pointer }: { pointer: string }) => pointer)).toEqual([
      '/search_space/hyperparameters/hidden_layers',
      '/search_space/hyperparameters/dropout',
      '/search_space/features/3',
    ]);
    await eventually(
      async () => (await engine.get('/system/status')).body.jobs.running === 0,
      'its trials to end',
    );
    expect((await engine.post(`/automl/deploy/${id}`)).status).toBe(409);
  });

  test('over several families ends with a stack, and tells the bus how it goes', async () => {
    const id = await accepted(engine, '/automl/start', {
      ...{ dataset_id, features: FEATURES, max_trials: 8, parallel: 2, seed: 3, ensemble: 3 },
      search_space: {
        models: [
          { family: 'logistic' },
          {
            family: 'gradient_boosting',
            options: { max_leaves: 4 },
            space: [{ kind: 'float', name: 'learning_rate', low: 0.05, high: 0.3, log: true }],
          },
        ],
      },
    });
    const results = await ended(engine, id);
    expect([results.state, results.reason]).toEqual(['completed', null]);
    const total = results.stack.weights.reduce((sum: number, one: { weight: number }) => sum + one.weight, 0);
    expect(total).toBeCloseTo(1, 12);
    const { body } = await engine.post(`/automl/deploy/${id}`, { choice: 'stack' });
    expect(body).toMatchObject({ trial: null, deployed: true });
    const { log_loss } = results.stack.report.groups.classification.scores;
    expect(body.performance['classification.log_loss']).toBe(log_loss.value);
    expect(told(engine, id).at(-1)).toMatchObject({
      state: 'completed',
      fraction: 1,
      best_trial: results.best_model.trial,
    });
  });

  const hyperopt = (more: object) =>
    ['/hyperopt/start', { family: 'ridge', features: FEATURES, target: RETURN, ...more }] as const;
  const automl = (more: object) => ['/automl/start', more] as const;
  const dimension = { kind: 'float', name: 'alpha', low: 1, high: 2 };
  test.each([
    ['an unknown table', hyperopt({ dataset_id: '0123456789abcdef' }), 404, undefined],
    ['an unknown family', hyperopt({ family: 'oracle' }), 422, '/family'],
    ['a family of another task', hyperopt({ family: 'logistic' }), 422, '/family'],
    ['an empty space', hyperopt({ space: [] }), 422, '/space'],
    ['bounds the wrong way round', hyperopt({ space: [{ ...dimension, high: 0.5 }] }), 422, '/space/0/low'],
    [
      'a setting of another family',
      hyperopt({ space: [{ ...dimension, name: 'dropout' }] }),
      422,
      '/space/0/name',
    ],
    ['a value beyond an option', hyperopt({ space: [{ ...dimension, low: -1 }] }), 422, '/space/0'],
    [
      'a dimension that is fixed',
      hyperopt({ space: [dimension], options: { alpha: 1 } }),
      422,
      '/space/0/name',
    ],
    ['a grid over numbers without steps', hyperopt({ space: [dimension], sampler: 'grid' }), 422, '/space'],
    ['a grid over what has no end', automl({ sampler: 'grid' }), 422, '/search_space'],
    [
      'a value beyond an option of one family',
      automl({
        search_space: {
          models: [
            { family: 'logistic' },
            { family: 'mlp', space: [{ ...dimension, name: 'dropout', high: 1.5 }] },
          ],
        },
      }),
      422,
      '/search_space/models/1/space/0',
    ],
    [
      'an option that is none of one family',
      automl({ search_space: { models: [{ family: 'logistic', options: { magic: 1 } }] } }),
      422,
      '/search_space/models/0/options',
    ],
    [
      'an option by two names',
      hyperopt({
        family: 'gradient_boosting',
        space: ['num_leaves', 'max_leaves'].map((name) => ({ kind: 'int', name, low: 4, high: 8 })),
      }),
      422,
      '/space/0/name',
    ],
    [
      'a hyperparameter by two names',
      automl({
        search_space: {
          model_types: ['xgboost'],
          hyperparameters: { n_estimators: [10], rounds: [20] },
        },
      }),
      422,
      '/search_space/hyperparameters/n_estimators',
    ],
    ['a metric of another task', hyperopt({ validation_metric: 'auc' }), 422, '/validation_metric'],
    ['no target', hyperopt({ target: { kind: 'none' } }), 422, '/target/kind'],
    [
      'a column that is not there',
      hyperopt({ target: { kind: 'log_return', column: 'x' } }),
      422,
      '/target/column',
    ],
    ['a lag below parallel', hyperopt({ parallel: 8, lag: 4 }), 422, '/lag'],
    ['too many trials', hyperopt({ max_trials: 10_001 }), 422, '/max_trials'],
    [
      'an unknown type',
      automl({ search_space: { model_types: ['oracle'] } }),
      422,
      '/search_space/model_types/0',
    ],
    [
      'groups that the table has no columns for',
      automl({ search_space: { features: ['sentiment'] } }),
      422,
      '/search_space/features',
    ],
    [
      'an unknown hyperparameter',
      automl({ search_space: { hyperparameters: { magic: [1] } } }),
      422,
      '/search_space/hyperparameters/magic',
    ],
    [
      'a hyperparameter without values',
      automl({ search_space: { hyperparameters: { learning_rate: [] } } }),
      422,
      '/search_space/hyperparameters/learning_rate',
    ],
    [
      'a family twice',
      automl({ search_space: { models: [{ family: 'logistic' }, { family: 'logistic' }] } }),
      422,
      '/search_space/models/1/family',
    ],
    [
      'two ways to say it',
      automl({ search_space: { models: [{ family: 'logistic' }], model_types: ['logistic'] } }),
      422,
      '/search_space/model_types',
    ],
  ] as const)(
    'is refused for %s, before anything is stored',
    async (_what, [path, body], status, pointer) => {
      const before = (await engine.get('/automl')).body.searches.length;
      const reply: Reply = await engine.post(path, { dataset_id, ...body });
      expect([reply.status, reply.body.errors?.[0].pointer]).toEqual([status, pointer]);
      expect((await engine.get('/automl')).body.searches).toHaveLength(before);
    },
  );

  test('that is unknown is not found', async () => {
    for (const path of ['/automl/status/x', '/automl/results/x', '/hyperopt/progress/x'])
      expect((await engine.get(path)).status).toBe(404);
    expect((await engine.post('/automl/deploy/x')).status).toBe(404);
  });
});
