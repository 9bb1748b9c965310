// Makes samples of what the machine is doing: the difference of two readings, and the values of the moment.
import { group, type Told, told, untold } from './facts.ts';
import type { Counters, Moment, Reader } from './reading.ts';
import type { Cluster } from './schema.ts';
import { clusterUses, coreUses, meanUse, percentOf, rate, round, watts } from './uses.ts';
import type { Utilization } from './utilization.ts';

/** A sample without the name of who took it. */
export type Sample = Omit<Utilization, 'engine' | 'replica' | 'host' | 'system'>;

/** What of a sample is of the machine as a whole and was read at one moment: one process may read it for others. */
export type MachinePart = Pick<Sample, 'read_at_us' | 'memory' | 'gpu' | 'temperature' | 'power'>;

export interface SamplerOptions {
  readonly reader: Reader;
  readonly clusters: readonly Cluster[];
  readonly neuralEngine: Told<boolean>;
  /** Seconds that work of this process has held the GPU so far. */
  readonly gpuSeconds: () => Told<number>;
  readonly nowUs: () => number;
}

interface Start {
  readonly ns: number;
  readonly cpuUs: number;
  readonly gpuSeconds: Told<number>;
  readonly counters: Counters;
}

const PRIVATE = 'no system tells it to programs without special rights';

/** Takes samples, each over the time since the one before. */
export class Sampler {
  #start: Start;

  constructor(private readonly options: SamplerOptions) {
    this.#start = this.#read();
  }

  /** Milliseconds since the last sample, or since the sampler was made. */
  get age(): number {
    return (Bun.nanoseconds() - this.#start.ns) / 1e6;
  }

  /** Begins a new interval here. */
  begin(): void {
    this.#start = this.#read();
  }

  /** Takes a sample. With `shared` the part that it holds is not read again. */
  async sample(shared?: MachinePart): Promise<Sample> {
    const { neuralEngine, nowUs, clusters } = this.options;
    const before = this.#start;
    const after = this.#read();
    this.#start = after;
    const sampledAtUs = nowUs();
    const moment = shared ? undefined : await this.options.reader.moment();
    const seconds = (after.ns - before.ns) / 1e9;
    const { counters } = after;
    const cores = coreUses(before.counters.cores, counters.cores);
    const ownGpu = told(rate(before.gpuSeconds, after.gpuSeconds, seconds), (share) => percentOf(share, 1));
    const throttled = rate(before.counters.throttledUs, counters.throttledUs, seconds);
    return {
      sampled_at_us: sampledAtUs,
      interval_ms: round(seconds * 1000, 1),
      cpu: group({
        utilization: meanUse(cores),
        process_cores: round((after.cpuUs - before.cpuUs) / 1e6 / seconds, 3),
        throttled: told(throttled, (us) => percentOf(us, 1e6)),
        stalled: moment?.cpu.stalled ?? untold('read by another engine of this machine'),
        clusters: clusterUses(cores, clusters),
        cores,
      }),
      ...(moment ? this.#machine(moment, before, after, seconds, ownGpu) : this.#own(shared!, ownGpu)),
      neural_engine: group({
        present: neuralEngine,
        utilization: untold(neuralEngine === false ? 'there is none' : PRIVATE),
        temperature_c: untold(neuralEngine === false ? 'there is none' : PRIVATE),
        power_w: untold(neuralEngine === false ? 'there is none' : PRIVATE),
      }),
    };
  }

  #read(): Start {
    const { user, system } = process.cpuUsage();
    return {
      ns: Bun.nanoseconds(),
      cpuUs: user + system,
      gpuSeconds: this.options.gpuSeconds(),
      counters: this.options.reader.counters(),
    };
  }

  #machine(
    { memory, gpu, temperature, power }: Moment,
    before: Start,
    after: Start,
    seconds: number,
    ownGpu: Told<number>,
  ): MachinePart {
    const traffic = rate(before.counters.memoryTraffic, after.counters.memoryTraffic, seconds);
    const used = told(memory.total, (total) =>
      told(memory.available, (available) => percentOf(total - available, total)),
    );
    return {
      read_at_us: this.options.nowUs(),
      memory: group({
        total_bytes: memory.total,
        available_bytes: memory.available,
        utilization: used,
        process_bytes: process.memoryUsage.rss(),
        limit_bytes: memory.limit,
        limit_used_bytes: memory.limitUsed,
        pressure: memory.pressure,
        stalled: memory.stalled,
        bandwidth_bytes_per_s: told(traffic, Math.round),
      }),
      gpu: group({
        utilization: gpu.utilization,
        process_utilization: ownGpu,
        memory_usage_bytes: gpu.memoryUsed,
        memory_total_bytes: gpu.memoryTotal,
        temperature_c: gpu.celsius,
        power_w: gpu.watts,
      }),
      temperature: group({ cpu_c: temperature.cpu, thermal_pressure: temperature.pressure }),
      power: group({
        package_w: watts(before.counters.packages, after.counters.packages, seconds),
        dram_w: watts(before.counters.dram, after.counters.dram, seconds),
        on_battery: power.onBattery,
        low_power_mode: power.lowPower,
      }),
    };
  }

  // What another process read, with what only this one knows of itself.
  #own({ read_at_us, memory, gpu, temperature, power }: MachinePart, ownGpu: Told<number>): MachinePart {
    const own = group({ process_utilization: ownGpu });
    const { process_utilization: _other, ...reasons } = gpu.reasons;
    return {
      read_at_us,
      memory: { ...memory, process_bytes: process.memoryUsage.rss() },
      gpu: { ...gpu, ...own, reasons: { ...reasons, ...own.reasons } },
      temperature,
      power,
    };
  }
}
