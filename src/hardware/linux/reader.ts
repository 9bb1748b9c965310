// Reads what a Linux machine is doing. The files are looked up once, so that a reading is some ten small files.
import { isTold, orNull, type Told, told, untold } from '../facts.ts';
import type { CoreTime, Counters, Moment, Reader } from '../reading.ts';
import {
  type ControlGroup,
  controlGroups,
  cpuQuota,
  type MemoryLimit,
  memoryLimit,
  memoryUsage,
} from './cgroup.ts';
import { meminfo } from './detect.ts';
import { SystemFiles } from './files.ts';
import {
  type Card,
  type EnergyZones,
  findCard,
  findCpuSensors,
  findEnergyZones,
  findTraffic,
  readCard,
  readCpuCelsius,
  readEnergy,
  readPower,
  readTraffic,
} from './sensors.ts';

/** Reads /proc and /sys. */
export class LinuxReader implements Reader {
  readonly #files: SystemFiles;
  readonly #sensors: readonly string[];
  readonly #zones: EnergyZones;
  readonly #traffic: readonly string[];
  readonly #card: Card | undefined;
  readonly #cpuGroup: Told<ControlGroup>;
  readonly #limit: Told<MemoryLimit & { readonly version: 1 | 2 }>;

  constructor(files = new SystemFiles()) {
    this.#files = files;
    this.#sensors = findCpuSensors(files);
    this.#zones = findEnergyZones(files);
    this.#traffic = findTraffic(files);
    this.#card = findCard(files);
    const groups = controlGroups(files);
    this.#cpuGroup = told(cpuQuota(files, groups.cpu), () => groups.cpu);
    this.#limit = told(groups.memory, (group) =>
      told(memoryLimit(files, group), (limit) => ({ ...limit, version: group.version })),
    );
  }

  counters(): Counters {
    const files = this.#files;
    return {
      cores: told(files.read('/proc/stat'), (text) => parseStat(text)),
      throttledUs: told(this.#cpuGroup, (group) => throttled(files, group)),
      memoryTraffic: readTraffic(files, this.#traffic),
      packages: readEnergy(files, this.#zones.packages),
      dram: readEnergy(files, this.#zones.dram),
    };
  }

  moment(): Moment {
    const files = this.#files;
    const memory = files.read('/proc/meminfo');
    const field = (name: string) => told(memory, (text) => meminfo(text, name));
    return {
      cpu: { stalled: stalled(files, 'cpu') },
      memory: {
        total: field('MemTotal'),
        available: field('MemAvailable'),
        limit: told(this.#limit, ({ bytes }) => bytes),
        limitUsed: told(this.#limit, ({ version, folder }) => memoryUsage(files, version, folder)),
        pressure: untold('Linux has no word for it; see stalled'),
        stalled: stalled(files, 'memory'),
      },
      gpu: readCard(files, this.#card),
      temperature: {
        cpu: readCpuCelsius(files, this.#sensors),
        pressure: untold('Linux has no word for it'),
      },
      power: readPower(files),
    };
  }
}

/** Returns the times of each core in /proc/stat, in ticks. Waiting for a disk is idle, time that a hypervisor took is not. */
export function parseStat(text: string): Told<CoreTime[]> {
  const cores = text
    .slice(0, text.indexOf('\nintr') + 1 || undefined)
    .matchAll(/^cpu(\d+) (.+)$/gm)
    .map(([, id, times]): CoreTime => {
      // user, nice, system, idle, iowait, irq, softirq, steal; guests are part of user.
      const ticks = times!.split(' ').slice(0, 8).map(Number);
      const total = ticks.reduce((sum, value) => sum + value, 0);
      return { id: Number(id), total, busy: total - ticks[3]! - (ticks[4] ?? 0) };
    })
    .toArray();
  const whole = cores.length > 0 && cores.every(({ busy }) => Number.isFinite(busy));
  return whole ? cores : untold('/proc/stat lists no processors');
}

function throttled(files: SystemFiles, { version, folders }: ControlGroup): Told<number> {
  const [name, scale] = version === 2 ? ['throttled_usec', 1] : ['throttled_time', 1000];
  for (const folder of folders) {
    const time = new RegExp(`^${name} (\\d+)$`, 'm').exec(
      orNull(files.read(`${folder}/cpu.stat`)) ?? '',
    )?.[1];
    if (time !== undefined) return Number(time) / scale;
  }
  return untold(`no cpu.stat tells ${name}`);
}

// Pressure stall information: docs.kernel.org/accounting/psi.html
function stalled(files: SystemFiles, resource: 'cpu' | 'memory'): Told<number> {
  const path = `/proc/pressure/${resource}`;
  const text = files.read(path);
  if (!isTold(text)) return text;
  const share = /^some avg10=([\d.]+)/m.exec(text)?.[1];
  return share === undefined ? untold(`${path} tells no average`) : Math.min(100, Number(share));
}
