// What each Metal kernel did, and how full its threadgroups are. Only where there is Metal.
import { type MetalPipeline, metalPipelines } from '../native/index.ts';
import { nativeInfo } from './native-info.ts';
import { Counter, Gauge, type Registry } from './prom.ts';

/** Kernels that ran: the others have nothing to tell, and would be many. */
function used(): readonly MetalPipeline[] {
  return nativeInfo().backend === 'metal' ? metalPipelines().filter(({ commands }) => commands > 0) : [];
}

/** Adds the Metal kernels that ran to the metrics. */
export function registerMetalKernels(registry: Registry): void {
  const registers = [registry];
  new Gauge({
    name: 'nautilus_metal_pipeline_threads',
    help: 'Threads of a threadgroup of a Metal kernel: most that its pipeline allows, and of those that it ran in last',
    labelNames: ['kernel', 'kind'],
    registers,
    collect() {
      this.reset();
      for (const { kernel, maxThreads, groupThreads } of used()) {
        if (maxThreads === 0) continue;
        this.set({ kernel, kind: 'most' }, maxThreads);
        this.set({ kernel, kind: 'group' }, groupThreads);
      }
    },
  });
  new Gauge({
    name: 'nautilus_metal_pipeline_threadgroup_bytes',
    help: 'Static threadgroup memory of a Metal kernel, of 32,768 bytes that there are',
    labelNames: ['kernel'],
    registers,
    collect() {
      this.reset();
      for (const { kernel, maxThreads, threadgroupBytes } of used())
        if (maxThreads > 0) this.set({ kernel }, threadgroupBytes);
    },
  });
  new Counter({
    name: 'nautilus_metal_kernel_commands_total',
    help: 'Command buffers of a Metal kernel',
    labelNames: ['kernel'],
    registers,
    collect() {
      this.reset();
      for (const { kernel, commands } of used()) this.inc({ kernel }, commands);
    },
  });
  new Counter({
    name: 'nautilus_metal_kernel_seconds_total',
    help: 'Time that command buffers of a Metal kernel held the GPU, in seconds',
    labelNames: ['kernel'],
    registers,
    collect() {
      this.reset();
      for (const { kernel, gpuSeconds } of used()) this.inc({ kernel }, gpuSeconds);
    },
  });
}
