// Products of quadratic programs: the residuals that OSQP tells, agreement with gemv, laws.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { gemv } from './products.ts';
import { qpProducts } from './quadratic.ts';
import golden from './quadratic-golden.json';
import { expectClose, normal } from './test-matrices.ts';

const size = fc.record({
  batch: fc.integer({ min: 0, max: 4 }),
  variables: fc.integer({ min: 0, max: 25 }),
  constraints: fc.integer({ min: 0, max: 25 }),
});
type Size = typeof size extends fc.Arbitrary<infer S> ? S : never;

function problem({ batch, variables: n, constraints: m }: Size, seed: number) {
  return {
    ...{ batch, variables: n, constraints: m },
    p: normal(batch * n * n, seed),
    q: normal(batch * n, seed + 1),
    a: normal(batch * m * n, seed + 2),
    x: normal(batch * n, seed + 3),
    y: normal(batch * m, seed + 4),
    z: normal(batch * m, seed + 5),
  };
}

const largest = (values: Float64Array) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

describe('qpProducts', () => {
  test('finds the residuals that OSQP tells', () => {
    const { batch, variables, constraints } = golden;
    const array = (values: readonly number[]) => Float64Array.from(values);
    const { primalNorm, dualNorm } = qpProducts({
      ...{ batch, variables, constraints },
      ...{ p: array(golden.p), q: array(golden.q), a: array(golden.a) },
      ...{ x: array(golden.x), y: array(golden.y), z: array(golden.z) },
    });
    for (const [found, told] of [
      [primalNorm, golden.primal_norm],
      [dualNorm, golden.dual_norm],
    ] as const)
      for (let i = 0; i < batch; i++) expect(Math.abs(found[i]! / told[i]! - 1)).toBeLessThan(1e-10);
  });

  test('gives the products that gemv gives, for each problem of a batch', () => {
    fc.assert(
      fc.property(size, fc.nat(), (sizes, seed) => {
        const { batch, variables: n, constraints: m } = sizes;
        const call = problem(sizes, seed);
        const ax = new Float64Array(batch * m);
        const px = new Float64Array(batch * n);
        const aty = new Float64Array(batch * n);
        const found = qpProducts({ ...call, ax, px, aty });
        for (let i = 0; i < batch; i++) {
          const x = call.x.subarray(i * n, (i + 1) * n);
          const y = call.y.subarray(i * m, (i + 1) * m);
          const a = call.a.subarray(i * m * n, (i + 1) * m * n);
          const own = (array: Float64Array, side: number) => array.subarray(i * side, (i + 1) * side);
          expectClose(own(ax, m), gemv({ m, n, a, x }).out, 1e-12);
          const p = call.p.subarray(i * n * n, (i + 1) * n * n);
          expectClose(own(px, n), gemv({ m: n, n, a: p, x }).out, 1e-12);
          expectClose(own(aty, n), gemv({ m: n, n: m, a, x: y, transA: true }).out, 1e-12);
          const primal = own(ax, m).map((value, at) => value - call.z[i * m + at]!);
          expectClose(own(found.primal, m), primal, 1e-12);
          expect(found.primalNorm[i]!).toBe(largest(own(found.primal, m)));
          expect(found.dualNorm[i]!).toBe(largest(own(found.dual, n)));
        }
      }),
    );
  });

  test('has no residual at the answer of a problem without bounds', () => {
    // minimise x^2 + y^2 with x + y = 2: at (1, 1), with the multiplier -2.
    const { primal, dual, primalNorm, dualNorm } = qpProducts({
      ...{ batch: 1, variables: 2, constraints: 1 },
      p: Float64Array.of(2, 0, 0, 2),
      q: Float64Array.of(0, 0),
      a: Float64Array.of(1, 1),
      x: Float64Array.of(1, 1),
      y: Float64Array.of(-2),
      z: Float64Array.of(2),
    });
    expect([...primal, ...dual, ...primalNorm, ...dualNorm]).toEqual([0, 0, 0, 0, 0]);
  });

  test('keeps the digits of a small residual in f32', () => {
    const call = problem({ batch: 1, variables: 20, constraints: 5 }, 3);
    const narrow = Object.fromEntries(
      Object.entries(call).map(([name, value]) => [
        name,
        typeof value === 'number' ? value : Float32Array.from(value),
      ]),
    ) as unknown as Omit<typeof call, 'p'> & { p: Float32Array };
    const wide = Object.fromEntries(
      Object.entries(narrow).map(([name, value]) => [
        name,
        typeof value === 'number' ? value : Float64Array.from(value as Float32Array),
      ]),
    ) as unknown as typeof call;
    // z is a x as f32 has it: what is left of a x is the rounding of z.
    wide.z = Float64Array.from(Float32Array.from(gemv({ m: 5, n: 20, a: wide.a, x: wide.x }).out));
    const expected = qpProducts(wide).primal;
    const found = qpProducts({ ...narrow, z: Float32Array.from(wide.z) } as never).primal;
    expect(largest(expected)).toBeLessThan(1e-6);
    for (let i = 0; i < 5; i++) expect(Math.abs(found[i]! - expected[i]!)).toBeLessThan(1e-13);
  });
});
