// Families from posted data to predictions, over HTTP alone, on real one-minute bars.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { gunzipSync } from 'node:zlib';
import { sharedData } from '../../../test/shared-data.ts';
import { TestEngine } from '../../../test/support/engine.ts';
import { eventually } from '../../../test/support/eventually.ts';
import definition from '../index.ts';

const file = sharedData('btc-perp-1min-ohlcv-2022-01.csv.gz');
const ROWS = 4000;

const quick = { epochs: 2, batch_size: 256 };
const families: readonly (readonly [string, 'direction' | 'log_return', Record<string, unknown>, number])[] =
  [
    ['logistic', 'direction', {}, 1],
    ['ridge', 'log_return', {}, 1],
    ['gradient_boosting', 'direction', { rounds: 20 }, 1],
    ['random_forest', 'log_return', { trees: 20 }, 1],
    ['mlp', 'direction', quick, 1],
    ['gru', 'direction', { ...quick, steps: 4 }, 4],
  ];

describe.skipIf(!file)('real bars (where this machine has the shared market data)', () => {
  let engine: TestEngine;
  let dataset: string;
  beforeAll(async () => {
    engine = await TestEngine.start(definition);
    const lines = new TextDecoder().decode(gunzipSync(await Bun.file(file!).bytes())).split('\n');
    const body = lines.slice(0, ROWS + 1).join('\n');
    const reply = await fetch(`${engine.url}/datasets?name=btc`, { method: 'POST', body });
    expect(reply.status).toBe(201);
    dataset = ((await reply.json()) as { dataset_id: string }).dataset_id;
  });
  afterAll(() => engine?.stop());

  test.each(families)('%s learns %s, is deployed and predicts', async (family, kind, options, steps) => {
    const model_id = family.replaceAll('_', '-');
    const made = await engine.post('/models', { model_id, model_type: 'trading_signals', family, options });
    expect(made.status).toBe(201);
    const asked = { dataset_id: dataset, target: { kind, horizon: 15 }, steps, resamples: 100 };
    const { status, body: job } = await engine.post(`/models/${model_id}/train`, asked);
    expect([status, job.errors]).toEqual([202, undefined]);
    await eventually(
      async () => (await engine.get(job.progress_url)).body.finished_ts_us !== null,
      'it ends',
    );
    expect((await engine.get(job.progress_url)).body).toMatchObject({ state: 'completed' });
    const report = (await engine.get(`${job.progress_url}/result`)).body;
    expect(report.inputs).toHaveLength(7 * steps);
    const { test: tested, fit, calibration } = report.rows;
    expect(tested + fit + calibration).toBeGreaterThan(0.9 * (ROWS - 200));
    const [group] = Object.values(report.groups) as { scores: Record<string, { sample_size: number }> }[];
    for (const { sample_size } of Object.values(group!.scores)) expect(sample_size).toBe(tested);
    expect((await engine.post(`/models/${model_id}/deploy`)).status).toBe(200);
    const inputs = [report.inputs.map(() => 0), report.inputs.map((_: string, i: number) => (i % 7) / 10)];
    const said = (await engine.post('/predict', { model_id, inputs })).body;
    expect(said).toMatchObject({ model_version: '1' });
    const numbers = said.predictions.flat();
    expect(numbers).toHaveLength(kind === 'direction' ? 4 : 2);
    expect(numbers.every(Number.isFinite)).toBe(true);
    // Another input, another answer.
    expect(said.predictions[0]).not.toEqual(said.predictions[1]);
  });
});
