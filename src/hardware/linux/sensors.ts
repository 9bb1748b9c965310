// Temperature, power, memory traffic and GPU of a Linux machine. Which files there are is looked up once, by `find…`.
import { isTold, orNull, type Told, told, untold } from '../facts.ts';
import type { Energy, Moment } from '../reading.ts';
import type { SystemFiles } from './files.ts';
import { cardFolders } from './gpu.ts';

const HWMON = '/sys/class/hwmon';
const ZONES = '/sys/class/thermal';
const RAPL = '/sys/class/powercap';
const RESCTRL = '/sys/fs/resctrl/mon_data';
const SUPPLIES = '/sys/class/power_supply';

// Drivers of processors, with the labels that stand for the whole of one. AMD's Tctl is made for fans; Tdie is the die, where it is told.
const CPU_DRIVERS: Readonly<Record<string, RegExp>> = {
  coretemp: /^Package id \d+$/,
  k10temp: /^(Tdie|Tctl)$/,
  zenpower: /^(Tdie|Tctl)$/,
  cpu_thermal: /^$/,
};
const CPU_ZONES = /^(x86_pkg_temp|cpu[-_]?thermal|cpu\d*[-_]thermal|soc[-_]thermal)$/;

/** Returns the files that tell the temperature of processors, in thousandths of a degree. */
export function findCpuSensors(files: SystemFiles): string[] {
  const sensors = files.list(HWMON).flatMap((monitor) => {
    const folder = `${HWMON}/${monitor}`;
    const whole = CPU_DRIVERS[orNull(files.read(`${folder}/name`)) ?? ''];
    if (!whole) return [];
    const inputs = files.list(folder).filter((name) => /^temp\d+_input$/.test(name));
    const labelled = inputs.map((input) => ({
      path: `${folder}/${input}`,
      label: orNull(files.read(`${folder}/${input.replace('_input', '_label')}`)) ?? '',
    }));
    const chosen = labelled.filter(({ label }) => whole.test(label));
    const dies = chosen.filter(({ label }) => label === 'Tdie');
    return (dies.length > 0 ? dies : chosen).map(({ path }) => path);
  });
  if (sensors.length > 0) return sensors;
  return files
    .list(ZONES)
    .filter((zone) => CPU_ZONES.test(orNull(files.read(`${ZONES}/${zone}/type`)) ?? ''))
    .map((zone) => `${ZONES}/${zone}/temp`);
}

/** Returns the hottest of `sensors` in degrees Celsius. */
export function readCpuCelsius(files: SystemFiles, sensors: readonly string[]): Told<number> {
  const values = sensors.flatMap((path) => orNull(files.number(path)) ?? []);
  if (values.length > 0) return Math.max(...values) / 1000;
  return untold(
    sensors.length === 0 ? `no driver in ${HWMON} or ${ZONES} tells it` : `${sensors[0]} could not be read`,
  );
}

/** Zones of energy counters, by what they count. */
export interface EnergyZones {
  readonly packages: readonly string[];
  readonly dram: readonly string[];
}

/** Returns the counters of Intel's RAPL, which AMD's processors have too. */
export function findEnergyZones(files: SystemFiles): EnergyZones {
  const named = files.list(RAPL).map((zone) => ({
    folder: `${RAPL}/${zone}`,
    name: orNull(files.read(`${RAPL}/${zone}/name`)) ?? '',
  }));
  const of = (name: RegExp) => named.filter((zone) => name.test(zone.name)).map(({ folder }) => folder);
  // The same packages have a second set of zones by memory-mapped registers on some machines.
  const packages = of(/^package-\d+$/);
  const first = packages.filter((folder) => !folder.includes('mmio'));
  return { packages: first.length > 0 ? first : packages, dram: of(/^dram$/) };
}

