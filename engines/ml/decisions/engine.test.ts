// POST /decisions through the engine's port, with a scripted risk engine on the bus.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { resolve } from 'node:path';
import { Bus } from '../../../src/bus/client.ts';
import type { ValidationReply, ValidationRequest } from '../../../src/bus/decision-bodies.ts';
import type { Envelope } from '../../../src/bus/envelope.ts';
import { type BodyOf, topics } from '../../../src/bus/topics.ts';
import { Philox } from '../../../src/core/philox.ts';
import { TestEngine } from '../../../test/support/engine.ts';
import { eventually } from '../../../test/support/eventually.ts';
import definition from '../index.ts';
import { replyWith, validation } from './test-parts.ts';

type Question = BodyOf<typeof topics.validationRequests>;
type Script = (
  request: ValidationRequest,
) => Partial<Omit<BodyOf<typeof topics.validations>, 'validation_id'>>;

const env = {
  NAUTILUS_MODELS_DIR: resolve(import.meta.dir, '../../../models'),
  NAUTILUS_DECISION_RISK_TIMEOUT_MS: '60000',
};
const symbols = ['AAPL', 'GOOGL', 'MSFT'];
// Far from the middle, so that the generic model of an hour buys the first, holds the second and sells the third.
const features = {
  price_data: [150, 2750, 330],
  volume: [1e8, 1e4, 1e4],
  technical_indicators: { rsi: [5, 50, 95], macd: [-15, 0, 33] },
};
const horizon = { prediction_horizon: '1h' };
const normals = new Philox(3).fillNormal(new Float64Array(120), 0);
const returns = Object.fromEntries(
  symbols.map((symbol, i) => [symbol, [...normals.subarray(i * 40, (i + 1) * 40)].map((z) => z * 0.01)]),
);
const portfolio = { current_positions: [], portfolio_value: 1_000_000, returns };
const low = { confidence: 0.1, combined_confidence: 0.1, portfolio_var: 0.5 };

/** Validations with one score of trades of one size. */
const scored =
  (risk_score: number | null, of: Partial<ValidationReply> = {}): Script =>
  ({ predictions, portfolio_id = null }) => ({
    reply: replyWith(
      predictions.map(({ symbol, signal }) =>
        validation({
          symbol,
          risk_score,
          reason: risk_score === null ? 'no price is known' : null,
          weight_change: signal === 'BUY' ? 0.05 : signal === 'SELL' ? -0.05 : 0,
        }),
      ),
      { portfolio_id, ...of },
    ),
  });

