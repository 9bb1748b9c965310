// portfolio_risk through the engine's port: the published bodies, each source of returns, trades, limits.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Bus } from '../../../../src/bus/client.ts';
import { topics } from '../../../../src/bus/topics.ts';
import { encodeModel } from '../../../../src/onnx/graph.ts';
import { sha256 } from '../../../../src/onnx/registry.ts';
import golden from '../../../../src/trading/portfolio-risk-golden.json';
import { runLockstep, TestEngine, testSpec, walkBars } from '../../../../test/support/engine.ts';
import { eventually } from '../../../../test/support/eventually.ts';
import definition from '../../index.ts';
import { RISK_INPUTS } from './model.ts';
import { known, portfolio, posted } from './test-portfolio.ts';

const committed = resolve(import.meta.dir, '../../../../models');
const models = mkdtempSync(join(tmpdir(), 'models-'));
const SYMBOLS = ['AAPL', 'GOOGL', 'MSFT', 'TSLA'];

/** The published body of "Batch Risk Assessment", as it was written. */
const published = {
  model_type: 'portfolio_risk',
  portfolio: {
    positions: [
      { symbol: 'AAPL', weight: 0.25, shares: 1000 },
      { symbol: 'GOOGL', weight: 0.2, shares: 100 },
      { symbol: 'MSFT', weight: 0.3, shares: 800 },
      { symbol: 'TSLA', weight: 0.25, shares: 500 },
    ],
  },
  risk_metrics: ['var_95', 'cvar_95', 'max_drawdown', 'sharpe_ratio'],
  time_horizon: '1d',
};

/** A registered regression of the three inputs: half of the volatility, a tenth of the others. */
async function writeModel(id: string, names: readonly string[]): Promise<void> {
  mkdirSync(join(models, id));
  const bytes = encodeModel({
    graph: {
      name: 'estimate',
      nodes: [{ op: 'MatMul', inputs: ['input', 'w'], outputs: ['output'] }],
      constants: [{ name: 'w', type: 'float32', dims: [3, 1], data: Float32Array.from([0.5, 0.1, 0.1]) }],
      inputs: [{ name: 'input', type: 'float32', dims: ['N', 3] }],
      outputs: [{ name: 'output', type: 'float32', dims: ['N', 1] }],
    },
  });
  const card = await Bun.file(join(committed, 'btc-direction-15m/model.json')).json();
  writeFileSync(join(models, id, 'model.onnx'), bytes);
  const artefact = { file: 'model.onnx', sha256: sha256(bytes), bytes: bytes.length };
  const inputs = names.map((name) => ({ name, formula: name }));
  const changed = {
    model_id: id,
    model_type: 'regression',
    inputs,
    artefact,
    output: { name: 'output', meaning: 'v' },
  };
  writeFileSync(join(models, id, 'model.json'), JSON.stringify({ ...card, ...changed }));
}

