// How close every kernel is to its floor: the bytes it has to move over the bandwidth of this machine, or its floating-point
// operations over the peak of fused multiply-adds, whichever takes longer. A kernel that moved away from its floor lost lanes,
// threads or cache; one far from it is bound by latency, by divisions or by a recursion that no lane can shorten.
import { cpus } from 'node:os';
import { setThreads } from '../../src/native/index.ts';
import { formatNs, interleave, quantile } from '../pairs.ts';
import { isQuick, publish } from '../report.ts';
import { significant } from '../speedups/results.ts';
import { KERNELS, kernelCase, tried } from './cases.ts';
import { floorOf, measureLimits } from './limits.ts';

const threads = setThreads(Number(process.env.NAUTILUS_THREADS ?? cpus().length));
const rounds = isQuick ? 3 : 15;
const limits = await measureLimits(rounds);
const rows: string[][] = [];
const data: Record<string, unknown>[] = [];
for (const kernel of KERNELS) {
  for (const dtype of kernel.def.dtypes) {
    const one = tried(() => kernelCase(kernel, dtype));
    if (typeof one === 'string') {
      rows.push([kernel.def.id, dtype, `did not run: ${one}`]);
      process.exitCode = 1;
      continue;
    }
    const [times = []] = await interleave([one.run], { rounds });
    const ns = quantile(times, 0.5);
    const floor = floorOf(limits, dtype, one);
    rows.push([
      `${kernel.def.id} (${one.shape})`,
      dtype,
      formatNs(ns),
      formatNs(floor.ns),
      floor.bound,
      `${((100 * floor.ns) / ns).toFixed(0)}%`,
      significant(one.flops / ns),
      significant(one.bytes / ns),
    ]);
    data.push({ kernel: kernel.def.id, dtype, ns, floor, flops: one.flops, bytes: one.bytes });
  }
}
const caches = limits.bandwidth.map(
  ({ footprint, bytesPerNs }) =>
    `${significant(bytesPerNs)} GB/s over ${significant(footprint / 2 ** 20)} MiB`,
);
publish({
  title: 'Roofline',
  note: `Limits of this machine with ${threads} threads: triad ${caches.join(', ')}; fused multiply-adds ${significant(limits.flopsPerNs.f64)} GF/s in f64, ${significant(limits.flopsPerNs.f32)} in f32. Work and traffic are those of the definitions; divisions, roots and integer steps count as one operation each, so that no kernel made of them can come near 100%.`,
  columns: ['kernel', 'dtype', 'takes', 'floor', 'bound by', 'of floor', 'GF/s', 'GB/s'],
  rows,
  data: { limits, kernels: data },
});
