// The addon as a whole: loading, error codes, the border without its TypeScript guard, Workers, memory.
import { describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  BackendUnavailableError,
  InvalidOptionError,
  InvariantError,
  type ShapeMismatchError,
} from '../core/errors.ts';
import { loadAddon } from './addon.ts';
import { fromNative, nativeErrors } from './errors.ts';
import {
  buildInfo,
  gemm,
  isAddonBuilt,
  KERNELS,
  kernels,
  mcOption,
  rollingMean,
  setThreads,
  solveSpd,
} from './index.ts';

const worker = `
  const { rollingMean } = await import(${JSON.stringify(new URL('./index.ts', import.meta.url).href)});
  const values = Float64Array.of(1, 2, 3, 2, 4);
  const now = rollingMean({ bars: 5, series: 1, values, window: 2 });
  const later = await rollingMean.async({ bars: 5, series: 1, values, window: 2 });
  postMessage({ now: [...now.out], later: [...later.out] });
`;

/** Returns the native code of what a raw call throws. */
function codeOf(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
  return 'nothing thrown';
}

/** Calls a kernel with plain numbers (backend, element type, sizes, options) and arrays as they are, past the TypeScript guard. */
function raw(id: string, numbers: readonly number[], ...arrays: unknown[]): number {
  const addon = loadAddon();
  addon.block.set(numbers);
  return addon.run(addon.kernelIndex(id), ...(arrays as Float64Array[]));
}

