// Simulated prices against closed forms, finite differences and published values.
import { describe, expect, test } from 'bun:test';
import golden from './golden.json';
import { mcAmerican, mcBasket, mcOption, mcPortfolio, philoxUint32, sobol } from './index.ts';

type Options = Record<string, unknown>;
interface Case {
  readonly kernel: string;
  readonly source: string;
  readonly options: Options;
  readonly price: number;
  readonly tolerance: number;
  readonly greeks?: number[];
  readonly arrays?: Record<string, number[]>;
  readonly localVolatility?: { first: number; slope: number };
}

/** The options of a case as a call of its kernel. */
function callOf({ options, arrays = {}, localVolatility }: Case): Options {
  const call: Options = { gridTimes: 0, gridSpots: 0, ...options };
  for (const [name, values] of Object.entries(arrays)) call[name] = new Float64Array(values);
  if (localVolatility) {
    const columns = Number(options.gridSpots);
    const [low, high] = [Number(options.gridLow), Number(options.gridHigh)];
    call.localVolatility = Float64Array.from(
      { length: columns },
      (_, i) =>
        localVolatility.first * Math.exp(localVolatility.slope * (low + ((high - low) * i) / (columns - 1))),
    );
  }
  return call;
}

function priced(kernel: string, call: Options): { price: number; error: number } {
  if (kernel === 'mc_option') {
    const { values, errors } = mcOption(call as never);
    return { price: values[0]!, error: errors[0]! };
  }
  if (kernel === 'mc_basket') {
    const { gridTimes: _, gridSpots: __, ...rest } = call;
    const { value } = mcBasket(rest as never);
    return { price: value[0]!, error: value[1]! };
  }
  const { value } = mcAmerican(call as never);
  return { price: value[0]!, error: value[1]! };
}

// Quasi-random points have small errors where they apply; the others show that both agree.
const generators = (each: Case) => {
  const factors = { merton: 3, heston: 2 }[String(each.options.process)] ?? Number(each.options.assets ?? 1);
  return Number(each.options.steps ?? 1) * factors <= 1024 ? ['philox10', 'sobol'] : ['philox10'];
};

describe('prices meet what others publish', () => {
  for (const each of golden.cases as Case[]) {
    const { payoff = each.kernel, process = '', side, strike = '' } = each.options;
    const name = [process, payoff, side, strike].filter((word) => word !== '').join(' ');
    for (const generator of generators(each)) {
      for (const dtype of ['f32', 'f64']) {
        test(`${name}, ${generator} in ${dtype}: ${each.source}`, () => {
          const { price, error } = priced(each.kernel, { ...callOf(each), generator, dtype, paths: 32_768 });
          expect(error).toBeGreaterThan(0);
          expect(Math.abs(price - each.price)).toBeLessThan(3 * error + each.tolerance + 1e-5 * each.price);
        });
      }
    }
  }
});

describe('Greeks', () => {
  for (const each of golden.cases as Case[]) {
    if (!each.greeks) continue;
    test(`${each.options.side} ${each.options.strike} has those of ${each.source}`, () => {
      for (const dtype of ['f32', 'f64'] as const) {
        const call = { ...callOf(each), greeks: true, generator: 'sobol', dtype, paths: 1 << 18 };
        const { values, errors } = mcOption(call as never);
        each.greeks?.forEach((want, i) => {
          const got = values[i + 1]!;
          // Central differences of a hundredth of the spot and half a point of volatility, and rounding in f32.
          expect(Math.abs(got - want)).toBeLessThan(3.5 * errors[i + 1]! + 0.003 * Math.abs(want) + 1e-5);
        });
      }
    });
  }

  test('are NaN unless asked for', () => {
    const { values, errors } = mcOption({ gridTimes: 0, gridSpots: 0, paths: 100, spot: 1 });
    expect(Array.from(values.subarray(1))).toEqual(Array(5).fill(Number.NaN));
    expect(Array.from(errors.subarray(1))).toEqual(Array(5).fill(Number.NaN));
  });
});

describe('variance reduction', () => {
  const base = { gridTimes: 0, gridSpots: 0, paths: 40_000, spot: 100, strike: 100, rate: 0.03, steps: 4 };

  test('mirrored paths and the final spot as control make the error of a call smaller', () => {
    const plain = mcOption(base).errors[0]!;
    expect(mcOption({ ...base, antithetic: true }).errors[0]!).toBeLessThan(0.85 * plain);
    expect(mcOption({ ...base, control: 'spot' }).errors[0]!).toBeLessThan(0.5 * plain);
  });

  test('the geometric mean as control makes the error of an Asian a tenth at most', () => {
    const plain = mcOption({ ...base, payoff: 'asian' });
    const controlled = mcOption({ ...base, payoff: 'asian', control: 'geometric' });
    expect(controlled.errors[0]!).toBeLessThan(plain.errors[0]! / 10);
    expect(Math.abs(controlled.values[0]! - plain.values[0]!)).toBeLessThan(4 * plain.errors[0]!);
  });

  test('in and out barriers add up to the plain option, path by path', () => {
    const barrier = { ...base, payoff: 'barrier', barrier: 115 } as const;
    for (const monitoring of ['discrete', 'continuous'] as const) {
      const out = mcOption({ ...barrier, monitoring, barrierKind: 'up_out', dtype: 'f64' }).values[0]!;
      const within = mcOption({ ...barrier, monitoring, barrierKind: 'up_in', dtype: 'f64' }).values[0]!;
      expect(out + within).toBeCloseTo(mcOption({ ...base, dtype: 'f64' }).values[0]!, 10);
    }
  });
});

test('the first words of seed 0 are those of Random123', () => {
  const { out } = philoxUint32({ blocks: 2, seed: 0 });
  expect([...out.subarray(0, 4)]).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
  const seven = philoxUint32({ blocks: 1, seed: 0, rounds: '7' });
  expect([...seven.out]).toEqual([0x5f6fb709, 0x0d893f64, 0x4f121f81, 0x4f730a48]);
});

test(`Sobol points are those of ${golden.sobol.source}`, () => {
  const points = golden.sobol.points.length;
  const { out } = sobol({ points, dimensions: 1024, scrambled: false });
  golden.sobol.points.forEach((row, i) => {
    row.forEach((want, j) => {
      // Theirs come in the order of the Gray code; ours are centres of cells of 2^-32.
      expect(out[(i ^ (i >> 1)) * 1024 + golden.sobol.dimensions[j]!]).toBe(want + 2 ** -33);
    });
  });
});

describe('risk of one position of deviation 1', () => {
  for (const row of golden.risks.rows) {
    test(`${row.copula} ${row.degrees} at ${row.confidence}: ${golden.risks.source}`, () => {
      for (const dtype of ['f32', 'f64'] as const) {
        const { risk } = mcPortfolio({
          assets: 1,
          paths: 200_000,
          dtype,
          copula: row.copula as 'normal',
          marginals: row.copula as 'normal',
          degrees: row.degrees,
          confidence: row.confidence,
          values: new Float64Array([1]),
          covariance: new Float64Array([1]),
        });
        expect(Math.abs(risk[0]! - row.valueAtRisk)).toBeLessThan(3.5 * risk[2]!);
        expect(Math.abs(risk[1]! - row.expectedShortfall)).toBeLessThan(3.5 * risk[3]!);
        expect(risk[2]! / row.valueAtRisk).toBeLessThan(0.05);
      }
    });
  }
});