describe('portfolio_risk', () => {
  let engine: TestEngine;
  let market: Bus;
  beforeAll(async () => {
    cpSync(join(committed, 'btc-direction-15m'), join(models, 'btc-direction-15m'), { recursive: true });
    await writeModel('var-estimate', Object.keys(RISK_INPUTS));
    await writeModel('other-inputs', ['a', 'b', 'c']);
    engine = await TestEngine.start(definition, { NAUTILUS_MODELS_DIR: models });
    market = new Bus('marketdata', engine.hub.connect());
  });
  afterAll(async () => {
    await market.close();
    await engine.stop();
    rmSync(models, { recursive: true });
  });
  const ask = (body: object, path = '/predict') =>
    engine.post(path, { model_type: 'portfolio_risk', ...body });
  const assessed = async (body: object) => {
    const reply = await ask(body);
    expect([reply.status, reply.body.detail]).toEqual([200, undefined]);
    return reply.body;
  };
  /** Bars of an instrument that nobody else has, with other moves for each. */
  const barsOf = (symbol: string, count: number) =>
    walkBars(symbol, count).map((bar, i) => {
      const tilt = 1 + 0.02 * Math.sin(i * (0.7 + symbol.charCodeAt(0) / 50));
      return { ...bar, open: 100, high: 1e5, low: 1, close: bar.close * tilt, source: 'replay' };
    });
  const replay = async (symbol: string, session: string, barrierEvents: number) => {
    const spec = testSpec('ml', {
      session,
      symbol,
      strategy: 'ma-cross',
      participants: ['marketdata', 'ml'],
    });
    const feed = barsOf(symbol, 80).map((body) => ({ body, tsEventUs: body.ts_event_us }));
    await runLockstep(market, spec, topics.marketLiveData, feed, { barrierEvents });
  };

  const days = golden.closes.length;
  const expectGolden = (figures: Record<string, number>, factor = 1) => {
    for (const [name, value] of Object.entries(golden.expected)) {
      // The native product sums in another order; the rest is the library's own test.
      const theirs = value * (['var_95', 'cvar_95', 'volatility'].includes(name) ? factor : 1);
      expect(Math.abs(figures[name]! / theirs - 1)).toBeLessThan(golden.tolerance.relative);
    }
  };

  test('posted returns give what outside libraries say', async () => {
    const body = await assessed({ ...known, returns: posted });
    expectGolden(body.risk_assessment);
    expect(body).toMatchObject({
      model_type: 'portfolio_risk',
      confidence_interval: 0.95,
      portfolio_var: body.risk_assessment.var_95,
      before: null,
      trades: null,
      horizon_bars: 10,
      history: { source: 'returns', observations: days - 1, from_us: null, periods_per_year: 252 },
      hardware_used: 'cpu',
      limits: null,
      unused: [],
    });
    expect(body.exposure.gross).toBeCloseTo(0.9, 12);
    expect(body.exposure.cash).toBeCloseTo(0.1, 12);
    expect(body.standard_errors.var_95).toBeGreaterThan(0);
  });

  test('a table gives the same, whether it has a column of symbols or a column for each', async () => {
    const at = (i: number) => new Date(golden.times_us[i]! / 1000).toISOString();
    const wide = [`date,${golden.symbols.join(',')},INDEX`];
    const long = ['date,symbol,close'];
    for (const [i, row] of golden.closes.entries()) {
      wide.push([at(i), ...row, golden.benchmark[i]].join(','));
      for (const [j, symbol] of golden.symbols.entries()) long.push(`${at(i)},${symbol},${row[j]}`);
      long.push(`${at(i)},INDEX,${golden.benchmark[i]}`);
    }
    for (const table of [wide, long]) {
      const sent = await fetch(`${engine.url}/datasets`, { method: 'POST', body: table.join('\n') });
      const { dataset_id } = (await sent.json()) as { dataset_id: string };
      const body = await assessed({ ...known, dataset_id });
      expectGolden(body.risk_assessment);
      expect(body.history).toEqual({
        source: 'dataset',
        observations: days - 1,
        interval_us: 86_400e6,
        from_us: golden.times_us[1]!,
        to_us: golden.times_us.at(-1)!,
        periods_per_year: 252,
      });
    }
  });

  test('a symbol without history is refused by its place, and left out where the body says so', async () => {
    const unheard = await ask({ ...published, model_type: 'portfolio_risk' });
    expect([unheard.status, unheard.body.type]).toEqual([422, '/problems/unknown-symbol']);
    expect(unheard.body.errors[0].pointer).toBe('/portfolio/positions/0');
    const returns = { ...posted };
    delete returns.MSFT;
    const refused = await ask({ ...known, returns });
    expect(refused.body.errors[0].pointer).toBe('/portfolio/positions/2');
    const body = await assessed({ ...known, returns, unknown: 'exclude' });
    expect(body.excluded).toEqual([{ symbol: 'MSFT', reason: 'no history: it counts as cash' }]);
    expect(body.exposure.gross).toBeCloseTo(0.6, 12);
    const none = await ask({ ...known, returns: { INDEX: posted.INDEX }, unknown: 'exclude' });
    expect([none.status, none.body.type]).toEqual([422, '/problems/invalid-option']);
  });

  test('the published body works as it was written once the symbols were on the stream, whatever the steps of the replay', async () => {
    for (const [i, symbol] of SYMBOLS.entries()) await replay(symbol, `one-${i}`, 1);
    const { processing_time_ms: first, ...one } = await assessed(published);
    for (const [i, symbol] of SYMBOLS.entries()) await replay(symbol, `many-${i}`, 64);
    const { processing_time_ms: second, ...many } = await assessed(published);
    expect(many).toEqual(one);
    expect(Math.min(first, second)).toBeGreaterThan(0);
    expect(Object.keys(one.risk_assessment).sort()).toEqual([
      'beta',
      'cvar_95',
      'max_drawdown',
      'sharpe_ratio',
      'var_95',
    ]);
    expect(one.risk_assessment.beta).toBeNull();
    expect(one.reasons).toEqual({ beta: 'no benchmark was named' });
    // A day of bars of one minute.
    expect([one.history.source, one.history.observations, one.horizon_bars]).toEqual(['stream', 79, 1440]);
    const last = Object.fromEntries(SYMBOLS.map((symbol) => [symbol, barsOf(symbol, 80).at(-1)!.close]));
    const shares = { AAPL: 1000, GOOGL: 100, MSFT: 800, TSLA: 500 };
    const value = Object.entries(shares).reduce((sum, [symbol, n]) => sum + n * last[symbol]!, 0);
    expect(one.portfolio_value).toBeCloseTo(value, 6);
    expect(one.portfolio_var_value).toBeCloseTo(value * one.portfolio_var, 6);
    const withBeta = await assessed({ ...published, benchmark: 'AAPL' });
    expect(withBeta.risk_assessment.beta).toBeGreaterThan(0);
    const noHistory = await assessed({ ...published, benchmark: 'SPY' });
    expect(noHistory.reasons.beta).toBe('the benchmark has no history');
  });

  test('the published route of the GPU runs it there, or on the CPU where that is allowed', async () => {
    const { status, body } = await ask(published, '/predict/metal-gpu');
    if (process.platform === 'darwin') return expect([200, 503]).toContain(status);
    expect([status, body.type]).toEqual([503, '/problems/backend-unavailable']);
    const allowed = await ask({ ...published, allow_fallback: true }, '/predict/metal-gpu');
    expect([allowed.status, allowed.body.hardware_used]).toEqual([200, 'cpu']);
    expect((await ask(published, '/predict/neural-engine')).status).toBe(503);
  });

  test('proposed trades are the predictions of a reply of signals, assessed before and after', async () => {
    const current_positions = Object.fromEntries(
      published.portfolio.positions.map(({ symbol, weight }) => [symbol, { weight }]),
    );
    const proposed_trades = {
      AAPL: { signal: 'BUY', confidence: 0.8, target_price: 155.3 },
      GOOGL: { signal: 'HOLD', confidence: 0.92, target_price: 2748.5 },
      MSFT: { signal: 'SELL', confidence: 1, target_price: 325.8 },
      TSLA: { signal: null, confidence: null, target_price: null },
    };
    const body = await assessed({ current_positions, proposed_trades, trade_weight: 0.4 });
    const change = (symbol: string) =>
      body.trades.find((trade: { symbol: string }) => trade.symbol === symbol);
    expect(change('AAPL').weight_change).toBeCloseTo(0.32, 12);
    expect(change('GOOGL')).toEqual({ symbol: 'GOOGL', weight_change: 0 });
    expect(change('MSFT')).toMatchObject({
      weight_change: -0.3,
      reason: expect.stringContaining('allow_short'),
    });
    expect(change('TSLA')).toEqual({ symbol: 'TSLA', weight_change: 0, reason: 'it has no signal' });
    expect(body.unused).toEqual(['proposed_trades.*.target_price']);
    const alone = await assessed({ current_positions });
    expect(body.before.risk_assessment).toEqual(alone.risk_assessment);
    expect(body.risk_assessment).not.toEqual(alone.risk_assessment);
    expect(typeof body.portfolio_var).toBe('number');
    const short = await assessed({
      current_positions,
      proposed_trades,
      trade_weight: 0.4,
      allow_short: true,
    });
    expect(short.exposure.net).toBeCloseTo(0.92, 12);
  });

  test('a list of trades may be in shares, at the price of the stream or a posted one', async () => {
    const current_positions = published.portfolio.positions.map(({ symbol, shares }) => ({ symbol, shares }));
    const proposed_trades = [{ symbol: 'AAPL', side: 'sell', shares: 500 }];
    const prices = { AAPL: 100, GOOGL: 1000, MSFT: 100, TSLA: 100 };
    const body = await assessed({ current_positions, proposed_trades, prices });
    // 100,000 + 100,000 + 80,000 + 50,000
    expect(body.portfolio_value).toBe(330_000);
    expect(body.trades[0].weight_change).toBeCloseTo(-50_000 / 330_000, 12);
    expect(body.positions[0].weight).toBeCloseTo(50_000 / 330_000, 12);
    const listed = await assessed({ current_positions, proposed_trades });
    expect(listed.positions[0].weight).not.toBe(body.positions[0].weight);
  });

  test('with short positions, money and trades in shares are by the value that weights are shares of', async () => {
    const positions = [
      { symbol: 'AAPL', shares: 100 },
      { symbol: 'XOM', shares: -50 },
    ];
    const prices = { AAPL: 10, XOM: 10 };
    // Covers the short position: 500 of 1500.
    const proposed_trades = [{ symbol: 'XOM', side: 'buy', shares: 50 }];
    const body = await assessed({
      current_positions: positions,
      prices,
      proposed_trades,
      returns: { AAPL: posted.AAPL, XOM: posted.XOM },
    });
    expect(body.portfolio_value).toBe(1500);
    expect(body.portfolio_var_value).toBeCloseTo(1500 * body.portfolio_var, 9);
    expect(body.trades[0].weight_change).toBeCloseTo(1 / 3, 12);
    expect(body.positions[1].weight).toBeCloseTo(0, 12);
    // Half of the portfolio is in cash.
    const half = await assessed({
      portfolio: { positions: [{ symbol: 'AAPL', weight: 0.5, shares: 100 }] },
      prices,
      returns: { AAPL: posted.AAPL },
    });
    expect(half.portfolio_value).toBe(2000);
  });

  test('trades may begin with nothing held', async () => {
    const proposed_trades = [{ symbol: 'AAPL', side: 'buy', weight: 0.4 }];
    const returns = { AAPL: posted.AAPL };
    const body = await assessed({ current_positions: {}, proposed_trades, returns });
    expect(body.positions).toEqual([{ symbol: 'AAPL', weight: 0.4 }]);
    expect([body.before.exposure.gross, body.before.portfolio_var, body.portfolio_value]).toEqual([
      0,
      0,
      null,
    ]);
    const nothing = await ask({ current_positions: {}, returns });
    expect([nothing.status, nothing.body.type]).toEqual([422, '/problems/invalid-option']);
  });

  test('every posted number changes the answer', async () => {
    const base: Record<string, unknown> = {
      ...known,
      returns: posted,
      proposed_trades: [{ symbol: 'AAPL', side: 'sell', weight: 0.1 }],
    };
    const without = async (body: object) => {
      const { processing_time_ms: _, ...rest } = await assessed(body);
      return JSON.stringify(rest);
    };
    const first = await without(base);
    const changes: Record<string, unknown>[] = [
      { time_horizon: '5d' },
      { confidence_level: 0.9 },
      { risk_free_rate: 0 },
      { periods_per_year: 365 },
      { benchmark: 'XOM' },
      { returns_interval: '1h' },
      { proposed_trades: [{ symbol: 'AAPL', side: 'sell', weight: 0.11 }] },
      { proposed_trades: [{ symbol: 'AAPL', side: 'buy', weight: 0.1 }] },
      { returns: { ...posted, AAPL: posted.AAPL!.map((r, i) => (i === 7 ? -0.3 : r)) } },
      ...portfolio.positions.map((one) => ({
        portfolio: {
          positions: portfolio.positions.map((p) => (p === one ? { ...p, weight: p.weight! + 0.01 } : p)),
        },
      })),
    ];
    for (const change of changes)
      expect([change, (await without({ ...base, ...change })) !== first]).toEqual([change, true]);
  });

  test('what the risk engine last said of the portfolio comes with it', async () => {
    const risk = new Bus('risk', engine.hub.connect());
    const limits = [
      { limit: 'max_drawdown', value: '0.1', threshold: '0.2', utilisation: 0.5, status: 'ok' },
    ] as const;
    const update = {
      portfolio_id: 'p1',
      status: 'ok',
      equity: '1000',
      drawdown: 0.1,
      limits: [...limits],
    } as const;
    risk.publish(topics.riskPortfolioUpdates, { ...update, limits: [...limits] }, { tsEventUs: 7 });
    const body = { ...known, returns: posted, portfolio_id: 'p1' };
    await eventually(async () => (await assessed(body)).limits !== null, 'the limits');
    expect((await assessed(body)).limits).toEqual({ ...update, ts_event_us: 7 });
    const other = await assessed({ ...body, portfolio_id: 'p2' });
    expect([other.limits, other.limits_reason]).toEqual([null, expect.stringContaining('said nothing')]);
    await risk.close();
  });

  test('a trained model of volatility, correlation and concentration adds its estimate', async () => {
    const body = await assessed({ ...known, returns: posted, model_id: 'var-estimate' });
    const { inputs, ...estimate } = body.var_estimate;
    expect(inputs.portfolio_volatility).toBeCloseTo(golden.expected.volatility, 10);
    // Sum of squares over the square of the sum of 0.25, 0.2, 0.3 and 0.15.
    expect(inputs.weight_concentration).toBeCloseTo(0.215 / 0.81, 12);
    expect(inputs.mean_correlation).toBeWithin(0.5, 1);
    expect(estimate).toMatchObject({ model_id: 'var-estimate', model_version: '1.0.0', interval: null });
    const sum =
      0.5 * inputs.portfolio_volatility + 0.1 * (inputs.mean_correlation + inputs.weight_concentration);
    // The model computes in float32, and nothing was held out for it.
    expect(estimate.value).toBeCloseTo(sum, 6);
    for (const model_id of ['other-inputs', 'btc-direction-15m']) {
      const { status, body: problem } = await ask({ ...known, returns: posted, model_id });
      expect([status, problem.errors[0].pointer]).toEqual([422, '/model_id']);
    }
  });
});
