import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  InsufficientHistoryError,
  InvalidOptionError,
  NonFiniteInputError,
  ShapeMismatchError,
} from '../../core/errors.ts';
import { Philox } from '../../core/philox.ts';
import {
  AdaptiveConformal,
  conformalQuantile,
  conformalQuantiles,
  conformalSets,
  splitConformal,
} from './conformal.ts';

describe('conformalQuantile', () => {
  test('is the ceil((n + 1) level)-th smallest score', () => {
    const nine = Float64Array.of(9, 1, 8, 2, 7, 3, 6, 4, 5);
    expect(conformalQuantile(nine, 0.9)).toBe(9);
    expect(conformalQuantile(nine, 0.8)).toBe(8);
    expect(conformalQuantile(nine, 0.5)).toBe(5);
  });

  test('says how many rows a level needs', () => {
    expect(() => conformalQuantile(new Float64Array(8), 0.9)).toThrow(
      expect.objectContaining({ extras: { needed: 9, received: 8 } }),
    );
    expect(() => conformalQuantile(new Float64Array(0), 0.5)).toThrow(InsufficientHistoryError);
  });

  test('refuses levels out of range and scores that are no numbers', () => {
    for (const level of [0, 1, Number.NaN]) {
      expect(() => conformalQuantile(new Float64Array(9), level)).toThrow(InvalidOptionError);
    }
    expect(() => conformalQuantile(Float64Array.of(1, Number.NaN), 0.5)).toThrow(NonFiniteInputError);
  });
});

/** Exact coverage over exchangeable rows: the share of orders of distinct scores in which the last is held. */
describe('coverage of exchangeable rows', () => {
  test('lies between the level and 1 / (n + 1) above it, whatever the scores', () => {
    const distinct = fc.uniqueArray(fc.double({ min: -1e6, max: 1e6, noNaN: true }), {
      minLength: 12,
      maxLength: 40,
      comparator: 'SameValueZero',
    });
    fc.assert(
      fc.property(distinct, fc.double({ min: 0.3, max: 0.9, noNaN: true }), (errors, level) => {
        // Each of the n + 1 rows is left out once as the new one.
        const held = errors.filter((error, i) => {
          const others = Float64Array.from(errors.filter((_, j) => j !== i));
          return error <= conformalQuantile(others, level);
        });
        const coverage = held.length / errors.length;
        expect(coverage).toBeGreaterThanOrEqual(level - 1e-9);
        expect(coverage).toBeLessThanOrEqual(level + 1 / errors.length + 1e-9);
      }),
    );
  });

  test('holds for intervals, quantiles and sets of drawn rows', () => {
    const normals = new Philox(5).fillNormal(new Float64Array(12_000));
    const [first, second] = [normals.subarray(0, 6000), normals.subarray(6000)];
    const level = 0.9;
    // 6,000 draws of 0.9 have a standard error of 0.004, as has the quantile: four of both.
    const near = (share: number) => expect(Math.abs(share - level)).toBeLessThan(0.022);
    const zeros = new Float64Array(6000);
    const split = splitConformal(zeros, first, level);
    near(second.filter((target) => within(target, split.interval(0))).length / 6000);
    expect(split.margin).toBeCloseTo(1.645, 1);
    const narrow = [zeros.map(() => -0.5), zeros.map(() => 0.5)] as const;
    const quantiles = conformalQuantiles(...narrow, first, level);
    near(second.filter((target) => within(target, quantiles.interval(-0.5, 0.5))).length / 6000);
    const wide = conformalQuantiles(
      zeros.map(() => -9),
      zeros.map(() => 9),
      first,
      level,
    );
    expect(wide.margin).toBeLessThan(0);
  });

  for (const rule of ['threshold', 'cumulative'] as const) {
    test(`${rule} sets hold the class as often as they say, and more classes where it is hard to tell`, () => {
      const draw = (seed: number) => {
        const uniforms = new Philox(seed).fillUniform(new Float64Array(12_000));
        const probabilities = new Float64Array(18_000);
        const labels = new Uint32Array(6000);
        for (let i = 0; i < 6000; i++) {
          const sharp = 0.34 + 0.65 * uniforms[2 * i]!;
          const rest = (1 - sharp) / 2;
          const top = i % 3;
          for (let k = 0; k < 3; k++)
            probabilities[3 * i + k] = k === top ? sharp : rest + (k === (top + 1) % 3 ? 1e-6 : 0);
          const u = uniforms[2 * i + 1]!;
          labels[i] = u < sharp ? top : u < sharp + rest ? (top + 1) % 3 : (top + 2) % 3;
        }
        return { probabilities, labels };
      };
      const calibration = draw(1);
      const sets = conformalSets(calibration.probabilities, calibration.labels, 3, 0.8, rule);
      const fresh = draw(2);
      const rows = Array.from(fresh.labels, (label, i) => ({
        label,
        sharp: Math.max(...fresh.probabilities.subarray(3 * i, 3 * i + 3)),
        set: sets.classes(fresh.probabilities.subarray(3 * i, 3 * i + 3)),
      }));
      const coverage = rows.filter(({ label, set }) => set.includes(label)).length / rows.length;
      // The likeliest class is always in the set, so that sets may hold more than they say.
      expect(coverage).toBeGreaterThan(0.8 - 0.03);
      const size = (easy: boolean) => {
        const some = rows.filter(({ sharp }) => (easy ? sharp > 0.97 : sharp < 0.4));
        return some.reduce((sum, { set }) => sum + set.length, 0) / some.length;
      };
      expect(size(true)).toBe(1);
      expect(size(false)).toBeGreaterThan(1.5);
    });
  }

  test('refuses lengths that differ and labels that are no class', () => {
    expect(() => splitConformal([1], [1, 2], 0.5)).toThrow(ShapeMismatchError);
    expect(() => conformalSets([0.5, 0.5], [1, 0], 2, 0.5, 'threshold')).toThrow(ShapeMismatchError);
    expect(() => conformalSets([0.5, 0.5], [2], 2, 0.5, 'threshold')).toThrow(InvalidOptionError);
  });
});

