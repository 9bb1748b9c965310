// The Analytics engine through its port and the bus: live, in a replay, over a restart.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { Bus } from '../../src/bus/client.ts';
import { EngineStream } from '../../src/bus/stream.ts';
import { type BodyOf, topics } from '../../src/bus/topics.ts';
import { performance } from '../../src/trading/performance.ts';
import { runLockstep, TestEngine, testSpec, walkBars } from '../../test/support/engine.ts';
import { eventually } from '../../test/support/eventually.ts';
import definition from './index.ts';

type Valuation = BodyOf<typeof topics.valuations>;

const START_US = 1_640_991_660_000_000;
const MINUTE_US = 60_000_000;

function valuation(equity: string, over: Partial<Valuation> = {}): Valuation {
  return {
    portfolio_id: 'p1',
    starting_cash: '1000',
    cash: '500',
    fees: '1.5',
    realised_pnl: '2.25',
    unrealised_pnl: '3',
    equity,
    fills: 1,
    positions: [],
    ...over,
  };
}

describe('analytics engine, live', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await TestEngine.start(definition);
  });
  afterAll(() => engine.stop());

  const calculate = (id: string, body?: unknown) => engine.post(`/analytics/calculate/${id}`, body);
  /** Publishes valuations and resolves to the metrics that answer them. */
  async function tell(...items: [body: Valuation, minute: number][]) {
    const before = engine.messages(topics.analyticsMetrics).length;
    for (const [body, minute] of items)
      engine.bus.publish(topics.valuations, body, { tsEventUs: START_US + minute * MINUTE_US });
    return (await engine.received(topics.analyticsMetrics, before + items.length)).slice(before);
  }
  const curve = [1000, 1010, 1005, 990, 1020, 1015];

  test('knows no portfolio before the first valuation', async () => {
    expect((await engine.get('/analytics')).body).toEqual({ portfolios: [], total: 0 });
    expect((await calculate('p1')).status).toBe(404);
    expect((await engine.get('/analytics/p1/equity')).status).toBe(404);
  });

  test('answers zeros and nulls for a portfolio that never traded, and keeps no curve of it', async () => {
    const none = { cash: '7', equity: '7', starting_cash: '7', realised_pnl: '0', unrealised_pnl: '0' };
    const idle = valuation('7', { portfolio_id: 'idle', fills: 0, fees: '0', ...none });
    await tell([idle, 0], [idle, 5]);
    const { status, body } = await calculate('idle');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      total_pnl: '0',
      equity: '7',
      fees: '0',
      total_return: null,
      observations: 0,
    });
    expect(body.max_drawdown).toEqual({ fraction: null, peak_ts_us: null, valley_ts_us: null });
    expect(body.reasons).toMatchObject({
      total_return: 'needs at least 1 return',
      sharpe_ratio: 'needs at least 2 returns',
    });
    expect((await engine.get('/analytics/idle/equity')).body.points).toEqual([]);
  });

  test('answers each valuation with the running metrics', async () => {
    const told = await tell(...curve.map((equity, i): [Valuation, number] => [valuation(String(equity)), i]));
    expect(told.map((m) => m.body.observations)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(told.map((m) => m.body.sharpe_ratio === null)).toEqual([true, true, false, false, false, false]);
    expect(told.map((m) => m.ts_event_us)).toEqual(curve.map((_, i) => START_US + i * MINUTE_US));
    expect(told.at(-1)!.body).toMatchObject({ portfolio_id: 'p1', equity: '1015', realised_pnl: '2.25' });
    expect(told.at(-1)!.body.total_return).toBeCloseTo(0.015, 12);
    expect(told.at(-1)!.body.max_drawdown).toBeCloseTo(1 - 990 / 1010, 12);
  });

  test('calculates all measures without a body, as the library does', async () => {
    const { status, body } = await calculate('p1');
    const expected = performance(
      Float64Array.from(curve),
      Float64Array.from(curve, (_, i) => START_US + i * MINUTE_US),
      { periods_per_year: 525_960, risk_free_rate: 0 },
    );
    expect(status).toBe(200);
    expect(body).toMatchObject({
      portfolio_id: 'p1',
      realised_pnl: '2.25',
      unrealised_pnl: '3',
      total_pnl: '15',
      fees: '1.5',
      equity: '1015',
      starting_cash: '1000',
      observations: 6,
      total_return: expected.total_return.value,
      volatility: expected.volatility.value,
      sharpe_ratio: expected.sharpe.value,
      sortino_ratio: expected.sortino.value,
      calmar_ratio: expected.calmar.value,
      hardware_used: 'cpu',
    });
    expect(body.max_drawdown).toEqual({
      fraction: expected.max_drawdown.value,
      peak_ts_us: START_US + MINUTE_US,
      valley_ts_us: START_US + 3 * MINUTE_US,
    });
    expect(body.conventions).toMatchObject({ periods_per_year: 525_960, risk_free_rate: 0 });
    expect(body.conventions.formulas.sharpe_ratio).toBe(expected.sharpe.convention);
    expect(engine.messages(topics.analyticsMetrics).at(-1)!.body.sharpe_ratio).toBeCloseTo(
      body.sharpe_ratio,
      9,
    );
  });

  test('takes a risk-free rate, periods a year and a first time from the body', async () => {
    const { body } = await calculate('p1', {
      risk_free_rate: 0.05,
      periods_per_year: 252,
      from_us: START_US + 2 * MINUTE_US,
    });
    expect(body.observations).toBe(4);
    expect(body.conventions).toMatchObject({
      periods_per_year: 252,
      periods_source: 'given with the request',
      risk_free_rate: 0.05,
    });
    const late = await calculate('p1', { from_us: START_US * 2 });
    expect(late.body).toMatchObject({ observations: 0, equity: '1015', volatility: null });
  });

  test('counts a valuation that is told again once, and ignores one from the past', async () => {
    const told = await tell([valuation('1015'), 5], [valuation('999'), 2], [valuation('1016'), 5]);
    expect(told.map((m) => [m.body.observations, m.body.equity])).toEqual([
      [6, '1015'],
      [6, '1015'],
      [6, '1016'],
    ]);
    const { body } = await engine.get(`/analytics/p1/equity?limit=2&from_us=${START_US + 3 * MINUTE_US}`);
    expect(body).toEqual({
      portfolio_id: 'p1',
      points: [
        { ts_event_us: START_US + 3 * MINUTE_US, equity: 990 },
        { ts_event_us: START_US + 4 * MINUTE_US, equity: 1020 },
      ],
      next_from_us: START_US + 5 * MINUTE_US,
    });
    const rest = await engine.get(`/analytics/p1/equity?from_us=${body.next_from_us}`);
    expect(rest.body).toMatchObject({ points: [{ equity: 1016 }], next_from_us: null });
  });

  test('comes back from a restart with the same curve and goes on from it', async () => {
    const before = await calculate('p1');
    await engine.restart(definition);
    const after = await calculate('p1');
    expect({ ...after.body, processing_time_ms: 0 }).toEqual({ ...before.body, processing_time_ms: 0 });
    const [told] = await tell([valuation('1030'), 6]);
    expect(told!.body.observations).toBe(7);
    expect(told!.body.sharpe_ratio).toBeCloseTo((await calculate('p1')).body.sharpe_ratio, 9);
    expect((await engine.get('/analytics?limit=1&offset=1')).body).toEqual({
      portfolios: [
        { portfolio_id: 'p1', equity: '1030', observations: 7, ts_event_us: START_US + 6 * MINUTE_US },
      ],
      total: 2,
    });
  });

  test('answers bad requests with problems that name the field and never echo the value', async () => {
    const secret = 'do-not-echo-me';
    const cases: [string, unknown, number, string][] = [
      ['p1', { risk_free_rate: secret }, 422, '/risk_free_rate'],
      ['p1', { risk_free_rate: -1 }, 422, '/risk_free_rate'],
      ['p1', { periods_per_year: 0 }, 422, '/periods_per_year'],
      ['p1', { from_us: 0.5 }, 422, '/from_us'],
      ['p1', { [secret.slice(0, 3)]: 1 }, 422, 'invalid-option'],
      ['p1', [], 422, 'invalid-option'],
      [`${secret}`, {}, 404, 'not-found'],
    ];
    for (const [id, body, status, named] of cases) {
      const answer = await calculate(id, body);
      expect([id, body, answer.status, answer.type]).toEqual([id, body, status, 'application/problem+json']);
      expect(JSON.stringify(answer.body)).toContain(named);
      expect(JSON.stringify(answer.body)).not.toContain(secret);
    }
    for (const path of [
      '/analytics?limit=0',
      '/analytics/p1/equity?limit=5000',
      '/analytics/p1/equity?from_us=x',
    ])
      expect((await engine.get(path)).status).toBe(422);
  });
});

