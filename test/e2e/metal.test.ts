// The engines over an addon whose Metal is the software device: what is asked for runs there, and the reply says so.
import { describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const path = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const addon = path('build/native/swmetal/nautilus.node');
const built = existsSync(addon);
if (!built) console.log('skipped: no addon over the software device (built where clang 19 and GNUstep are)');

interface Answer {
  readonly status: number;
  readonly reply: {
    readonly hardware_used: string;
    readonly backend: string;
    readonly outputs: Record<string, number[]>;
    readonly type: string;
    readonly errors: readonly { readonly pointer: string; readonly received: string }[];
  };
}

async function answers(env: Record<string, string>) {
  const child = Bun.spawn([process.execPath, path('test/support/metal-calls.ts')], {
    env: {
      ...process.env,
      NAUTILUS_ADDON: addon,
      SWM_CACHE: path('build/native/swmetal/cache'),
      ...env,
    },
    stdout: 'pipe',
    stderr: 'inherit',
  });
  const text = await new Response(child.stdout).text();
  expect(await child.exited).toBe(0);
  return JSON.parse(text.trim().split('\n').at(-1)!) as Record<string, Answer> & {
    metal: { available: boolean; reason: string; device: string; broken: string[] };
    rows: number;
  };
}

const paths = ['/indicators/rsi', '/kernels/gemm'];

describe.skipIf(!built)('engines over Metal', () => {
  test('run there what is asked to, with the numbers of the CPU, and say so', async () => {
    const all = await answers({});
    expect(all.metal).toEqual({ available: true, reason: '', device: 'SoftMetal', broken: [] });
    expect(all.rows).toBeGreaterThanOrEqual(43);
    for (const name of paths) {
      const [cpu, metal, auto] = ['cpu', 'metal', 'auto'].map((backend) => all[`${name} ${backend}`]!);
      expect([cpu!.status, metal!.status, auto!.status]).toEqual([200, 200, 200]);
      expect(cpu!.reply.hardware_used).toBe('cpu');
      expect(metal!.reply).toMatchObject({ hardware_used: 'metal', backend: 'Metal' });
      // No size is known from which Metal wins.
      expect(auto!.reply.hardware_used).toBe('cpu');
      expect(all[`${name} hardware`]).toMatchObject({ available: true, reason: null });
      const gpu = all[`${name} gpu`] as unknown as { process_utilization: number; reasons: object };
      expect(gpu.process_utilization).toBeWithin(0.001, 100.001);
      expect(gpu.reasons).not.toHaveProperty('process_utilization');
      const near = (found: unknown, expected: unknown): void => {
        if (Array.isArray(expected))
          for (const [i, one] of expected.entries()) near((found as unknown[])[i], one);
        else if (expected === null) expect(found).toBeNull();
        else expect(found as number).toBeCloseTo(expected as number, 4);
      };
      for (const [output, values] of Object.entries(cpu!.reply.outputs))
        near(metal!.reply.outputs[output], values);
      const f64 = all[`${name} f64`]!;
      expect(f64.status).toBe(503);
      expect(f64.reply.type).toEndWith('backend-unavailable');
      expect(f64.reply.errors[0]).toMatchObject({
        pointer: '/backend',
        received: expect.stringContaining('double'),
      });
    }
  });

  test('complete on the CPU when the device is lost, and say that too', async () => {
    const all = await answers({ SWM_FAIL_FROM: '1:11' });
    for (const name of paths) {
      const metal = all[`${name} metal`]!;
      expect(metal.status).toBe(200);
      expect(metal.reply.hardware_used).toBe('cpu');
      expect(metal.reply.outputs).toEqual(all[`${name} cpu`]!.reply.outputs);
      expect(String(all[`${name} metrics`])).toMatch(
        /nautilus_metal_events_total\{[^}]*event="fallbacks"[^}]*\} [1-9]/,
      );
    }
  });

  test('keep the other kernels when one does not compile, and none when the source does not', async () => {
    const one = await answers({ SWM_FAIL_KERNEL: 'rsi_f32' });
    expect(one.metal.broken).toEqual([expect.stringMatching(/^rsi_f32: /)]);
    expect(one['/indicators/rsi auto']!.reply.hardware_used).toBe('cpu');
    expect(one['/indicators/rsi metal']!.status).toBe(503);
    expect(one['/indicators/rsi metal']!.reply.errors[0]!.received).toContain('no Metal kernel of it');
    expect(one['/kernels/gemm metal']!.reply.hardware_used).toBe('metal');
    const all = await answers({ SWM_FAIL_COMPILE: '1' });
    expect(all.metal.reason).toStartWith('the Metal kernels did not compile');
    expect(all['/kernels/gemm metal']!.status).toBe(503);
    expect(all['/kernels/gemm auto']!.status).toBe(200);
  });

  test('have no Metal when it is switched off or there is no device, and say why', async () => {
    const off = await answers({ METAL_ACCELERATION: '0' });
    expect(off.metal).toEqual({
      available: false,
      reason: 'METAL_ACCELERATION is 0',
      device: '',
      broken: [],
    });
    const none = await answers({ SWM_NO_DEVICE: '1' });
    expect(none.metal).toEqual({
      available: false,
      reason: 'this machine shows no Metal device',
      device: '',
      broken: [],
    });
    for (const all of [off, none]) {
      for (const name of paths) {
        expect(all[`${name} metal`]!.status).toBe(503);
        expect(all[`${name} auto`]!.reply.hardware_used).toBe('cpu');
        expect(all[`${name} hardware`]).toMatchObject({ available: false, reason: all.metal.reason });
        expect(all[`${name} gpu`]).toMatchObject({
          process_utilization: null,
          reasons: { process_utilization: all.metal.reason },
        });
      }
    }
  });
});
