// Order and fill schemas.
import { expect, test } from 'bun:test';
import { fillSchema, orderRequestSchema, orderSchema } from './orders.ts';

const request = { portfolio_id: 'p', symbol: 'BTCUSDT', side: 'buy', quantity: 0.5, type: 'market' };

test('an order request leaves with canonical decimal strings', () => {
  expect(orderRequestSchema.parse(request).quantity).toBe('0.5');
  const limit = orderRequestSchema.parse({ ...request, type: 'limit', limit_price: '100.50' });
  expect(limit.limit_price).toBe('100.5');
});

test('an order request with a broken field is refused at that field', () => {
  for (const [broken, field] of [
    [{ quantity: 0 }, 'quantity'],
    [{ quantity: '-1' }, 'quantity'],
    [{ side: 'hold' }, 'side'],
    [{ type: 'limit' }, 'limit_price'],
    [{ limit_price: '1' }, 'limit_price'],
    [{ symbol: '' }, 'symbol'],
  ] as const) {
    const result = orderRequestSchema.safeParse({ ...request, ...broken });
    expect(result.error?.issues[0]?.path).toEqual([field]);
  }
});

test('an order request with an unknown key is refused', () => {
  expect(orderRequestSchema.safeParse({ ...request, leverage: 10 }).success).toBe(false);
});

test('orders and fills survive a trip through JSON', () => {
  const order = {
    ...request,
    quantity: '0.5',
    order_id: 'o1',
    status: 'rejected',
    reasons: ['Order notional 60000 is above 50000'],
    ts_event_us: 1_640_995_200_000_000,
  };
  expect(orderSchema.parse(JSON.parse(JSON.stringify(order)))).toEqual(order as never);
  const fill = {
    fill_id: 'f1',
    order_id: 'o1',
    portfolio_id: 'p',
    symbol: 'BTCUSDT',
    side: 'sell',
    quantity: '0.5',
    price: '47722.65',
    fee: '-0.01',
    ts_event_us: 1,
  };
  expect(fillSchema.parse(JSON.parse(JSON.stringify(fill)))).toEqual(fill as never);
});
