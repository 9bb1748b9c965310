// What a Linux machine is doing, by recorded files and by those of the machine that runs the test.
import { afterEach, describe, expect, test } from 'bun:test';
import { isTold, orNull, Untold } from '../facts.ts';
import { LinuxReader, parseStat } from './reader.ts';
import { RecordedMachine } from './recorded.ts';

const machines: RecordedMachine[] = [];
afterEach(() => {
  for (const machine of machines.splice(0)) machine.remove();
});
const recorded = (files: Record<string, string>) => {
  const machine = new RecordedMachine(files);
  machines.push(machine);
  return machine;
};
const read = (files: Record<string, string>) => {
  const reader = new LinuxReader(recorded(files).files);
  return { ...reader.moment(), ...reader.counters() };
};
const why = (fact: unknown) => (fact instanceof Untold ? fact.reason : fact);

// AMD EPYC, kernel 6.18, 2026-11-22; the line of interrupts is cut, the guests of the second core are added: they are in its user time.
const STAT = `cpu  5990419 276887 1076384 4711135 101524 0 63030 84317 0 0
cpu0 2860500 147028 505326 2550003 21388 0 25388 42208 0 0
cpu1 3129919 129859 571057 2161132 80136 0 37642 42108 777 7
intr 73487478 0 0 0
ctxt 139284
cpu9 is no processor here`;

test('the times of cores are those of their lines, and waiting for a disk is idle', () => {
  expect(parseStat(STAT)).toEqual([
    { id: 0, total: 6_151_841, busy: 3_580_450 },
    { id: 1, total: 6_151_853, busy: 3_910_585 },
  ]);
  expect(why(parseStat('intr 1'))).toBe('/proc/stat lists no processors');
  expect(why(parseStat('cpu0 1 x 3 4 5'))).toBe('/proc/stat lists no processors');
});

test('memory, its limit and the waiting for both', () => {
  const { memory, cpu, throttledUs } = read({
    '/proc/meminfo': 'MemTotal:       24684084 kB\nMemFree:        20645748 kB\nMemAvailable:   21820540 kB',
    '/proc/pressure/cpu':
      'some avg10=99.27 avg60=98.52 avg300=64.33 total=19996359061\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0',
    '/proc/pressure/memory': 'some avg10=1.37 avg60=0.51 avg300=0.27 total=1201001010',
    '/proc/self/cgroup': '0::/',
    '/proc/self/mountinfo': '486 477 0:30 / /sys/fs/cgroup ro,relatime - cgroup2 cgroup rw',
    '/sys/fs/cgroup/cpu.max': '150000 100000',
    '/sys/fs/cgroup/cpu.stat': 'usage_usec 8000\nnr_throttled 3\nthrottled_usec 4321',
    '/sys/fs/cgroup/memory.max': '536870912',
    '/sys/fs/cgroup/memory.current': '100000000',
    '/sys/fs/cgroup/memory.stat': 'anon 60000000\ninactive_file 40000000',
  });
  expect(memory).toMatchObject({ total: 25_276_502_016, available: 22_344_232_960, stalled: 1.37 });
  expect(memory).toMatchObject({ limit: 536_870_912, limitUsed: 60_000_000 });
  expect([cpu.stalled, throttledUs]).toEqual([99.27, 4321]);
});

describe('temperature of the processor', () => {
  const celsius = (files: Record<string, string>) => orNull(read(files).temperature.cpu);
  // Monitors of a laptop: https://github.com/cockpit-project/cockpit/pull/17160
  test('is that of the package, not of a core, a disk or a radio', () => {
    const files = {
      '/sys/class/hwmon/hwmon3/name': 'thinkpad',
      '/sys/class/hwmon/hwmon3/temp1_label': 'CPU',
      '/sys/class/hwmon/hwmon3/temp1_input': '91000',
      '/sys/class/hwmon/hwmon4/name': 'nvme',
      '/sys/class/hwmon/hwmon4/temp1_input': '92000',
      '/sys/class/hwmon/hwmon9/name': 'coretemp',
      '/sys/class/hwmon/hwmon9/temp1_label': 'Package id 0',
      '/sys/class/hwmon/hwmon9/temp1_input': '60000',
      '/sys/class/hwmon/hwmon9/temp2_label': 'Core 0',
      '/sys/class/hwmon/hwmon9/temp2_input': '57000',
    };
    expect(celsius(files)).toBe(60);
    const second = {
      '/sys/class/hwmon/hwmon10/name': 'coretemp',
      '/sys/class/hwmon/hwmon10/temp1_label': 'Package id 1',
    };
    expect(celsius({ ...files, ...second, '/sys/class/hwmon/hwmon10/temp1_input': '64500' })).toBe(64.5);
  });

  // docs.kernel.org/hwmon/k10temp.html; numbers as in https://github.com/sebhildebrandt/systeminformation/issues/365
  test('of AMD is Tdie where there is one, else Tctl', () => {
    const tctl = {
      '/sys/class/hwmon/hwmon0/name': 'k10temp',
      '/sys/class/hwmon/hwmon0/temp1_label': 'Tctl',
      '/sys/class/hwmon/hwmon0/temp1_input': '77250',
    };
    expect(celsius(tctl)).toBe(77.25);
    const tdie = {
      '/sys/class/hwmon/hwmon0/temp2_label': 'Tdie',
      '/sys/class/hwmon/hwmon0/temp2_input': '50250',
    };
    expect(celsius({ ...tctl, ...tdie })).toBe(50.25);
  });

  test('comes from a thermal zone where no monitor has it', () => {
    const zones = {
      '/sys/class/thermal/thermal_zone0/type': 'acpitz',
      '/sys/class/thermal/thermal_zone0/temp': '27800',
      '/sys/class/thermal/thermal_zone1/type': 'cpu-thermal',
      '/sys/class/thermal/thermal_zone1/temp': '48300',
    };
    expect(celsius(zones)).toBe(48.3);
    expect(celsius({})).toBeNull();
  });
});

