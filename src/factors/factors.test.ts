// The contract that every factor keeps: outside values, history needed, window, permutation, repeatability.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { InvariantError, NotFoundError } from '../core/errors.ts';
import { computeFactors, defineFactor, FACTORS, factor, factorsOf, Panel, panelOf } from './index.ts';

interface Block {
  tolerance: { rel: number; abs: number; reason: string };
  symbols: string[];
  times: string[];
  close: number[][];
  volume?: number[][];
  at: { row: number; factors: Record<string, number[]> }[];
}

const golden = (await Bun.file(`${import.meta.dir}/golden.json`).json()) as { prices: Block; volumes: Block };
/** A panel fed row by row, as an engine does, up to and including `last`. */
function fed(block: Block, last: number, first = 0, order = block.symbols): Panel {
  const panel = new Panel(order);
  for (let row = first; row <= last; row++) {
    for (const symbol of order) {
      const s = block.symbols.indexOf(symbol);
      const bar = { ts_event_us: Date.parse(block.times[row]!) * 1000, close: block.close[row]![s]! };
      panel.push(symbol, block.volume === undefined ? bar : { ...bar, volume: block.volume[row]![s]! });
    }
  }
  return panel;
}

/** The prices with a made volume, for laws that hold of any volume. */
const whole: Block = {
  ...golden.prices,
  volume: golden.prices.close.map((row, i) => row.map((_, s) => 1000 + ((i * 37 + s * 11) % 101))),
};

test('there are twenty factors, each with outside values', () => {
  expect(FACTORS).toHaveLength(20);
  const covered = [golden.prices, golden.volumes].flatMap((block) => Object.keys(block.at[0]!.factors));
  expect(covered.sort()).toEqual(FACTORS.map((def) => def.name).sort());
});

for (const [kind, block] of Object.entries({ prices: golden.prices, volumes: golden.volumes })) {
  for (const { row, factors } of block.at) {
    const actual = computeFactors(fed(block, row));
    for (const [name, expected] of Object.entries(factors)) {
      test(`${name} agrees with the outside source on real ${kind} at row ${row}`, () => {
        expect(block.tolerance.reason).not.toBe('');
        expect(actual.symbols).toEqual(block.symbols);
        for (const [s, value] of expected.entries()) {
          const error = Math.abs(actual.factors[name]![s]! - value);
          expect(error).toBeLessThanOrEqual(block.tolerance.abs + block.tolerance.rel * Math.abs(value));
        }
      });
    }
  }
}

for (const def of FACTORS) {
  describe(def.name, () => {
    test('says what it is and where it is from', () => {
      for (const text of [def.title, def.formula, def.source]) expect(text.length).toBeGreaterThan(10);
      expect(factor(def.name)).toBe(def);
    });

    test('is NaN until its lookback is reached, and a number from there', () => {
      const before = computeFactors(fed(whole, def.lookback - 2), [def.name]).factors[def.name]!;
      const from = computeFactors(fed(whole, def.lookback - 1), [def.name]).factors[def.name]!;
      expect(before.every(Number.isNaN)).toBe(true);
      expect(from.every(Number.isFinite)).toBe(true);
    });

    test('depends on its window only: older bars change nothing', () => {
      const last = whole.times.length - 1;
      const start = last + 1 - (def.name === 'rsi_14' ? 252 : def.lookback);
      const long = computeFactors(fed(whole, last), [def.name]);
      expect(computeFactors(fed(whole, last, start), [def.name])).toEqual(long);
    });

    test('gives one symbol what it gives the panel', () => {
      const panel = fed(whole, 299);
      const column = computeFactors(panel, [def.name]).factors[def.name]!;
      for (const [s, symbol] of panel.symbols.entries()) {
        expect(factorsOf(panel, symbol, [def.name])).toEqual({ [def.name]: column[s]! });
      }
    });
  });
}

