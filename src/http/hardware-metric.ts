// The machine in the metrics: the last sample, as ratios, bytes, degrees and watts. What is not told has no sample.
import type { Sample } from '../hardware/index.ts';
import { Gauge, type Registry } from './prom.ts';

interface Series {
  readonly name: string;
  readonly help: string;
  readonly label: string;
  readonly values: (sample: Sample) => Readonly<Record<string, number | null>>;
}

const ratio = (percent: number | null) => (percent === null ? null : percent / 100);

const SERIES: readonly Series[] = [
  {
    name: 'nautilus_hardware_cpu_ratio',
    help: 'Share of the time that logical cores were busy, of all and of each cluster',
    label: 'cluster',
    values: ({ cpu }) => ({
      ...Object.fromEntries((cpu.clusters ?? []).map(({ name, utilization }) => [name, ratio(utilization)])),
      all: ratio(cpu.utilization),
    }),
  },
  {
    name: 'nautilus_hardware_memory_bytes',
    help: 'Memory of the machine, available memory, the limit of control groups, and what counts against it',
    label: 'kind',
    values: ({ memory }) => ({
      total: memory.total_bytes,
      available: memory.available_bytes,
      limit: memory.limit_bytes,
      limit_used: memory.limit_used_bytes,
    }),
  },
  {
    name: 'nautilus_hardware_memory_bytes_per_second',
    help: 'Traffic of the memory',
    label: 'part',
    values: ({ memory }) => ({ all: memory.bandwidth_bytes_per_s }),
  },
  {
    name: 'nautilus_hardware_stalled_ratio',
    help: 'Share of the last 10 s in which a thread waited for a processor or for memory',
    label: 'resource',
    values: ({ cpu, memory }) => ({ cpu: ratio(cpu.stalled), memory: ratio(memory.stalled) }),
  },
  {
    name: 'nautilus_hardware_gpu_ratio',
    help: 'Share of the time that the GPU worked, for all programs and for this process',
    label: 'by',
    values: ({ gpu }) => ({ all: ratio(gpu.utilization), process: ratio(gpu.process_utilization) }),
  },
  {
    name: 'nautilus_hardware_gpu_memory_bytes',
    help: 'Memory that the GPU uses, and memory of its own',
    label: 'kind',
    values: ({ gpu }) => ({ used: gpu.memory_usage_bytes, total: gpu.memory_total_bytes }),
  },
  {
    name: 'nautilus_hardware_temperature_celsius',
    help: 'Temperature of the processor and of the GPU',
    label: 'part',
    values: ({ temperature, gpu }) => ({ cpu: temperature.cpu_c, gpu: gpu.temperature_c }),
  },
  {
    name: 'nautilus_hardware_power_watts',
    help: 'Power of processor packages, memory and GPU',
    label: 'part',
    values: ({ power, gpu }) => ({ package: power.package_w, dram: power.dram_w, gpu: gpu.power_w }),
  },
];

/** Adds the machine to `registry`; `last` is the newest sample. */
export function registerHardware(registry: Registry, last: () => Sample | undefined): void {
  for (const { name, help, label, values } of SERIES) {
    new Gauge({
      name,
      help,
      labelNames: [label],
      registers: [registry],
      collect() {
        this.reset();
        const sample = last();
        if (!sample) return;
        for (const [key, value] of Object.entries(values(sample)))
          if (value !== null) this.set({ [label]: key }, value);
      },
    });
  }
}
