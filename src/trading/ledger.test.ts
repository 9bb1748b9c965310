// The ledger: average cost, flips, the exact law of equity, marks, restore, canonical text.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { InvariantError, NonFiniteInputError } from '../core/errors.ts';
import { type Decimal, dec, text, ZERO } from './decimal.ts';
import { Ledger } from './ledger.ts';
import type { Fill, Side } from './orders.ts';

let count = 0;
function fill(side: Side, quantity: string, price: string, fee = '0', symbol = 'BTC'): Fill {
  count += 1;
  const id = String(count);
  return {
    fill_id: id,
    order_id: id,
    portfolio_id: 'p',
    symbol,
    side,
    quantity,
    price,
    fee,
    ts_event_us: count,
  };
}

function ledgerOf(...fills: Fill[]): Ledger {
  const ledger = new Ledger('p', '1000000');
  for (const f of fills) ledger.apply(f);
  return ledger;
}

describe('average cost', () => {
  // Worked by hand: buy 10 @ 100, buy 10 @ 110 -> 20 @ 105; sell 5 @ 120 realises 5 x 15 = 75.
  test('adding averages, reducing realises at the average and keeps it', () => {
    const ledger = ledgerOf(
      fill('buy', '10', '100', '1'),
      fill('buy', '10', '110', '1.1'),
      fill('sell', '5', '120', '0.6'),
    );
    const snapshot = ledger.snapshot();
    expect(snapshot.positions[0]).toMatchObject({ quantity: '15', average_price: '105', realised_pnl: '75' });
    expect(snapshot).toMatchObject({ fees: '2.7', cash: '998497.3', realised_pnl: '75' });
  });
  test('closing leaves no cost, no average price and no unrealised profit', () => {
    const ledger = ledgerOf(fill('buy', '3', '100'), fill('sell', '1', '90'), fill('sell', '2', '130'));
    expect(ledger.snapshot().positions[0]).toMatchObject({
      quantity: '0',
      average_price: null,
      market_value: '0',
      unrealised_pnl: '0',
      realised_pnl: '50',
    });
  });
  test('a fill larger than the position closes it and opens the rest at its price', () => {
    const ledger = ledgerOf(fill('buy', '2', '100'), fill('sell', '5', '110'));
    ledger.mark('BTC', 100, 1);
    expect(ledger.snapshot().positions[0]).toMatchObject({
      quantity: '-3',
      average_price: '110',
      realised_pnl: '20',
      unrealised_pnl: '30',
      market_value: '-300',
    });
  });
  test('a short position earns when bought back lower', () => {
    const ledger = ledgerOf(fill('sell', '4', '50'));
    expect(text(ledger.apply(fill('buy', '1', '40')))).toBe('10');
    expect(ledger.snapshot().positions[0]).toMatchObject({ quantity: '-3', average_price: '50' });
  });
  test('a third of a position releases a third of the cost, rounded once', () => {
    const ledger = ledgerOf(fill('buy', '3', '100'), fill('buy', '0.1', '33.34'), fill('sell', '1', '100'));
    const { realised_pnl, unrealised_pnl, equity } = ledger.snapshot();
    expect(dec('1000000').plus(realised_pnl).plus(unrealised_pnl).eq(equity)).toBe(true);
  });
});

const decimalOf = (max: number, places: number) =>
  fc.bigInt({ min: 1n, max: BigInt(max) }).map((n) => text(dec(n.toString()).times(`1e-${places}`)));
const step = fc.record({
  kind: fc.constantFrom('fill', 'fill', 'mark'),
  symbol: fc.constantFrom('BTC', 'ETH', 'XRP'),
  side: fc.constantFrom<Side[]>('buy', 'sell'),
  quantity: decimalOf(10 ** 13, 8),
  price: fc.oneof(decimalOf(10 ** 12, 7), fc.double({ min: 1e-6, max: 1e6, noNaN: true }).map(String)),
  fee: fc.bigInt({ min: -1000n, max: 10n ** 9n }).map((n) => text(dec(n.toString()).times('1e-8'))),
});