test('symbols in another order give the same values in that order', () => {
  const plain = computeFactors(fed(whole, 299));
  fc.assert(
    fc.property(fc.shuffledSubarray(whole.symbols, { minLength: 20 }), (order) => {
      const shuffled = computeFactors(fed(whole, 299, 0, order));
      expect(shuffled.symbols).toEqual(order);
      for (const def of FACTORS) {
        for (const [s, symbol] of order.entries()) {
          const value = shuffled.factors[def.name]![s]!;
          const same = plain.factors[def.name]![plain.symbols.indexOf(symbol)]!;
          // The market is a sum over symbols, and its order moves the last bits; all else is equal to the bit.
          if (def.inputs.includes('market')) expect(Math.abs(value / same - 1)).toBeLessThan(1e-10);
          else expect(value).toBe(same);
        }
      }
    }),
    { numRuns: 10 },
  );
});

test('a price scaled by a power of two leaves every factor but illiquidity unchanged to the bit', () => {
  const plain = computeFactors(fed(whole, 299));
  fc.assert(
    fc.property(fc.integer({ min: -30, max: 30 }), (exponent) => {
      const scaled = { ...whole, close: whole.close.map((row) => row.map((price) => price * 2 ** exponent)) };
      const { factors } = computeFactors(fed(scaled, 299));
      for (const { name } of FACTORS) {
        const undo = name === 'amihud_20' ? 2 ** exponent : 1;
        expect(factors[name]!.map((value) => value * undo)).toEqual(
          plain.factors[name]! as Float64Array<ArrayBuffer>,
        );
      }
    }),
    { numRuns: 5 },
  );
});

test('a market that never moves has plain values, and NaN where the formula divides by its spread', () => {
  const flat = { ...whole, close: whole.close.map((row) => row.map(() => 0.1)) };
  const values = factorsOf(fed(flat, 299), 'AAPL');
  const zero = [
    'momentum_20',
    'momentum_60',
    'momentum_120',
    'momentum_252_21',
    'volatility_20',
    'volatility_60',
  ];
  zero.push(
    'downside_volatility_60',
    'max_drawdown_120',
    'distance_from_high_252',
    'max_return_20',
    'amihud_20',
  );
  zero.push('reversal_5');
  for (const name of zero) expect(values[name]).toBe(0);
  for (const name of [
    'skewness_60',
    'kurtosis_60',
    'beta_60',
    'idiosyncratic_volatility_60',
    'autocorrelation_20',
  ]) {
    expect(values[name]).toBeNaN();
  }
  expect(values.rsi_14).toBe(50);
  expect(values.ma_ratio_20_60).toBeCloseTo(0, 14);
  expect(Number.isFinite(values.volume_z_20)).toBe(true);
});

test('steady growth has no skewness, kurtosis or autocorrelation, although its returns differ by rounding', () => {
  const steady = { ...whole, close: whole.close.map((row, i) => row.map(() => 3 * 1.001 ** i)) };
  const values = factorsOf(fed(steady, 299), 'AAPL');
  for (const name of ['skewness_60', 'kurtosis_60', 'beta_60', 'autocorrelation_20'])
    expect(values[name]).toBeNaN();
});

test('a symbol alone is its own market', () => {
  const alone = { ...golden.prices, symbols: ['AAPL'], close: golden.prices.close.map((row) => [row[0]!]) };
  const values = factorsOf(fed(alone, 299), 'AAPL');
  expect(values.beta_60).toBe(1);
  expect(values.idiosyncratic_volatility_60).toBe(0);
});

test('without volumes the factors of volume are NaN and the others are not; without trades illiquidity is NaN', () => {
  const values = factorsOf(fed(golden.prices, 299), 'AAPL');
  for (const [name, value] of Object.entries(values))
    expect(Number.isNaN(value)).toBe(factor(name).inputs.includes('volume'));
  const idle = { ...whole, volume: whole.close.map((row) => row.map(() => 0)) };
  const { amihud_20, volume_z_20 } = factorsOf(fed(idle, 299), 'AAPL');
  expect(amihud_20).toBeNaN();
  expect(volume_z_20).toBeNaN();
});

test('an unknown factor or symbol is not found, and a malformed definition is refused', () => {
  const panel = panelOf({ symbols: ['A'], times: [1], close: Float64Array.of(1) });
  expect(() => computeFactors(panel, ['nope'])).toThrow(NotFoundError);
  expect(() => factorsOf(panel, 'B')).toThrow(NotFoundError);
  expect(() => defineFactor({ ...factor('beta_60'), name: 'Beta' })).toThrow(InvariantError);
  expect(() => defineFactor({ ...factor('beta_60'), lookback: 1.5 })).toThrow(InvariantError);
});
