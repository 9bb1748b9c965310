// Memory bandwidth: the STREAM triad over vectors that no cache holds.
import { triad } from '../../../src/native/index.ts';
import { triadLoop } from '../../baseline/triad.ts';
import { wave } from '../../inputs.ts';
import { type Bench, measure, mustAgree, mustAgreeWith, type RowResult, rival } from '../measure.ts';

export async function memoryBandwidth(bench: Bench): Promise<RowResult> {
  const length = 1 << (bench.quick ? 22 : 24);
  const [b, c] = [wave(length, 0.7), wave(length, 1.3)];
  const out = new Float64Array(length);
  const plain = new Float64Array(length);
  const now = () => triad({ length, b, c, out });
  now();
  triadLoop(b, c, 3, plain);
  mustAgree('triad', out[7]!, plain[7]!, 0);
  await mustAgreeWith(bench, 'triad', { length }, out.at(-1)!, 1e-9);
  const measurements = await measure(bench, {
    workload: `STREAM triad out = b + 3 c, f64, ${(length * 8) / 2 ** 20} MiB a vector`,
    now,
    before: () => triadLoop(b, c, 3, plain),
    rivals: [rival(bench, 'NumPy', ' (multiply, add)', 'triad', { length })],
  });
  const rate = (ms: number | null) => `${((24 * length) / ((ms ?? Number.NaN) * 1e6)).toFixed(1)} GB/s`;
  const { before_ms, now_ms } = measurements[0]!;
  return {
    note: `By STREAM's count of 24 bytes for each element ${rate(before_ms)} before and ${rate(now_ms)} now. Before: a loop, one thread. Now: \`triad\`, ${bench.threads} threads, stores past the caches. The memory of a machine is what it is: the ratio says how much of it one plain thread leaves unused.`,
    measurements,
  };
}
