// The package as others load it: by name from Bun, by require and import from Node, with the same bits everywhere.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import * as native from './native.ts';

// Three programs start, on a machine that may be busy.
setDefaultTimeout(60_000);

const root = resolve(import.meta.dir, '../..');
const project = realpathSync(mkdtempSync(join(tmpdir(), 'nautilus-package-')));
const node = Bun.which('node');

// What each program prints: results in hexadecimal, so that bits are compared, and the behaviour of a refusal.
const body = `
  const hex = (array) => Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString('hex');
  const wave = (length) => Float64Array.from({ length }, (_, at) => 100 + ((at * 7919) % 101) / 7);
  const main = async (native) => {
    const { BackendUnavailableError, gemm, indicators, InvalidOptionError, matmul, monteCarlo, rollingMean } = native;
    const panel = { bars: 50, series: 4, values: wave(200), window: 14 };
    const option = { ...monteCarlo.mcOption.def.example, paths: 1024, steps: 8, seed: 7 };
    const sum = indicators.compute(indicators.ema, { period: 5 }, { close: wave(50) }).ema;
    let refused;
    try { gemm({ m: -1, n: 1, k: 1, a: wave(1), b: wave(1) }); } catch (error) { refused = error; }
    const gaveUp = await rollingMean.async(panel, AbortSignal.abort()).catch((error) => error.name);
    console.log(JSON.stringify({
      names: Object.keys(native).sort(),
      same: matmul === gemm,
      gemm: hex(gemm({ m: 7, n: 5, k: 9, a: wave(63), b: wave(45) }).out),
      now: hex(rollingMean(panel).out),
      later: hex((await rollingMean.async(panel)).out),
      single: hex(rollingMean({ ...panel, values: Float32Array.from(panel.values) }).out),
      option: hex(monteCarlo.mcOption(option).values),
      ema: hex(sum),
      refused: [refused instanceof InvalidOptionError, refused.message, refused.extras.errors],
      unavailable: BackendUnavailableError.name,
      gaveUp,
    }));
  };`;
const programs = {
  'required.cjs': `const native = require('nautilus-engines/native');${body} main(native);`,
  'imported.mjs': `import * as native from 'nautilus-engines/native';${body} await main(native);`,
};

/** Runs a program of the project and returns what it printed. */
function run(program: string, file: keyof typeof programs): Record<string, unknown> {
  const { stdout, stderr, exitCode } = Bun.spawnSync([program, file], { cwd: project });
  expect([exitCode, stderr.toString()]).toEqual([0, '']);
  return JSON.parse(stdout.toString());
}

beforeAll(() => {
  const build = [process.execPath, join(root, 'scripts/build-node.ts'), '--no-types'];
  expect(Bun.spawnSync(build).stderr.toString()).toBe('');
  mkdirSync(join(project, 'node_modules'));
  symlinkSync(root, join(project, 'node_modules/nautilus-engines'));
  for (const [file, text] of Object.entries(programs)) writeFileSync(join(project, file), text);
});
afterAll(() => rmSync(project, { recursive: true }));

describe('the package', () => {
  test('is found by its name from a program of Bun', () => {
    const answer = run(process.execPath, 'imported.mjs');
    expect(answer.names).toEqual(Object.keys(native).sort());
    expect(answer.same).toBe(true);
    expect(answer.refused).toEqual([
      true,
      'Expected an integer from 0 to 2147483647 for m, was out of range',
      [{ pointer: '/m', expected: 'an integer from 0 to 2147483647', received: 'out of range' }],
    ]);
    expect(answer.gaveUp).toBe('CancelledError');
    expect(answer.later).toBe(answer.now);
  });

  for (const file of ['required.cjs', 'imported.mjs'] as const) {
    test.skipIf(node === null)(`gives Node the names and bits that Bun has, ${file.split('.')[0]}`, () => {
      expect(run(node!, file)).toEqual(run(process.execPath, 'imported.mjs'));
    });
  }

  test.skipIf(node === null)('is one instance for require and import', () => {
    const script = `
      const required = require('nautilus-engines/native');
      import('nautilus-engines/native').then((imported) => {
        console.log(Object.keys(required).filter((name) => imported[name] !== required[name]).length);
      });`;
    writeFileSync(join(project, 'both.cjs'), script);
    const { stdout } = Bun.spawnSync([node!, 'both.cjs'], { cwd: project });
    expect(stdout.toString().trim()).toBe('0');
  });

  test('names no place of this machine', async () => {
    for (const file of ['native.cjs', 'native.mjs']) {
      expect(await Bun.file(join(root, 'build/node', file)).text()).not.toContain(root);
    }
  });
});
