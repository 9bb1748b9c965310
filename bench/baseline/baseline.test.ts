// The plain versions compute what the kernels do: a baseline that is wrong would make any ratio worthless.
import { describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atr, bollinger, computePanel, ema, macd, rsi } from '../../src/indicators/index.ts';
import { mlp } from '../../src/learning/deep/families/mlp.ts';
import { gradientBoosting } from '../../src/learning/trees/index.ts';
import { predictServed } from '../../src/learning/validation/serve.ts';
import { covariance, gemm } from '../../src/native/index.ts';
import { crossEntropy } from '../../src/onnx/autodiff/ops.ts';
import { logisticProbability } from '../../src/onnx/logistic.ts';
import { Batches } from '../../src/onnx/training/batches.ts';
import { barsAround } from '../inputs.ts';
import { COLUMNS, FOLDS, HORIZON, inputs, ROWS, targets, validate } from '../learning/folds.ts';
import { productRows, trainer } from '../learning/trainer.ts';
import { boost } from './boosting.ts';
import { seriesFeatures } from './features.ts';
import { foldLogistic, logisticRows } from './logistic.ts';
import { crossValidateLogistic } from './logistic-fit.ts';
import { covarianceLoop, matrixProduct, packedProduct } from './matrix.ts';
import { PlainMlp } from './mlp.ts';
import { startMonolith } from './monolith.ts';
import { europeanCall, europeanCallPolar } from './monte-carlo.ts';
import { relativeStrength } from './rsi.ts';
import { triadLoop } from './triad.ts';

const wave = (length: number, factor: number) =>
  Float64Array.from({ length }, (_, at) => Math.sin(at * factor) + at * 1e-4);
const worst = (one: ArrayLike<number>, other: ArrayLike<number>) => {
  let most = 0;
  for (let i = 0; i < one.length; i++) {
    if (Number.isNaN(one[i]!) && Number.isNaN(other[i]!)) continue;
    most = Math.max(most, Math.abs(one[i]! - other[i]!));
  }
  return most;
};

test('both products are that of BLAS', () => {
  const n = 24;
  const [a, b] = [wave(n * n, 0.7), wave(n * n, 1.3)];
  const { out } = gemm({ m: n, n, k: n, a, b });
  const plain = new Float64Array(n * n);
  matrixProduct(n, a, b, plain);
  expect(worst(plain, out)).toBeLessThan(1e-12);
  plain.fill(Number.NaN);
  packedProduct(n, a, b, plain);
  expect(worst(plain, out)).toBeLessThan(1e-12);
});

test('the covariance is that of the kernel', () => {
  const [observations, assets] = [60, 7];
  const values = wave(observations * assets, 2.1);
  const plain = new Float64Array(assets * assets);
  covarianceLoop(observations, assets, values, plain);
  const { out } = covariance({ observations, assets, values });
  expect(worst(plain, out)).toBeLessThan(1e-12);
});

test('both simulations lie within four standard errors of the formula of Black and Scholes', () => {
  const option = {
    paths: 20_000,
    steps: 12,
    seed: 3,
    spot: 100,
    strike: 100,
    rate: 0.03,
    volatility: 0.2,
    maturity: 1,
  };
  for (const simulate of [europeanCall, europeanCallPolar]) {
    const { price, error } = simulate(option);
    // 9.4134 by the formula; the standard deviation of the payoff is about 14.
    expect(error).toBeGreaterThan(0.08);
    expect(error).toBeLessThan(0.12);
    expect(Math.abs(price - 9.4134)).toBeLessThan(4 * error);
  }
});

test('the relative strength index is that of the indicator', () => {
  const close = wave(500, 0.9).map((value) => value + 100);
  const plain = new Float64Array(500);
  relativeStrength(close, 14, plain);
  const out = computePanel(rsi, { period: 14 }, { bars: 500, series: 1, inputs: { close } }).outputs.rsi;
  expect(worst(plain, out)).toBeLessThan(1e-10);
  relativeStrength(new Float64Array(20).fill(3), 14, plain.subarray(0, 20));
  expect(plain[14]).toBe(50);
});

test('the triad is a sum and a product', () => {
  const out = new Float64Array(3);
  triadLoop(Float64Array.of(1, 2, 3), Float64Array.of(4, 5, 6), 3, out);
  expect([...out]).toEqual([13, 17, 21]);
});

test('the features are those of the indicators', () => {
  const close = wave(400, 0.9).map((value) => value + 100);
  const inputs = barsAround(close);
  const plain = Array.from({ length: 12 }, () => new Float64Array(400));
  seriesFeatures(inputs, plain);
  const panel = { bars: 400, series: 1, inputs };
  const line = computePanel(macd, {}, panel).outputs;
  const bands = computePanel(bollinger, {}, panel).outputs;
  const expected = [
    computePanel(rsi, { period: 14 }, panel).outputs.rsi,
    ...[12, 26, 50, 200].map((period) => computePanel(ema, { period }, panel).outputs.ema),
    line.macd,
    line.signal,
    line.histogram,
    bands.upper,
    bands.middle,
    bands.lower,
    computePanel(atr, { period: 14 }, panel).outputs.atr,
  ];
  for (let at = 0; at < 12; at++) {
    const first = plain[at]!.findIndex((value) => !Number.isNaN(value));
    expect(first).toBe(expected[at]!.findIndex((value) => !Number.isNaN(value)));
    // Running sums of squares lose digits, a fresh sum does not.
    expect(worst(plain[at]!, expected[at]!)).toBeLessThan(1e-9);
  }
});

