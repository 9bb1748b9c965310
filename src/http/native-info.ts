// What the addon says of itself, in the short form that every engine reports.

import { type MetalFacts, type Told, untold } from '../hardware/index.ts';
import { buildInfo, isAddonBuilt, metalCounts, type PoolStats, pool } from '../native/index.ts';
import { Counter, Gauge, type Registry } from './prom.ts';

/** `backend` is `cpu`, `metal` or `unavailable`; `target` is the SIMD target in use. */
export interface NativeInfo {
  readonly backend: string;
  readonly target: string | null;
}

let known: NativeInfo | undefined;

/** Returns the addon's backend and SIMD target; loads the addon on the first call, and never throws. */
export function nativeInfo(): NativeInfo {
  known ??= read();
  return known;
}

function read(): NativeInfo {
  if (!isAddonBuilt()) return { backend: 'unavailable', target: null };
  try {
    const info = buildInfo();
    return { backend: info.metal.available ? 'metal' : 'cpu', target: info.simdTarget };
  } catch {
    return { backend: 'unavailable', target: null };
  }
}

/** Returns whether kernels can run on the GPU, and why not; never throws. */
export function metalFacts(): MetalFacts {
  const { backend } = nativeInfo();
  if (backend === 'unavailable')
    return { available: false, reason: 'the native addon is not built or does not load' };
  return backend === 'metal'
    ? { available: true, reason: null }
    : { available: false, reason: buildInfo().metal.reason };
}

/** Returns the seconds for which work of this process has held the GPU. */
export function gpuSeconds(): Told<number> {
  const { available, reason } = metalFacts();
  return available ? metalCounts().gpuSeconds : untold(reason ?? 'no Metal');
}

/** Returns the Metal kernels that did not compile on this device, each with the reason; never throws. */
export function brokenMetalKernels(): readonly string[] {
  return nativeInfo().backend === 'metal' ? buildInfo().metal.broken : [];
}

/** Returns what the pool of native memory has done so far, for `/system/status`. */
export const poolStats = (): PoolStats => pool.stats;

/** Adds the pool of native memory to the metrics. */
export function registerPool(registry: Registry): void {
  const registers = [registry];
  new Gauge({
    name: 'nautilus_native_pool_bytes',
    help: 'Native memory for kernels: of all slabs, in use, and the most that was ever in use',
    labelNames: ['kind'],
    registers,
    collect() {
      const { bytes, in_use_bytes, high_water_bytes } = pool.stats;
      this.set({ kind: 'slabs' }, bytes);
      this.set({ kind: 'in_use' }, in_use_bytes);
      this.set({ kind: 'high_water' }, high_water_bytes);
    },
  });
  new Counter({
    name: 'nautilus_native_pool_blocks_total',
    help: 'Blocks of native memory taken, by whether they were there already',
    labelNames: ['outcome'],
    registers,
    collect() {
      const { hits, misses } = pool.stats;
      this.reset();
      this.inc({ outcome: 'hit' }, hits);
      this.inc({ outcome: 'miss' }, misses);
    },
  });
}

/** Adds what the Metal device has done to the metrics; zeros where there is none. */
export function registerMetal(registry: Registry): void {
  const registers = [registry];
  new Counter({
    name: 'nautilus_metal_events_total',
    help: 'Command buffers of the Metal device, those that failed, calls begun again in smaller pieces, and calls that the CPU completed',
    labelNames: ['event'],
    registers,
    collect() {
      this.reset();
      if (nativeInfo().backend !== 'metal') return;
      const { commands, failures, retries, fallbacks } = metalCounts();
      for (const [event, count] of Object.entries({ commands, failures, retries, fallbacks }))
        this.inc({ event }, count);
    },
  });
  new Counter({
    name: 'nautilus_metal_seconds_total',
    help: 'Time that command buffers held the GPU, in seconds',
    registers,
    collect() {
      this.reset();
      if (nativeInfo().backend === 'metal') this.inc(metalCounts().gpuSeconds);
    },
  });
  new Counter({
    name: 'nautilus_metal_copied_bytes_total',
    help: 'Bytes copied into buffers of the Metal device and back',
    registers,
    collect() {
      this.reset();
      if (nativeInfo().backend === 'metal') this.inc(metalCounts().copiedBytes);
    },
  });
}
