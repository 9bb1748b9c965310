// Calls on Metal as programs make them, over the software device: many at once, two programs at once, and with a device that fails.
import { describe, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasSoftMetal, overSoftMetal, startOverSoftMetal } from '../support/soft-metal.ts';

/** Products of several sizes, and what they should be. */
const CALLS = `
  const products = Array.from({ length: 200 }, (_, i) => {
    const side = 20 + (i % 5), inner = 9 + (i % 3);
    return { m: side, n: 33, k: inner, a: numbers(side * inner, i + 1), b: numbers(inner * 33, 2 * i + 1) };
  });
  const expected = products.map((product) => gemm({ ...product, backend: 'cpu' }).out);
  const near = (found, wanted) => found.every((x, i) => Math.abs(x - wanted[i]) <= 1e-4);
`;

describe.skipIf(!hasSoftMetal)('calls on Metal', () => {
  test('hundreds of promises settle, each with its own numbers', async () => {
    const [right, ran] = await overSoftMetal<[boolean, string[]]>(
      `${CALLS}
      const all = await Promise.all(products.map((product) => gemm.async({ ...product, backend: 'metal' })));
      report(all.every(({ out }, i) => near(out, expected[i])));
      report([...new Set(all.map(({ backend }) => backend))]);`,
      { SWM_GPU_MS: '400' },
    );
    expect([right, ran]).toEqual([true, ['metal']]);
  });

  test('the CPU completes those that the device fails at, once each, and the others stay on the device', async () => {
    const [right, onCpu, fallbacks] = await overSoftMetal<[boolean, number, number]>(
      `${CALLS}
      setMetalBreaker(1e6, 1, 1);
      set('SWM_FAIL_BUFFER', '40:11');
      const all = await Promise.all(products.map((product) => gemm.async({ ...product, backend: 'metal' })));
      report(all.every(({ out }, i) => near(out, expected[i])));
      report(all.filter(({ backend }) => backend === 'cpu').length);
      report(metalCounts().fallbacks);`,
    );
    expect([right, onCpu, fallbacks]).toEqual([true, 1, 1]);
  });

  test('while the device is lost all promises settle on the CPU, and it is asked no more', async () => {
    const [right, ran, failures, state] = await overSoftMetal<[boolean, string[], number, string]>(
      `${CALLS}
      setMetalBreaker(3, 1e9, 1e9);
      set('SWM_FAIL_FROM', '1:11');
      const all = [];
      for (const product of products) all.push(await gemm.async({ ...product, backend: 'metal' }));
      report(all.every(({ out }, i) => near(out, expected[i])));
      report([...new Set(all.map(({ backend }) => backend))]);
      report(metalCounts().failures);
      report(metalHealth().state);`,
    );
    expect([right, ran, failures, state]).toEqual([true, ['cpu'], 3, 'open']);
  });

  test('calls that are given up end, and the others are whole', async () => {
    const [cancelled, right] = await overSoftMetal<[string, boolean]>(
      `${CALLS}
      const stop = new AbortController();
      const all = products.map((product, i) =>
        gemm.async({ ...product, backend: 'metal' }, i % 2 ? stop.signal : undefined)
          .then(({ out }) => near(out, expected[i]), (error) => error.slug));
      stop.abort();
      const ends = await Promise.all(all);
      // At most 32 had begun.
      report(ends[199]);
      report(ends.every((end, i) => end === true || (i % 2 === 1 && end === 'cancelled')));`,
      { SWM_GPU_MS: '400' },
    );
    expect([cancelled, right]).toEqual(['cancelled', true]);
  });

  test('no object of Metal is made on a thread without an autorelease pool', async () => {
    const program = startOverSoftMetal(`${CALLS}
      const product = products[0];
      report((await gemm.async({ ...product, backend: 'metal' })).backend);
      report(gemm({ ...product, backend: 'metal' }).backend);
      const values = numbers(90 * 4);
      report((await native.covariance.async({ observations: 90, assets: 4, values, backend: 'metal' })).backend);`);
    const { reports, stderr } = await program.ended<string[]>();
    expect(reports).toEqual(['metal', 'metal', 'metal']);
    expect(stderr).not.toContain('without pool');
  });

  test('two programs use the device at once', async () => {
    const body = `${CALLS}
      const all = await Promise.all(products.map((product) => gemm.async({ ...product, backend: 'metal' })));
      report(all.every(({ out, backend }, i) => backend === 'metal' && near(out, expected[i])));`;
    const programs = [startOverSoftMetal(body), startOverSoftMetal(body)];
    const ends = await Promise.all(programs.map((program) => program.ended<boolean[]>()));
    expect(ends.map(({ reports }) => reports)).toEqual([[true], [true]]);
  });

  test('several Workers use the device at once, and one that ends early takes nobody with it', async () => {
    const worker = (end: string) => `
      const { gemm } = await import(${JSON.stringify(new URL('../../src/native/index.ts', import.meta.url).href)});
      const side = 24, a = Float32Array.from({ length: side * side }, (_, i) => Math.sin(i));
      const calls = Array.from({ length: 50 }, () => gemm.async({ m: side, n: side, k: side, a, b: a, backend: 'metal' }));
      postMessage('began');
      ${end}
      const ran = await Promise.all(calls);
      postMessage(ran.every(({ backend }) => backend === 'metal'));`;
    const reports = await overSoftMetal<unknown[]>(`
      const url = URL.createObjectURL(new Blob([${JSON.stringify(worker(''))}]));
      const run = () => new Promise((resolve) => {
        const worker = new Worker(url);
        worker.onmessage = ({ data }) => { if (data !== 'began') resolve(data); };
      });
      report(await Promise.all([run(), run(), run()]));`);
    expect(reports).toEqual([[true, true, true]]);

    // Its calls end before its memory goes, and nobody hears of them.
    const left = await overSoftMetal<unknown[]>(
      `const closed = (end) => new Promise((resolve) => {
        const worker = new Worker(URL.createObjectURL(new Blob([end])));
        worker.onerror = () => {};
        worker.addEventListener('close', resolve);
      });
      await closed(${JSON.stringify(worker('process.exit(0);'))});
      await closed(${JSON.stringify(worker("throw new Error('an end');"))});
      const a = numbers(64);
      report((await gemm.async({ m: 8, n: 8, k: 8, a, b: a, backend: 'metal' })).backend);`,
      { SWM_GPU_MS: '400' },
    );
    expect(left).toEqual(['metal']);
  });

  test('a kernel whose threadgroups are too large for this device runs on the CPU, with the reason', async () => {
    const [ran, error, failures] = await overSoftMetal<[string, string, number]>(
      `const side = 8, a = numbers(64);
      report((await gemm.async({ m: side, n: side, k: side, a, b: a, backend: 'metal' })).backend);
      report(metalHealth().lastError);
      report(metalHealth().failures);`,
      { SWM_MAX_THREADS: '64' },
    );
    expect(ran).toBe('cpu');
    expect(error).toBe('gemm_f32 needs 128 threads in a threadgroup, more than its pipeline allows');
    expect(failures).toBe(0);
  });

  test('a capture holds the calls that were asked for, and says why when there is none', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'nautilus-capture-'));
    const file = join(folder, 'calls.gputrace');
    const body = `const a = numbers(64);
      for (let i = 0; i < 3; i++) report((await gemm.async({ m: 8, n: 8, k: 8, a, b: a, backend: 'metal' })).backend);`;
    const env = { NAUTILUS_METAL_CAPTURE: file, NAUTILUS_METAL_CAPTURE_CALLS: '2' };
    const refused = await startOverSoftMetal(body, env).ended<string[]>();
    expect(refused.reports).toEqual(['metal', 'metal', 'metal']);
    expect(refused.stderr).toContain('set METAL_CAPTURE_ENABLED=1');
    expect(existsSync(file)).toBe(false);
    const taken = await startOverSoftMetal(body, { ...env, METAL_CAPTURE_ENABLED: '1' }).ended<string[]>();
    expect(taken.reports).toEqual(['metal', 'metal', 'metal']);
    expect(taken.stderr).toContain(`wrote ${file}`);
    expect(readFileSync(file, 'utf8')).toBe('gemm_f32\ngemm_f32\n');
    rmSync(folder, { recursive: true });
  });
});
