// Retraining to its end: a version that learnt nothing is replaced by a better one, of the rows that came since; wrong outcomes are refused.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { topics } from '../../../src/bus/topics.ts';
import { Philox } from '../../../src/core/philox.ts';
import { TestEngine } from '../../../test/support/engine.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { jobsEnded } from '../../../test/support/jobs.ts';
import { logged } from '../../../test/support/stores.ts';
import definition from '../index.ts';

const ROWS = 300;
let engine: TestEngine;
let noise: string;
let good: string;
beforeAll(async () => {
  engine = await TestEngine.start(definition);
  const random = new Philox(7).fillUniform(new Float64Array(4 * ROWS));
  const line = (i: number) => {
    const [x, u] = [random[2 * i]!, random[2 * i + 1]!];
    // The first rows are noise, the later ones follow x.
    return `${1_600_000_000 + 60 * i},${x},${i < ROWS ? u : 3 * x + 0.1 * u}`;
  };
  const table = (rows: number) =>
    `ts,x,close\n${Array.from({ length: rows }, (_, i) => line(i)).join('\n')}\n`;
  noise = await upload(table(ROWS));
  good = await upload(table(2 * ROWS));
  await engine.post('/models', { model_id: 'level', model_type: 'price_prediction', family: 'ridge' });
  await engine.post('/models/level/train', {
    ...{ dataset_id: noise, features: [{ kind: 'value', column: 'x' }], resamples: 100 },
    target: { kind: 'value', column: 'close' },
  });
  await jobsEnded(engine, 'train', 1);
  expect((await engine.post('/models/level/deploy')).status).toBe(200);
}, 60_000);
afterAll(() => engine?.stop());

async function upload(body: string): Promise<string> {
  const url = `${engine.url}/datasets?name=prices`;
  return ((await (await fetch(url, { method: 'POST', body })).json()) as { dataset_id: string }).dataset_id;
}
const put = (auto_deploy: string | false) =>
  engine.send('PUT', '/monitors/level', {
    ...{ window_rows: 30, outcome_rows: 30, cooldown_s: 0, detectors: [], reference: 'first_window' },
    baseline: { mean_absolute_error: 1 },
    retrain: { dataset: { latest_of: 'prices' }, rows: 'since', auto_deploy },
  });
const page = async () => (await engine.get('/monitors/level')).body;
/** Predicts, and tells outcomes that are far off. */
async function missed(): Promise<void> {
  const inputs = Array.from({ length: 30 }, (_, i) => [i / 30]);
  const { body } = await engine.post('/predict', { model_id: 'level', inputs });
  const outcomes = (body.predictions as number[]).map((value, row) => ({
    ...{ prediction_id: body.prediction_id, row, value: value + 10 },
  }));
  expect((await engine.post('/monitors/level/outcomes', { outcomes })).body.matched).toBe(30);
}

test('an outcome beyond what a model can answer is refused, and changes nothing', async () => {
  const config = { baseline: { mean_absolute_error: 1e-300 } };
  expect((await engine.send('PUT', '/monitors/level', config)).status).toBe(422);
  expect((await put('if_better')).status).toBe(200);
  const outcomes = [{ key: 'a', value: 1e300 }];
  const { status, body } = await engine.post('/monitors/level/outcomes', { outcomes });
  expect([status, body.errors[0].pointer]).toEqual([422, '/outcomes/0/value']);
});

test('the new version serves when it is better, and is watched then', async () => {
  await missed();
  await jobsEnded(engine, 'retrain', 1);
  const [retraining] = (await page()).retrainings;
  expect(retraining).toMatchObject({
    ...{ state: 'completed', error: null, from_version: '1', new_version: '2', deployed: true },
    comparison: { score: 'squared_error', better: true },
  });
  expect(retraining.comparison.after).toBeLessThan(retraining.comparison.before);
  const model = (await engine.get('/models/level')).body;
  expect(model.production_version).toBe('2');
  await eventually(async () => (await page()).version === '2', 'version 2 is watched');
  const [event] = await logged(engine, topics.retrainingRequired);
  expect(event!.body).toMatchObject({ model_id: 'level', reason: 'performance_drift', model_version: '1' });
});

test('it learnt from the rows since alone, and the newest table of the name stays the one that was posted', async () => {
  const { datasets } = (await engine.get('/datasets')).body;
  const named = (name: string) => datasets.filter((card: { name: string }) => card.name === name);
  expect(named('prices').map(({ dataset_id }: { dataset_id: string }) => dataset_id)).toEqual([good, noise]);
  const [since] = named('prices (since)');
  expect(since.rows).toBe(ROWS);
  expect(since.from_us).toBe((1_600_000_000 + 60 * ROWS) * 1e6);
  const { lineage } = (await engine.get('/models/level/versions/2')).body;
  expect(lineage.recipe.dataset_id).toBe(since.dataset_id);
});

test('without later rows it fails, which is told, and what serves stays', async () => {
  await missed();
  await jobsEnded(engine, 'retrain', 2);
  await eventually(async () => (await page()).retrainings[0].state === 'failed', 'the failure');
  const [failed] = (await page()).retrainings;
  expect(failed).toMatchObject({ from_version: '2', new_version: null });
  expect(failed.error).toContain('rows later');
  expect((await engine.get('/models/level')).body.production_version).toBe('2');
});

test('a monitor that is deleted takes its retrainings and references with it', async () => {
  await engine.send('DELETE', '/monitors/level');
  expect((await put(false)).status).toBe(200);
  expect((await page()).retrainings).toEqual([]);
});
