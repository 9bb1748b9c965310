// The machine as an engine tells of it: its routes, its messages, its gauges, and the switches of both.
import { afterEach, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { Elysia } from 'elysia';
import { TestEngine } from '../../test/support/engine.ts';
import { eventually } from '../../test/support/eventually.ts';
import { Bus } from '../bus/client.ts';
import { topics } from '../bus/topics.ts';
import { loadConfig } from '../core/config.ts';
import { hardwareSchema, type Moment, type Reader, readerOf, utilizationSchema } from '../hardware/index.ts';
import type { EngineDefinition } from './engine.ts';
import { HardwareMonitor } from './hardware-monitor.ts';
import { EngineMetrics } from './metrics.ts';
import { ServiceWatch } from './service-watch.ts';

setDefaultTimeout(60_000);

const definition: EngineDefinition = {
  name: 'sample',
  port: 1,
  title: 'Sample',
  description: 'An engine of the tests.',
  create: () => ({ routes: new Elysia() }),
};

let engine: TestEngine | undefined;
afterEach(async () => {
  await engine?.stop();
  engine = undefined;
});
const start = async (env: Record<string, string>, of = definition) => {
  engine = await TestEngine.start(of, env);
  return engine;
};
const gauges = (text: string) =>
  [...text.matchAll(/^# HELP (nautilus_hardware_\w+)/gm)].map(([, name]) => name!);

describe('an engine', () => {
  test('answers what the machine is and what it is doing, both as their schemas say', async () => {
    const { get } = withGet(await start({ MONITORING_INTERVAL: '3600' }));
    const hardware = await get('/hardware');
    expect(hardware).toEqual(hardwareSchema.strict().parse(hardware));
    expect(hardware.cpu.usable_cores).toBeGreaterThan(0);
    const first = await get('/hardware/utilization');
    expect(first).toEqual(utilizationSchema.strict().parse(first));
    expect(first).toMatchObject({ engine: 'sample', memory: { process_bytes: expect.any(Number) } });
    expect(first.interval_ms).toBeGreaterThan(0);
    expect(await get('/hardware/utilization')).toEqual(first);
  });

  test('publishes it each MONITORING_INTERVAL, with times that follow each other and counters that move', async () => {
    const test = await start({ MONITORING_INTERVAL: '1' });
    await eventually(() => test.messages(topics.hardwareMetrics).length >= 3, 'three messages');
    const bodies = test.messages(topics.hardwareMetrics).map((e) => e.body);
    for (const [i, body] of bodies.entries()) {
      expect(body.memory.process_bytes).toBeGreaterThan(1_000_000);
      if (process.platform === 'linux') expect(body.cpu.utilization).toBeWithin(0, 100.1);
      if (i === 0) continue;
      const passedMs = (body.sampled_at_us - bodies[i - 1]!.sampled_at_us) / 1000;
      // The two are read one after the other; a thread that loses the processor in between makes them differ.
      expect(body.interval_ms).toBeWithin(passedMs / 2, passedMs * 2);
    }
    const values = bodies.map(({ cpu, memory }) => JSON.stringify({ cpu, memory }));
    expect(new Set(values).size).toBeGreaterThan(1);
    expect(test.messages(topics.mlHardwareMetrics)).toEqual([]);
    const text = (await test.get('/metrics')).body;
    expect(gauges(text)).toContain('nautilus_hardware_cpu_ratio');
    expect(text).toMatch(/^nautilus_hardware_memory_bytes\{kind="total",engine="sample"\} \d+$/m);
    expect(text).not.toMatch(/^nautilus_hardware_\S+ (NaN|null)$/m);
  });

  test('with HARDWARE_MONITORING=0 looks only when it is asked to, and has no gauges', async () => {
    const test = await start({ HARDWARE_MONITORING: '0', MONITORING_INTERVAL: '1' });
    const { get } = withGet(test);
    const first = await get('/hardware/utilization');
    expect(first).toEqual(utilizationSchema.parse(first));
    let again = first;
    await eventually(async () => {
      again = await get('/hardware/utilization');
      return again.sampled_at_us > first.sampled_at_us;
    }, 'a sample of another interval');
    // Two intervals have passed, in which an engine that publishes would have done so.
    await eventually(
      async () => (await get('/hardware/utilization')).sampled_at_us > again.sampled_at_us,
      'a third',
    );
    expect(test.messages(topics.hardwareMetrics)).toEqual([]);
    expect(gauges((await test.get('/metrics')).body)).toEqual([]);
  });

  test('says the same under another name where it publishes what it hears of it', async () => {
    const named: EngineDefinition = {
      ...definition,
      create: ({ bus }) => ({
        routes: new Elysia(),
        onHardware: (told) => void bus.publish(topics.mlHardwareMetrics, told),
      }),
    };
    const test = await start({ MONITORING_INTERVAL: '1' }, named);
    await eventually(() => test.messages(topics.mlHardwareMetrics).length > 0, 'a message');
    const [own] = test.messages(topics.mlHardwareMetrics);
    expect(test.messages(topics.hardwareMetrics).map((e) => e.body)).toContainEqual(own!.body);
  });
});

test('engines of one machine that share have it read by one of them', async () => {
  const test = await start({ HARDWARE_MONITORING: '0' });
  const monitors: HardwareMonitor[] = [];
  const config = loadConfig({ NAUTILUS_DATA_DIR: test.dataDir, MONITORING_INTERVAL: '2' });
  for (const name of ['risk', 'factor', 'ml']) {
    const bus = new Bus(name, test.hub.connect());
    const host = { ...test.context, bus, config, metrics: new EngineMetrics(name, bus) };
    const monitor = new HardwareMonitor(name, host, { share: true });
    monitors.push(monitor);
    await monitor.start();
  }
  const bodies = () => test.messages(topics.hardwareMetrics).map((e) => e.body);
  const takenOver = () => bodies().filter((body) => body.read_at_us < body.sampled_at_us);
  await eventually(() => takenOver().length >= 3, 'messages with what another engine read');
  for (const monitor of monitors) monitor.stop();
  for (const body of takenOver()) {
    expect(body.cpu.reasons.stalled).toBe('read by another engine of this machine');
    expect(bodies().some((b) => b.engine !== body.engine && b.read_at_us === body.read_at_us)).toBe(true);
  }
});

test('each message has figures of its own of how the engine serves, whenever the one before was', async () => {
  const test = await start({ HARDWARE_MONITORING: '0' });
  const bus = new Bus('risk', test.hub.connect());
  const config = loadConfig({ NAUTILUS_DATA_DIR: test.dataDir, MONITORING_INTERVAL: '1' });
  const host = { ...test.context, bus, config, metrics: new EngineMetrics('risk', bus) };
  // A watch of which the next look is due in a long time.
  let requests = 0;
  const replies = () => ({ requests: ++requests, errors: 0, seconds: requests });
  const service = new ServiceWatch({ replies, intervalMs: 3_600_000, nowMs: () => 1000 * requests });
  const monitor = new HardwareMonitor('risk', host, { service });
  await monitor.start();
  const said = () => test.messages(topics.hardwareMetrics).map((e) => e.body.system!);
  await eventually(() => said().length >= 3, 'three messages');
  monitor.stop();
  for (const { throughput_rps, window_s } of said().slice(1))
    expect([throughput_rps, window_s]).toEqual([1, 1]);
});

test('what an engine of another machine read is not taken over', async () => {
  const test = await start({ HARDWARE_MONITORING: '0' });
  const bus = new Bus('risk', test.hub.connect());
  const config = loadConfig({ NAUTILUS_DATA_DIR: test.dataDir, MONITORING_INTERVAL: '1' });
  const host = { ...test.context, bus, config, metrics: new EngineMetrics('risk', bus) };
  const monitor = new HardwareMonitor('risk', host, { share: true });
  const own = await monitor.utilization();
  await monitor.start();
  const later = own.read_at_us + 3_600_000_000;
  test.bus.publish(topics.hardwareMetrics, { ...own, engine: 'far', host: 'far-away', read_at_us: later });
  const said = () => test.messages(topics.hardwareMetrics).filter((e) => e.body.engine === 'risk');
  await eventually(() => said().length >= 2, 'two messages');
  monitor.stop();
  for (const { body } of said()) expect(body.read_at_us).toBeLessThan(later);
});

test('routing learns of heat and battery by what is looked at anyway, and of nothing without that', async () => {
  const test = await start({ HARDWARE_MONITORING: '0' });
  const nothing = readerOf('aix');
  const moment = nothing.moment() as Moment;
  const reader: Reader = {
    ...nothing,
    moment: () => ({
      ...moment,
      temperature: { ...moment.temperature, pressure: 'heavy' },
      power: { ...moment.power, onBattery: true },
    }),
  };
  for (const [on, readings] of [
    ['1', { thermal: 'serious', onBattery: true, lowPower: null }],
    ['0', { thermal: null, onBattery: null, lowPower: null }],
  ] as const) {
    const config = loadConfig({ NAUTILUS_DATA_DIR: test.dataDir, HARDWARE_MONITORING: on });
    const host = { ...test.context, config, metrics: new EngineMetrics('risk', test.bus) };
    const monitor = new HardwareMonitor('risk', host, { reader });
    expect(monitor.readings.onBattery).toBeNull();
    expect((await monitor.utilization()).power.on_battery).toBe(true);
    expect<unknown>(monitor.readings).toEqual(readings);
  }
});

test.each([
  ['MONITORING_INTERVAL', '0'],
  ['MONITORING_INTERVAL', '3601'],
  ['MONITORING_INTERVAL', 'often'],
  ['HARDWARE_MONITORING', 'maybe'],
])('%s=%s stops the start and is named', (name, value) => {
  expect(() => loadConfig({ [name]: value })).toThrow(name);
});

function withGet(test: TestEngine) {
  return {
    get: async (path: string) => {
      const { status, body } = await test.get(path);
      expect(status).toBe(200);
      return body;
    },
  };
}
