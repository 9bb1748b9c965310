// Every family from posted data to predictions, over HTTP alone, on three sets of real data.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { gunzipSync } from 'node:zlib';
import { sharedData } from '../../../test/shared-data.ts';
import { TestEngine } from '../../../test/support/engine.ts';
import { eventually } from '../../../test/support/eventually.ts';
import definition from '../index.ts';

/** Slices of the data: enough to learn from in a moment. */
const FILES = {
  btc: { file: sharedData('btc-perp-1min-ohlcv-2022-01.csv.gz'), rows: 900 },
  crypto: { file: sharedData('crypto-10-pairs-5min-ohlcv-2018-01.csv.gz'), rows: 900 },
  stocks: { file: sharedData('sp500-20-stocks-daily-close-1990-2022.csv.gz'), rows: 600 },
};
type Data = keyof typeof FILES;

const returnsOf = (...columns: string[]) =>
  columns.map((column) => ({ kind: 'log_return' as const, column, periods: 1 }));
const FEATURES = {
  btc: [{ kind: 'bars' }],
  crypto: [...returnsOf('close', 'volume'), { kind: 'volatility', column: 'close', window: 12 }],
  stocks: returnsOf('aapl', 'jpm', 'xom'),
};
const COLUMN = { btc: 'close', crypto: 'close', stocks: 'jpm' };

const quick = { epochs: 1, batch_size: 256 };
const rises = { kind: 'direction' };
const returns = { kind: 'log_return' };
const signals = { kind: 'signal', buy_above: 0.0005, sell_below: -0.0005 };
type Case = readonly [data: Data, target: object | undefined, options: object, steps: number];

/** How each family is tried; what GET /families lists and is not here fails. */
const CASES: Readonly<Record<string, Case>> = {
  ridge: ['stocks', returns, {}, 1],
  lasso: ['crypto', returns, { alpha: 1e-4 }, 1],
  elastic_net: ['btc', returns, { alpha: 1e-5 }, 1],
  logistic: ['btc', signals, {}, 1],
  kmeans: ['stocks', undefined, { clusters: 3, starts: 2 }, 1],
  dbscan: ['crypto', undefined, { eps: 1 }, 1],
  hmm: ['stocks', undefined, { starts: 1 }, 4],
  gradient_boosting: ['crypto', signals, { rounds: 10 }, 1],
  xgboost: ['btc', rises, { rounds: 5 }, 1],
  lightgbm: ['crypto', returns, { rounds: 5 }, 1],
  catboost: ['stocks', signals, { rounds: 5 }, 1],
  random_forest: ['stocks', returns, { trees: 10 }, 1],
  mlp: ['crypto', rises, quick, 1],
  rnn: ['btc', returns, quick, 3],
  gru: ['stocks', rises, quick, 3],
  lstm: ['btc', signals, quick, 3],
  transformer: ['crypto', returns, quick, 3],
  cnn: ['stocks', returns, quick, 4],
  autoencoder: ['btc', undefined, { ...quick, latent: 2 }, 1],
  lstm_autoencoder: ['crypto', undefined, { ...quick, latent: 2 }, 3],
  gan: ['stocks', undefined, { ...quick, hidden: 8 }, 4],
};

const present = Object.values(FILES).every(({ file }) => file !== null);

describe.skipIf(!present)('real data (where this machine has the shared market data)', () => {
  let engine: TestEngine;
  const datasets = {} as Record<Data, string>;
  let families: { family: string; tasks: string[] }[] = [];
  beforeAll(async () => {
    engine = await TestEngine.start(definition);
    for (const [name, { file, rows }] of Object.entries(FILES)) {
      const lines = new TextDecoder().decode(gunzipSync(await Bun.file(file!).bytes())).split('\n');
      const body = lines.slice(0, rows + 1).join('\n');
      const reply = await fetch(`${engine.url}/datasets?name=${name}`, { method: 'POST', body });
      expect(reply.status).toBe(201);
      datasets[name as Data] = ((await reply.json()) as { dataset_id: string }).dataset_id;
    }
    families = (await engine.get('/families')).body.families;
  });
  afterAll(() => engine?.stop());

  const finished = async (path: string, body: object) => {
    const { status, body: job } = await engine.post(path, body);
    expect([status, job.errors, job.detail]).toEqual([202, undefined, undefined]);
    const ended = async () => (await engine.get(job.progress_url)).body;
    await eventually(async () => (await ended()).finished_ts_us !== null, `${path} ends`);
    expect(await ended()).toMatchObject({ state: 'completed', error: null });
    return (await engine.get(`${job.progress_url}/result`)).body;
  };

  test('no family is left out', () => {
    expect(families.map(({ family }) => family).sort()).toEqual(Object.keys(CASES).sort());
  });

  test.each(Object.entries(CASES))(
    '%s trains, validates, is deployed and predicts',
    async (family, chosen) => {
      const [data, target, options, steps] = chosen;
      const model_id = family.replaceAll('_', '-');
      const made = await engine.post('/models', { model_id, model_type: family, family, options });
      expect([made.status, made.body.errors]).toEqual([201, undefined]);
      const asked = {
        dataset_id: datasets[data],
        features: FEATURES[data],
        ...(target && { target: { column: COLUMN[data], ...target } }),
        steps,
        resamples: 100,
      };
      const report = await finished(`/models/${model_id}/train`, asked);
      const { tasks } = families.find((one) => one.family === family)!;
      expect(tasks).toContain(report.task);
      const [group] = Object.values(report.groups) as {
        scores: Record<string, { sample_size: number; value: number | null }>;
        baselines: object;
      }[];
      // Every score is of the test rows, beside at least one naive rule.
      const known = Object.values(group!.scores).filter(({ value }) => value !== null);
      expect(known.length).toBeGreaterThan(0);
      for (const { sample_size } of known) expect(sample_size).toBe(report.rows.test);
      expect(Object.keys(group!.baselines).length).toBeGreaterThan(0);

      const scheme = { kind: 'holdout', train_fraction: 0.6 };
      const checked = await finished(`/models/${model_id}/validate`, { ...asked, scheme });
      expect(checked.folds.length).toBeGreaterThan(0);
      expect(checked.task).toBe(report.task);

      expect((await engine.post(`/models/${model_id}/deploy`)).status).toBe(200);
      const row = (by: number) =>
        report.inputs.map((_: string, i: number) => (0.1 + ((i * 0.37 + by) % 1)) / 2);
      const said = (await engine.post('/predict', { model_id, inputs: [row(0), row(0.5)] })).body;
      expect(said).toMatchObject({ model_version: '1', inputs: report.inputs });
      const numbers: number[] = said.predictions.flat();
      expect(numbers.every(Number.isFinite)).toBe(true);
      const { body: version } = await engine.get(`/models/${model_id}/versions/1`);
      expect(numbers).toHaveLength(2 * version.signature.output.columns);
      expect(version.signature.task).toBe(report.task);
      if (target === signals) {
        expect(report.classes).toEqual(['SELL', 'HOLD', 'BUY']);
        const sums = said.predictions.map((row: number[]) => row.reduce((a, b) => a + b, 0));
        for (const sum of sums) expect(sum).toBeCloseTo(1, 5);
        const likeliest = said.predictions.map((p: number[]) => report.classes[p.indexOf(Math.max(...p))]);
        expect(said.signal).toEqual(likeliest);
      }
    },
  );
});
