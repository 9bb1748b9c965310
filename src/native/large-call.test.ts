import { describe, expect, test } from 'bun:test';
import type { KernelDef } from './define.ts';
import { KERNELS } from './index.ts';
import { elementsOf, extents, largeCall, operationsOf } from './large-call.ts';

// It measures the CPU in rounds, and has no size.
const defs: KernelDef[] = KERNELS.map(({ def }) => def).filter(({ id }) => id !== 'fma_chains');

describe('the large call of each kernel', () => {
  test.each(defs.map((def) => [def.id, def] as const))('%s grows by a size, within its ranges', (_, def) => {
    const large = largeCall(def);
    const growing = extents(def);
    expect(growing.size).toBeGreaterThan(0);
    for (const [name, full] of growing) {
      const option = def.options[name];
      const { max = 2 ** 31 - 1 } = def.sizes[name] ?? (option?.kind === 'int' ? option : {});
      expect(full).toBeLessThanOrEqual(max);
    }
    const half = { ...large, ...Object.fromEntries([...growing].map(([name, full]) => [name, full / 2])) };
    expect(operationsOf(def, half)).toBeLessThan(operationsOf(def, large));
    expect(operationsOf(def, large)).toBeGreaterThan(1e6);
    expect(elementsOf(def, large)).toBeGreaterThan(0);
  });
});
