// Trains a small network on WebGPU and prints its parameters and losses; gpu.test.ts compares them with the CPU's.
import { products, smallJob } from './test-job.ts';
import { train } from './train.ts';

/** The run that both sides do: a few steps of two epochs, with dropout, a filled-up minibatch and clipped gradients. */
export const gpuCase = (provider: 'cpu' | 'webgpu') =>
  smallJob(
    { dropout: 0.2, clipNorm: 1 },
    { provider, epochs: 3, data: products(100), validation: products(40, 5) },
  );

if (import.meta.main) {
  const { parameters, history } = await train(gpuCase('webgpu'), { threads: 1 });
  process.stdout.write(`${JSON.stringify({ parameters: [...parameters], history })}\n`);
}
