// Questions over the bus: answers, refusals, an engine that is away, answers too late, bounds, the end.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { Bus } from '../../../src/bus/client.ts';
import { validationRequest } from '../../../src/bus/decision-bodies.ts';
import type { Envelope } from '../../../src/bus/envelope.ts';
import { MemoryHub } from '../../../src/bus/memory.ts';
import { type BodyOf, topics } from '../../../src/bus/topics.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { type Outcome, type QuestionOptions, RiskQuestions } from './questions.ts';
import { replyWith, validation } from './test-parts.ts';

type Question = BodyOf<typeof topics.validationRequests>;
type Answer = BodyOf<typeof topics.validations>;

const request = validationRequest.parse({
  portfolio_id: 'p',
  predictions: [{ symbol: 'A', signal: 'BUY', confidence: 0.9 }],
});
const signal = new AbortController().signal;
const patience = { leftMs: 60_000, signal };
const reply = replyWith([validation()]);

describe('a question', () => {
  let hub: MemoryHub;
  let ml: Bus;
  let risk: Bus;
  let asked: Envelope<Question>[];
  const outcomes: Outcome[] = [];
  let questions: RiskQuestions;

  const open = async (options: Partial<QuestionOptions> = {}) => {
    const told = (outcome: Outcome) => void outcomes.push(outcome);
    questions = new RiskQuestions(ml, systemClock, { timeoutMs: 60_000, told, ...options });
    await questions.start();
  };
  const answer = (of: Partial<Answer>, meta = {}) => {
    const body = { validation_id: asked[0]!.body.validation_id, received_us: 0, reply, problem: null, ...of };
    risk.publish(topics.validations, body, meta);
    risk.flush();
  };
  const wasAsked = (count: number) => eventually(() => asked.length === count, `${count} questions`);

  beforeEach(async () => {
    hub = new MemoryHub();
    [ml, risk] = [new Bus('ml', hub.connect()), new Bus('risk', hub.connect())];
    asked = [];
    outcomes.length = 0;
    await risk.subscribe(topics.validationRequests, (batch) => void asked.push(...(batch as typeof asked)));
  });
  afterEach(async () => {
    await questions.stop();
    await Promise.all([ml.close(), risk.close()]);
  });

  test('gets its answer, with the parts of its way, whichever comes first', async () => {
    await open();
    const first = questions.ask(request, { ...patience, correlationId: 'chain' });
    const second = questions.ask(request, patience);
    await wasAsked(2);
    expect(asked[0]!.correlation_id).toBe('chain');
    expect(questions.pending).toBe(2);
    answer({ validation_id: asked[1]!.body.validation_id, reply: { ...reply, portfolio_value: 2 } });
    answer({ received_us: asked[0]!.ts_sent_us + 1 });
    expect((await second).reply.portfolio_value).toBe(2);
    const { busOutMs, riskMs, ...of } = await first;
    expect(of.reply).toEqual(reply);
    for (const ms of [busOutMs, riskMs]) expect(ms).toBeGreaterThanOrEqual(0);
    expect([questions.pending, outcomes]).toEqual([0, ['answered', 'answered']]);
  });

  test('takes no time from clocks that disagree', async () => {
    await open();
    const began = performance.now();
    for (const received_us of [0, Number.MAX_SAFE_INTEGER]) {
      const told = questions.ask(request, patience);
      await wasAsked(1);
      answer({ received_us });
      const { busOutMs, riskMs } = await told;
      if (received_us === 0) expect(busOutMs).toBe(0);
      else expect(busOutMs + riskMs).toBeLessThanOrEqual(performance.now() - began);
      asked.length = 0;
    }
  });

  test('is refused as the risk engine refuses it', async () => {
    await open();
    const told = questions.ask(request, patience);
    await wasAsked(1);
    const errors = [{ pointer: '/returns/B', expected: '2 returns' }];
    answer({
      reply: null,
      problem: { slug: 'shape-mismatch', status: 422, title: 'Shape', detail: 'd', errors },
    });
    await expect(told).rejects.toMatchObject({
      slug: 'shape-mismatch',
      status: 422,
      message: 'd',
      extras: { errors },
    });
    expect(outcomes).toEqual(['refused']);
  });

  test('that nobody answers is given up as a dependency that is away, and an answer after that is late', async () => {
    await open({ timeoutMs: 1 });
    await expect(questions.ask(request, patience)).rejects.toMatchObject({
      slug: 'dependency-unavailable',
      status: 503,
      extras: { retry_after_s: 1 },
    });
    await wasAsked(1);
    answer({});
    await eventually(() => outcomes.length === 2, 'the late answer');
    expect([questions.pending, outcomes]).toEqual([0, ['timeout', 'late']]);
  });

  test('ends with the time of its request, or with who asked', async () => {
    await open();
    const deadline = { slug: 'deadline-exceeded', status: 504 };
    await expect(questions.ask(request, { ...patience, leftMs: 1 })).rejects.toMatchObject(deadline);
    const gone = new AbortController();
    const told = questions.ask(request, { leftMs: 60_000, signal: gone.signal });
    gone.abort();
    await expect(told).rejects.toMatchObject(deadline);
    await expect(questions.ask(request, { leftMs: 60_000, signal: gone.signal })).rejects.toMatchObject(
      deadline,
    );
    expect(questions.pending).toBe(0);
  });

  test('beyond the bound is refused at once, and those that wait end with the engine', async () => {
    await open({ maxPending: 2 });
    const waiting = [questions.ask(request, patience), questions.ask(request, patience)];
    await expect(questions.ask(request, patience)).rejects.toMatchObject({ status: 503 });
    await questions.stop();
    for (const one of waiting) await expect(one).rejects.toMatchObject({ slug: 'dependency-unavailable' });
    expect(questions.pending).toBe(0);
  });

  test('is not answered by a replay, nor by an answer twice', async () => {
    await open();
    const told = questions.ask(request, patience);
    await wasAsked(1);
    answer({ reply: { ...reply, portfolio_value: 3 } }, { session: 's', step: 1 });
    answer({});
    answer({});
    expect((await told).reply.portfolio_value).toBe(reply.portfolio_value);
    await eventually(() => outcomes.length === 2, 'the second answer');
    expect(outcomes.toSorted()).toEqual(['answered', 'late']);
  });

  test('without a bus is refused at once', async () => {
    await open();
    await ml.close();
    await expect(questions.ask(request, patience)).rejects.toMatchObject({ status: 503 });
  });
});
