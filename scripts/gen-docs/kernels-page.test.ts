// The page of kernels: none is missing, what it says is what the definitions say, and its examples run.
import { describe, expect, test } from 'bun:test';
import { KERNELS } from '../../src/native/index.ts';
import * as library from '../../src/package/native.ts';
import { kernelExample } from './kernel-example.ts';
import { FIRST_PROGRAM } from './kernels-intro.ts';
import { kernelsPage, nameOf } from './kernels-page.ts';

const page = kernelsPage([]);
const byName = new Map<string, unknown>(Object.entries(library));

test('lists every kernel with its arguments, once', () => {
  const heads = [...page.matchAll(/^### (.*)$/gm)].map(([, id]) => id!);
  expect(heads.toSorted()).toEqual(KERNELS.map(({ def }) => def.id).toSorted());
  const sections = new Map(page.split(/^### /m).map((part) => [part.slice(0, part.indexOf('\n')), part]));
  for (const { def } of KERNELS) {
    const section = sections.get(def.id)!;
    const names = [
      ...def.dtypes,
      ...Object.keys(def.sizes),
      ...Object.keys(def.options),
      ...Object.keys(def.arrays),
    ];
    for (const name of names) expect(section).toContain(name);
    expect(section).toContain(def.source);
    expect(section).toContain(def.tolerance.why);
    expect(section).toContain(def.complexity);
  }
});

test('names the engine that answers a kernel, and who has none', () => {
  const engine = {
    name: 'analytics',
    port: 8100,
    title: '',
    description: '',
    openApi: { paths: { '/kernels/gemm': {} } },
    socket: null,
    consumes: [],
    emits: [],
  };
  const withRoute = kernelsPage([engine]);
  expect(withRoute).toContain('- Route: `POST /kernels/gemm` of [analytics](engines/analytics.md).');
  expect(withRoute.match(/- Route: none/g)).toHaveLength(KERNELS.length - 1);
});

test('begins with a program that runs and gives what its comments say', async () => {
  expect(page).toContain(FIRST_PROGRAM);
  const [, names, body] = /^import (\{.*\}) from .*\n([\s\S]*)$/.exec(FIRST_PROGRAM)!;
  const run = new Function(
    'library',
    `return (async () => {
    const ${names} = library;
    ${body}
    return { out, sma, values, errors };
  })();`,
  );
  const { out, sma, values, errors } = await run(library);
  expect([...out]).toEqual([11]);
  expect([...sma]).toEqual([Number.NaN, 1.5, 2.5]);
  // Black and Scholes: 9.4134.
  expect(Math.abs(values[0] - 9.4134)).toBeLessThan(5 * errors[0]);
});

describe('the example of', () => {
  for (const { def } of KERNELS) {
    test(`${def.id} runs as it stands on the page`, () => {
      const name = nameOf(def);
      const code = kernelExample(def, name);
      expect(page).toContain(code);
      const [, results, body] = /^import .*\n\nconst (\{.*\}) = ([\s\S]*)$/.exec(code)!;
      const run = new Function(name, `const ${results} = ${body}\nreturn ${results};`);
      const outputs = Object.values(run(byName.get(name)) as object);
      expect(outputs.length).toBeGreaterThan(0);
      for (const output of outputs) expect(ArrayBuffer.isView(output)).toBe(true);
    });
  }
});