test('energy is that of packages and memory, and says so when it may not be read', () => {
  const zone = (path: string, name: string, microjoules?: string) => ({
    [`/sys/class/powercap/${path}/name`]: name,
    ...(microjoules && {
      [`/sys/class/powercap/${path}/energy_uj`]: microjoules,
      [`/sys/class/powercap/${path}/max_energy_range_uj`]: '262143328850',
    }),
  });
  const found = read({
    ...zone('intel-rapl:0', 'package-0', '1000'),
    ...zone('intel-rapl:0:0', 'core', '900'),
    ...zone('intel-rapl:0:1', 'dram', '50'),
    ...zone('intel-rapl:1', 'package-1', '2000'),
    ...zone('intel-rapl-mmio:0', 'package-0', '1001'),
  });
  expect(found.packages).toEqual([
    { microjoules: 1000, range: 262_143_328_850 },
    { microjoules: 2000, range: 262_143_328_850 },
  ]);
  expect(found.dram).toEqual([{ microjoules: 50, range: 262_143_328_850 }]);
  expect(why(read(zone('intel-rapl:0', 'package-0')).packages)).toContain('energy_uj is absent');
});

test('a graphics card of AMD tells its use, memory, temperature and power', () => {
  const card = '/sys/class/drm/card1/device';
  const found = read({
    '/sys/class/drm/card0/device/vendor': '0x1a03',
    '/sys/class/drm/card1-DP-1/status': 'disconnected',
    [`${card}/gpu_busy_percent`]: '37',
    [`${card}/mem_info_vram_used`]: '1073741824',
    [`${card}/mem_info_vram_total`]: '25753026560',
    [`${card}/hwmon/hwmon5/temp1_input`]: '54000',
    [`${card}/hwmon/hwmon5/power1_average`]: '31000000',
  });
  expect(found.gpu).toEqual({
    utilization: 37,
    memoryUsed: 1_073_741_824,
    memoryTotal: 25_753_026_560,
    celsius: 54,
    watts: 31,
  });
  expect(why(read({ '/sys/class/drm/card0/device/vendor': '0x8086' }).gpu.utilization)).toContain(
    'gpu_busy_percent is absent',
  );
  expect(why(read({}).gpu.utilization)).toBe('the kernel knows no graphics card');
});

test('memory traffic is the sum of all domains, or the reason why nobody counts', () => {
  const domains = {
    '/sys/fs/resctrl/mon_data/mon_L3_00/mbm_total_bytes': '1000',
    '/sys/fs/resctrl/mon_data/mon_L3_01/mbm_total_bytes': '500',
  };
  expect(read(domains).memoryTraffic).toBe(1500);
  const away = { '/sys/fs/resctrl/mon_data/mon_L3_00/mbm_total_bytes': 'Unavailable' };
  expect(why(read(away).memoryTraffic)).toContain('holds no number');
  expect(why(read({}).memoryTraffic)).toContain('needs /sys/fs/resctrl');
});

test('power comes from mains or a battery of the machine, not from that of a mouse', () => {
  const mains = (online: string) => ({
    '/sys/class/power_supply/AC/type': 'Mains',
    '/sys/class/power_supply/AC/online': online,
  });
  const battery = (status: string) => ({
    '/sys/class/power_supply/BAT0/type': 'Battery',
    '/sys/class/power_supply/BAT0/status': status,
  });
  const onBattery = (files: Record<string, string>) => orNull(read(files).power.onBattery);
  expect(onBattery({ ...mains('1'), ...battery('Charging') })).toBe(false);
  expect(onBattery({ ...mains('0'), ...battery('Discharging') })).toBe(true);
  // A charger that is too weak.
  expect(onBattery({ ...mains('1'), ...battery('Discharging') })).toBe(false);
  expect(onBattery(mains('1'))).toBe(false);
  const mouse = {
    '/sys/class/power_supply/hidpp/type': 'Battery',
    '/sys/class/power_supply/hidpp/scope': 'Device',
  };
  expect(onBattery({ ...mouse, '/sys/class/power_supply/hidpp/status': 'Discharging' })).toBeNull();
  expect(orNull(read({ '/sys/firmware/acpi/platform_profile': 'low-power' }).power.lowPower)).toBe(true);
});

test.if(process.platform === 'linux')('reads this machine, whose counters grow', () => {
  const reader = new LinuxReader();
  const total = () => {
    const { cores } = reader.counters();
    return isTold(cores) ? cores.reduce((sum, core) => sum + core.total, 0) : 0;
  };
  const first = total();
  const end = performance.now() + 10_000;
  while (total() === first && performance.now() < end);
  expect(total()).toBeGreaterThan(first);
  const { memory } = reader.moment();
  expect(orNull(memory.available)!).toBeWithin(1, orNull(memory.total)!);
});
