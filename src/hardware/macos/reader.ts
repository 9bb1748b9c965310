// Reads what a Mac is doing: core times from Bun, the rest by tools of the system, each run anew for a reading.
import { cpus } from 'node:os';
import { orNull, type Told, told, untold } from '../facts.ts';
import type { Counters, Moment, Reader } from '../reading.ts';
import { THERMAL_PRESSURES, type ThermalPressure } from '../utilization.ts';
import { commandRunner, type RunCommand } from './command.ts';
import { DETECT } from './detect.ts';
import { numbersOf, parseRegistry } from './ioreg.ts';
import { Sysctl } from './sysctl.ts';

const PRESSURE_KEY = 'com.apple.system.thermalpressurelevel';

/** The commands of a reading. */
export const READ = {
  gpu: DETECT.gpu,
  memory: ['/usr/bin/vm_stat'],
  sysctl: [
    '/usr/sbin/sysctl',
    'hw.memsize',
    'kern.memorystatus_vm_pressure_level',
    'kern.hv_vmm_present',
    'hw.optional.arm64',
  ],
  thermal: ['/usr/bin/notifyutil', '-g', PRESSURE_KEY],
  source: ['/usr/bin/pmset', '-g', 'batt'],
  settings: ['/usr/bin/pmset', '-g'],
} as const;

/** What those commands printed. */
export type ReadTexts = { readonly [K in keyof typeof READ]: Told<string> };

const PRIVATE = 'macOS tells it to programs of root and through private interfaces only';
const SHARED = 'the GPU of Apple silicon shares the memory of the machine';

/** Settings of power change by hand, so that they are read this seldom. */
const POWER_MS = 60_000;
const POWER: readonly (keyof typeof READ)[] = ['source', 'settings'];

/** Reads by the tools of macOS. */
export class MacReader implements Reader {
  readonly #power = new Map<string, Told<string>>();
  #powerNs = Number.NEGATIVE_INFINITY;

  constructor(private readonly run: RunCommand = commandRunner()) {}

  counters(): Counters {
    const why = untold(PRIVATE);
    return {
      cores: cpus().map(({ times }, id) => {
        const total = times.user + times.nice + times.sys + times.idle + times.irq;
        return { id, total, busy: total - times.idle };
      }),
      throttledUs: untold('macOS has no control groups'),
      memoryTraffic: why,
      packages: why,
      dram: why,
    };
  }

  async moment(): Promise<Moment> {
    const ns = Bun.nanoseconds();
    const again = ns - this.#powerNs >= POWER_MS * 1e6;
    if (again) this.#powerNs = ns;
    const names = Object.keys(READ) as (keyof typeof READ)[];
    const texts = await Promise.all(
      names.map(async (name) => {
        const seldom = POWER.includes(name);
        const text = seldom && !again ? this.#power.get(name)! : await this.run(READ[name]);
        if (seldom) this.#power.set(name, text);
        return [name, text] as const;
      }),
    );
    return describeMoment(Object.fromEntries(texts) as ReadTexts);
  }
}

/** Returns what the texts say. */
export function describeMoment(texts: ReadTexts): Moment {
  const sysctl = new Sysctl(orNull(texts.sysctl) ?? '');
  const total = sysctl.number('hw.memsize');
  return {
    cpu: { stalled: untold('macOS does not count it') },
    memory: {
      total,
      available: told(total, (bytes) =>
        told(told(texts.memory, usedMemory), (used) => Math.max(0, bytes - used)),
      ),
      limit: untold('macOS has no control groups'),
      limitUsed: untold('macOS has no control groups'),
      pressure: told(sysctl.number('kern.memorystatus_vm_pressure_level'), pressureOf),
      stalled: untold('macOS does not count it; see pressure'),
    },
    gpu: readGpu(texts.gpu),
    temperature: { cpu: untold(PRIVATE), pressure: thermalPressure(sysctl, texts.thermal) },
    power: { onBattery: told(texts.source, onBattery), lowPower: told(texts.settings, lowPower) },
  };
}

/**
 * Returns the memory that vm_stat says is in use, in bytes, as Activity Monitor counts it: of applications (anonymous and not purgeable), wired,
 * and what the compressor takes. The rest is free, or a cache that the system gives back.
 */
export function usedMemory(text: string): Told<number> {
  const size = /page size of (\d+) bytes/.exec(text)?.[1];
  const pages = (name: string) =>
    /(\d+)/.exec(new RegExp(`^${name}:\\s+(\\d+)\\.`, 'm').exec(text)?.[1] ?? '')?.[1];
  const counts = [
    'Anonymous pages',
    'Pages wired down',
    'Pages occupied by compressor',
    'Pages purgeable',
  ].map(pages);
  if (size === undefined || counts.includes(undefined))
    return untold('vm_stat does not tell the pages in use');
  const [anonymous, wired, compressor, purgeable] = counts.map(Number);
  return Math.max(0, anonymous! + wired! + compressor! - purgeable!) * Number(size);
}

// 1, 2 and 4: https://github.com/exelban/stats/issues/254
function pressureOf(level: number): Told<'normal' | 'warning' | 'critical'> {
  if (level === 1) return 'normal';
  if (level === 2) return 'warning';
  return level === 4
    ? 'critical'
    : untold('kern.memorystatus_vm_pressure_level has a value that is not known');
}

function readGpu(text: Told<string>): Moment['gpu'] {
  const statistics = told(text, (registry) => {
    const all = parseRegistry(registry).map((entry) =>
      numbersOf(entry.properties.get('PerformanceStatistics')),
    );
    return (
      all.find((numbers) => numbers.has('Device Utilization %')) ??
      untold('no GPU in the I/O registry tells its use')
    );
  });
  const number = (name: string) =>
    told(statistics, (numbers) => numbers.get(name) ?? untold(`the GPU does not tell "${name}"`));
  return {
    utilization: told(number('Device Utilization %'), (value) => Math.min(100, value)),
    memoryUsed: number('In use system memory'),
    memoryTotal: untold(SHARED),
    celsius: untold(PRIVATE),
    watts: untold(PRIVATE),
  };
}

// notifyutil prints 0 also for keys that nobody sets, so that it counts only where the system is known to set this one.
function thermalPressure(sysctl: Sysctl, text: Told<string>): Told<ThermalPressure> {
  if (orNull(sysctl.number('hw.optional.arm64')) !== 1)
    return untold('only Macs of Apple silicon publish it');
  if (orNull(sysctl.number('kern.hv_vmm_present')) !== 0) return untold('a virtual machine is not told it');
  return told(text, (line) => {
    const level = new RegExp(`^${PRESSURE_KEY} (\\d+)$`, 'm').exec(line)?.[1];
    return THERMAL_PRESSURES[Number(level ?? -1)] ?? untold('notifyutil prints no level that is known');
  });
}

function onBattery(text: string): Told<boolean> {
  const source = /^Now drawing from '(.+)'/m.exec(text)?.[1];
  return source === undefined ? untold('pmset names no source of power') : source !== 'AC Power';
}

function lowPower(text: string): Told<boolean> {
  const mode = /^\s*lowpowermode\s+(\d)/m.exec(text)?.[1];
  return mode === undefined ? untold('pmset tells no low power mode') : mode === '1';
}