/** Returns the counters of some zones. */
export function readEnergy(files: SystemFiles, zones: readonly string[]): Told<Energy[]> {
  if (zones.length === 0) return untold(`${RAPL} has no such zone`);
  const energies: Energy[] = [];
  for (const zone of zones) {
    const microjoules = files.number(`${zone}/energy_uj`);
    if (!isTold(microjoules)) return microjoules;
    energies.push({ microjoules, range: orNull(files.number(`${zone}/max_energy_range_uj`)) ?? 0 });
  }
  return energies;
}

/** Returns the counters of memory traffic, where resctrl is mounted and the processor counts. */
export function findTraffic(files: SystemFiles): string[] {
  return files
    .list(RESCTRL)
    .map((domain) => `${RESCTRL}/${domain}/mbm_total_bytes`)
    .filter((path) => files.exists(path));
}

/** Returns the bytes that all memory controllers counted. */
export function readTraffic(files: SystemFiles, counters: readonly string[]): Told<number> {
  if (counters.length === 0)
    return untold('needs /sys/fs/resctrl mounted, on a processor that counts memory traffic');
  let sum = 0;
  for (const counter of counters) {
    const bytes = files.number(counter);
    if (!isTold(bytes)) return bytes;
    sum += bytes;
  }
  return sum;
}

/** Files of the card that is watched. */
export interface Card {
  readonly folder: string;
  /** Folder of its sensors. */
  readonly monitor: string | undefined;
}

/** Returns the first card that tells its use, else the first card; undefined without one. */
export function findCard(files: SystemFiles): Card | undefined {
  const cards = cardFolders(files);
  const folder = cards.find((card) => files.exists(`${card}/gpu_busy_percent`)) ?? cards[0];
  if (folder === undefined) return undefined;
  const [monitor] = files.list(`${folder}/hwmon`);
  return { folder, monitor: monitor === undefined ? undefined : `${folder}/hwmon/${monitor}` };
}

/** Returns what a card is doing; names of files are those of amdgpu (docs.kernel.org/gpu/amdgpu). */
export function readCard(files: SystemFiles, card: Card | undefined): Moment['gpu'] {
  if (!card) {
    const none = untold('the kernel knows no graphics card');
    return { utilization: none, memoryUsed: none, memoryTotal: none, celsius: none, watts: none };
  }
  const { folder, monitor } = card;
  const sensor = (name: string, scale: number): Told<number> =>
    monitor === undefined
      ? untold(`${folder} has no sensors`)
      : told(files.number(`${monitor}/${name}`), (value) => value / scale);
  return {
    utilization: told(files.number(`${folder}/gpu_busy_percent`), (value) => Math.min(100, value)),
    memoryUsed: files.number(`${folder}/mem_info_vram_used`),
    memoryTotal: files.number(`${folder}/mem_info_vram_total`),
    celsius: sensor('temp1_input', 1000),
    watts: sensor('power1_average', 1e6),
  };
}

/** Returns whether a battery powers the machine and whether it is asked to save power. */
export function readPower(files: SystemFiles): Moment['power'] {
  const supplies = files.list(SUPPLIES).map((name) => `${SUPPLIES}/${name}`);
  const mains = supplies.filter((supply) => orNull(files.read(`${supply}/type`)) === 'Mains');
  const batteries = supplies.filter(
    (supply) =>
      orNull(files.read(`${supply}/type`)) === 'Battery' &&
      orNull(files.read(`${supply}/scope`)) !== 'Device',
  );
  const online = mains.some((supply) => orNull(files.number(`${supply}/online`)) === 1);
  const discharging = batteries.some((supply) => orNull(files.read(`${supply}/status`)) === 'Discharging');
  return {
    onBattery:
      mains.length + batteries.length === 0
        ? untold(`${SUPPLIES} lists neither mains nor battery`)
        : discharging && !online,
    lowPower: told(files.read('/sys/firmware/acpi/platform_profile'), (profile) => profile === 'low-power'),
  };
}