describe('the native addon', () => {
  test('names the build command when it is absent', () => {
    expect(() => loadAddon('/nowhere/nautilus.node')).toThrow(BackendUnavailableError);
    expect(() => loadAddon('/nowhere/nautilus.node')).toThrow('bun run build:native');
    expect(isAddonBuilt()).toBe(true);
  });

  test('says so when a file is there but does not load, and keeps the reason as the cause', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'nautilus-addon-'));
    const path = join(folder, 'broken.node');
    await Bun.write(path, 'not a shared library');
    try {
      loadAddon(path);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(BackendUnavailableError);
      expect((error as Error).cause).toBeDefined();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('maps every native status code to a class, and no other code', () => {
    expect(Object.keys(nativeErrors).sort()).toEqual(loadAddon().statusCodes().sort());
    expect(loadAddon().statusCodes().length).toBe(7);
  });

  test('treats an unknown throw as an invariant error and keeps it as the cause', () => {
    const thrown = Object.assign(new Error('odd'), { code: 'toString' });
    expect(fromNative(thrown)).toBeInstanceOf(InvariantError);
    expect(fromNative(thrown).cause).toBe(thrown);
    expect(fromNative(undefined)).toBeInstanceOf(InvariantError);
  });

  test('says what it was built with and what it runs on', () => {
    const info = buildInfo();
    expect(info.simdTargets).toContain(info.simdTarget);
    expect(info.compiler).toMatch(/\d/);
    expect(info.flags).toContain('-ffp-contract=off');
    expect(info.blas).toMatch(/OpenBLAS|Accelerate/);
    expect(info.napiVersion).toBe(8);
    expect(info.metal.available).toBe(info.metal.reason === '');
  });

  test('lists one table row for each definition, in the same order, before those of the indicators', () => {
    const rows = kernels();
    expect(rows.slice(0, KERNELS.length).map((row) => row.id)).toEqual(KERNELS.map(({ def }) => def.id));
    for (const row of rows.slice(0, KERNELS.length)) {
      expect(loadAddon().kernelIndex(row.id)).toBe(rows.indexOf(row));
      expect(row.cpuTarget).not.toBe('');
      expect(row.dtypes.length).toBeGreaterThan(0);
    }
  });

  test('refuses Metal where the row has none', async () => {
    const call = { bars: 4, series: 1, values: new Float64Array(4), window: 2 };
    expect(() => rollingMean({ ...call, backend: 'metal' })).toThrow(BackendUnavailableError);
    await expect(rollingMean.async({ ...call, backend: 'metal' })).rejects.toBeInstanceOf(
      BackendUnavailableError,
    );
    expect(rollingMean({ ...call, backend: 'cpu' }).backend).toBe('cpu');
  });

  test('checks again at its own border, so a wrong length is never read', async () => {
    const [four, two] = [new Float64Array(4), new Float64Array(2)];
    const out = new Float64Array(4);
    const gemmCode = (numbers: readonly number[], ...arrays: unknown[]) =>
      codeOf(() => raw('gemm', numbers, ...arrays));
    const square = [0, 2, 2, 2, 2, 0, 0, 1, 0];
    const at = (place: number, value: number) => square.with(place, value);
    expect(gemmCode(square, two, four, out)).toBe('kShape');
    expect(gemmCode(square, four, four, two)).toBe('kShape');
    expect(gemmCode(square, four, four, four)).toBe('kInvalidOption');
    expect(gemmCode(square, four, new Float32Array(4), out)).toBe('kInvalidOption');
    expect(gemmCode(square, four, new BigInt64Array(4), out)).toBe('kInvalidOption');
    expect(gemmCode(square, four, [1, 2, 3, 4], out)).toBe('kInvalidOption');
    expect(gemmCode(square, four, four)).toBe('kInvalidOption');
    const shared = new Float64Array(new SharedArrayBuffer(32));
    expect(gemmCode(square, four, shared, out)).toBe('kInvalidOption');
    expect(gemmCode(at(7, Number.NaN), four, four, out)).toBe('kInvalidOption');
    expect(gemmCode(at(2, -2), four, four, out)).toBe('kInvalidOption');
    expect(gemmCode(at(2, 1.5), four, four, out)).toBe('kInvalidOption');
    expect(gemmCode(at(2, 1e300), four, four, out)).toBe('kInvalidOption');
    expect(gemmCode(at(0, 9), four, four, out)).toBe('kInvalidOption');
    expect(gemmCode(at(1, 0), four, four, out)).toBe('kInvalidOption');
    expect(gemmCode(at(0, 2), four, four, out)).toBe('kNoBackend');
    for (const index of [-1, 1e9, Number.NaN, 'gemm', undefined]) {
      expect(codeOf(() => loadAddon().run(index as number, four, four, out))).toBe('kInvalidOption');
    }
    expect(gemmCode(at(1, 1), four, four, out)).toBe('kInvalidOption');
    expect(gemmCode(at(1, 3), four, four, out)).toBe('kInvalidOption');
    const gone = new Float64Array(4);
    structuredClone(gone, { transfer: [gone.buffer] });
    expect(gemmCode(square, gone, four, out)).toBe('kInvalidOption');
    expect(codeOf(() => raw('rolling_mean', [0, 2, 4, 1, 2, 0], two, out))).toBe('kShape');
    const rejected = solveSpd.async({ n: 1, nrhs: 1, a: Float64Array.of(-1), b: Float64Array.of(1) });
    expect(await rejected.catch((error: Error) => error.name)).toBe('NotPositiveDefiniteError');
  });

  test('names the argument that it refuses, as a problem document does', () => {
    const values = new Float64Array(3);
    try {
      rollingMean({ bars: 2, series: 2, values, window: 2 });
      expect.unreachable();
    } catch (error) {
      expect((error as ShapeMismatchError).extras.errors).toEqual([
        { pointer: '/values', expected: '4 elements', received: '3 elements' },
      ]);
    }
  });

  test('gives work up when it is cancelled before it starts', async () => {
    const options = { bars: 4, series: 1, values: new Float64Array(4), window: 2 };
    const work = rollingMean.async(options, AbortSignal.abort());
    expect(await work.then(String, (error: Error) => error.name)).toBe('CancelledError');
  });

  test('sets the number of BLAS threads, also from NAUTILUS_THREADS, and refuses nonsense', () => {
    const before = setThreads(1);
    expect([0, 1]).toContain(before);
    expect(() => setThreads(0)).toThrow(InvalidOptionError);
    expect(() => setThreads(1.5)).toThrow(InvalidOptionError);
    const script = `
      const { loadAddon } = await import(${JSON.stringify(new URL('./addon.ts', import.meta.url).href)});
      try { loadAddon(); console.log('loaded'); } catch (error) { console.log(error.name); }`;
    const run = (threads: string) =>
      Bun.spawnSync([process.execPath, '-e', script], { env: { ...process.env, NAUTILUS_THREADS: threads } })
        .stdout.toString()
        .trim();
    expect(run('2')).toBe('loaded');
    expect(run('many')).toBe('InvalidOptionError');
  });

  test('settles a hundred concurrent promises with the bits of the sync form', async () => {
    const values = Float64Array.from({ length: 4000 }, (_, at) => 100 + Math.sin(at) * (at % 17));
    const call = { bars: 1000, series: 4, values, window: 14 };
    const expected = rollingMean(call).out;
    const runs = Array.from({ length: 100 }, () => rollingMean.async(call));
    for (const { out } of await Promise.all(runs))
      expect(Buffer.from(out.buffer).equals(Buffer.from(expected.buffer))).toBe(true);
  });

  test('loads in several Workers at once', async () => {
    const url = URL.createObjectURL(new Blob([worker], { type: 'text/javascript' }));
    const answers = await Promise.all(
      Array.from({ length: 4 }, () => {
        const { promise, resolve, reject } = Promise.withResolvers<{ now: number[]; later: number[] }>();
        const thread = new Worker(url, {});
        thread.onmessage = (event) => resolve(event.data);
        thread.onerror = (event) => reject(new Error(event.message));
        return promise.finally(() => thread.terminate());
      }),
    );
    URL.revokeObjectURL(url);
    const values = Float64Array.of(1, 2, 3, 2, 4);
    const expected = [...rollingMean({ bars: 5, series: 1, values, window: 2 }).out];
    expect(expected).toEqual([Number.NaN, 1.5, 2.5, 2.5, 3]);
    for (const { now, later } of answers) {
      expect(now).toEqual(expected);
      expect(later).toEqual(expected);
    }
  });

  test('survives a Worker that ends while its work is in flight', () => {
    // Rolling quantiles of so many bars take a tenth of a second: the Worker is gone long before.
    const script = `
      const url = URL.createObjectURL(new Blob([\`
        const { buildInfo, rollingQuantile } = await import(${JSON.stringify(new URL('./index.ts', import.meta.url).href)});
        buildInfo();
        const values = new Float64Array(4_000_000).fill(1);
        rollingQuantile.async({ bars: 4_000_000, series: 1, values, window: 14 });
        postMessage('in flight');
      \`], { type: 'text/javascript' }));
      const worker = new Worker(url, {});
      worker.onmessage = async () => { await worker.terminate(); console.log('alive'); };`;
    const run = Bun.spawnSync([process.execPath, '-e', script]);
    expect(run.stdout.toString().trim()).toBe('alive');
    expect(run.exitCode).toBe(0);
  });

  test('stops long work soon after its signal is aborted, and answers again at once', async () => {
    // Minutes on any machine: only a kernel that stops lets the test end.
    const long = { ...mcOption.def.example, paths: 2 ** 31 - 1, steps: 1000 } as const;
    const controller = new AbortController();
    const work = mcOption.async(long, controller.signal);
    setTimeout(() => controller.abort(), 20);
    expect(await work.then(String, (error: Error) => error.name)).toBe('CancelledError');
    const next = { bars: 5, series: 1, values: Float64Array.of(1, 2, 3, 2, 4), window: 2 };
    expect((await rollingMean.async(next, new AbortController().signal)).out[2]).toBe(2.5);
  });

  test('keeps its memory flat over a million calls', async () => {
    const values = new Float64Array(64).fill(3);
    const out = new Float64Array(64);
    const a = Float64Array.of(1, 2, 3, 4);
    const call = { bars: 16, series: 4, window: 14, values, out };
    const calls = async (count: number) => {
      for (let i = 0; i < count * 0.8; i++) rollingMean(call);
      for (let i = 0; i < count * 0.19; i++) gemm({ m: 2, n: 2, k: 2, a, b: a });
      for (let i = 0; i < count * 0.005; i++) await rollingMean.async(call);
      for (let i = 0; i < count * 0.005; i++) codeOf(() => rollingMean({ ...call, bars: 17 }));
      Bun.gc(true);
      return process.memoryUsage.rss();
    };
    const sizes = [await calls(250_000)];
    for (let round = 0; round < 3; round++) sizes.push(await calls(250_000));
    const growth = sizes.slice(1).map((size, i) => size - sizes[i]!);
    // What one call leaves behind by mistake is there 250,000 times after every round; the collector's noise is not.
    expect(Math.min(...growth)).toBeLessThan(4 * 2 ** 20);
  });
});
