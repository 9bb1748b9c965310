// A watched model through the port of the engine, on real bars and on every database: no alarm without drift, drift told, retrained.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { resolve } from 'node:path';
import { topics } from '../../../src/bus/topics.ts';
import { sharedData } from '../../../test/shared-data.ts';
import { TestEngine } from '../../../test/support/engine.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { jobsEnded } from '../../../test/support/jobs.ts';
import { type EngineStore, logged, STORES } from '../../../test/support/stores.ts';
import definition from '../index.ts';
import { barsCsv, labelledRows } from './test-rows.ts';

const models = resolve(import.meta.dir, '../../../models');
const FILE = sharedData('btc-perp-1min-ohlcv-2022-01.csv.gz');
const BARS = 1500;
const WINDOW = 200;

for (const { name, present, start } of STORES) {
  describe.skipIf(!present || FILE === null)(`a monitor on ${name}`, () => {
    let store: EngineStore;
    let engine: TestEngine;
    let env: Record<string, string>;
    let rows: Awaited<ReturnType<typeof labelledRows>>;
    let csv: string;
    // What follows a comparison is the same on every database: each tries one of the two ways.
    const deploys = name === 'SQLite' ? 'experiment' : 'if_better';
    beforeAll(async () => {
      rows = await labelledRows(FILE!, BARS);
      csv = await barsCsv(FILE!, 0, BARS);
      store = await start();
      env = { ...store.env(), NAUTILUS_MODELS_DIR: models };
      engine = await TestEngine.start(definition, env);
      const dataset_id = await upload('btc', csv);
      await engine.post('/models', { model_id: 'rise', model_type: 'trading_signals', family: 'logistic' });
      const job = await engine.post('/models/rise/train', {
        ...{ dataset_id, features: [{ kind: 'bars' }], target: { kind: 'direction' }, resamples: 100 },
      });
      expect([job.status, job.body.errors]).toEqual([202, undefined]);
      await jobsEnded(engine, 'train', 1);
      expect((await engine.post('/models/rise/deploy')).status).toBe(200);
    });
    afterAll(async () => {
      await engine?.stop();
      await store?.stop();
    });

    const upload = async (called: string, body: string): Promise<string> => {
      const url = `${engine.url}/datasets?name=${called}`;
      return ((await (await fetch(url, { method: 'POST', body })).json()) as { dataset_id: string })
        .dataset_id;
    };
    const monitor = async (path = '') => (await engine.get(`/monitors/rise${path}`)).body;
    const check = async () => (await engine.post('/monitors/rise/check')).body;
    /** Rows from all over the training, in an order that no clock has: `step` is prime to their number. */
    const spread = (count: number, step: number) =>
      Array.from({ length: count }, (_, i) => (i * step) % (rows.rows - 1));
    const predict = async (which: readonly number[], shift = 0) => {
      const inputs = which.map((r) => rows.row(r).map((value) => value + shift));
      const { status, body } = await engine.post('/predict', { model_id: 'rise', inputs });
      expect(status).toBe(200);
      return body as { prediction_id: string; predictions: number[][] };
    };

    test('is refused for what cannot be watched, before anything is stored', async () => {
      const put = (id: string, body: object) => engine.send('PUT', `/monitors/${id}`, body);
      expect((await put('nobody', {})).status).toBe(404);
      const wrong = await put('rise', { thresholds: { accuracy_drift: -1 } });
      expect([wrong.status, wrong.body.errors[0].pointer]).toEqual([422, '/thresholds/accuracy_drift']);
      expect((await put('rise', { reference: { dataset_id: '0123456789abcdef' } })).status).toBe(404);
      const both = await put('rise', { baseline: { accuracy: 0.5, mean_absolute_error: 1 } });
      expect([both.status, both.body.errors[0].pointer]).toEqual([422, '/baseline']);
      expect((await engine.get('/monitors')).body).toEqual({ monitors: [], next_cursor: null });
      expect((await engine.get('/monitors/rise')).status).toBe(404);
      expect((await predict([0])).prediction_id).toBeUndefined();
    });

    test('compares with the rows of the training, which are made beside the engine', async () => {
      const config = { window_rows: WINDOW, outcome_rows: 100, cooldown_s: 0, detectors: [] };
      expect((await engine.send('PUT', '/monitors/rise', config)).status).toBe(200);
      await jobsEnded(engine, 'monitor-reference', 1);
      await eventually(async () => (await monitor()).state === 'watching', 'the reference');
      const { reference, version } = await monitor();
      expect(reference).toMatchObject({ kind: 'training', version: '1', why: null });
      // 70% of the rows that have a label, those before the test rows.
      expect(reference.rows).toBeGreaterThan(0.69 * rows.rows);
      expect(version).toBe('1');
    });

    test('few rows have no verdict, which the report says', async () => {
      await predict(spread(10, 101));
      const report = await check();
      expect(report).toMatchObject({ rows: 10, closed_us: null, alarms: [] });
      expect(report.texts.join()).toContain('too few rows');
      expect(report.inputs.judged).toBe(0);
    });

    test('rows of the training itself raise no alarm', async () => {
      await predict(spread(WINDOW - 10, 101));
      await eventually(async () => (await monitor('/history')).windows.length === 1, 'the window');
      const report = await monitor('/drift');
      expect(report).toMatchObject({ seq: 1, version: '1', rows: WINDOW, requests: 2, alarms: [] });
      expect(report.inputs).toMatchObject({ drifted: 0, judged: 7, rows: { current: WINDOW } });
      expect(report.closed_us).toBeGreaterThanOrEqual(report.opened_us);
    });

    test('shifted inputs are drift, which is told with the columns', async () => {
      await predict(spread(WINDOW, 101), 3);
      await eventually(async () => (await monitor('/history')).windows.length === 2, 'the window');
      const report = await monitor('/drift');
      expect(report.alarms).toContain('data_drift');
      expect(report.inputs.drifted).toBe(7);
      expect(report.inputs.psi_max).toBeGreaterThan(1);
      const told = engine.messages(topics.driftUpdates).at(-1)!.body;
      expect(told).toMatchObject({ model_id: 'rise', window: 2, alarms: report.alarms });
      expect(told.raised).toContain('data_drift');
      // Drift of inputs alone asks for no training.
      expect(await logged(engine, topics.retrainingRequired)).toEqual([]);
    });

    const decided = ([no, yes]: readonly number[]) => (yes! > no! ? 1 : 0);

    test('right outcomes are accuracy, and count once', async () => {
      const which = spread(120, 103);
      const { prediction_id, predictions } = await predict(which);
      const outcomes = predictions.map((said, row) => ({ prediction_id, row, value: decided(said) }));
      const post = () => engine.post('/monitors/rise/outcomes', { outcomes });
      expect((await post()).body).toEqual({ matched: 120, other_version: 0, unknown: 0 });
      expect((await post()).body).toEqual({ matched: 0, other_version: 0, unknown: 120 });
      const { accuracy } = await monitor('/drift');
      expect(accuracy).toMatchObject({ current: 1, rows: 120, drifted: false, baseline_from: 'test_rows' });
    });

    test('wrong outcomes ask for a training, which is compared before it may serve', async () => {
      await engine.send('PUT', '/monitors/rise', {
        ...{ window_rows: WINDOW, outcome_rows: 100, cooldown_s: 3600, detectors: [] },
        retrain: { dataset: { latest_of: 'btc' }, auto_deploy: deploys },
      });
      const keyed = async (key: string) => {
        const body = { model_id: 'rise', key, inputs: spread(100, 107).map(rows.row) };
        return (await engine.post('/predict', body)).body.predictions as number[][];
      };
      const wrong = async (key: string) => {
        const said = await keyed(key);
        const outcomes = said.map((p, row) => ({ key, row, value: 1 - decided(p) }));
        return (await engine.post('/monitors/rise/outcomes', { outcomes })).body.matched;
      };
      expect(await wrong('morning')).toBe(100);
      await jobsEnded(engine, 'retrain', 1);
      const [retraining] = (await monitor()).retrainings;
      expect([retraining.state, retraining.error]).toEqual(['completed', null]);
      if (deploys === 'experiment') {
        const { body: tried } = await engine.get(`/experiments/${retraining.experiment_id}`);
        expect(tried).toMatchObject({ model_id: 'rise', state: 'running', mode: 'ab' });
        expect(tried.arms).toHaveLength(2);
        // All requests go to the version that serves again.
        await engine.post(`/experiments/${retraining.experiment_id}/stop`);
      } else expect(retraining.experiment_id).toBeNull();
      // The same table and recipe give the same model, which is no better.
      expect(retraining).toMatchObject({ from_version: '1', new_version: '2', deployed: false });
      expect(retraining.comparison).toMatchObject({ score: 'log_loss', better: false });
      expect(retraining.comparison.after).toBe(retraining.comparison.before);
      const [event, ...more] = await logged(engine, topics.retrainingRequired);
      expect(more).toEqual([]);
      const { body } = event!;
      expect(body).toMatchObject({ model_id: 'rise', reason: 'performance_drift', model_version: '1' });
      expect(body.timestamp).toBeGreaterThan(1.6e9);
      // Again within the cool-down: no second alarm, no second training.
      expect(await wrong('evening')).toBe(100);
      expect(await logged(engine, topics.retrainingRequired)).toHaveLength(1);
      expect((await monitor()).retrainings).toHaveLength(1);
    });

    test('a page shows it all without scripts', async () => {
      const response = await fetch(`${engine.url}/monitors/rise/report`);
      expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
      const page = await response.text();
      expect(page).toContain('performance_drift');
      expect(page.match(/<svg /g)!.length).toBeGreaterThan(8);
      expect(page).not.toContain('<script');
    });

    test('a restart goes on with the same window, outcomes and alarms', async () => {
      const { prediction_id, predictions } = await predict(spread(40, 109));
      const before = await monitor();
      await engine.restart(definition, env);
      const after = await monitor();
      expect(after).toEqual({
        ...before,
        window: { ...before.window, rows: after.window.rows, requests: after.window.requests },
        outcomes: after.outcomes,
        other_versions: after.other_versions,
        clock: after.clock,
      });
      expect(after.window.seq).toBe(before.window.seq);
      expect(after.window.rows).toBeGreaterThanOrEqual(40);
      const outcomes = [{ prediction_id, row: 3, value: decided(predictions[3]!) }];
      expect((await engine.post('/monitors/rise/outcomes', { outcomes })).body.matched).toBe(1);
    });

    test('follows the version in production', async () => {
      expect((await engine.post('/models/rise/deploy', { version: '2' })).status).toBe(200);
      await eventually(async () => (await monitor()).version === '2', 'version 2 is watched');
      await jobsEnded(engine, 'monitor-reference', 2);
      await eventually(async () => (await monitor()).state === 'watching', 'its reference');
      expect((await monitor()).reference.version).toBe('2');
      await predict(spread(30, 101));
      expect((await check()).version).toBe('2');
      expect((await engine.post('/models/rise/rollback')).status).toBe(200);
      await eventually(async () => (await monitor()).version === '1', 'version 1 is watched again');
      expect(await monitor()).toMatchObject({ state: 'watching', reference: { version: '1' } });
    });

    test('a table that is gone fails the retraining, which is told', async () => {
      const gone = await upload('gone', csv.split('\n').slice(0, 700).join('\n'));
      await engine.send('PUT', '/monitors/rise', {
        ...{ window_rows: WINDOW, outcome_rows: 100, cooldown_s: 0, detectors: [] },
        retrain: { dataset: { dataset_id: gone } },
      });
      await engine.send('DELETE', `/datasets/${gone}`);
      const which = spread(100, 113);
      const { prediction_id, predictions } = await predict(which);
      const outcomes = predictions.map((p, row) => ({ prediction_id, row, value: 1 - decided(p) }));
      await engine.post('/monitors/rise/outcomes', { outcomes });
      await jobsEnded(engine, 'retrain', 2);
      await eventually(async () => (await monitor()).retrainings[0].state === 'failed', 'the failure');
      expect((await monitor()).retrainings[0].error).toContain('dataset');
      const told = () => engine.messages(topics.driftUpdates).map(({ body }) => body.retraining?.state);
      await eventually(() => told().includes('failed'), 'the word on it');
    });

    test('without the model it is idle, and deleted nothing of it is left', async () => {
      expect((await engine.send('DELETE', '/models/rise?force=true')).status).toBe(200);
      await eventually(async () => (await monitor()).state === 'idle', 'nothing serves');
      expect((await engine.post('/monitors/rise/check')).status).toBe(409);
      expect((await engine.send('DELETE', '/monitors/rise')).status).toBe(204);
      expect((await engine.get('/monitors/rise')).status).toBe(404);
      expect((await engine.get('/monitors')).body.monitors).toEqual([]);
    });
  });
}
