import { describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { runWithWebGpu, webGpuEnvironment } from '../../../test/support/webgpu.ts';
import { CHECKS } from './checks.ts';
import * as ops from './ops.ts';
import { gradientError } from './test-gradients.ts';

// Central differences over 2e-2 of losses near 1 in float32: 6e-8 / 2e-2 per rounding, and h^2 / 6 of a third derivative.
const TOLERANCE = 2e-3;

describe('the gradient of every operation', () => {
  for (const [name, checks] of Object.entries(CHECKS)) {
    for (const [i, check] of checks.entries()) {
      test(`${name} agrees with finite differences, case ${i + 1} of ${checks.length}`, async () => {
        expect(await gradientError(check, 'cpu')).toBeLessThan(TOLERANCE);
      });
    }
  }

  const { env, missing } = webGpuEnvironment();
  test.skipIf(missing !== '')(
    `agrees with finite differences on WebGPU${missing}`,
    async () => {
      const path = join(import.meta.dir, 'test-gradients.ts');
      const errors = (await runWithWebGpu(path, env)) as { name: string; error: number }[];
      expect(new Set(errors.map(({ name }) => name))).toEqual(new Set(Object.keys(CHECKS)));
      expect(errors.filter(({ error }) => !(error < TOLERANCE))).toEqual([]);
    },
    600_000,
  );

  test('is checked for each function that ops.ts exports', () => {
    expect(Object.keys(CHECKS).sort()).toEqual(Object.keys(ops).sort());
  });
});
