// The Risk engine through its port and the bus.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { topics } from '../../src/bus/topics.ts';
import { limitsSchema } from '../../src/trading/limits.ts';
import { TestEngine } from '../../test/support/engine.ts';
import { eventually } from '../../test/support/eventually.ts';
import { feed, orderEvent, publishValuation, type valuation } from '../../test/support/risk-messages.ts';
import definition from './index.ts';

let engine: TestEngine;
beforeEach(async () => {
  engine = await TestEngine.start(definition);
});
afterEach(() => engine.stop());

const value = (...args: Parameters<typeof valuation>) => publishValuation(engine, ...args);

const held = { symbol: 'BTC', quantity: '2', mark: '100000' };

describe('on the stream', () => {
  test('each valuation is answered with the state of every limit, in its time and chain', async () => {
    const update = await value('portfolio_001', { equity: '850000', positions: [held] });
    expect(update.source).toBe('risk');
    expect(update.body).toEqual({
      portfolio_id: 'portfolio_001',
      status: 'warning',
      equity: '850000',
      drawdown: 0.15,
      limits: [
        {
          limit: 'max_position_notional',
          value: '200000',
          threshold: '250000',
          utilisation: 0.8,
          status: 'warning',
        },
        {
          limit: 'max_drawdown',
          value: '0.15',
          threshold: '0.2',
          utilisation: expect.closeTo(0.75, 12),
          status: 'ok',
        },
      ],
    });
    const sent = (await engine.received(topics.valuations, 1))[0]!;
    expect(update.correlation_id).toBe(sent.correlation_id);
    expect(update.ts_event_us).toBe(sent.ts_event_us);
  });

  test('drawdown counts from the highest equity so far, the starting cash included', async () => {
    expect((await value('p', { equity: '990000' })).body.drawdown).toBeCloseTo(0.01, 12);
    expect((await value('p', { equity: '1250000' })).body.drawdown).toBe(0);
    expect((await value('p', { equity: '1000000' })).body).toMatchObject({
      drawdown: 0.2,
      status: 'warning',
    });
    expect((await value('p', { equity: '999999' })).body.status).toBe('breach');
  });

  test('a portfolio whose history was emptied starts with a new peak', async () => {
    await value('p', { equity: '2000000', fills: 7 });
    expect((await value('p', { equity: '1000000', fills: 0 })).body.drawdown).toBe(0);
  });

  test('a position without a price is a breach that names no value', async () => {
    const { body } = await value('p', { positions: [{ ...held, mark: '0' }] });
    expect(body.status).toBe('breach');
    expect(body.limits.at(-1)).toMatchObject({ limit: 'reference_price', value: null, status: 'breach' });
  });

  test('positions without a price are one breach, which ends when they have prices', async () => {
    const unpriced = { ...held, mark: '0' };
    await value('p', { positions: [unpriced, { ...unpriced, symbol: 'ETH' }] });
    await value('p', { positions: [held, { ...unpriced, symbol: 'ETH' }] });
    await value('p', { positions: [held] });
    const none = { portfolio_id: 'p', value: null, threshold: null, utilisation: null, equity: '1000000' };
    expect((await engine.received(topics.breaches, 2)).map((e) => e.body)).toEqual([
      { ...none, limit: 'reference_price', status: 'breach' },
      { ...none, limit: 'reference_price', status: 'cleared' },
    ]);
  });

  test('a new portfolio has its limits published', async () => {
    await value('portfolio_new');
    const [limits] = await engine.received(topics.riskLimits, 1);
    expect(limits!.body).toEqual({ portfolio_id: 'portfolio_new', limits: limitsSchema.parse({}) });
  });
});

