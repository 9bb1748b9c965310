// What a Mac is doing, by recorded texts of its tools.
import { expect, test } from 'bun:test';
import { cpus } from 'node:os';
import { isTold, orNull, Untold, untold } from '../facts.ts';
import { describeMoment, MacReader, READ, type ReadTexts, usedMemory } from './reader.ts';
import * as recorded from './recorded.ts';

const SILICON =
  'hw.memsize: 34359738368\nkern.memorystatus_vm_pressure_level: 1\nkern.hv_vmm_present: 0\nhw.optional.arm64: 1\n';
const TEXTS: ReadTexts = {
  gpu: recorded.IOREG_GPU_M4_MAX,
  memory: recorded.VM_STAT,
  sysctl: SILICON,
  thermal: recorded.NOTIFY_THERMAL,
  source: recorded.PMSET_BATTERY,
  settings: recorded.PMSET_SETTINGS,
};
const moment = (texts: Partial<ReadTexts> = {}) => describeMoment({ ...TEXTS, ...texts });
const why = (fact: unknown) => (fact instanceof Untold ? fact.reason : fact);

test('the GPU tells its use and memory by their exact names', () => {
  expect(moment().gpu).toMatchObject({ utilization: 16, memoryUsed: 2_914_402_304 });
  expect(moment({ gpu: recorded.IOREG_GPU_M1_PRO }).gpu).toMatchObject({
    utilization: 2,
    memoryUsed: 340_983_808,
  });
  expect(why(moment({ gpu: '' }).gpu.utilization)).toBe('no GPU in the I/O registry tells its use');
  expect(why(moment({ gpu: untold('ioreg hangs') }).gpu.memoryUsed)).toBe('ioreg hangs');
  for (const fact of [moment().gpu.celsius, moment().gpu.watts, moment().temperature.cpu])
    expect(why(fact)).toContain('root');
});

test('memory in use is what Activity Monitor counts, in pages of the size that vm_stat says', () => {
  expect(usedMemory(recorded.VM_STAT)).toBe((464_333 + 715_958 + 0 - 11_820) * 4096);
  const large = recorded.VM_STAT.replace('4096 bytes', '16384 bytes').replace(
    /compressor: +0\.\nDe/,
    'compressor: 529334.\nDe',
  );
  expect(usedMemory(large)).toBe((464_333 + 715_958 + 529_334 - 11_820) * 16_384);
  expect(why(usedMemory('nothing'))).toBe('vm_stat does not tell the pages in use');
  expect(moment().memory).toMatchObject({
    total: 34_359_738_368,
    available: 34_359_738_368 - 1_168_471 * 4096,
  });
});

test('memory pressure is 1, 2 or 4', () => {
  const pressure = (level: string) =>
    why(moment({ sysctl: SILICON.replace('level: 1', `level: ${level}`) }).memory.pressure);
  expect(['1', '2', '4'].map(pressure)).toEqual(['normal', 'warning', 'critical']);
  expect(pressure('3')).toContain('not known');
});

test('thermal pressure counts only where the system is known to publish it', () => {
  const level = (text: string) => why(moment({ thermal: text }).temperature.pressure);
  const key = 'com.apple.system.thermalpressurelevel';
  expect([0, 1, 2, 3, 4].map((n) => level(`${key} ${n}\n`))).toEqual([
    'nominal',
    'moderate',
    'heavy',
    'trapping',
    'sleeping',
  ]);
  expect(level(`${key} 9`)).toContain('no level that is known');
  expect(level(`${key}.other 0`)).toContain('no level that is known');
  const virtual = SILICON.replace('present: 0', 'present: 1');
  expect(why(moment({ sysctl: virtual }).temperature.pressure)).toContain('virtual machine');
  expect(why(moment({ sysctl: 'hw.memsize: 1' }).temperature.pressure)).toContain('Apple silicon');
});

test('the source of power and the low power mode', () => {
  expect(moment().power).toEqual({ onBattery: true, lowPower: false });
  const plugged = {
    source: "Now drawing from 'AC Power'\n",
    settings: recorded.PMSET_SETTINGS.replace(/(lowpowermode +)0/, '$11'),
  };
  expect(moment(plugged).power).toEqual({ onBattery: false, lowPower: true });
  expect(orNull(moment({ source: '', settings: '' }).power.onBattery)).toBeNull();
});

test('settings that a hand changes are asked for once in a while, the rest each time', async () => {
  const asked: string[] = [];
  const reader = new MacReader(async (command) => {
    asked.push(command.slice(0, 3).join(' '));
    return Object.entries(READ).flatMap(([name, it]) =>
      it === command ? [orNull(TEXTS[name as keyof ReadTexts])!] : [],
    )[0]!;
  });
  expect((await reader.moment()).power).toEqual({ onBattery: true, lowPower: false });
  expect(asked).toHaveLength(6);
  expect((await reader.moment()).power).toEqual({ onBattery: true, lowPower: false });
  expect(asked.slice(6)).toHaveLength(4);
  expect(asked.slice(6).some((command) => command.includes('pmset'))).toBe(false);
});

test('core times come from the runtime', () => {
  const { cores } = new MacReader().counters();
  expect(isTold(cores) && cores.length).toBe(cpus().length);
  if (isTold(cores)) for (const { busy, total } of cores) expect(busy).toBeWithin(0, total + 1);
});
