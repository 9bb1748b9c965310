// The pre-trade library: every limit, headroom, reducing orders, missing prices, the state of a book.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { NonFiniteInputError } from '../core/errors.ts';
import {
  type Book,
  type BookPosition,
  type CheckedOrder,
  checkBook,
  checkOrder,
  largestQuantity,
  limitUses,
} from './checks.ts';
import { dec, text } from './decimal.ts';
import { type Limits, limitDefinitions, limitIds, limitsSchema } from './limits.ts';

const defaults = limitsSchema.parse({});

function bookOf(position: BookPosition, equity = 1_000_000, peak = 1_000_000): Book {
  return { equity, peak_equity: peak, positions: new Map([['BTC', position]]) };
}

function order(side: 'buy' | 'sell', quantity: string, limit_price?: string): CheckedOrder {
  return { symbol: 'BTC', side, quantity, type: limit_price ? 'limit' : 'market', limit_price };
}

describe('the schema of limits', () => {
  test('gives the published defaults', () => {
    expect(defaults).toEqual({
      max_position_notional: '250000',
      max_order_notional: '150000',
      max_drawdown: 0.2,
    });
  });
  test('refuses unknown limits and values that could never hold', () => {
    for (const bad of [
      { max_leverage: 3 },
      { max_drawdown: 0 },
      { max_drawdown: 1.5 },
      { max_order_notional: '-1' },
    ]) {
      expect(limitsSchema.safeParse(bad).success).toBe(false);
    }
  });
  test('describes every limit', () => {
    for (const id of limitIds)
      expect(limitsSchema.shape[id].description).toContain(limitDefinitions[id].unit);
  });
});

// One refusal per limit: the order, the book and what the answer names. A limit without a row fails below.
const refusals: Record<string, { order: CheckedOrder; book: Book; limits: Limits; expected: object }> = {
  max_position_quantity: {
    order: order('buy', '2'),
    book: bookOf({ quantity: 4, mark_price: 100 }),
    limits: limitsSchema.parse({ max_position_quantity: '5' }),
    expected: { value: '6', threshold: '5', headroom: '-1', utilisation: 1.2, max_quantity: '1' },
  },
  max_position_notional: {
    order: order('buy', '2'),
    book: bookOf({ quantity: '4', mark_price: 50_000 }),
    limits: defaults,
    expected: {
      value: '300000',
      threshold: '250000',
      headroom: '-50000',
      utilisation: 1.2,
      max_quantity: '1',
    },
  },
  max_order_notional: {
    order: order('sell', '2'),
    book: bookOf({ quantity: '0', mark_price: 100_000 }),
    limits: defaults,
    expected: { value: '200000', threshold: '150000', headroom: '-50000', max_quantity: '1.5' },
  },
  max_drawdown: {
    order: order('buy', '0.1'),
    book: bookOf({ quantity: '1', mark_price: 100 }, 750_000),
    limits: defaults,
    expected: { value: '0.25', threshold: '0.2', headroom: '-0.05', utilisation: 1.25, max_quantity: '0' },
  },
};

describe('an order', () => {
  for (const id of limitIds) {
    test(`over ${id} is refused with value, threshold, headroom and the largest quantity that passes`, () => {
      const { order, book, limits, expected } = refusals[id]!;
      const check = checkOrder(order, book, limits);
      expect(check.approved).toBe(false);
      expect(check.breaches).toHaveLength(1);
      expect(check.breaches[0]).toMatchObject({ limit: id, title: limitDefinitions[id].title, ...expected });
      expect(check.breaches[0]?.message).toContain(limitDefinitions[id].title);
    });
  }
  test('exactly at its limits passes', () => {
    expect(checkOrder(order('buy', '1'), bookOf({ quantity: '1', mark_price: 125_000 }), defaults)).toEqual({
      approved: true,
      breaches: [],
    });
  });
  test('over two limits names both', () => {
    const { breaches } = checkOrder(
      order('buy', '3'),
      bookOf({ quantity: '0', mark_price: 100_000 }),
      defaults,
    );
    expect(breaches.map((b) => b.limit)).toEqual(['max_position_notional', 'max_order_notional']);
  });
  test('with a limit price above the mark is valued at its limit price', () => {
    const book = bookOf({ quantity: 0, mark_price: 100_000 });
    expect(checkOrder(order('buy', '1.4', '110000'), book, defaults).approved).toBe(false);
    expect(checkOrder(order('buy', '1.4', '90000'), book, defaults).approved).toBe(true);
  });
  test('is refused without a usable reference price', () => {
    for (const mark_price of [null, undefined, 0, '0', -5, Number.NaN, Infinity]) {
      const { approved, breaches } = checkOrder(
        order('sell', '1'),
        bookOf({ quantity: 1, mark_price }),
        defaults,
      );
      expect(approved).toBe(false);
      expect(text(largestQuantity(order('sell', '1'), bookOf({ quantity: 1, mark_price }), defaults))).toBe(
        '0',
      );
      expect(breaches[0]).toMatchObject({ limit: 'reference_price', value: null, max_quantity: '0' });
    }
    const empty = { equity: 1, peak_equity: 1, positions: new Map() };
    expect(checkOrder(order('buy', '1', '100'), empty, defaults).breaches[0]?.limit).toBe('reference_price');
  });
  test('counts open orders of its side as if they were filled', () => {
    const book = bookOf({
      quantity: 1,
      mark_price: 100_000,
      open_buy_quantity: '1',
      open_sell_quantity: '1',
    });
    expect(checkOrder(order('buy', '0.5'), book, defaults).approved).toBe(true);
    expect(checkOrder(order('buy', '0.6'), book, defaults).approved).toBe(false);
    const fallen = { ...book, equity: 100 };
    // The open sell already closes the position, so a second one would open a short.
    expect(checkOrder(order('sell', '0.1'), fallen, defaults).approved).toBe(false);
  });
  test('is refused when the equity is not a number, with an error', () => {
    expect(() =>
      checkOrder(order('buy', '1'), bookOf({ quantity: 0, mark_price: 1 }, Number.NaN), defaults),
    ).toThrow(NonFiniteInputError);
  });
  test('opens nothing when peak equity is not above zero', () => {
    const book = bookOf({ quantity: 0, mark_price: 1 }, 0, 0);
    expect(checkOrder(order('buy', '1'), book, defaults).breaches[0]?.limit).toBe('max_drawdown');
  });
});

