// Compares gradients with finite differences on a provider of ONNX Runtime; run as a program it does so for WebGPU.
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { Philox } from '../../core/philox.ts';
import { encodeModel } from '../graph.ts';
import { CHECKS, type Check } from './checks.ts';
import { mul, reshape, sum } from './ops.ts';
import { sizeOf, Tape } from './tape.ts';

/** Half the distance of two points: the loss is smooth over it, and float32 still resolves the difference. */
const STEP = 1e-2;

/**
 * Returns the largest error of the gradients of one case, divided by 1 + |gradient|. The loss is a sum of all results, each
 * times its own fixed number, so that no two elements can take each other's place. Gradients are those of `provider`, the
 * differences always those of the CPU.
 */
export async function gradientError(check: Check, provider: 'cpu' | 'webgpu'): Promise<number> {
  const tape = new Tape();
  const inputs = check.shapes.map((shape, i) => tape.input(`x${i}`, shape, 'float32', true));
  const y = check.of(inputs);
  const factors = Float32Array.from({ length: y.size }, (_, i) => Math.cos(i * 1.3 + 0.4));
  const scaled = mul(y, tape.constant(y.shape, factors));
  const loss = reshape(sum(scaled, [...y.shape.keys()]), []);
  const gradients = tape.gradients(loss, inputs);
  const bytes = encodeModel({ graph: tape.graph('check', inputs, [loss, ...gradients]) });
  const open = (name: 'cpu' | 'webgpu') =>
    InferenceSession.create(bytes, {
      executionProviders: [name],
      intraOpNumThreads: 1,
      logSeverityLevel: 4,
    });
  const plain = await open('cpu');
  const other = provider === 'cpu' ? plain : await open(provider);
  try {
    const names = gradients.map(({ name }) => name);
    return await worstError({ plain, other }, check, loss.name, names);
  } finally {
    await plain.release();
    if (other !== plain) await other.release();
  }
}

async function worstError(
  { plain, other }: { readonly plain: InferenceSession; readonly other: InferenceSession },
  check: Check,
  loss: string,
  gradients: readonly string[],
): Promise<number> {
  const [low, high] = check.range ?? [-1, 1];
  const values = check.shapes.map((shape, i) => {
    const drawn = new Philox(11, i).fillUniform(new Float64Array(sizeOf(shape)));
    // Not within two steps of 0, where some operations have a corner.
    return Float32Array.from(drawn, (u) => away(low + (high - low) * u));
  });
  const feeds = () =>
    Object.fromEntries(
      values.map((data, i) => [`x${i}`, new OrtTensor('float32', data, [...check.shapes[i]!])]),
    );
  const lossNow = async () => Number((await plain.run(feeds(), [loss]))[loss]!.data[0]);
  const found = await other.run(feeds(), [...gradients]);
  let worst = 0;
  for (const [i, data] of values.entries()) {
    const gradient = found[gradients[i]!]!.data as Float32Array;
    for (const at of data.keys()) {
      const kept = data[at]!;
      data[at] = kept + STEP;
      const above = await lossNow();
      data[at] = kept - STEP;
      const below = await lossNow();
      data[at] = kept;
      const expected = (above - below) / (2 * STEP);
      // NaN counts as the largest error there is.
      const error = Math.abs(expected - gradient[at]!) / (1 + Math.abs(expected));
      worst = error <= worst ? worst : Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
    }
  }
  return worst;
}

function away(x: number): number {
  return Math.abs(x) < 2 * STEP ? x + 4 * STEP : x;
}

if (import.meta.main) {
  for (const [name, checks] of Object.entries(CHECKS)) {
    for (const check of checks) {
      const error = await gradientError(check, 'webgpu');
      process.stdout.write(`${JSON.stringify({ name, error })}\n`);
    }
  }
}
