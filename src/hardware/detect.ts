// What this machine is, read once for each process.
import { group, type Told, untold } from './facts.ts';
import { detectLinux } from './linux/detect.ts';
import { commandRunner } from './macos/command.ts';
import { detectMac } from './macos/detect.ts';
import type { Hardware, MetalFacts } from './schema.ts';

const METAL_UNKNOWN: MetalFacts = { available: false, reason: 'the native addon was not asked' };

/**
 * Returns what this machine is and what of it this process may use: processors by cluster, limits, memory, GPUs, Neural Engine. What the
 * system does not tell is null, with the reason. `metal` is what the addon says of Metal. Never throws. On Linux it reads files
 * of /proc and /sys, on macOS it runs sysctl and ioreg, which takes some tens of milliseconds.
 */
export async function detectHardware(metal: MetalFacts = METAL_UNKNOWN): Promise<Hardware> {
  if (process.platform === 'linux') return detectLinux(metal);
  if (process.platform === 'darwin') return detectMac(metal, commandRunner());
  return unknownMachine(metal);
}

// The system is neither: what Bun itself knows.
function unknownMachine(metal: MetalFacts): Hardware {
  const why: Told<never> = untold(`nothing here reads the hardware of ${process.platform}`);
  const cores = navigator.hardwareConcurrency;
  return {
    system: group({
      os: process.platform,
      version: why,
      arch: process.arch,
      model: why,
      virtual_machine: why,
      hypervisor: why,
      container: why,
    }),
    cpu: group({
      name: why,
      logical_cores: cores,
      physical_cores: why,
      sockets: why,
      clusters: [],
      allowed_core_ids: why,
      quota_cores: why,
      usable_cores: cores,
      caches: [],
      numa_nodes: why,
      simd: why,
    }),
    memory: group({ total_bytes: why, limit_bytes: why }),
    gpus: [],
    metal,
    neural_engine: group({ present: why, cores: why }),
  };
}