describe('POST /risk/check', () => {
  test('without a body checks the current book', async () => {
    await value('portfolio_001', { equity: '850000', positions: [held] });
    const { status, body } = await engine.post('/risk/check/portfolio_001');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      portfolio_id: 'portfolio_001',
      status: 'warning',
      approved: true,
      equity: '850000',
      peak_equity: '1000000',
      hardware_used: 'cpu',
    });
    expect(body.limits[0]).toMatchObject({
      limit: 'max_position_notional',
      symbol: 'BTC',
      headroom: '50000',
    });
    expect(body.risk_score).toBeCloseTo(0.2, 12);
    expect(body.processing_time_ms).toBeGreaterThan(0);
    expect(body).not.toHaveProperty('breaches');
    expect(Object.keys(body)).not.toContain('max_quantity');
  });

  test('does not approve a book in breach, and scores it 0', async () => {
    await value('p', { positions: [{ ...held, quantity: '3' }] });
    expect((await engine.post('/risk/check/p')).body).toMatchObject({ approved: false, risk_score: 0 });
  });

  test('with an order answers as the order path does: headroom and the largest quantity that passes', async () => {
    await value('p', { positions: [held] });
    const order = { symbol: 'BTC', side: 'buy', quantity: '1' };
    const { status, body } = await engine.post('/risk/check/p', { order });
    expect(status).toBe(200);
    expect(body).toMatchObject({ approved: false, status: 'warning', max_quantity: '0.5' });
    expect(body.breaches).toEqual([
      expect.objectContaining({
        limit: 'max_position_notional',
        value: '300000',
        headroom: '-50000',
        max_quantity: '0.5',
      }),
    ]);
    const smaller = await engine.post('/risk/check/p', { order: { ...order, quantity: 0.5 } });
    expect(smaller.body).toMatchObject({ approved: true, breaches: [], max_quantity: '0.5' });
    const dear = { ...order, quantity: '0.5', limit_price: '150000' };
    expect((await engine.post('/risk/check/p', { order: dear })).body.approved).toBe(false);
  });

  test('refuses an order in a symbol without a reference price, and values it by the last bar once there is one', async () => {
    await value('p');
    const order = { symbol: 'ETH', side: 'buy', quantity: '1' };
    const closed = await engine.post('/risk/check/p', { order });
    expect(closed.status).toBe(200);
    expect(closed.body).toMatchObject({ approved: false, max_quantity: '0' });
    expect(closed.body.breaches[0].limit).toBe('reference_price');
    await feed(engine, 'ETH', 2);
    expect((await engine.post('/risk/check/p', { order })).body.approved).toBe(true);
  });

  test('counts open orders until they end', async () => {
    await value('p', { positions: [held] });
    const ask = async () =>
      (await engine.post('/risk/check/p', { order: { symbol: 'BTC', side: 'buy', quantity: '0.4' } })).body
        .approved;
    expect(await ask()).toBe(true);
    await engine.append(topics.orders, orderEvent('p', 'order-1', 'accepted'));
    await eventually(async () => !(await ask()), 'the open order counts');
    await engine.append(topics.orders, orderEvent('p', 'order-1', 'cancelled'));
    await eventually(ask, 'the cancelled order no longer counts');
  });

  test('answers bad requests with problems that name the field', async () => {
    await value('p');
    const good = { symbol: 'BTC', side: 'buy', quantity: '1' };
    const cases: [string, unknown, number, string, string][] = [
      ['/risk/check/nobody', undefined, 404, 'not-found', ''],
      ['/risk/check/p', {}, 422, 'invalid-option', '/order'],
      ['/risk/check/p', { oder: good }, 422, 'invalid-option', 'oder'],
      ['/risk/check/p', { order: { ...good, side: 'hold' } }, 422, 'invalid-option', '/order/side'],
      ['/risk/check/p', { order: { ...good, quantity: '0' } }, 422, 'invalid-option', '/order/quantity'],
      ['/risk/check/p', { order: { ...good, quantity: 'NaN' } }, 422, 'invalid-option', '/order/quantity'],
      ['/risk/check/p', { order: { ...good, type: 'limit' } }, 422, 'invalid-option', '/order/limit_price'],
      ['/risk/check/p', { order: { ...good, leverage: 9 } }, 422, 'invalid-option', 'leverage'],
      ['/risk/var/nobody', undefined, 404, 'not-found', ''],
      ['/risk/var/p', { confidence: 1 }, 422, 'invalid-option', '/confidence'],
      ['/risk/var/p', { paths: 10 }, 422, 'invalid-option', '/paths'],
      ['/risk/var/p', { returns: { A: [1] } }, 422, 'invalid-option', '/positions'],
    ];
    for (const [path, body, status, slug, named] of cases) {
      const answer = await engine.post(path, body);
      expect([path, body, answer.status, answer.body.type]).toEqual([
        path,
        body,
        status,
        `/problems/${slug}`,
      ]);
      expect(JSON.stringify(answer.body)).toContain(named);
    }
  });
});