describe('analytics engine, replay', () => {
  let engine: TestEngine;
  let coordinator: Bus;
  let portfolio: Bus;
  const bars = walkBars('BTC-PERP', 150);
  const participants = ['marketdata', 'portfolio', 'analytics'];
  const replay = (session: string, over = {}, options = {}) =>
    runLockstep(
      coordinator,
      testSpec('analytics', { session, participants, ...over }),
      topics.marketLiveData,
      bars.map((bar) => ({ body: { ...bar, source: 'replay' }, tsEventUs: bar.ts_event_us })),
      options,
    );
  const of = (session: string) =>
    engine.messages(topics.analyticsMetrics).filter((e) => e.session === session);

  beforeAll(async () => {
    engine = await TestEngine.start(definition);
    coordinator = new Bus('marketdata', engine.hub.connect());
    portfolio = new Bus('portfolio', engine.hub.connect());
    // Holds one unit from the start; a strategy called `idle` never trades.
    const holder = new EngineStream(portfolio, 'portfolio', {
      consumes: [topics.marketLiveData],
      emits: [topics.valuations],
      process(batch, publisher) {
        for (const { body, ts_event_us, correlation_id } of batch) {
          const spec = publisher.spec;
          if (!spec) continue;
          const { close } = body as BodyOf<typeof topics.marketLiveData>;
          const idle = spec.strategy === 'idle';
          const told = valuation(idle ? '1000' : String(close), {
            portfolio_id: spec.portfolio_id,
            fills: idle ? 0 : 1,
          });
          publisher.publish(topics.valuations, told, ts_event_us, correlation_id);
        }
      },
    });
    await holder.start();
  });
  afterAll(async () => {
    await portfolio.close();
    await coordinator.close();
    await engine.stop();
  });

  test('answers every valuation once, and REST then shows the same portfolio', async () => {
    // What a portfolio says of itself before a replay must not be part of its curve.
    engine.bus.publish(topics.valuations, valuation('5', { portfolio_id: 'portfolio_001', fills: 0 }));
    await eventually(async () => (await engine.get('/analytics')).body.total === 1, 'the idle portfolio');
    const outcome = await replay('one');
    const told = of('one');
    expect(told.map((m) => m.ts_event_us)).toEqual(bars.map((b) => b.ts_event_us));
    expect(told.map((m) => m.body.observations)).toEqual(bars.map((_, i) => i + 1));
    const { body } = await engine.post('/analytics/calculate/portfolio_001');
    expect(body.total_return).toBe(bars.at(-1)!.close / bars[0]!.close - 1);
    expect(told.at(-1)!.body.sharpe_ratio).toBeCloseTo(body.sharpe_ratio, 9);
    expect(outcome.summaries.analytics).toMatchObject({
      observations: 150,
      max_drawdown: body.max_drawdown.fraction,
    });
  });

  test('refuses a portfolio that has history, unless it is to be reset', async () => {
    await expect(replay('two')).rejects.toThrow(
      'analytics: portfolio_001 already has history (150 valuations): reset it first (--reset)',
    );
    await replay('three', { reset: true });
    expect((await engine.get('/analytics/portfolio_001/equity?limit=1000')).body.points).toHaveLength(150);
  });

  test('gives the same metrics whatever the size of the barrier', async () => {
    await replay('four', { reset: true }, { barrierEvents: 1 });
    await replay('five', { reset: true }, { barrierEvents: 64, inFlight: 1 });
    const bodies = (session: string) => of(session).map((m) => m.body);
    expect(bodies('four')).toEqual(bodies('one'));
    expect(bodies('five')).toEqual(bodies('one'));
  });

  test('takes a curve without a single fill for no history', async () => {
    await replay('six', { portfolio_id: 'idle', strategy: 'idle' });
    await replay('seven', { portfolio_id: 'idle', strategy: 'idle' });
    const { body } = await engine.post('/analytics/calculate/idle');
    expect(body).toMatchObject({ observations: 150, total_return: 0, volatility: 0, sharpe_ratio: null });
    expect(body.reasons.sharpe_ratio).toBe('zero volatility');
  });
});
