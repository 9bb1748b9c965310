import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { runWithWebGpu, webGpuEnvironment } from '../../../test/support/webgpu.ts';
import { fitAll, type Told } from './test-gpu.ts';

const FAMILIES = ['mlp'];
const { env, missing } = webGpuEnvironment();

test.skipIf(missing !== '')(
  `a network fits on WebGPU as on the CPU, and says where${missing}`,
  async () => {
    const [gpu] = (await runWithWebGpu(join(import.meta.dir, 'test-gpu.ts'), env, FAMILIES)) as [Told[]];
    const cpu = await fitAll('cpu', FAMILIES);
    expect(gpu.map(({ family }) => family)).toEqual(FAMILIES);
    expect(cpu.map(({ family }) => family)).toEqual(FAMILIES);
    for (const [i, { hardware, losses }] of gpu.entries()) {
      expect([hardware, cpu[i]!.hardware]).toEqual(['webgpu', 'cpu']);
      expect(losses).toHaveLength(2);
      for (const [epoch, loss] of losses.entries()) {
        const other = cpu[i]!.losses[epoch]!;
        // Sums in another order, over six steps.
        expect(Math.abs(loss - other)).toBeLessThan(1e-3 * Math.max(1, Math.abs(other)));
      }
    }
  },
  300_000,
);
