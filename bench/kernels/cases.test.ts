// The data of the kernel benches fits the definitions, and floors are floors.
import { describe, expect, test } from 'bun:test';
import { CATALOGUE } from '../../src/indicators/index.ts';
import { KERNELS } from '../../src/native/index.ts';
import { PYTHON, sizesOf } from './cases.ts';
import { bandwidthFor, floorOf, highest } from './limits.ts';
import { TALIB } from './talib.ts';

test('rivals are named for kernels and indicators that exist', () => {
  const kernels = KERNELS.map(({ def }) => def.id);
  expect(Object.keys(PYTHON).filter((id) => !kernels.includes(id))).toEqual([]);
  const indicators: string[] = CATALOGUE.map(({ name }) => name);
  expect(Object.keys(TALIB).filter((name) => !indicators.includes(name))).toEqual([]);
});

test('every kernel has sizes within its definition, larger than those of its example', () => {
  for (const { def } of KERNELS) {
    const sizes = sizesOf(def);
    expect(Object.keys(sizes)).toEqual(expect.arrayContaining(Object.keys(def.example)));
    for (const [name, { min = 0, max = 2 ** 31 - 1 }] of Object.entries(def.sizes)) {
      // One that is left out has a default.
      if (sizes[name] === undefined) continue;
      expect(Number(sizes[name])).toBeGreaterThanOrEqual(min);
      expect(Number(sizes[name])).toBeLessThanOrEqual(max);
    }
  }
});

describe('the floor', () => {
  const limits = {
    bandwidth: [
      { footprint: 1000, bytesPerNs: 100 },
      { footprint: 10_000, bytesPerNs: 40 },
      { footprint: 100_000, bytesPerNs: 10 },
    ],
    flopsPerNs: { f64: 50, f32: 100 },
  };

  test('takes the bandwidth of the fastest memory that could hold the arrays', () => {
    expect([500, 1000, 1001, 10_000, 50_000, 1e9].map((bytes) => bandwidthFor(limits, bytes))).toEqual([
      100, 100, 40, 40, 10, 10,
    ]);
  });

  test('stands on the highest of two measurements', () => {
    const other = {
      bandwidth: limits.bandwidth.map((one) => ({ ...one, bytesPerNs: 41 })),
      flopsPerNs: { f64: 60, f32: 90 },
    };
    expect(highest(limits, other).bandwidth.map(({ bytesPerNs }) => bytesPerNs)).toEqual([100, 41, 41]);
    expect(highest(limits, other).flopsPerNs).toEqual({ f64: 60, f32: 100 });
  });

  test('is set by the slower of traffic and arithmetic', () => {
    expect(floorOf(limits, 'f64', { flops: 500, bytes: 500 })).toEqual({ ns: 10, bound: 'arithmetic' });
    expect(floorOf(limits, 'f32', { flops: 100, bytes: 500 })).toEqual({ ns: 5, bound: 'memory' });
  });
});
