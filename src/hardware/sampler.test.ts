// Samples from readings that the test makes up, and the sharing of them.
import { describe, expect, test } from 'bun:test';
import { eventually } from '../../test/support/eventually.ts';
import { type Told, Untold, untold } from './facts.ts';
import { readerOf, readingsOf } from './machine.ts';
import { Monitor } from './monitor.ts';
import type { CoreTime, Counters, Moment, Reader } from './reading.ts';
import { type MachinePart, Sampler } from './sampler.ts';
import { clusterUses, coreUses, percentOf, rate, watts } from './uses.ts';
import { utilizationSchema } from './utilization.ts';

const NO = untold('not in this test');
const COUNTERS: Counters = { cores: NO, throttledUs: NO, memoryTraffic: NO, packages: NO, dram: NO };
const MOMENT = readerOf('aix').moment() as Moment;
const times = (...busy: number[]): CoreTime[] =>
  busy.map((value, id) => ({ id, busy: value, total: 100 + 2 * Math.max(...busy) }));
const why = (fact: unknown) => (fact instanceof Untold ? fact.reason : fact);

describe('two readings', () => {
  test('make the use of cores and clusters', () => {
    const before = [
      { id: 0, busy: 10, total: 100 },
      { id: 1, busy: 50, total: 100 },
      { id: 2, busy: 1, total: 2 },
    ];
    const after = [
      { id: 0, busy: 20, total: 200 },
      { id: 1, busy: 150, total: 200 },
      { id: 3, busy: 5, total: 9 },
    ];
    const uses = coreUses(before, after);
    expect(uses).toEqual([
      { id: 0, utilization: 10 },
      { id: 1, utilization: 100 },
    ]);
    const cluster = (kind: 'performance' | 'efficiency', core_ids: number[] | null) => ({
      kind,
      name: kind,
      logical_cores: 1,
      physical_cores: 1,
      core_ids,
    });
    expect(clusterUses(uses, [cluster('performance', [1]), cluster('efficiency', [0, 7])])).toEqual([
      { kind: 'performance', name: 'performance', utilization: 100 },
      { kind: 'efficiency', name: 'efficiency', utilization: 10 },
    ]);
    expect(why(clusterUses(uses, [cluster('performance', null)]))).toContain('which core');
    expect(why(coreUses(before, before))).toContain('no clock tick');
    expect(why(coreUses(NO, after))).toBe('not in this test');
  });

  test('make rates and watts, also over the end of a counter', () => {
    expect(rate(100, 300, 2)).toBe(100);
    expect(why(rate(300, 100, 2))).toBe('the counter began again');
    const energy = (microjoules: number, range = 1e9) => [{ microjoules, range }];
    expect(watts(energy(1e6), energy(7e6), 2)).toBe(3);
    expect(watts(energy(999e6), energy(3e6), 2)).toBe(2);
    expect(why(watts(energy(5, 0), energy(3, 0), 1))).toBe('the counter began again');
    expect([percentOf(1, 3), percentOf(5, 4), percentOf(-1, 4)]).toEqual([33.3, 100, 0]);
  });
});

/** A machine whose counters and values are what the test says. */
class MadeUp implements Reader {
  now: Counters = COUNTERS;
  state: Moment = MOMENT;
  moments = 0;
  counters = () => this.now;
  moment = async () => {
    this.moments++;
    return this.state;
  };
}

const samplerOf = (reader: Reader, gpuSeconds: () => Told<number> = () => NO) =>
  new Sampler({
    reader,
    clusters: [{ kind: 'uniform', name: 'cpu', logical_cores: 2, physical_cores: 2, core_ids: [0, 1] }],
    neuralEngine: true,
    gpuSeconds,
    nowUs: () => Math.round(Bun.nanoseconds() / 1000),
  });
const whole = (sample: object) => utilizationSchema.parse({ engine: 'risk', host: 'here', ...sample });

