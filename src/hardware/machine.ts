// Puts together what samples this machine, and says its state in the words of the router.
import { type Told, untold } from './facts.ts';
import { LinuxReader } from './linux/reader.ts';
import { MacReader } from './macos/reader.ts';
import type { Moment, Reader } from './reading.ts';
import type { Readings, ThermalState } from './readings.ts';
import { type Sample, Sampler } from './sampler.ts';
import type { Hardware } from './schema.ts';
import type { ThermalPressure } from './utilization.ts';

/** Returns the sampler of this machine; `gpuSeconds` are those for which work of this process held the GPU so far. */
export function samplerOf(
  { cpu, neural_engine }: Hardware,
  gpuSeconds: () => Told<number>,
  nowUs: () => number,
  reader = readerOf(process.platform),
): Sampler {
  return new Sampler({
    reader,
    clusters: cpu.clusters,
    neuralEngine: neural_engine.present ?? untold(neural_engine.reasons.present ?? 'not told'),
    gpuSeconds,
    nowUs,
  });
}

/** Returns the reader of a platform; one that nothing here reads tells nothing. */
export function readerOf(platform: NodeJS.Platform): Reader {
  if (platform === 'linux') return new LinuxReader();
  return platform === 'darwin' ? new MacReader() : nothing(platform);
}

function nothing(platform: string): Reader {
  const why = untold(`nothing here reads the hardware of ${platform}`);
  const moment: Moment = {
    cpu: { stalled: why },
    memory: { total: why, available: why, limit: why, limitUsed: why, pressure: why, stalled: why },
    gpu: { utilization: why, memoryUsed: why, memoryTotal: why, celsius: why, watts: why },
    temperature: { cpu: why, pressure: why },
    power: { onBattery: why, lowPower: why },
  };
  return {
    counters: () => ({ cores: why, throttledUs: why, memoryTraffic: why, packages: why, dram: why }),
    moment: () => moment,
  };
}

// NSProcessInfo has four words for the five levels of the kernel; the two last mean that the machine is about to stop.
const STATES: Readonly<Record<ThermalPressure, ThermalState>> = {
  nominal: 'nominal',
  moderate: 'fair',
  heavy: 'serious',
  trapping: 'critical',
  sleeping: 'critical',
};

/** Returns what the router wants to know of a sample. */
export function readingsOf({ temperature, power }: Pick<Sample, 'temperature' | 'power'>): Readings {
  const { thermal_pressure } = temperature;
  return {
    thermal: thermal_pressure === null ? null : STATES[thermal_pressure],
    onBattery: power.on_battery,
    lowPower: power.low_power_mode,
  };
}
