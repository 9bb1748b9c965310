import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { topics } from '../bus/topics.ts';
import { DEFAULT_HARDWARE, type HardwareSettings } from '../core/hardware-settings.ts';
import { createLogTo } from '../core/log.ts';
import {
  type BreakerStatus,
  calibrationPath,
  type Fingerprint,
  type Readings,
  SOUND,
  UNTOLD,
  writeCalibration,
} from '../hardware/routing.ts';
import { HardwareRouting, type RoutingContext } from './hardware-routing.ts';
import type { MetalPort } from './metal-port.ts';

const ROWS = [
  { id: 'gemm', metal: true },
  { id: 'svd', metal: false },
  { id: 'rsi', metal: true },
];
const HERE: Fingerprint = { cpu: 'Apple M4 Max', gpu: 'Apple M4 Max', cores: 16, os: 'darwin', addon: 'a' };

let dataDir: string;
const open: HardwareRouting[] = [];
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'routing-'));
});
afterEach(() => {
  for (const routing of open.splice(0)) routing.stop();
  rmSync(dataDir, { recursive: true });
});

interface Rig {
  readonly settings?: Partial<HardwareSettings>;
  readonly absent?: string;
  readonly here?: Partial<Fingerprint>;
  readonly context?: Partial<RoutingContext>;
}

/** Routing over a device of the test: what it was told, what it says of its health, what was published and logged. */
function rig({ settings, absent, here, context }: Rig = {}) {
  const device = { from: [0, 0, 0], on: true, health: SOUND as BreakerStatus, fingerprints: 0, rows: 0 };
  const metal: MetalPort = {
    absent: () => absent ?? null,
    rows: () => {
      device.rows++;
      return ROWS;
    },
    setFrom: (index, elements) => {
      device.from[index] = elements;
    },
    setOn: (on) => {
      device.on = on;
    },
    health: () => device.health,
    fingerprint: async () => {
      device.fingerprints++;
      return { ...HERE, ...here };
    },
    largeCalls: async () => [{ id: 'gemm', elements: 100, operations: 1e9, bytes: 0, cpu: 'hwy' }],
  };
  const published: unknown[] = [];
  const logged: { level: number; msg: string; reason?: string }[] = [];
  const routing = new HardwareRouting({
    engine: 'risk',
    bus: {
      publish: (topic, body) => {
        expect(topic.name).toBe(topics.hardwareHealth.name);
        published.push(topic.schema.parse(body));
      },
    } as RoutingContext['bus'],
    config: { dataDir, hardware: { ...DEFAULT_HARDWARE, ...settings } },
    log: createLogTo('risk', 'trace', (line) => void logged.push(JSON.parse(line))),
    metal,
    platform: 'linux',
    ...context,
  });
  open.push(routing);
  return { routing, device, published, logged };
}

function keep(from: Readonly<Record<string, number>>, fingerprint = HERE): void {
  const rows = Object.entries(from).map(([id, metal_from]) => [id, { metal_from, sizes: [] }]);
  const measured_at = '2026-11-22T10:00:00.000Z';
  writeCalibration(dataDir, {
    format: 1,
    measured_at,
    fingerprint,
    threads: 1,
    rows: Object.fromEntries(rows),
  });
}

const taken: BreakerStatus = {
  state: 'open',
  failures: 3,
  opened: 1,
  retryInMs: 4000.4,
  lastError: 'device lost',
};

