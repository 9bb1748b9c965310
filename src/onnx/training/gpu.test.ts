import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { runWithWebGpu, webGpuEnvironment } from '../../../test/support/webgpu.ts';
import type { TrainingResult } from './job.ts';
import { gpuCase } from './test-gpu.ts';
import { train } from './train.ts';

const webGpu = webGpuEnvironment();
if ('reason' in webGpu) test.skip(`training on a GPU goes as on the CPU (${webGpu.reason})`, () => {});
else {
  test('training on a GPU, its state staying there, goes as on the CPU', async () => {
    const cpu = await train(gpuCase('cpu'), { threads: 1 });
    const [gpu] = (await runWithWebGpu(join(import.meta.dir, 'test-gpu.ts'), webGpu.env)) as [TrainingResult];
    expect(gpu.history).toHaveLength(cpu.history.length);
    for (const [i, value] of cpu.parameters.entries()) {
      // Sums in another order, over twelve steps of at most 0.01.
      expect(Math.abs(gpu.parameters[i]! - value)).toBeLessThan(1e-4);
    }
    const last = cpu.history.at(-1)!;
    expect(Math.abs(gpu.history.at(-1)!.validation_loss! - last.validation_loss!)).toBeLessThan(1e-4);
  }, 300_000);
}
