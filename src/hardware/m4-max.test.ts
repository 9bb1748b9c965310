import { expect, test } from 'bun:test';
import { expectedCrossover, isM4Max } from './m4-max.ts';

test('an M4 Max is known by the name of its processor', () => {
  expect(['Apple M4 Max', 'Apple M4 Max (Virtual)'].map(isM4Max)).toEqual([true, true]);
  expect(['Apple M4', 'Apple M4 Pro', 'Apple M3 Max', 'AMD EPYC'].some(isM4Max)).toBe(false);
});

test('the expected size is where the saved time pays for the launch', () => {
  // A product of n = 1,000: 2 GFLOP take 0.571 ms on the matrix units and 0.145 ms on the GPU, so that 0.4 ms are saved at 0.94 of it.
  const n = 1000;
  const call = {
    id: 'gemm',
    elements: 2 * n ** 3,
    operations: 2 * n ** 3,
    bytes: 12 * n * n,
    cpu: 'blas',
  } as const;
  const from = expectedCrossover(call);
  expect(from / call.elements).toBeCloseTo(0.4 / (2e9 / 3.5e9 - 2e9 / 13.8e9), 6);
  // The unit of the size is the caller's, and the traffic bounds what does little.
  const triad = { id: 'triad', elements: 100, operations: 200, bytes: 1.2e9, cpu: 'hwy' } as const;
  expect(expectedCrossover(triad)).toBe(Math.ceil((100 * 0.4) / (1.2e9 / 300e6 - 1.2e9 / 546e6)));
});