const amount = (max: number) => fc.integer({ min: 1, max }).map((n) => text(dec(n).times('0.001')));
const situation = fc.record({
  side: fc.constantFrom('buy' as const, 'sell' as const),
  quantity: amount(10_000_000),
  held: amount(10_000_000),
  sign: fc.constantFrom(-1, 0, 1),
  mark: amount(100_000_000),
  equity: fc.integer({ min: -100, max: 2_000_000 }),
});
const limitsOf = limitsSchema.parse({ max_position_quantity: '300' });

describe('for any book', () => {
  test('an order that only reduces is refused by nothing but its own notional', () => {
    fc.assert(
      fc.property(situation, ({ quantity, held, mark, equity, side }) => {
        const position = dec(held).plus(quantity);
        const book = bookOf(
          { quantity: side === 'sell' ? position : position.neg(), mark_price: mark },
          equity,
        );
        const refusing = checkOrder(order(side, quantity), book, limitsOf).breaches.map((b) => b.limit);
        expect(refusing.filter((id) => id !== 'max_order_notional')).toEqual([]);
      }),
    );
  });
  test('the largest quantity passes and the next one does not', () => {
    fc.assert(
      fc.property(situation, ({ quantity, held, sign, mark, equity, side }) => {
        const book = bookOf({ quantity: dec(held).times(sign), mark_price: mark }, equity);
        const most = largestQuantity(order(side, quantity), book, limitsOf);
        expect(checkOrder(order(side, quantity), book, limitsOf).approved).toBe(dec(quantity).lte(most));
        if (!most.isZero()) expect(checkOrder(order(side, text(most)), book, limitsOf).approved).toBe(true);
        expect(checkOrder(order(side, text(most.plus('1e-8'))), book, limitsOf).approved).toBe(false);
      }),
    );
  });
  test('an order passes where no limit is used beyond its whole, and a larger one uses none less', () => {
    fc.assert(
      fc.property(situation, amount(10_000_000), ({ quantity, held, sign, mark, equity, side }, more) => {
        const book = bookOf({ quantity: dec(held).times(sign), mark_price: mark }, equity);
        const uses = limitUses(order(side, quantity), book, limitsOf)!;
        expect(checkOrder(order(side, quantity), book, limitsOf).approved).toBe(
          uses.every(({ utilisation }) => utilisation <= 1),
        );
        const larger = limitUses(order(side, text(dec(quantity).plus(more))), book, limitsOf)!;
        for (const [i, { utilisation }] of uses.entries())
          expect(larger[i]!.utilisation).toBeGreaterThanOrEqual(utilisation);
      }),
    );
  });
  test('a limit is not measured without a price', () => {
    expect(limitUses(order('buy', '1'), bookOf({ quantity: 1, mark_price: null }), limitsOf)).toBeNull();
  });
});

describe('the state of a book', () => {
  test('names the fullest position of each limit and its status', () => {
    const book: Book = {
      equity: 850_000,
      peak_equity: 1_000_000,
      positions: new Map([
        ['BTC', { quantity: -2, mark_price: 100_000 }],
        ['ETH', { quantity: 400, mark_price: 700 }],
      ]),
    };
    expect(checkBook(book, limitsOf)).toEqual([
      state('max_position_quantity', 'ETH', '400', '300', 400 / 300, 'breach'),
      state('max_position_notional', 'ETH', '280000', '250000', 1.12, 'breach'),
      state('max_drawdown', null, '0.15', '0.2', 0.15 / 0.2, 'ok'),
    ]);
  });
  test('warns from four fifths on', () => {
    const book = bookOf({ quantity: 2, mark_price: 100_000 }, 840_000);
    expect(checkBook(book, defaults).map((s) => s.status)).toEqual(['warning', 'warning']);
  });
  test('is in breach where a position has no price', () => {
    const states = checkBook(bookOf({ quantity: 1, mark_price: null }), defaults);
    expect(states.at(-1)).toMatchObject({
      limit: 'reference_price',
      symbol: 'BTC',
      value: null,
      status: 'breach',
    });
  });
  test('is empty for an empty portfolio', () => {
    const states = checkBook({ equity: 1, peak_equity: 1, positions: new Map() }, defaults);
    expect(states.map((s) => [s.symbol, s.value, s.status])).toEqual([
      [null, '0', 'ok'],
      [null, '0', 'ok'],
    ]);
  });
});

function state(
  limit: keyof Limits,
  symbol: string | null,
  value: string,
  threshold: string,
  utilisation: number,
  status: string,
) {
  return {
    limit,
    title: limitDefinitions[limit].title,
    symbol,
    value,
    threshold,
    utilisation,
    status,
  } as never;
}