test('a sample has each value or its reason, never both, and fits its schema', async () => {
  const machine = new MadeUp();
  machine.now = { ...COUNTERS, cores: times(0, 0) };
  let gpuSeconds = 0;
  const sampler = samplerOf(machine, () => gpuSeconds);
  gpuSeconds = 1e6;
  machine.now = { ...COUNTERS, cores: times(50, 100) };
  machine.state = { ...MOMENT, memory: { ...MOMENT.memory, total: 1000, available: 250 } };
  const sample = await sampler.sample();
  expect(sample.cpu).toMatchObject({ utilization: 37.5, cores: [{ utilization: 25 }, { utilization: 50 }] });
  expect(sample.memory).toMatchObject({ total_bytes: 1000, available_bytes: 250, utilization: 75 });
  expect(sample.gpu.process_utilization).toBe(100);
  expect(sample.neural_engine).toMatchObject({ present: true, utilization: null });
  for (const part of Object.values(whole(sample))) {
    if (typeof part !== 'object') continue;
    const untold = Object.entries(part).flatMap(([name, value]) => (value === null ? [name] : []));
    expect(Object.keys(part.reasons).sort()).toEqual(untold.sort());
    for (const reason of Object.values(part.reasons)) expect(reason.length).toBeGreaterThan(5);
  }
});

test('what another process read is taken over, what only this one knows is not', async () => {
  const machine = new MadeUp();
  machine.state = {
    ...MOMENT,
    gpu: { ...MOMENT.gpu, utilization: 62 },
    temperature: { cpu: NO, pressure: 'heavy' },
  };
  const other = await samplerOf(machine).sample();
  expect(other.gpu.reasons.process_utilization).toBe('not in this test');
  const part: MachinePart = { ...other, memory: { ...other.memory, process_bytes: 1 } };
  const own = await samplerOf(machine, () => 7).sample(part);
  expect(machine.moments).toBe(1);
  expect(own).toMatchObject({ read_at_us: other.read_at_us, temperature: { thermal_pressure: 'heavy' } });
  expect(own.gpu.utilization).toBe(62);
  expect(own.gpu.process_utilization).toBe(0);
  expect(own.gpu.reasons.process_utilization).toBeUndefined();
  expect(own.memory.process_bytes).toBeGreaterThan(1_000_000);
  whole(own);
});

test('the router gets thermal pressure in its own words', () => {
  const power = { package_w: null, dram_w: null, on_battery: true, low_power_mode: null, reasons: {} };
  const readings = (thermal_pressure: 'heavy' | null) =>
    readingsOf({ temperature: { cpu_c: null, thermal_pressure, reasons: {} }, power });
  expect(readings('heavy')).toEqual({ thermal: 'serious', onBattery: true, lowPower: null });
  expect(readings(null).thermal).toBeNull();
});

describe('a monitor', () => {
  const monitored = (shared?: () => MachinePart | undefined) => {
    const machine = new MadeUp();
    let nowUs = 1_000_000;
    const options = { intervalMs: 5000, nowUs: () => nowUs, ...(shared && { shared }) };
    const sampler = new Sampler({
      reader: machine,
      clusters: [],
      neuralEngine: NO,
      gpuSeconds: () => NO,
      nowUs: () => nowUs,
    });
    const monitor = new Monitor({ ...options, sampler: async () => sampler });
    return { machine, monitor, pass: (us: number) => (nowUs += us) };
  };

  test('reads once for all who ask within an interval, and again after it', async () => {
    const { machine, monitor, pass } = monitored();
    expect(monitor.last).toBeUndefined();
    const [a, b] = await Promise.all([monitor.read(), monitor.read()]);
    expect(a).toBe(b!);
    pass(4_999_000);
    expect(await monitor.read()).toBe(a!);
    expect(machine.moments).toBe(1);
    pass(1_000);
    expect(await monitor.read()).not.toBe(a!);
    expect(machine.moments).toBe(2);
    expect(monitor.last).not.toBe(a!);
  });

  test('does not read what another process read within the interval', async () => {
    const heard: { part?: MachinePart } = {};
    const { machine, monitor, pass } = monitored(() => heard.part);
    const first = await monitor.take();
    heard.part = first;
    pass(4_000_000);
    expect((await monitor.take()).read_at_us).toBe(first.read_at_us);
    expect(machine.moments).toBe(1);
    pass(1_000_000);
    expect((await monitor.take()).read_at_us).toBe(6_000_000);
    expect(machine.moments).toBe(2);
  });

  test('tries again after a sampler that could not be made', async () => {
    let tries = 0;
    const monitor = new Monitor({
      intervalMs: 1000,
      nowUs: () => 0,
      sampler: async () => {
        if (++tries === 1) throw new Error('not yet');
        return samplerOf(new MadeUp());
      },
    });
    expect(monitor.read()).rejects.toThrow('not yet');
    await eventually(async () => (await monitor.read().catch(() => undefined)) !== undefined, 'a sample');
  });
});
