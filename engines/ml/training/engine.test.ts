// Training through the port of the engine: a table in, a version out that is deployed and predicts, on every database.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { resolve } from 'node:path';
import { topics } from '../../../src/bus/topics.ts';
import { Philox } from '../../../src/core/philox.ts';
import { type Reply, TestEngine } from '../../../test/support/engine.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { type EngineStore, STORES } from '../../../test/support/stores.ts';
import definition from '../index.ts';

const models = resolve(import.meta.dir, '../../../models');
const ROWS = 1200;

/** A price whose next return follows `signal` with noise, so that there is something to learn. */
function table(): string {
  const random = new Philox(7).fillUniform(new Float64Array(2 * ROWS));
  const lines = ['ts,close,signal,noise'];
  let close = 100;
  for (let i = 0; i < ROWS; i++) {
    const signal = random[2 * i]! - 0.5;
    const noise = random[2 * i + 1]! - 0.5;
    lines.push(`${1_600_000_000 + i * 60},${close},${signal},${noise}`);
    close *= Math.exp(0.01 * (signal + 0.5 * noise));
  }
  return `${lines.join('\n')}\n`;
}

for (const { name, present, start } of STORES) {
  describe.skipIf(!present)(`training on ${name}`, () => {
    let store: EngineStore;
    let engine: TestEngine;
    let dataset: string;
    beforeAll(async () => {
      store = await start();
      engine = await TestEngine.start(definition, { ...store.env(), NAUTILUS_MODELS_DIR: models });
      dataset = (await send('/datasets?name=walk', table())).body.dataset_id;
    });
    afterAll(async () => {
      await engine?.stop();
      await store?.stop();
    });

    const send = async (path: string, body: string) => {
      const headers = { 'content-type': 'text/csv' };
      const response = await fetch(engine.url + path, { method: 'POST', body, headers });
      return { status: response.status, body: await response.json() };
    };
    const values = ['signal', 'noise'].map((column) => ({ kind: 'value', column }));
    const learn = { features: values, target: { kind: 'log_return', horizon: 1 }, resamples: 200 };
    const ended = async ({ body }: Reply) => {
      expect(body.progress_url).toStartWith('/jobs/');
      let job = body;
      await eventually(async () => {
        job = (await engine.get(body.progress_url)).body;
        return job.finished_ts_us !== null;
      }, 'the training ends');
      return job;
    };
    const trained = async (model_id: string, request: Record<string, unknown>) => {
      const accepted = await engine.post(`/models/${model_id}/train`, { dataset_id: dataset, ...request });
      expect([accepted.status, accepted.body.errors]).toEqual([202, undefined]);
      const job = await ended(accepted);
      expect([job.state, job.error]).toEqual(['completed', null]);
      return (await engine.get(job.result_url)).body;
    };

    test('a table is stored once, listed, and described', async () => {
      const again = await send('/datasets?name=again', table());
      expect(again).toMatchObject({ status: 201, body: { dataset_id: dataset, name: 'walk', rows: ROWS } });
      const { datasets } = (await engine.get('/datasets')).body;
      expect(datasets).toHaveLength(1);
      expect(datasets[0].columns.map((c: { name: string }) => c.name)).toEqual(['close', 'signal', 'noise']);
    });

    test('a trained version tells its scores beside naive ones, is deployed, and predicts', async () => {
      await engine.post('/models', {
        model_id: 'next-return',
        model_type: 'price_prediction',
        family: 'ridge',
      });
      const report = await trained('next-return', learn);
      expect(report).toMatchObject({
        version: '1',
        family: 'ridge',
        task: 'regression',
        inputs: ['signal', 'noise'],
        interval: { level: 0.9 },
      });
      // The return is 0.01 signal + 0.005 noise, exactly.
      expect(report.groups.regression.scores.r2.value).toBeGreaterThan(0.99);
      expect(report.groups.regression.baselines.train_mean.advantage.rmse.beats).toBe(true);
      const { body } = await engine.get('/models/next-return/versions/1');
      expect(body.metrics['regression.r2']).toBe(report.groups.regression.scores.r2.value);
      expect(body.lineage).toMatchObject({ data: 'walk', seed: 1 });
      expect((await engine.post('/models/next-return/deploy')).status).toBe(200);
      const { body: said } = await engine.post('/predict', { model_id: 'next-return', inputs: [[0.5, 0]] });
      expect(said.predictions[0]).toBeCloseTo(0.005, 3);
    });

    test('a classifier is calibrated, and the same request gives the same bytes', async () => {
      await engine.post('/models', { model_id: 'rise', model_type: 'trading_signals', family: 'logistic' });
      const request = { ...learn, target: { kind: 'direction' }, calibration: 'sigmoid' };
      const [first, second] = [await trained('rise', request), await trained('rise', request)];
      expect(first.calibration).toMatchObject({ kind: 'sigmoid' });
      expect(first.groups.classification.scores.auc.value).toBeGreaterThan(0.95);
      await engine.post('/models/rise/deploy');
      const inputs = [
        [0.5, 0.5],
        [-0.5, -0.5],
      ];
      const { body } = await engine.post('/predict', { model_id: 'rise', inputs });
      expect(body.signal).toEqual(['BUY', 'SELL']);
      const hash = async (version: string) =>
        (await engine.get(`/models/rise/versions/${version}`)).body.artefact.sha256;
      expect(await hash(first.version)).toBe(await hash(second.version));
      expect({ ...second, version: first.version }).toEqual(first);
    });

    test('tells the bus how it goes', async () => {
      const told = engine.messages(topics.trainingUpdates).map(({ body }) => body);
      const of = told.filter(({ model_id }) => model_id === 'next-return');
      expect(of[0]).toMatchObject({ state: 'started', fraction: 0, step: null });
      expect(of.at(-1)).toMatchObject({ state: 'completed', fraction: 1, model_version: '1' });
    });

    test.each([
      ['an unknown table', { dataset_id: '0123456789abcdef' }, 404, undefined],
      ['an unknown family', { family: 'oracle' }, 422, '/family'],
      ['hardware of another family', { hardware: 'webgpu' }, 422, '/hardware'],
      ['a wrong option', { options: { alpha: -1 } }, 422, '/options/alpha'],
      ['a family of another task', { target: { kind: 'direction' } }, 422, '/target/kind'],
      ['an unknown column', { features: [{ kind: 'value', column: 'mood' }] }, 422, undefined],
      ['no target', { target: { kind: 'none' } }, 422, '/target/kind'],
      [
        'a signal to sell above what buys',
        { family: 'mlp', target: { kind: 'signal', buy_above: -0.1, sell_below: 0.1 } },
        422,
        '/target/buy_above',
      ],
      [
        'a sigmoid of three classes',
        {
          family: 'mlp',
          target: { kind: 'signal', buy_above: 0.1, sell_below: -0.1 },
          calibration: 'sigmoid',
        },
        422,
        '/calibration',
      ],
      ['a horizon without a future', { target: { kind: 'log_return', horizon: 0 } }, 422, '/target/horizon'],
    ])('%s is refused at once', async (_, change, status, pointer) => {
      const before = (await engine.get('/jobs')).body.total;
      const reply = await engine.post('/models/next-return/train', {
        dataset_id: dataset,
        ...learn,
        ...change,
      });
      expect([reply.status, reply.body.errors?.[0]?.pointer]).toEqual([status, pointer]);
      expect((await engine.get('/jobs')).body.total).toBe(before);
    });

    test('an unknown model, and one of the models directory, are refused', async () => {
      const ask = (id: string) => engine.post(`/models/${id}/train`, { dataset_id: dataset, ...learn });
      expect((await ask('nobody')).status).toBe(404);
      expect((await ask('btc-direction-15m')).status).toBe(409);
    });

    test('too few rows fail the job with the reason, and nothing is registered', async () => {
      const few = (await send('/datasets', table().split('\n').slice(0, 30).join('\n'))).body.dataset_id;
      const job = await ended(
        await engine.post('/models/next-return/train', { ...learn, dataset_id: few, steps: 20 }),
      );
      expect(job).toMatchObject({ state: 'failed', error: { type: '/problems/insufficient-history' } });
      expect((await engine.get('/models/next-return/versions')).body.versions).toHaveLength(1);
    });

    test('a class that never happens fails the job with its number, and nothing is registered', async () => {
      // Returns stay within 0.75%: nothing is ever sold.
      const target = { kind: 'signal', buy_above: 0.001, sell_below: -0.5 };
      const job = await ended(
        await engine.post('/models/rise/train', { dataset_id: dataset, ...learn, target }),
      );
      expect(job).toMatchObject({ state: 'failed', error: { type: '/problems/unseen-class' } });
      expect(job.error.detail).toEndWith('none of class 0');
      expect((await engine.get('/models/rise/versions')).body.versions).toHaveLength(2);
    });

    test('an autoencoder learns without a target, and says from which error on a row is unusual', async () => {
      const options = { epochs: 2, latent: 1, hidden: [4] };
      const definition = { model_id: 'odd', model_type: 'anomalies', family: 'autoencoder', options };
      expect((await engine.post('/models', definition)).body.task).toBe('reconstruction');
      const report = await trained('odd', { features: values, resamples: 100, interval_level: 0.95 });
      expect(report).toMatchObject({ task: 'reconstruction', classes: null, anomaly: { level: 0.95 } });
      expect(report.anomaly.rows).toBe(report.rows.calibration);
      const { metrics } = (await engine.get('/models/odd/versions/1')).body;
      expect(metrics['anomaly.threshold']).toBe(report.anomaly.threshold);
      const paths = { kind: 'combinatorial_purged', groups: 4, test_groups: 2 };
      const refused = await engine.post('/models/odd/validate', {
        ...{ dataset_id: dataset, features: values, scheme: paths },
      });
      expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, '/scheme/kind']);
    });

    test('a validation scores every row once on purged splits, and registers nothing', async () => {
      const asked = { dataset_id: dataset, ...learn, scheme: { kind: 'purged_k_fold', folds: 4 } };
      const accepted = await engine.post('/models/next-return/validate', asked);
      expect(accepted.status).toBe(202);
      const job = await ended(accepted);
      expect([job.state, job.error]).toEqual(['completed', null]);
      const report = (await engine.get(job.result_url)).body;
      expect(report.folds).toHaveLength(4);
      const tested = report.folds.reduce((sum: number, f: { test_rows: number }) => sum + f.test_rows, 0);
      expect([tested, report.paths[0].rows]).toEqual([report.rows.used, report.rows.used]);
      expect(report.folds.every((f: { left_out_rows: number }) => f.left_out_rows > 0)).toBe(true);
      expect(report.paths[0].groups.regression.scores.r2.value).toBeGreaterThan(0.99);
      expect((await engine.get('/models/next-return/versions')).body.versions).toHaveLength(1);
      const wrong = { ...asked, scheme: { kind: 'purged_k_fold', folds: 1 } };
      const refused = await engine.post('/models/next-return/validate', wrong);
      expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, '/scheme/folds']);
    });

    test('a definition is checked against its family, which gives the task where nothing else does', async () => {
      const make = (more: Record<string, unknown>) =>
        engine.post('/models', { model_type: 'market_regime', model_id: 'groups', ...more });
      const wrong = [
        await make({ family: 'oracle' }),
        await make({ family: 'kmeans', options: { clusters: 0 } }),
      ];
      expect(wrong.map(({ status }) => status)).toEqual([422, 422]);
      expect(wrong[0]!.body.errors[0].pointer).toBe('/family');
      expect(await make({ family: 'kmeans' })).toMatchObject({ status: 201, body: { task: 'clustering' } });
    });

    test('lists families with their options', async () => {
      const { families } = (await engine.get('/families')).body;
      const ridge = families.find((f: { family: string }) => f.family === 'ridge');
      expect(ridge.options.properties.alpha).toMatchObject({ type: 'number', default: 1, minimum: 0 });
    });
  });
}