describe('routing', () => {
  test('hands the measured sizes to the addon, with what the switches make of them', async () => {
    keep({ gemm: 1000, rsi: 0 });
    const plain = rig();
    await plain.routing.start();
    expect(plain.device.from).toEqual([1000, 0, 0]);
    expect(plain.routing.calibration).toEqual({ state: 'loaded', measured_at: '2026-11-22T10:00:00.000Z' });
    const high = rig({ settings: { metalPriority: 'HIGH' } });
    await high.routing.start();
    expect(high.device.from).toEqual([500, 0, 0]);
    for (const settings of [{ autoRouting: false }, { metal: false }]) {
      const off = rig({ settings });
      await off.routing.start();
      expect(off.device).toMatchObject({ from: [0, 0, 0], on: settings.metal ?? true });
    }
  });

  test('takes another file while it runs, and leaves one that went', async () => {
    const { routing, device } = rig();
    await routing.start();
    expect(device.from).toEqual([0, 0, 0]);
    expect(routing.calibration.state).toBe('absent');
    keep({ rsi: 64 });
    await routing.look();
    expect(device.from).toEqual([0, 0, 64]);
    rmSync(calibrationPath(dataDir));
    for (let look = 0; look < 5; look++) await routing.look();
    expect(device.from).toEqual([0, 0, 0]);
  });

  test('refuses sizes of another machine and broken files, and says so', async () => {
    keep({ gemm: 1000 }, { ...HERE, gpu: 'Apple M1' });
    const { routing, device, logged } = rig();
    await routing.start();
    expect(device.from).toEqual([0, 0, 0]);
    expect(routing.calibration).toEqual({ state: 'refused', reason: 'it was measured with another gpu' });
    expect(logged).toContainEqual(
      expect.objectContaining({ level: 40, msg: 'the calibration file is not used' }),
    );
    writeFileSync(calibrationPath(dataDir), 'nonsense');
    await routing.look();
    expect(routing.calibration).toMatchObject({ state: 'refused', reason: 'it is not JSON' });
  });

  test('does nothing where there is no accelerator', async () => {
    const { routing, device } = rig({ absent: 'no device here' });
    await routing.start();
    expect(device.fingerprints + device.rows).toBe(0);
    expect(routing.calibration).toEqual({ state: 'not_needed', reason: 'no device here' });
    expect(routing.health().metal_kernels).toBe(SOUND);
  });

  test('M4_MAX_OPTIMIZED takes what is expected of an M4 Max until it is measured, and nothing elsewhere', async () => {
    const mac = rig({ settings: { m4Max: true } });
    await mac.routing.start();
    // 1 GFLOP: 5.21 ms on the CPU, 0.07 ms on the GPU; 0.4 ms of launch are saved at 7.8% of it.
    expect(mac.device.from).toEqual([8, 0, 0]);
    expect(mac.routing.calibration).toMatchObject({ state: 'expected' });
    keep({ gemm: 55 });
    await mac.routing.look();
    expect(mac.device.from).toEqual([55, 0, 0]);
    rmSync(calibrationPath(dataDir));
    const other = rig({ settings: { m4Max: true }, here: { cpu: 'Apple M2' } });
    await other.routing.start();
    expect(other.device.from).toEqual([0, 0, 0]);
    expect(other.routing.calibration).toMatchObject({
      state: 'absent',
      reason: expect.stringContaining('M4_MAX_OPTIMIZED is for an M4 Max'),
    });
    const without = rig();
    await without.routing.start();
    expect(without.device.from).toEqual([0, 0, 0]);
  });

  test('tells of each change of health once, and routes by it', async () => {
    keep({ gemm: 1000 });
    const { routing, device, published, logged } = rig();
    await routing.start();
    await routing.look();
    expect(published).toEqual([]);
    device.health = taken;
    await routing.look();
    await routing.look();
    expect(published).toEqual([
      {
        engine: 'risk',
        accelerator: 'metal_gpu',
        work: 'kernels',
        state: 'open',
        reason: 'device lost',
        failures: 3,
        opened: 1,
        retry_in_ms: 4000,
      },
    ]);
    expect(logged.filter(({ level }) => level === 40)).toHaveLength(1);
    const gemm = { kind: 'kernel', id: 'gemm', elements: 5000, dtype: 'f32' } as const;
    expect(routing.router.route(gemm)).toMatchObject({
      primary: 'cpu',
      reason: expect.stringContaining('device lost'),
    });
    device.health = { ...taken, state: 'closed', failures: 0, retryInMs: 0 };
    await routing.look();
    expect(routing.router.route(gemm).primary).toBe('metal_gpu');
    expect(published).toHaveLength(2);
    expect(published[1]).toMatchObject({ state: 'closed', opened: 1 });
    // Taken out and back between two looks.
    device.health = { ...device.health, opened: 2 };
    await routing.look();
    expect(published[2]).toMatchObject({ state: 'closed', opened: 2 });
  });

  test('tells of the accelerators of models too', async () => {
    const { routing, published } = rig({
      absent: 'no device',
      context: {
        platform: 'darwin',
        arch: 'arm64',
        breaker: { failures: 1 },
      },
    });
    await routing.start();
    const big = { kind: 'inference', modelBytes: 1e9 } as const;
    expect(routing.router.route(big).primary).toBe('neural_engine');
    routing.breakers.neural_engine_models.failed('Error in building plan');
    await routing.look();
    expect(published).toMatchObject([{ accelerator: 'neural_engine', work: 'models', state: 'open' }]);
    expect(routing.router.route(big).primary).toBe('metal_gpu');
  });

  test('knows which machines have what', () => {
    const presence = (platform: string, arch: string) =>
      rig({ absent: 'no', context: { platform, arch } }).routing.presence;
    expect(presence('darwin', 'arm64')).toMatchObject({ metal_models: null, neural_engine_models: null });
    expect(presence('darwin', 'x64').neural_engine_models).toContain('Apple silicon');
    expect(presence('linux', 'arm64').metal_models).toContain('macOS');
  });

  test('sees no Neural Engine in a virtual machine', async () => {
    const found = async (present: boolean | null) => {
      const neuralEngine = async () => present;
      const { routing } = rig({ context: { platform: 'darwin', arch: 'arm64' } });
      routing.router.route({ kind: 'inference', modelBytes: 1e9 });
      await routing.start({ neuralEngine, readings: async () => UNTOLD });
      return routing.router.route({ kind: 'inference', modelBytes: 1e9 }).primary;
    };
    expect([await found(true), await found(null), await found(false)]).toEqual([
      'neural_engine',
      'neural_engine',
      'metal_gpu',
    ]);
  });

  test('keeps work off the GPU while the machine is hot or on battery, and takes it again after', async () => {
    keep({ gemm: 1000 });
    let now: Readings | null = UNTOLD;
    const readings = async () => {
      if (now === null) throw new Error('no answer');
      return now;
    };
    const { routing, device } = rig();
    await routing.start({ readings, neuralEngine: async () => null });
    const after = async (next: Readings | null) => {
      now = next;
      for (let look = 0; look < 5; look++) await routing.look();
      return device.from[0];
    };
    expect(await after({ ...UNTOLD, thermal: 'serious' })).toBe(0);
    expect(await after({ ...UNTOLD, thermal: 'fair' })).toBe(2000);
    expect(await after({ ...UNTOLD, onBattery: true })).toBe(4000);
    expect(await after({ ...UNTOLD, lowPower: true })).toBe(0);
    expect(await after({ ...UNTOLD, thermal: 'nominal' })).toBe(1000);
    // A machine that does not answer is one that tells nothing.
    await after({ ...UNTOLD, thermal: 'critical' });
    expect(await after(null)).toBe(1000);
  });
});
