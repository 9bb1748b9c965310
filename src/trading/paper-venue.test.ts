// The paper venue: when and at what price orders fill, fees, order of fills, cancellation.
import { describe, expect, test } from 'bun:test';
import { ConflictError } from '../core/errors.ts';
import type { Bar } from '../market/bar.ts';
import type { Order } from './orders.ts';
import { PaperVenue } from './paper-venue.ts';

const minute = 60_000_000;

function bar(ts: number, open: number, high: number, low: number, close: number, symbol = 'BTC'): Bar {
  return { symbol, ts_event_us: ts * minute, interval_us: minute, open, high, low, close, volume: 1 };
}

function order(id: string, side: 'buy' | 'sell', limit?: string, at = 1, symbol = 'BTC'): Order {
  return {
    order_id: id,
    portfolio_id: 'p',
    symbol,
    side,
    quantity: '0.5',
    type: limit === undefined ? 'market' : 'limit',
    ...(limit === undefined ? {} : { limit_price: limit }),
    status: 'accepted',
    reasons: [],
    ts_event_us: at * minute,
  };
}

function venueWith(...orders: Order[]): PaperVenue {
  const venue = new PaperVenue({ feeBps: 10 });
  for (const o of orders) venue.submit(o);
  return venue;
}

describe('a market order', () => {
  test('fills at the open of the next bar, with its time and fee', () => {
    const venue = venueWith(order('a', 'buy'));
    expect(venue.onBar(bar(2, 101.5, 110, 90, 105))).toEqual([
      {
        fill_id: 'a:1',
        order_id: 'a',
        portfolio_id: 'p',
        symbol: 'BTC',
        side: 'buy',
        quantity: '0.5',
        price: '101.5',
        fee: '0.05075',
        ts_event_us: 2 * minute,
      },
    ]);
    expect(venue.onBar(bar(3, 1, 1, 1, 1))).toEqual([]);
  });
  test('is not filled by the bar on which it was decided, or by an older one', () => {
    const venue = venueWith(order('a', 'buy'));
    expect(venue.onBar(bar(1, 100, 110, 90, 105))).toEqual([]);
    expect(venue.onBar(bar(0, 100, 110, 90, 105))).toEqual([]);
    expect(venue.openOrders().map((o) => o.order_id)).toEqual(['a']);
  });
  test('waits for a bar of its own symbol', () => {
    const venue = venueWith(order('a', 'buy', undefined, 1, 'ETH'));
    expect(venue.onBar(bar(2, 100, 110, 90, 105))).toEqual([]);
    expect(venue.onBar(bar(2, 10, 11, 9, 10, 'ETH'))).toHaveLength(1);
  });
});

describe('a limit order', () => {
  // side, limit, open, high, low -> price; null: no fill.
  const cases: ['buy' | 'sell', string, number, number, number, string | null][] = [
    ['buy', '95', 100, 110, 96, null],
    ['buy', '95', 100, 110, 95, '95'],
    ['buy', '95', 100, 110, 90, '95'],
    ['buy', '95', 94, 110, 90, '94'],
    ['sell', '115', 100, 110, 96, null],
    ['sell', '110', 100, 110, 96, '110'],
    ['sell', '105', 100, 110, 96, '105'],
    ['sell', '95', 100, 110, 96, '100'],
  ];
  for (const [side, limit, open, high, low, price] of cases) {
    test(`to ${side} at ${limit} on a bar ${open}/${high}/${low} fills at ${price ?? 'no price'}`, () => {
      const fills = venueWith(order('a', side, limit)).onBar(bar(2, open, high, low, 100));
      expect(fills.map((f) => f.price)).toEqual(price === null ? [] : [price]);
    });
  }
  test('rests until a bar reaches it', () => {
    const venue = venueWith(order('a', 'buy', '95'));
    expect(venue.onBar(bar(2, 100, 110, 96, 100))).toEqual([]);
    expect(venue.onBar(bar(3, 99, 99, 94, 95))[0]?.price).toBe('95');
  });
});

test('orders fill in order of submission', () => {
  const venue = venueWith(order('c', 'sell'), order('a', 'buy', '200'), order('b', 'buy'));
  expect(venue.onBar(bar(2, 100, 110, 90, 105)).map((f) => f.order_id)).toEqual(['c', 'a', 'b']);
  expect(venue.openOrders()).toEqual([]);
});

test('fees are rounded half-even to eight places', () => {
  const fee = (price: number) => venueWith(order('a', 'buy')).onBar(bar(2, price, 9, 0.00001, 1))[0]?.fee;
  // 0.5 x price x 0.001 is 2.5e-8 and 3.5e-8: both halves of a unit in the eighth place.
  expect(fee(0.00005)).toBe('0.00000002');
  expect(fee(0.00007)).toBe('0.00000004');
});

test('a cancelled order never fills and is cancelled once', () => {
  const venue = venueWith(order('a', 'buy'), order('b', 'buy'));
  expect(venue.cancel('a')).toMatchObject({ order_id: 'a', status: 'cancelled' });
  expect(venue.cancel('a')).toBeNull();
  expect(venue.onBar(bar(2, 100, 110, 90, 105)).map((f) => f.order_id)).toEqual(['b']);
  expect(venue.cancel('b')).toBeNull();
});

test('an order that is open already or was not accepted is refused', () => {
  const venue = venueWith(order('a', 'buy'));
  expect(() => venue.submit(order('a', 'buy'))).toThrow(ConflictError);
  expect(() => venue.submit({ ...order('b', 'buy'), status: 'rejected' })).toThrow(ConflictError);
});

test('the caller may name the fills', () => {
  let n = 0;
  const venue = new PaperVenue({ feeBps: '0', fillId: () => `fill-${++n}` });
  venue.submit(order('a', 'sell'));
  expect(venue.onBar(bar(2, 100, 110, 90, 105))[0]).toMatchObject({ fill_id: 'fill-1', fee: '0' });
});

test('what is open is summed by portfolio, symbol and side, exactly, and goes with fills and cancels', () => {
  const venue = new PaperVenue({ feeBps: 0 });
  const sums = (portfolio: string, symbol = 'BTC') =>
    Object.values(venue.openQuantities(portfolio, symbol)).map((quantity) => quantity.toString());
  const submit = (id: string, over: Partial<Order> = {}) =>
    venue.submit({ ...order(id, 'buy'), quantity: '0.1', ...over });
  expect(sums('p')).toEqual(['0', '0', '0', '0']);
  submit('a');
  submit('b', { quantity: '0.2' });
  submit('c', { side: 'sell', quantity: '3' });
  submit('d', { type: 'limit', limit_price: '1', quantity: '5' });
  submit('e', { portfolio_id: 'q', quantity: '7' });
  submit('f', { symbol: 'ETH', quantity: '11' });
  // buy, sell, and the part of each that are market orders.
  expect(sums('p')).toEqual(['5.3', '3', '0.3', '3']);
  expect([sums('q'), sums('p', 'ETH')]).toEqual([
    ['7', '0', '7', '0'],
    ['11', '0', '11', '0'],
  ]);
  venue.cancel('b');
  venue.cancel('b');
  expect(sums('p')).toEqual(['5.1', '3', '0.1', '3']);
  venue.onBar(bar(2, 100, 101, 99, 100));
  expect([sums('p'), sums('q')]).toEqual([
    ['5', '0', '0', '0'],
    ['0', '0', '0', '0'],
  ]);
  venue.cancel('d');
  expect(sums('p')).toEqual(['0', '0', '0', '0']);
});
