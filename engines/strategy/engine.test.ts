// The Strategy engine through its port and the bus: deployments, state over restarts, the live join.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { cpSync } from 'node:fs';
import { topics } from '../../src/bus/topics.ts';
import { TestEngine } from '../../test/support/engine.ts';
import { eventually } from '../../test/support/eventually.ts';
import { BUY, LiveMarket, PORTFOLIO, SYMBOL } from '../../test/support/live-market.ts';
import definition from './index.ts';

let market: LiveMarket;
beforeEach(async () => {
  market = await LiveMarket.start();
});
afterEach(() => market.engine.stop());

/** The side of the newest signal since the engine started. */
async function lastSignal(): Promise<string | undefined> {
  return (await market.engine.get('/signals?limit=1')).body.signals[0]?.signal;
}

describe('deployments', () => {
  const request = {
    strategy: 'ma-cross',
    symbol: SYMBOL,
    portfolio_id: PORTFOLIO,
    options: { fast: 'ema_12', slow: 'ema_26' },
  };

  test('a deployment trades live: signal, order, fill; it is kept over a restart with its position', async () => {
    await market.tellPortfolio();
    const { status: code, body } = await market.engine.post('/deployments', request);
    expect(code).toBe(201);
    expect(body).toMatchObject({ ...request, target: 'flat', bars: 0, last_bar_ts_us: null });
    expect(body.options).toEqual({ ...request.options, notional: '100000', lot: '0.001' });
    while ((await lastSignal()) !== 'BUY') await market.advance();
    const bought = await market.advance();
    const [fill] = (await market.engine.received(topics.fills, 1)).slice(-1);
    expect(fill!.body).toMatchObject({ side: 'buy', price: String(bought.open), portfolio_id: PORTFOLIO });
    const signals = (await market.engine.received(topics.signals, 1)).map((e) => e.body);
    expect(signals.at(-1)).toMatchObject({ signal: 'BUY', strategy: 'ma-cross', portfolio_id: PORTFOLIO });

    await market.restart();
    const [again] = (await market.engine.get('/deployments')).body.deployments;
    expect(again).toMatchObject({ deployment_id: body.deployment_id, target: 'long' });
    while ((await lastSignal()) !== 'SELL') await market.advance();
    await market.advance();
    const [sold] = (await market.engine.received(topics.fills, 2)).slice(-1);
    expect(sold!.body).toMatchObject({ side: 'sell', quantity: fill!.body.quantity });

    expect((await market.engine.send('DELETE', `/deployments/${body.deployment_id}`)).status).toBe(200);
    expect((await market.engine.get('/deployments')).body.deployments).toEqual([]);
  });

  test('refuses what is unknown, wrong, or there already', async () => {
    await market.tellPortfolio();
    const cases: [object, number, string][] = [
      [{ ...request, strategy: 'nope' }, 404, 'ma-cross, ml-threshold'],
      [{ ...request, portfolio_id: 'nobody' }, 404, 'portfolio'],
      [{ ...request, options: { fast: 'ema_200', slow: 'ema_12' } }, 422, '/options/fast'],
      [{ ...request, options: { leverage: 2 } }, 422, 'leverage'],
      [{ ...request, options: [] }, 422, '/options'],
      [{ ...request, symbol: '' }, 422, '/symbol'],
      [{ ...request, extra: 1 }, 422, 'extra'],
    ];
    for (const [body, code, named] of cases) {
      const answer = await market.engine.post('/deployments', body);
      expect([body, answer.status]).toEqual([body, code]);
      expect(JSON.stringify(answer.body)).toContain(named);
    }
    expect((await market.engine.post('/deployments', request)).status).toBe(201);
    expect((await market.engine.post('/deployments', request)).status).toBe(409);
    expect(
      (await market.engine.post('/deployments', { ...request, strategy: 'ml-threshold', options: {} }))
        .status,
    ).toBe(409);
    expect((await market.engine.get('/deployments')).body.deployments).toHaveLength(1);
    expect((await market.engine.send('DELETE', '/deployments/none')).status).toBe(404);
  });

  test('the first start with the simulated market makes one, later starts none', async () => {
    expect((await market.engine.get('/deployments')).body.deployments).toEqual([]);
    await market.engine.stop();
    market = await LiveMarket.start({ NAUTILUS_FEED: 'simulated' });
    const [seeded] = (await market.engine.get('/deployments')).body.deployments;
    expect(seeded).toMatchObject({ strategy: 'ma-cross', symbol: 'SIM-BTC', portfolio_id: 'portfolio_sim' });
    await market.engine.send('DELETE', `/deployments/${seeded.deployment_id}`);
    await market.restart({ NAUTILUS_FEED: 'simulated' });
    expect((await market.engine.get('/deployments')).body.deployments).toEqual([]);
  });

  test('lists the strategies with default and range of every option', async () => {
    const { strategies } = (await market.engine.get('/strategies')).body;
    const ids = strategies.map((s: { id: string }) => s.id);
    expect(ids).toEqual(['ma-cross', 'ml-threshold']);
    expect(strategies[0].options.fast).toMatchObject({
      default: 'ema_50',
      enum: expect.arrayContaining(['ema_12']),
    });
    expect(strategies[1].options.enter).toMatchObject({ default: 0.53, minimum: 0, maximum: 1 });
  });
});