describe('AdaptiveConformal', () => {
  const options = { level: 0.9, gamma: 0.02, window: 100 };

  test('misses as often as it says on any series at all, within the bound of the paper', () => {
    const series = fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), {
      minLength: 50,
      maxLength: 400,
    });
    fc.assert(
      fc.property(
        series,
        fc.constantFrom(0.5, 0.8, 0.95),
        fc.constantFrom(0.01, 0.1, 0.5),
        (targets, level, gamma) => {
          const adaptive = new AdaptiveConformal({ level, gamma, window: 50 });
          const misses = targets.filter((target) => !adaptive.update(0, target)).length;
          const alpha = 1 - level;
          const bound = (Math.max(alpha, 1 - alpha) + gamma) / (targets.length * gamma);
          expect(Math.abs(misses / targets.length - alpha)).toBeLessThanOrEqual(bound + 1e-9);
        },
      ),
    );
  });

  test('keeps its coverage when errors grow, where fixed intervals lose theirs', () => {
    const normals = new Philox(7).fillNormal(new Float64Array(4000));
    const targets = normals.map((value, i) => value * (1 + i / 500));
    const fixed = splitConformal(new Float64Array(500), targets.subarray(0, 500), 0.9);
    const adaptive = new AdaptiveConformal(options);
    let [heldFixed, heldAdaptive] = [0, 0];
    for (const [i, target] of targets.entries()) {
      const held = adaptive.update(0, target);
      if (i < 500) continue;
      if (held) heldAdaptive++;
      if (within(target, fixed.interval(0))) heldFixed++;
    }
    expect(heldFixed / 3500).toBeLessThan(0.7);
    expect(Math.abs(heldAdaptive / 3500 - 0.9)).toBeLessThan(0.03);
  });

  test('goes on from its state as if it had not stopped', () => {
    const targets = new Philox(9).fillNormal(new Float64Array(300));
    const whole = new AdaptiveConformal(options);
    for (const target of targets) whole.update(0, target);
    const first = new AdaptiveConformal(options);
    for (const target of targets.subarray(0, 150)) first.update(0, target);
    const second = new AdaptiveConformal(options, JSON.parse(JSON.stringify(first.state)));
    for (const target of targets.subarray(150)) second.update(0, target);
    expect(second.state).toEqual(whole.state);
  });

  test('gives the whole line before it knows errors, and refuses bad options and numbers', () => {
    const fresh = new AdaptiveConformal(options);
    expect(fresh.interval(1)).toEqual({ low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY });
    expect(() => fresh.update(0, Number.NaN)).toThrow(NonFiniteInputError);
    for (const bad of [{ level: 1 }, { gamma: 0 }, { window: 0 }]) {
      expect(() => new AdaptiveConformal({ ...options, ...bad })).toThrow(InvalidOptionError);
    }
  });
});

function within(target: number, { low, high }: { low: number; high: number }): boolean {
  return target >= low && target <= high;
}
