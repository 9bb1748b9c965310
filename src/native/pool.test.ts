// The pool: memory is used again, never twice at a time, and counted.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { InvariantError } from '../core/errors.ts';
import { loadAddon } from './addon.ts';
import { gemm } from './index.ts';
import { Pool, SMALLEST_BLOCK } from './pool.ts';

const plain = () => new Pool((bytes) => new ArrayBuffer(bytes));

describe('the pool', () => {
  test('gives the memory of finished work to the next', () => {
    const pool = plain();
    for (let round = 0; round < 3; round++) {
      const scope = pool.scope();
      expect(scope.take('f64', 100_000).length).toBe(100_000);
      expect(scope.take('f32', 50_000).length).toBe(50_000);
      scope.release();
    }
    expect(pool.stats).toMatchObject({
      hits: 5,
      misses: 1,
      hit_rate: 5 / 6,
      in_use_bytes: 0,
      bytes: 64 * 2 ** 20,
    });
    expect(pool.stats.high_water_bytes).toBeGreaterThanOrEqual(1_000_000);
  });

  test('takes small arrays from the heap, and those above a slab whole', () => {
    const pool = plain();
    const scope = pool.scope();
    scope.take('u8', SMALLEST_BLOCK - 1);
    expect(pool.stats.bytes).toBe(0);
    expect(scope.take('u8', 100 * 2 ** 20).byteLength).toBe(100 * 2 ** 20);
    expect(pool.stats.bytes).toBeGreaterThanOrEqual(100 * 2 ** 20);
    scope.release();
    expect(pool.stats.in_use_bytes).toBe(0);
  });

  test('never lends one byte twice, whatever is taken and given back', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 3_000_000 }), fc.nat(3)), { maxLength: 40 }),
        (steps) => {
          const pool = plain();
          const scopes = [pool.scope(), pool.scope(), pool.scope(), pool.scope()];
          const held: Uint8Array[][] = [[], [], [], []];
          for (const [bytes, which] of steps) {
            if (bytes % 5 === 0) {
              scopes[which]!.release();
              scopes[which] = pool.scope();
              held[which] = [];
            } else held[which]!.push(scopes[which]!.take('u8', bytes));
          }
          const all = held.flat();
          for (const [i, one] of all.entries()) {
            for (const other of all.slice(0, i)) {
              const apart =
                one.buffer !== other.buffer ||
                one.byteOffset + one.byteLength <= other.byteOffset ||
                other.byteOffset + other.byteLength <= one.byteOffset;
              expect(apart).toBe(true);
            }
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  test('refuses to lend after the end of a scope', () => {
    const scope = plain().scope();
    scope.release();
    expect(() => scope.take('f64', 10)).toThrow(InvariantError);
  });

  test('has aligned slabs that kernels work in', () => {
    const pool = new Pool();
    const scope = pool.scope();
    const [a, b, out] = [scope.take('f64', 64 * 64), scope.take('f64', 64 * 64), scope.take('f64', 64 * 64)];
    expect([a, b, out].map(({ byteOffset }) => byteOffset % SMALLEST_BLOCK)).toEqual([0, 0, 0]);
    expect(a.buffer).toBe(b.buffer);
    a.fill(1);
    b.fill(2);
    expect(gemm({ m: 64, n: 64, k: 64, a, b, out }).out.every((value) => value === 128)).toBe(true);
    scope.release();
    for (const bytes of [0, 100, -16_384, Number.NaN, 2 ** 50])
      expect(() => loadAddon().slab(bytes)).toThrow();
  });
});