describe('decisions', () => {
  let engine: TestEngine;
  let risk: Bus;
  let script: Script;
  const questions: Question[] = [];
  const silent: Script = () => ({ reply: null });
  beforeAll(async () => {
    engine = await TestEngine.start(definition, env);
    risk = new Bus('risk', engine.hub.connect());
    await risk.subscribe(topics.validationRequests, (batch) => {
      for (const { body, correlation_id } of batch as readonly Envelope<Question>[]) {
        questions.push(body);
        const said = script(body.request);
        if (said.reply === null && !said.problem) continue;
        const { validation_id } = body;
        const answer = { validation_id, received_us: 0, reply: null, problem: null, ...said };
        risk.publish(topics.validations, answer, { correlationId: correlation_id });
      }
    });
  });
  beforeEach(() => {
    script = scored(0.9);
    questions.length = 0;
  });
  afterAll(async () => {
    await risk.close();
    await engine.stop();
  });
  const ask = (body: object) =>
    engine.post('/decisions', { symbols, features, ...horizon, ...portfolio, ...body });
  const decided = async (body: object) => {
    const { status, body: reply } = await ask(body);
    expect([status, reply.detail]).toEqual([200, undefined]);
    ids.add(reply.decision_id);
    return reply;
  };
  const ids = new Set<string>();
  /** Nothing was told but what was replied: messages come in the order in which they were published. */
  const toldOnly = async () => {
    script = scored(0.9);
    const { decision_id } = await decided({});
    const told = () => engine.messages(topics.decisions).map(({ body }) => body.decision_id);
    await eventually(() => told().includes(decision_id), 'the newest decision');
    expect(told().filter((id) => !ids.has(id))).toEqual([]);
  };

  test('are made of the signals, the scores and the value at risk, and told on the bus', async () => {
    const before = engine.messages(topics.decisions).length;
    const signals = (
      await engine.post('/predict', { model_type: 'trading_signals', symbols, features, ...horizon })
    ).body;
    const reply = await decided({ gates: low });
    expect(reply.weights).toEqual({ ml: 0.7, risk: 0.3 });
    expect(reply.gates).toEqual(low);
    expect(reply.decisions.map((one: { signal: string }) => one.signal)).toEqual(['BUY', 'HOLD', 'SELL']);
    expect(reply.executed).toEqual(['AAPL', 'MSFT']);
    expect(reply.decisions.map((one: { symbol: string }) => one.symbol)).toEqual(symbols);
    for (const one of reply.decisions) {
      const { signal, confidence, target_price } = signals.predictions[one.symbol];
      expect([one.signal, one.ml_confidence, one.target_price]).toEqual([signal, confidence, target_price]);
      expect(one.combined_confidence).toBeCloseTo(0.7 * confidence + 0.3 * 0.9, 12);
      expect(one.decision).toBe(signal === 'HOLD' ? 'hold' : 'execute');
    }
    const hops = reply.hops_ms;
    const parts = hops.ml + hops.bus_out + hops.risk + hops.bus_back + hops.portfolio_risk;
    // Each of six figures is rounded to a microsecond.
    expect(Math.abs(hops.total - parts)).toBeLessThan(0.004);
    const [question] = questions;
    expect(question!.request).toMatchObject({ ...portfolio, trade_weight: 0.05, max_portfolio_var: 0.5 });
    expect(question!.request.predictions.map(({ symbol }) => symbol)).toEqual(symbols);
    const messages = (await engine.received(topics.decisions, before + 3)).slice(before).map((e) => e.body);
    expect(messages.map(({ symbol, decision, decision_id }) => [symbol, decision, decision_id])).toEqual(
      reply.decisions.map((one: { symbol: string; decision: string }) => [
        one.symbol,
        one.decision,
        reply.decision_id,
      ]),
    );
    const metrics: string[] = (await engine.get('/metrics')).body.split('\n');
    for (const line of [
      /^nautilus_ml_decision_seconds_count{.*hop="total".*} \d/,
      /^nautilus_ml_risk_questions_total{.*outcome="answered".*} \d/,
      /^nautilus_ml_decisions_total{.*decision="execute".*} \d/,
    ])
      expect([line, metrics.filter((one) => line.test(one)).length]).toEqual([line, 1]);
  });

  test('of a list are those of the same symbols in columns', async () => {
    const predictions = symbols.map((symbol, i) => ({
      symbol,
      ...horizon,
      features: {
        price_data: features.price_data[i],
        volume: features.volume[i],
        technical_indicators: {
          rsi: features.technical_indicators.rsi[i],
          macd: features.technical_indicators.macd[i],
        },
      },
    }));
    const listed = await decided({
      symbols: undefined,
      features: undefined,
      prediction_horizon: undefined,
      predictions,
      gates: low,
    });
    const { decisions } = await decided({ gates: low });
    expect(listed.decisions).toEqual(decisions);
  });

  test('take the value at risk of what is held with the trades, as portfolio_risk tells it', async () => {
    const positions = [{ symbol: 'AAPL', weight: 0.5 }];
    script = scored(0.9, { positions });
    const reply = await decided({ gates: low });
    const trades = reply.decisions
      .filter((one: { weight_change: number }) => one.weight_change !== 0)
      .map(({ symbol, weight_change }: { symbol: string; weight_change: number }) => {
        const side = weight_change > 0 ? 'buy' : 'sell';
        return { symbol, side, weight: Math.abs(weight_change) };
      });
    const { body } = await engine.post('/predict', {
      model_type: 'portfolio_risk',
      current_positions: positions,
      proposed_trades: trades,
      allow_short: true,
      returns,
    });
    expect([reply.portfolio_var, reply.portfolio_var_before]).toEqual([
      body.portfolio_var,
      body.before.portfolio_var,
    ]);
    expect(reply.portfolio_var_before).toBeGreaterThan(0);
    const tight = await decided({ gates: { ...low, portfolio_var: body.portfolio_var } });
    expect(tight.executed).toEqual([]);
  });

  test('count no hedge that is rejected: the value at risk is that with the trades that are left', async () => {
    const hedged = (msft: number): Script => {
      const told = scored(0.9, { positions: [{ symbol: 'MSFT', weight: 0.5 }] });
      return (request) => {
        const { reply } = told(request);
        const validations = reply!.validations.map((one) =>
          one.symbol === 'MSFT' ? { ...one, weight_change: -0.5, risk_score: msft } : one,
        );
        return { reply: { ...reply!, validations } };
      };
    };
    // Half of MSFT has a value at risk of about 0.008, the purchase alone one of 0.0008.
    const body = { weights: { ml: 0 }, gates: { ...low, portfolio_var: 0.004 } };
    script = hedged(0.9);
    const both = await decided(body);
    expect([both.executed, both.portfolio_var < 0.004]).toEqual([['AAPL', 'MSFT'], true]);
    script = hedged(0.05);
    const alone = await decided(body);
    expect([alone.executed, alone.portfolio_var > 0.004]).toEqual([[], true]);
  });

  test('of a portfolio without history are rejected, which says why', async () => {
    script = scored(0.9, { positions: [{ symbol: 'UNHEARD', weight: 0.5 }] });
    const unknown = await decided({ gates: low });
    expect([unknown.portfolio_var, unknown.executed]).toEqual([null, []]);
    expect(unknown.portfolio_var_reason).toContain('a symbol with at least 2 bars');
    const excluded = await decided({ gates: low, unknown_risk_score: 0 });
    expect([excluded.excluded, excluded.portfolio_var_reason]).toEqual([['UNHEARD'], null]);
    script = scored(0.9, { positions: [{ symbol: 'UNHEARD', weight: 50 }] });
    const { portfolio_var_reason } = await decided({ gates: low });
    expect(portfolio_var_reason).toContain("can't be assessed");
  });

  test('of symbols of unknown risk are rejected, unless their score is given', async () => {
    script = scored(null);
    const body = { returns: undefined, gates: low };
    const rejected = await decided(body);
    // No trade of a known risk is left, and nothing is held.
    expect([rejected.executed, rejected.portfolio_var]).toEqual([[], 0]);
    const bought = await decided({ ...body, unknown_risk_score: 0.5 });
    expect([bought.portfolio_var, bought.excluded.length > 0]).toEqual([0, true]);
    for (const one of bought.decisions) expect(one.decision).toBe(one.signal === 'HOLD' ? 'hold' : 'execute');
  });

  test('are not made where the risk engine refuses, in its words', async () => {
    const problem = {
      slug: 'not-found',
      status: 404,
      title: 'Not found',
      detail: 'Expected a portfolio',
      errors: [],
    };
    script = () => ({ problem });
    const { status, body } = await ask({
      current_positions: undefined,
      portfolio_value: undefined,
      portfolio_id: 'x',
    });
    expect([status, body.type, body.detail]).toEqual([404, '/problems/not-found', 'Expected a portfolio']);
    await toldOnly();
  });

  test('are refused before anything is asked where the body does not fit', async () => {
    for (const [change, pointer] of [
      [{ symbols: ['A', 'A'], features: {} }, '/symbols/1'],
      [{ features: { volume: [1] } }, '/features/volume'],
      [{ weights: { ml: 0.5, risk: 0.6 } }, '/weights'],
      [{ timeout_ms: 600_000 }, '/timeout_ms'],
      [{ prediction_horizon: '500d' }, '/prediction_horizon'],
    ] as const) {
      const { status, body } = await ask(change);
      expect([status, body.errors[0].pointer]).toEqual([422, pointer]);
    }
    expect(questions).toEqual([]);
  });

  test('are not made where the risk engine is silent: 503 by the environment, 504 by the request', async () => {
    script = silent;
    const late = await ask({ timeout_ms: 300 });
    expect([late.status, late.body.type]).toEqual([504, '/problems/deadline-exceeded']);
    await toldOnly();
    script = silent;
    await engine.restart(definition, { ...env, NAUTILUS_DECISION_RISK_TIMEOUT_MS: '10' });
    const away = await ask({});
    const { type, retry_after_s } = away.body;
    expect([away.status, type, retry_after_s]).toEqual([503, '/problems/dependency-unavailable', 1]);
  });
});
