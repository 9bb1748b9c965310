// Measured sizes from `nautilus calibrate` to what `auto` does in an engine, and what happens when the device fails: over the software device.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Calibration } from '../../src/hardware/routing.ts';
import { eventually } from '../support/eventually.ts';
import { nautilus, TestSystem } from '../support/system.ts';

const path = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const addon = path('build/native/swmetal/nautilus.node');
const built = existsSync(addon);
if (!built) console.log('skipped: no addon over the software device (built where clang 19 and GNUstep are)');
const env = { NAUTILUS_ADDON: addon, SWM_CACHE: path('build/native/swmetal/cache') };

const root = mkdtempSync(join(tmpdir(), 'calibrate-'));
afterAll(() => rmSync(root, { recursive: true }));

describe.skipIf(!built)('nautilus calibrate', () => {
  test('measures the rows that are asked for, shows a table and keeps what was measured before', async () => {
    const its = { ...env, NAUTILUS_DATA_DIR: root };
    const first = await nautilus(['calibrate', '--rows', 'rsi,gemm', '--seconds', '2'], its);
    expect(first.code).toBe(0);
    expect(first.stdout).toMatch(/^ROW +METAL FROM +SIZES/);
    expect(first.stdout).toMatch(/^gemm +(never|\d)/m);
    expect(first.stderr).toContain('2/2 rsi');
    const second = await nautilus(['calibrate', '--rows', 'triad', '--seconds', '1', '--json'], its);
    expect(second.code).toBe(0);
    const kept = JSON.parse(readFileSync(join(root, 'hardware/calibration.json'), 'utf8')) as Calibration;
    expect(JSON.parse(second.stdout)).toEqual(kept);
    expect(Object.keys(kept.rows).sort()).toEqual(['gemm', 'rsi', 'triad']);
    expect(kept.fingerprint.gpu).toBe('SoftMetal');
    for (const { sizes } of Object.values(kept.rows)) {
      expect(sizes).not.toBeEmpty();
      const elements = sizes.map((size) => size.elements);
      expect(elements).toEqual([...elements].sort((a, b) => a - b));
      expect(sizes.every(({ cpu_ms, metal_ms }) => cpu_ms > 0 && metal_ms > 0)).toBe(true);
    }
  });

  test('has a call for every row that the device has', async () => {
    const its = { ...env, NAUTILUS_DATA_DIR: join(root, 'all') };
    const all = await nautilus(['calibrate', '--seconds', '1', '--json'], its);
    expect(all.code).toBe(0);
    const { rows } = JSON.parse(all.stdout) as Calibration;
    expect(Object.keys(rows).length).toBeGreaterThanOrEqual(83);
    const without = Object.entries(rows).filter(
      ([, { sizes, note }]) => sizes.length === 0 || /left|measured/.test(note ?? ''),
    );
    expect(without).toEqual([]);
  });

  test('refuses rows that there are not, and times that are none', async () => {
    const its = { ...env, NAUTILUS_DATA_DIR: join(root, 'none') };
    const rows = await nautilus(['calibrate', '--rows', 'gemm,svd'], its);
    expect([rows.code, rows.stderr]).toEqual([2, expect.stringContaining('was svd')]);
    const seconds = await nautilus(['calibrate', '--seconds', '0'], its);
    expect([seconds.code, seconds.stderr]).toEqual([2, expect.stringContaining('--seconds')]);
    expect(existsSync(join(root, 'none'))).toBe(false);
  });

  test('has nothing to measure without a device', async () => {
    const off = await nautilus(['calibrate'], { ...env, NAUTILUS_DATA_DIR: root, METAL_ACCELERATION: '0' });
    expect([off.code, off.stdout]).toEqual([0, expect.stringContaining('METAL_ACCELERATION is 0')]);
  });

  test('begins by itself when engines start with a device and without a file, once for all of them', async () => {
    const system = await TestSystem.start(['--only', 'features,analytics'], env);
    try {
      const begun = () => system.log.match(/measuring from which sizes Metal wins/g)?.length ?? 0;
      await eventually(() => begun() > 0, 'measuring begins');
      expect(begun()).toBe(1);
    } finally {
      await system.stop();
    }
    const quiet = await TestSystem.start(['--only', 'features'], { ...env, AUTO_HARDWARE_ROUTING: '0' });
    await quiet.stop();
    expect(quiet.log).not.toContain('measuring from which sizes');
  });
});