describe('state', () => {
  test('open orders and positions are back after a restart', async () => {
    await market.tellPortfolio();
    await market.advance();
    await market.engine.post('/orders', BUY);
    await market.advance();
    const { body: limit } = await market.engine.post('/orders', {
      ...BUY,
      type: 'limit',
      limit_price: '1000',
    });
    await market.restart();
    expect((await market.status()).open_orders).toBe(1);
    const bar = await market.advance();
    const [, second] = await market.engine.received(topics.fills, 2);
    expect(second!.body).toMatchObject({ order_id: limit.order_id, price: String(bar.open) });
    // The position of 4 is known: selling it closes, so that a tight limit on positions does not refuse it.
    await market.setLimits({ max_position_quantity: '0.5' }, BUY);
    expect((await market.engine.post('/orders', { ...BUY, side: 'sell', quantity: '4' })).status).toBe(201);
    expect((await market.engine.post('/orders', { ...BUY, side: 'sell', quantity: '1' })).body.limit).toBe(
      'max_position_quantity',
    );
  });

  test('what was acknowledged survives a crash: the files as they lie there are enough', async () => {
    await market.tellPortfolio();
    await market.advance();
    const { body } = await market.engine.post('/orders', { ...BUY, type: 'limit', limit_price: '1000' });
    const crashed = market.engine;
    const reborn = new TestEngine();
    cpSync(crashed.dataDir, reborn.dataDir, { recursive: true });
    await crashed.stop();
    await reborn.restart(definition);
    market.moveTo(reborn);
    expect((await reborn.get(`/orders/${body.order_id}`)).body.status).toBe('accepted');
    await market.advance();
    expect((await reborn.get(`/orders/${body.order_id}`)).body.status).toBe('filled');
  });

  test('a portfolio with a history of its own starts from its valuation', async () => {
    const position = { symbol: SYMBOL, quantity: '100', average_price: '90', mark_price: '100' };
    await market.tellPortfolio({
      cash: '991000',
      unrealised_pnl: '1000',
      equity: '1001000',
      fills: 1,
      positions: [{ ...position, market_value: '10000', unrealised_pnl: '1000', realised_pnl: '0' }],
    });
    await market.advance();
    await market.setLimits({ max_position_quantity: '101' }, BUY);
    expect((await market.engine.post('/orders', { ...BUY, quantity: '1' })).status).toBe(201);
    expect((await market.engine.post('/orders', { ...BUY, side: 'sell', quantity: '100' })).status).toBe(201);
  });

  test('a bar without partners goes on with the next one and is counted; messages of replays are not live', async () => {
    await market.tellPortfolio();
    market.publish(market.bars[0]!, false);
    market.publish(market.bars[1]!, false);
    await eventually(async () => (await market.status()).bars === 1, 'one joined bar');
    expect((await market.status()).late_inputs).toBe(1);
    market.publish(market.bars[0]!);
    await eventually(async () => (await market.status()).dropped_partners === 2, 'late partners are dropped');
    expect((await market.status()).stale_bars).toBe(1);
    const metrics = (await market.engine.get('/metrics')).body;
    expect(metrics).toContain('nautilus_strategy_events_total{event="late_inputs",engine="strategy"} 1');
    const replayed = { tsEventUs: market.bars[2]!.ts_event_us, session: 'other', step: 0 };
    market.engine.bus.publish(
      topics.marketLiveData,
      { ...market.bars[2]!, symbol: 'REPLAYED', source: 'test' },
      replayed,
    );
    const order = await market.engine.post('/orders', { ...BUY, symbol: 'REPLAYED' });
    expect(order.status).toBe(404);
  });
});