test('the logistic regression is the reference of the models', () => {
  const fitted = {
    inputNames: ['a', 'b'],
    mean: [0.5, -1],
    std: [2, 0.3],
    coefficients: [1.5, -0.4],
    intercept: 0.1,
  };
  const inputs = Float32Array.of(0.2, 0.4, -3, 1, 10, -10);
  const out = new Float32Array(3);
  logisticRows(foldLogistic(fitted), inputs, out);
  for (let row = 0; row < 3; row++) {
    expect(out[row]).toBeCloseTo(logisticProbability(fitted, inputs.subarray(2 * row, 2 * row + 2)), 6);
  }
});

describe('the monolith', () => {
  test('stores an order that passes, refuses one that breaks a limit or is none, and fills what is open', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'monolith-'));
    const monolith = startMonolith(folder, 'p1', 'X', 100);
    const post = async (body: unknown) => {
      const response = await fetch(`${monolith.url}/orders`, { method: 'POST', body: JSON.stringify(body) });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    };
    const order = { portfolio_id: 'p1', symbol: 'X', side: 'buy', quantity: '900', type: 'market' };
    try {
      expect(await post(order)).toMatchObject({
        status: 201,
        body: { ...order, status: 'accepted', reasons: [] },
      });
      expect((await post({ ...order, quantity: '1001' })).body).toMatchObject({
        reasons: ['order notional'],
      });
      expect((await post(order)).status).toBe(201);
      // 2,500 of the symbol are the limit, and 1,800 are open.
      expect((await post(order)).body).toMatchObject({ status: 'rejected', reasons: ['position notional'] });
      monolith.fillAll();
      expect((await post(order)).status).toBe(422);
      expect((await post({ ...order, side: 'sell' })).status).toBe(201);
      expect((await post({ ...order, quantity: '-1' })).status).toBe(422);
      expect((await post({ ...order, symbol: 'Y' })).status).toBe(404);
      expect(monolith.accepted()).toBe(3);
    } finally {
      monolith.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

test('the network in loops forecasts and trains as the graph does', async () => {
  const data = productRows();
  const part = {
    ...data,
    rows: 300,
    inputs: data.inputs.slice(0, 300 * 64),
    targets: data.targets!.slice(0, 300),
  };
  const network = mlp.network(mlp.options.parse({ hidden: [8, 6] }), 64);
  const ours = await trainer(
    { network, columns: 64, batch: 64, width: 10, data: part, loss: crossEntropy },
    1,
  );
  const plain = new PlainMlp([64, 8, 6, 10], ours.initial);
  const batches = new Batches(part.rows, { batch: 64, seed: 1 });
  for (let step = 0; step < 4; step++) {
    const { indices } = batches.fill(step, step + 1);
    // float32 sums in another order.
    expect(plain.train(part.inputs, part.targets, indices)).toBeCloseTo(await ours.run(1), 4);
  }
  await ours.release();
});

test('the plain cross-validation scores as ours does', async () => {
  const rows = { inputs, targets, rows: ROWS, columns: COLUMNS, horizon: HORIZON };
  // Probabilities of the served graph are float32.
  expect(crossValidateLogistic(rows, FOLDS)).toBeCloseTo(await validate(1), 4);
});

test('boosted trees are those of the native fit, as many as watched rows ask for', async () => {
  const columns = 3;
  const part = (rows: number, from: number) => {
    // Few values each, so that both cut the same bins.
    const inputs = Float32Array.from(
      { length: rows * columns },
      (_, at) => ((at + from) * 7919) % (11 + (at % columns)),
    );
    const targets = Float32Array.from({ length: rows }, (_, row) => {
      const [a, b] = [inputs[row * columns]!, inputs[row * columns + 1]!];
      return Number(a * b + ((row * 31) % 17) > 40);
    });
    return { inputs, targets, rows, columns };
  };
  const [train, watched, test] = [part(400, 0), part(150, 9000), part(120, 70_000)];
  const settings = { learning_rate: 0.2, max_leaves: 6, min_rows: 10, l2: 1, rounds: 60, patience: 10 };
  const plain = boost(train, watched, test, { ...settings, row_share: 1, column_share: 1 }, 1);
  const { model, facts } = await gradientBoosting.fit(
    'classification',
    { ...train, classes: 2, validation: { ...watched, classes: 2 } },
    gradientBoosting.options.parse({ ...settings, min_hessian: 0 }),
    { seed: 1, threads: 1 },
  );
  const { output } = await predictServed(model, test.inputs, columns);
  expect(facts.rounds).toBeGreaterThan(5);
  // Sums of float32 leaves beside those of float64.
  expect(
    worst(
      plain,
      Float64Array.from({ length: test.rows }, (_, row) => output[2 * row + 1]!),
    ),
  ).toBeLessThan(1e-5);
});
