// Validation of predictions through the Risk engine's port and over the bus: the same answers, the same refusals.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { validationRequest } from '../../src/bus/decision-bodies.ts';
import { topics } from '../../src/bus/topics.ts';
import { TestEngine } from '../../test/support/engine.ts';
import { feed, publishValuation } from '../../test/support/risk-messages.ts';
import definition from './index.ts';

let engine: TestEngine;
beforeEach(async () => {
  engine = await TestEngine.start(definition);
});
afterEach(() => engine.stop());

const predictions = [{ symbol: 'VAR', signal: 'BUY', confidence: 0.9, target_price: 101, generic: false }];
const body = { portfolio_id: 'p', predictions };

/** Asks over the bus and returns the body of the answer. */
async function ask(validation_id: string, request: object, meta = {}) {
  const before = engine.messages(topics.validations).length;
  const question = { validation_id, request: validationRequest.parse(request) };
  engine.bus.publish(topics.validationRequests, question, meta);
  return (await engine.received(topics.validations, before + 1)).at(-1)!;
}

describe('predictions', () => {
  test('of a portfolio are validated by its book, its limits and the bars of the stream', async () => {
    await feed(engine, 'VAR', 201);
    await publishValuation(engine, 'p', { positions: [{ symbol: 'VAR', quantity: '100', mark: '100' }] });
    await engine.send('PUT', '/limits/p', { max_position_notional: '100000' });
    const { status, body: reply } = await engine.post('/risk/validate-predictions', body);
    expect(status).toBe(200);
    expect(reply.positions).toEqual([{ symbol: 'VAR', weight: 0.01 }]);
    expect(reply.portfolio_var).toBeGreaterThan(0);
    const [{ weight_change, limits, parts, risk_score }] = reply.validations;
    expect(weight_change).toBeCloseTo(0.045, 15);
    // 10,000 are held, 45,000 would be bought.
    expect(limits[0].utilisation).toBeCloseTo(0.55, 9);
    expect(parts.liquidity.value).toBeGreaterThan(0);
    const scores = Object.values(parts as Record<string, { score: number }>).map(({ score }) => score);
    expect(risk_score).toBe(Math.min(...scores));
    const { reply: told, problem } = (await ask('one', body)).body;
    expect(problem).toBeNull();
    expect({ ...told, processing_time_ms: 0 }).toEqual({ ...reply, processing_time_ms: 0 });
  });

  test('of a symbol without a price have no score', async () => {
    await publishValuation(engine, 'p');
    const { body: reply } = await engine.post('/risk/validate-predictions', body);
    expect(reply.validations[0]).toMatchObject({ risk_score: null, reason: 'no price is known' });
  });

  test('that are refused over REST are refused over the bus in the same words', async () => {
    await publishValuation(engine, 'broke', { equity: '0' });
    const ragged = { A: [0.1, 0.2], B: [0.1] };
    for (const [change, status] of [
      [{ portfolio_id: 'nobody' }, 404],
      [{ portfolio_id: 'broke' }, 409],
      [{ portfolio_id: 'broke', returns: ragged }, 409],
      [{ portfolio_id: undefined, current_positions: [], portfolio_value: 1, returns: ragged }, 422],
    ] as const) {
      const request = { ...body, ...change };
      const { body: refused } = await engine.post('/risk/validate-predictions', request);
      const { reply, problem } = (await ask('two', request)).body;
      expect(reply).toBeNull();
      expect(problem).toMatchObject({ status, detail: refused.detail });
      expect(refused.type).toBe(`/problems/${problem!.slug}`);
      expect(problem!.errors).toEqual(refused.errors ?? []);
    }
  });

  test('asked about within a replay are not answered; others keep their chain', async () => {
    const replayed = { validation_id: 'replayed', request: validationRequest.parse(body) };
    engine.bus.publish(topics.validationRequests, replayed, { session: 's', step: 1 });
    const answer = await ask('live', body, { correlationId: 'chain' });
    expect(answer).toMatchObject({ source: 'risk', correlation_id: 'chain' });
    expect(answer.body.validation_id).toBe('live');
    expect(answer.body.received_us).toBeGreaterThan(0);
    expect(engine.messages(topics.validations).length).toBe(1);
  });
});

test('the turnover of a symbol comes back after a restart with its returns', async () => {
  await feed(engine, 'VAR', 201);
  await publishValuation(engine, 'p');
  const turnoverOf = async () => {
    const { body: reply } = await engine.post('/risk/validate-predictions', body);
    return reply.validations[0].parts.liquidity.value;
  };
  const before = await turnoverOf();
  await engine.restart(definition);
  expect(await turnoverOf()).toBe(before);
});
