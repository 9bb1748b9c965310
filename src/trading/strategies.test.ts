// Strategies: decisions, option schemas, order sizes.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { InvalidOptionError } from '../core/errors.ts';
import type { Bar } from '../market/bar.ts';
import { dec, text } from './decimal.ts';
import { orderRequestSchema } from './orders.ts';
import {
  createStrategy,
  initialState,
  type StrategyInput,
  strategyDefinitions,
  strategyKinds,
} from './strategies.ts';

function barAt(close: number): Bar {
  return {
    symbol: 'BTC',
    ts_event_us: 1,
    interval_us: 60e6,
    open: close,
    high: close,
    low: close,
    close,
    volume: 1,
  };
}

const bar = barAt(47_722.65);
const averages = (fast: number | null, slow: number | null): StrategyInput => ({
  bar,
  features: { ema_50: fast, ema_200: slow },
  prediction: null,
});
const predicted = (prediction: number, confidence = 1): StrategyInput => ({
  bar,
  features: {},
  prediction: { prediction, confidence },
});
const long = { target: 'long', reason: '' } as const;
const flat = { target: 'flat', reason: '' } as const;

describe('every strategy', () => {
  for (const kind of strategyKinds) {
    test(`${kind} reads an empty object as its defaults and refuses unknown options`, () => {
      expect(createStrategy(kind).options).toMatchObject({ notional: '100000', lot: '0.001' });
      expect(strategyDefinitions[kind].options.safeParse({ leverage: 2 }).success).toBe(false);
      expect(strategyDefinitions[kind].options.safeParse({ notional: 0 }).success).toBe(false);
    });
    test(`${kind} says nothing while its inputs have no value`, () => {
      const none = { bar, features: {}, prediction: null };
      expect(createStrategy(kind).decide(initialState, none)).toBeNull();
      expect(createStrategy(kind).decide({ target: 'long' }, none)).toBeNull();
    });
  }
});

describe('ma-cross', () => {
  const strategy = createStrategy('ma-cross');
  test('names the features that it reads', () => {
    expect(strategy.features).toEqual(['ema_50', 'ema_200']);
    expect(createStrategy('ma-cross', { fast: 'ema_12', slow: 'ema_26' }).features).toEqual([
      'ema_12',
      'ema_26',
    ]);
  });
  test('goes long when fast rises above slow and flat when it no longer is', () => {
    expect(strategy.decide(initialState, averages(101, 100))?.target).toBe('long');
    expect(strategy.decide({ target: 'long' }, averages(100, 100))?.target).toBe('flat');
  });
  test('signals only a change', () => {
    expect(strategy.decide({ target: 'long' }, averages(101, 100))).toBeNull();
    expect(strategy.decide(initialState, averages(99, 100))).toBeNull();
  });
  test('waits while an average is missing or not a number', () => {
    expect(strategy.decide(initialState, averages(101, null))).toBeNull();
    expect(strategy.decide(initialState, averages(Number.NaN, 100))).toBeNull();
  });
  test('refuses a fast average that is not faster', () => {
    for (const options of [{ fast: 'ema_200' }, { fast: 'ema_200', slow: 'ema_12' }, { fast: 'sma_10' }]) {
      expect(() => createStrategy('ma-cross', options)).toThrow(InvalidOptionError);
    }
  });
});

describe('ml-threshold', () => {
  const strategy = createStrategy('ml-threshold');
  test('enters above `enter`, holds between, leaves below `exit`', () => {
    expect(strategy.decide(initialState, predicted(0.53))).toBeNull();
    expect(strategy.decide(initialState, predicted(0.5301))?.target).toBe('long');
    expect(strategy.decide({ target: 'long' }, predicted(0.5))).toBeNull();
    expect(strategy.decide({ target: 'long' }, predicted(0.49))).toBeNull();
    expect(strategy.decide({ target: 'long' }, predicted(0.4899))?.target).toBe('flat');
  });
  test('opens nothing on a prediction that is not sure enough, but still leaves', () => {
    const careful = createStrategy('ml-threshold', { min_confidence: 0.2 });
    expect(careful.decide(initialState, predicted(0.9, 0.1))).toBeNull();
    expect(careful.decide({ target: 'long' }, predicted(0.1, 0.1))?.target).toBe('flat');
  });
  test('refuses an exit above the entry', () => {
    expect(() => createStrategy('ml-threshold', { enter: 0.5, exit: 0.6 })).toThrow(InvalidOptionError);
  });
});

describe('an order', () => {
  const strategy = createStrategy('ma-cross');
  test('to go long is the notional over the close, rounded down to the lot', () => {
    // 100000 / 47722.65 = 2.09544...
    expect(strategy.orderFor('p', long, 0, bar)).toEqual({
      portfolio_id: 'p',
      symbol: 'BTC',
      side: 'buy',
      quantity: '2.095',
      type: 'market',
    });
  });
  test('is none when the position is there already or the size is below one lot', () => {
    expect(strategy.orderFor('p', long, '2.095', bar)).toBeNull();
    expect(strategy.orderFor('p', flat, '0', bar)).toBeNull();
    expect(createStrategy('ma-cross', { notional: '40' }).orderFor('p', long, 0, bar)).toBeNull();
  });
  test('to go flat closes the whole position on either side', () => {
    expect(strategy.orderFor('p', flat, '2.0951', bar)).toMatchObject({ side: 'sell', quantity: '2.0951' });
    expect(strategy.orderFor('p', flat, '-1', bar)).toMatchObject({ side: 'buy', quantity: '1' });
  });
  test('to go long from short buys the short back too', () => {
    expect(strategy.orderFor('p', long, '-1', bar)).toMatchObject({ side: 'buy', quantity: '3.095' });
  });
  test('is the largest whole number of lots within the notional, and a valid request', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1e-5, max: 1e6, noNaN: true }),
        fc.integer({ min: 1, max: 10_000 }),
        (close, lots) => {
          const lot = text(dec(lots).times('0.0001'));
          const order = createStrategy('ma-cross', { lot }).orderFor('p', long, 0, barAt(close));
          const quantity = dec(order?.quantity ?? 0);
          expect(quantity.mod(lot).isZero()).toBe(true);
          expect(quantity.times(close).lte(100_000)).toBe(true);
          expect(quantity.plus(lot).times(close).gt(100_000)).toBe(true);
          if (order) expect(orderRequestSchema.safeParse(order).success).toBe(true);
        },
      ),
    );
  });
});
