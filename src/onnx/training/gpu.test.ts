import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { runWithWebGpu, webGpuEnvironment } from '../../../test/support/webgpu.ts';
import type { TrainingResult } from './job.ts';
import { gpuCase } from './test-gpu.ts';
import { train } from './train.ts';

const { env, missing } = webGpuEnvironment();

test.skipIf(missing !== '')(
  `training on a GPU, its state staying there, goes as on the CPU${missing}`,
  async () => {
    const cpu = await train(gpuCase('cpu'), { threads: 1 });
    const [gpu] = (await runWithWebGpu(join(import.meta.dir, 'test-gpu.ts'), env)) as [TrainingResult];
    expect(gpu.history).toHaveLength(cpu.history.length);
    for (const [i, value] of cpu.parameters.entries()) {
      // Sums in another order, over twelve steps of at most 0.01.
      expect(Math.abs(gpu.parameters[i]! - value)).toBeLessThan(1e-4);
    }
    const last = cpu.history.at(-1)!;
    expect(Math.abs(gpu.history.at(-1)!.validation_loss! - last.validation_loss!)).toBeLessThan(1e-4);
  },
  300_000,
);
