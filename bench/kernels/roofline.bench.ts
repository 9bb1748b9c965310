// How close every kernel is to its floor: the bytes it has to move over the bandwidth of this machine, or its floating-point
// operations over the peak of fused multiply-adds, whichever takes longer. A kernel that moved away from its floor lost lanes,
// threads or cache; one far from it is bound by latency, by divisions or by a recursion that no lane can shorten.
import { cpus } from 'node:os';
import { type Dtype, setThreads } from '../../src/native/index.ts';
import { formatNs, interleave, quantile } from '../pairs.ts';
import { isQuick, publish } from '../report.ts';
import { significant } from '../speedups/results.ts';
import { KERNELS, type KernelCase, kernelCase, tried } from './cases.ts';
import { floorOf, highest, measureLimits } from './limits.ts';

const threads = setThreads(Number(process.env.NAUTILUS_THREADS ?? cpus().length));
const rounds = isQuick ? 3 : 15;
const before = await measureLimits();
const measured: { readonly one: KernelCase; readonly dtype: Dtype; readonly ns: number }[] = [];
const failed: string[] = [];
for (const kernel of KERNELS) {
  for (const dtype of kernel.def.dtypes) {
    const one = tried(() => kernelCase(kernel, dtype));
    if (typeof one === 'string') {
      failed.push(`${kernel.def.id} did not run: ${one}.`);
      process.exitCode = 1;
      continue;
    }
    const [times = []] = await interleave([one.run], { rounds });
    measured.push({ one, dtype, ns: quantile(times, 0.5) });
  }
}
// Whatever kept the machine from its limits before the kernels may be gone after them.
const limits = highest(before, await measureLimits());
const rows = measured.map(({ one, dtype, ns }) => {
  const floor = floorOf(limits, dtype, one);
  return [
    `${one.def.id} (${one.shape})`,
    dtype,
    formatNs(ns),
    formatNs(floor.ns),
    floor.bound,
    `${((100 * floor.ns) / ns).toFixed(0)}%`,
    significant(one.flops / ns),
    significant(one.bytes / ns),
  ];
});
const data = measured.map(({ one, dtype, ns }) => {
  const { flops, bytes } = one;
  return { kernel: one.def.id, dtype, ns, floor: floorOf(limits, dtype, one), flops, bytes };
});
const caches = limits.bandwidth.map(
  ({ footprint, bytesPerNs }) =>
    `${significant(bytesPerNs)} GB/s over ${significant(footprint / 2 ** 20)} MiB`,
);
publish({
  title: 'Roofline',
  note: `Limits of this machine with ${threads} threads: triad ${caches.join(', ')}; fused multiply-adds ${significant(limits.flopsPerNs.f64)} GF/s in f64, ${significant(limits.flopsPerNs.f32)} in f32. Work and traffic are those of the definitions; divisions, roots and integer steps count as one operation each, so that no kernel made of them can come near 100%. Arrays that stay in a cache may beat the triad, which also writes.${failed.map((text) => ` ${text}`).join('')}`,
  columns: ['kernel', 'dtype', 'takes', 'floor', 'bound by', 'of floor', 'GF/s', 'GB/s'],
  rows,
  data: { limits, kernels: data },
});