describe('the limits of a portfolio', () => {
  test('are the defaults until changed; a change is stored, published and recorded', async () => {
    await value('p');
    expect((await engine.get('/limits/p')).body).toEqual({
      portfolio_id: 'p',
      limits: limitsSchema.parse({}),
      stored: false,
    });
    const first = await engine.send('PUT', '/limits/p', {
      max_order_notional: 5000,
      max_position_quantity: '3',
    });
    expect(first.status).toBe(200);
    expect(first.body).toEqual({
      portfolio_id: 'p',
      limits: { ...limitsSchema.parse({}), max_order_notional: '5000', max_position_quantity: '3' },
      stored: true,
    });
    const published = (await engine.received(topics.riskLimits, 2)).at(-1)!;
    expect(published.body).toEqual({ portfolio_id: 'p', limits: first.body.limits });
    expect(published.session).toBeUndefined();
    const second = await engine.send('PUT', '/limits/p', { max_position_quantity: null, max_drawdown: 0.1 });
    expect(second.body.limits).not.toHaveProperty('max_position_quantity');
    expect(second.body.limits).toMatchObject({ max_order_notional: '5000', max_drawdown: 0.1 });

    const { body: newest } = await engine.get('/limits/p/changes?limit=1');
    expect(newest.changes).toEqual([
      { id: 2, time_us: expect.any(Number), before: first.body.limits, after: second.body.limits },
    ]);
    const { body: rest } = await engine.get(`/limits/p/changes?cursor=${newest.next_cursor}`);
    expect(rest.changes.map((c: { id: number }) => c.id)).toEqual([1]);
    expect(rest.next_cursor).toBeNull();
  });

  test('count at once in checks', async () => {
    await value('p', { positions: [held] });
    await engine.send('PUT', '/limits/p', { max_position_notional: '100000' });
    expect((await engine.post('/risk/check/p')).body).toMatchObject({ status: 'breach', approved: false });
  });

  test('that break their schema are refused by name; nothing is stored or published', async () => {
    await value('p');
    await engine.received(topics.riskLimits, 1);
    const cases: [unknown, string][] = [
      [{ max_drawdown: 1.5 }, '/max_drawdown'],
      [{ max_order_notional: '-1' }, '/max_order_notional'],
      [{ max_order_notional: 1, max_drawdown: 'lots' }, '/max_drawdown'],
      [{ max_order_notional: null }, '/max_order_notional'],
      [{ max_leverage: 3 }, 'max_leverage'],
      [{}, 'at least one limit'],
      [undefined, ''],
    ];
    for (const [body, named] of cases) {
      const answer = await engine.send('PUT', '/limits/p', body);
      expect([body, answer.status]).toEqual([body, 422]);
      expect(JSON.stringify(answer.body)).toContain(named);
    }
    // A change of nothing is no change either.
    await engine.send('PUT', '/limits/p', { max_drawdown: 0.2 });
    expect((await engine.get('/limits/p')).body.stored).toBe(false);
    expect((await engine.get('/limits/p/changes')).body.changes).toEqual([]);
    expect(engine.messages(topics.riskLimits)).toHaveLength(1);
  });

  test('of an unknown portfolio are not found', async () => {
    for (const [method, path] of [
      ['GET', '/limits/x'],
      ['PUT', '/limits/x'],
      ['GET', '/limits/x/changes'],
    ] as const) {
      const answer = await engine.send(method, path, method === 'PUT' ? { max_drawdown: 0.3 } : undefined);
      expect(answer.status).toBe(404);
    }
    expect((await engine.get('/limits/p/changes?limit=0')).status).toBe(422);
  });
});

test('nothing is forgotten over a restart: limits, changes, peak, book, open orders, returns', async () => {
  await feed(engine, 'BTC', 120);
  await value('p', { equity: '1500000' });
  await value('p', { equity: '1350000', positions: [held] });
  await engine.send('PUT', '/limits/p', { max_drawdown: 0.3 });
  await engine.append(topics.orders, orderEvent('p', 'order-1', 'accepted'));
  const ask = () => engine.post('/risk/check/p', { order: { symbol: 'BTC', side: 'buy', quantity: '0.5' } });
  await eventually(async () => !(await ask()).body.approved, 'the open order counts');
  const before = (await engine.post('/risk/check/p')).body;
  const risk = (await engine.post('/risk/var/p')).body;
  await engine.restart(definition);
  const after = (await engine.post('/risk/check/p')).body;
  expect({ ...after, processing_time_ms: 0 }).toEqual({ ...before, processing_time_ms: 0 });
  expect(after.drawdown).toBeCloseTo(0.1, 12);
  expect((await ask()).body.approved).toBe(false);
  expect((await engine.get('/limits/p')).body.limits.max_drawdown).toBe(0.3);
  expect((await engine.get('/limits/p/changes')).body.changes).toHaveLength(1);
  expect((await engine.post('/risk/var/p')).body.var).toBe(risk.var);
  const again = engine.messages(topics.riskLimits).filter((m) => m.body.portfolio_id === 'p');
  expect(again.at(-1)!.body.limits).toMatchObject({ max_drawdown: 0.3 });
});