describe('the law of equity', () => {
  test('holds exactly after any fills and marks', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const ledger = new Ledger('p', '1000000.01');
        let cash: Decimal = dec('1000000.01');
        steps.forEach((s, i) => {
          if (s.kind === 'mark') {
            ledger.mark(s.symbol, Number(s.price), i);
            return;
          }
          ledger.apply(fill(s.side, s.quantity, text(dec(s.price)), s.fee, s.symbol));
          const notional = dec(s.quantity).times(s.price);
          cash = (s.side === 'buy' ? cash.minus(notional) : cash.plus(notional)).minus(s.fee);
        });
        const snapshot = ledger.snapshot();
        const sum = (of: 'market_value' | 'unrealised_pnl' | 'realised_pnl') =>
          snapshot.positions.reduce((total, p) => total.plus(p[of]), ZERO);
        const { realised_pnl, unrealised_pnl, fees } = snapshot;
        expect(text(dec('1000000.01').plus(realised_pnl).plus(unrealised_pnl).minus(fees))).toBe(
          snapshot.equity,
        );
        expect(text(cash.plus(sum('market_value')))).toBe(snapshot.equity);
        expect(text(sum('unrealised_pnl'))).toBe(unrealised_pnl);
        expect(text(sum('realised_pnl'))).toBe(realised_pnl);
        expect(text(ledger.equity())).toBe(snapshot.equity);
      }),
    );
  });
  test('a restored ledger goes on to the same bytes', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), fc.nat(30), (steps, cut) => {
        let ledger = new Ledger('p', 500);
        const whole = new Ledger('p', 500);
        steps.forEach((s, i) => {
          if (i === cut) ledger = Ledger.restore(JSON.parse(ledger.canonical()));
          const f = fill(s.side, s.quantity, text(dec(s.price)), s.fee, s.symbol);
          for (const l of [ledger, whole]) s.kind === 'mark' ? l.mark(s.symbol, s.price, i) : l.apply(f);
        });
        expect(ledger.canonical()).toBe(whole.canonical());
        expect(ledger.snapshot()).toEqual(whole.snapshot());
      }),
    );
  });
});

describe('marks', () => {
  test('value a position at the fill price until the first mark', () => {
    const ledger = ledgerOf(fill('buy', '1', '100'), fill('buy', '1', '110'));
    expect(ledger.snapshot().positions[0]).toMatchObject({ mark_price: '110', unrealised_pnl: '10' });
  });
  test('that are older than the last one change nothing', () => {
    const ledger = ledgerOf(fill('buy', '2', '100'));
    expect(ledger.mark('BTC', 105, 20)).toBe(true);
    expect(ledger.mark('BTC', 1, 19)).toBe(false);
    expect(text(ledger.equity())).toBe('1000010');
  });
  test('of a symbol never traded are not kept', () => {
    const ledger = ledgerOf();
    expect(ledger.mark('ETH', 100, 1)).toBe(false);
    expect(ledger.snapshot().positions).toEqual([]);
  });
  test('that are not finite are refused', () => {
    const ledger = ledgerOf(fill('buy', '2', '100'));
    expect(() => ledger.mark('BTC', Number.NaN, 20)).toThrow(NonFiniteInputError);
  });
});

test('the canonical text does not depend on the order in which symbols were traded', () => {
  const btc = fill('buy', '1', '100');
  const eth = fill('sell', '2', '10', '0.1', 'ETH');
  expect(ledgerOf(btc, eth).canonical()).toBe(ledgerOf(eth, btc).canonical());
});

test('a fill of another portfolio or without quantity is refused', () => {
  const ledger = ledgerOf();
  expect(() => ledger.apply({ ...fill('buy', '1', '1'), portfolio_id: 'q' })).toThrow(InvariantError);
  expect(() => ledger.apply(fill('buy', '0', '1'))).toThrow(InvariantError);
});
