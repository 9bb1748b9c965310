// Orders through the port: acceptance, fills, limits, refusals, lists.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { topics } from '../../src/bus/topics.ts';
import { eventually } from '../../test/support/eventually.ts';
import { BUY, LiveMarket, PORTFOLIO } from '../../test/support/live-market.ts';

let market: LiveMarket;
beforeEach(async () => {
  market = await LiveMarket.start();
});
afterEach(() => market.engine.stop());

describe('orders', () => {
  test('a market order is accepted and filled at the open of the next bar, with the fee', async () => {
    await market.tellPortfolio();
    const seen = await market.advance();
    const { status: code, body } = await market.engine.post('/orders', BUY);
    expect(code).toBe(201);
    expect(body).toMatchObject({ ...BUY, type: 'market', status: 'accepted', strategy: null, reasons: [] });
    expect(body).toMatchObject({ limit_price: null, ts_event_us: seen.ts_event_us });
    expect(body.processing_time_ms).toBeGreaterThan(0);
    const next = await market.advance();
    const [fill] = await market.engine.received(topics.fills, 1);
    expect(fill!.body).toMatchObject({ order_id: body.order_id, quantity: '2', price: String(next.open) });
    expect(Number(fill!.body.fee)).toBeCloseTo(2 * next.open * 0.0005, 10);
    expect(fill!.ts_event_us).toBe(next.ts_event_us);
    const states = (await market.engine.received(topics.orders, 2)).map((e) => e.body.status);
    expect(states).toEqual(['accepted', 'filled']);
    expect((await market.engine.get(`/orders/${body.order_id}`)).body.status).toBe('filled');
    const { body: fills } = await market.engine.get(`/fills?portfolio_id=${PORTFOLIO}`);
    expect(fills).toEqual({ fills: [{ ...fill!.body }], next_cursor: null });
    expect((await market.engine.send('DELETE', `/orders/${body.order_id}`)).status).toBe(409);
  });

  test('a limit order rests until its price trades, and can be cancelled', async () => {
    await market.tellPortfolio();
    await market.advance();
    const resting = { ...BUY, type: 'limit', limit_price: '1.50' };
    const { body } = await market.engine.post('/orders', resting);
    expect(body).toMatchObject({ status: 'accepted', type: 'limit', limit_price: '1.5' });
    await market.advance();
    const open = await market.engine.get(`/orders?portfolio_id=${PORTFOLIO}&status=accepted`);
    expect(open.body.orders.map((o: { order_id: string }) => o.order_id)).toEqual([body.order_id]);
    const gone = await market.engine.send('DELETE', `/orders/${body.order_id}`);
    expect([gone.status, gone.body.status]).toEqual([200, 'cancelled']);
    expect((await market.engine.received(topics.orders, 2)).at(-1)!.body.status).toBe('cancelled');
    expect((await market.engine.send('DELETE', `/orders/${body.order_id}`)).status).toBe(409);
    expect(await market.status()).toMatchObject({ open_orders: 0, cancelled: 1 });
  });

  test('a refusal names limit, value, threshold, headroom and what would pass; it is recorded and told', async () => {
    await market.tellPortfolio();
    const { close } = await market.advance();
    const { status: code, type, body } = await market.engine.post('/orders', { ...BUY, quantity: '10000' });
    expect([code, type, body.type]).toEqual([422, 'application/problem+json', '/problems/risk-limit']);
    expect(body).toMatchObject({ limit: 'max_position_notional', threshold: '250000' });
    expect(Number(body.value)).toBeCloseTo(10_000 * close, 6);
    expect(Number(body.headroom)).toBeCloseTo(250_000 - 10_000 * close, 6);
    expect(body.breaches.map((b: { limit: string }) => b.limit)).toEqual([
      'max_position_notional',
      'max_order_notional',
    ]);
    const [event] = await market.engine.received(topics.orders, 1);
    expect(event!.body).toMatchObject({ order_id: body.order_id, status: 'rejected' });
    expect(event!.body.reasons).toHaveLength(2);
    expect((await market.engine.get(`/orders/${body.order_id}`)).body.status).toBe('rejected');
    const largest = { ...BUY, quantity: body.max_quantity };
    expect((await market.engine.post('/orders', largest)).status).toBe(201);
    // What is open counts: the second half of the room is smaller.
    expect((await market.engine.post('/orders', largest)).body.limit).toBe('max_position_notional');
  });

  test('obeys the limits that the risk engine publishes, over a restart too', async () => {
    await market.tellPortfolio();
    await market.advance();
    await market.setLimits({ max_position_quantity: '1' }, BUY);
    expect((await market.engine.post('/orders', { ...BUY, quantity: '1' })).status).toBe(201);
    await market.engine.append(topics.riskLimits, { portfolio_id: PORTFOLIO, limits: { nonsense: true } });
    const parked = async () => (await market.engine.get('/events/dead-letters')).body.letters.length === 1;
    await eventually(parked, 'what is not understood is set aside');
    await market.restart();
    await market.advance();
    expect((await market.engine.post('/orders', BUY)).body).toMatchObject({
      limit: 'max_position_quantity',
      threshold: '1',
    });
  });

  test('refuses bad requests without a trace', async () => {
    await market.tellPortfolio();
    await market.advance();
    const cases: [object | undefined, number, string, string][] = [
      [{ ...BUY, portfolio_id: 'nobody' }, 404, 'not-found', 'portfolio'],
      [{ ...BUY, symbol: 'NOPE' }, 404, 'not-found', 'symbol'],
      [{ ...BUY, quantity: 'NaN' }, 422, 'invalid-option', '/quantity'],
      [{ ...BUY, quantity: 0 }, 422, 'invalid-option', '/quantity'],
      [{ ...BUY, quantity: '-1' }, 422, 'invalid-option', '/quantity'],
      [{ ...BUY, quantity: '1e3' }, 422, 'invalid-option', '/quantity'],
      [{ ...BUY, quantity: `0.${'1'.repeat(30)}` }, 422, 'invalid-option', '/quantity'],
      [{ ...BUY, quantity: null }, 422, 'invalid-option', '/quantity'],
      [{ ...BUY, side: 'hold' }, 422, 'invalid-option', '/side'],
      [{ ...BUY, type: 'limit' }, 422, 'invalid-option', '/limit_price'],
      [{ ...BUY, limit_price: '5' }, 422, 'invalid-option', '/limit_price'],
      [{ ...BUY, leverage: 3 }, 422, 'invalid-option', 'leverage'],
      [{}, 422, 'invalid-option', '/portfolio_id'],
      [undefined, 422, 'invalid-option', ''],
    ];
    for (const [body, code, slug, named] of cases) {
      const answer = await market.engine.post('/orders', body);
      expect([body, answer.status, answer.body.type]).toEqual([body, code, `/problems/${slug}`]);
      expect(JSON.stringify(answer.body)).toContain(named);
      expect(answer.body.detail).not.toMatch(/expected expected/i);
    }
    expect((await market.engine.get('/orders')).body.orders).toEqual([]);
    expect(market.engine.messages(topics.orders)).toEqual([]);
    expect((await market.engine.get('/orders/none')).status).toBe(404);
    expect((await market.engine.send('DELETE', '/orders/none')).status).toBe(404);
    for (const path of ['/orders?limit=0', '/orders?limit=1001', '/fills?cursor=x', '/orders?status=lost']) {
      expect([path, (await market.engine.get(path)).status]).toEqual([path, 422]);
    }
    for (const list of ['orders', 'fills', 'signals']) {
      expect((await market.engine.get(`/${list}?portfolio_id=nobody`)).status).toBe(404);
    }
  });

  test('lists page from the newest to the oldest', async () => {
    await market.tellPortfolio();
    await market.advance();
    for (let i = 1; i <= 5; i++) await market.engine.post('/orders', { ...BUY, quantity: i });
    const quantities: string[] = [];
    let cursor = '';
    for (let pages = 0; pages < 4; pages++) {
      const { body } = await market.engine.get(`/orders?limit=2${cursor}`);
      quantities.push(...body.orders.map((o: { quantity: string }) => o.quantity));
      if (body.next_cursor === null) break;
      cursor = `&cursor=${body.next_cursor}`;
    }
    expect(quantities).toEqual(['5', '4', '3', '2', '1']);
  });
});