interface Called {
  readonly status: number;
  readonly hardware_used: string;
  readonly outputs: unknown;
}

describe.skipIf(!built)('engines with measured sizes', () => {
  // biome-ignore lint/suspicious/noExplicitAny: replies of many shapes
  let said: any;
  beforeAll(async () => {
    const its = { ...env, NAUTILUS_DATA_DIR: root };
    await nautilus(['calibrate', '--rows', 'rsi,gemm,mc_option', '--seconds', '1'], its);
    const kept = join(root, 'hardware/calibration.json');
    const chosen = JSON.parse(readFileSync(kept, 'utf8')) as Calibration;
    for (const [id, from] of Object.entries({ rsi: 100, gemm: 2 * 10 ** 3, mc_option: 1_000_000 }))
      chosen.rows[id] = { ...chosen.rows[id]!, metal_from: from };
    const file = join(root, 'chosen.json');
    writeFileSync(file, JSON.stringify(chosen));
    const answers = join(root, 'answers.json');
    const child = Bun.spawn([process.execPath, path('test/support/routing-calls.ts'), file, answers], {
      env: { ...process.env, ...env },
      stdout: 'inherit',
      stderr: 'inherit',
    });
    expect(await child.exited).toBe(0);
    said = JSON.parse(readFileSync(answers, 'utf8'));
  });

  test('run large calls on Metal and small ones on the CPU, also where outputs are few', () => {
    const ran = (name: string) => (said[name] as Called).hardware_used;
    expect([ran('rsi 20'), ran('rsi 400')]).toEqual(['cpu', 'metal']);
    expect([ran('gemm 4'), ran('gemm 40')]).toEqual(['cpu', 'metal']);
    expect([ran('mc_option 200'), ran('mc_option 20000')]).toEqual(['cpu', 'metal']);
  });

  test('say what they decide by', () => {
    const { routing } = said;
    expect(routing.calibration).toMatchObject({ state: 'loaded', reason: null });
    const row = (id: string) => routing.rows.find((one: { id: string }) => one.id === id);
    expect(row('gemm')).toEqual({
      id: 'gemm',
      metal: true,
      measured_from: 2000,
      metal_from: 2000,
      reason: '2,000 or more: Metal wins',
    });
    expect(row('rolling_mean')).toMatchObject({ measured_from: 0, metal_from: 0 });
    expect(routing.accelerators[0]).toMatchObject({
      accelerator: 'metal_gpu',
      work: 'kernels',
      available: true,
    });
    expect(routing.machine).toEqual({ thermal: null, on_battery: null, low_power: null });
  });

  test('complete on the CPU while the device fails, tell of it, and use it again when it works', () => {
    const { cpu, failing, opened, closed } = said;
    for (const call of failing as Called[])
      expect(call).toEqual({ status: 200, hardware_used: 'cpu', outputs: cpu.outputs });
    expect(opened.event).toMatchObject({
      engine: 'analytics',
      accelerator: 'metal_gpu',
      work: 'kernels',
      state: 'open',
      failures: 2,
      opened: 1,
    });
    expect(opened.event.reason).not.toBe('');
    expect(opened.routing.accelerators[0]).toMatchObject({ available: false, state: 'open' });
    expect(opened.routing.rows.find((row: { id: string }) => row.id === 'gemm').reason).toContain(
      'taken out after 2 failures in a row',
    );
    expect(said.openedStatus).toEqual([
      { accelerator: 'metal_gpu', work: 'kernels', state: 'open', reason: opened.event.reason },
    ]);
    const metric = (text: string, name: string) =>
      Number(
        new RegExp(`${name}\\{[^}]*accelerator="metal_gpu",work="kernels"[^}]*\\} (\\d)`).exec(text)?.[1],
      );
    expect(metric(said.openedMetrics, 'nautilus_accelerator_available')).toBe(0);
    expect(metric(said.openedMetrics, 'nautilus_accelerator_opened_total')).toBe(1);
    expect(closed.event).toMatchObject({ state: 'closed', failures: 0 });
    expect(closed.auto.hardware_used).toBe('metal');
    expect(metric(said.closedMetrics, 'nautilus_accelerator_available')).toBe(1);
  });
});
