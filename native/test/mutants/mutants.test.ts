import { describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Results } from './results.ts';
import { mutantsOf } from './sites.ts';
import { ROOT, readSource } from './source.ts';
import { graphOf, reach, reversed, unitsOf } from './units.ts';

const TEXT = `#include <metal_stdlib>
using namespace metal;

namespace a {
// Not code: i < 3.
constant constexpr uint kTwo = 2;
struct Params { uint count; };
template <uint kSize>
inline float Twice(float x) { return x * kTwo; }
}  // namespace a

namespace b {
inline float Twice(float x) { return x + x; }
}  // namespace b

kernel void one_f32(constant a::Params& p [[buffer(0)]], device float* out [[buffer(1)]],
                    uint i [[thread_position_in_grid]]) {
  threadgroup float part[4];
  part[i] = out[i];
  threadgroup_barrier(mem_flags::mem_threadgroup);
  for (uint at = 0; at < p.count; ++at) out[at] = a::Twice(part[at]);
}
kernel void two_f32(device float* out [[buffer(0)]]) { out[0] = b::Twice(out[0]); }
`;

const made = (operator: string): string[] =>
  mutantsOf(TEXT)
    .filter((mutant) => mutant.operator === operator)
    .map(({ from, to, text }) => `${TEXT.slice(from, to)} -> ${text}`);

describe('mistakes in Metal kernels', () => {
  test('are made at every place: barriers, bounds of loops, indices, bindings, address spaces', () => {
    expect(made('barrier removed')).toEqual(['threadgroup_barrier(mem_flags::mem_threadgroup); -> ;']);
    expect(made('barrier moved')).toHaveLength(2);
    expect(made('loop bound')).toEqual([' <  ->  <= ']);
    expect(made('index')).toContain('[at] -> [(at) + 1]');
    expect(made('binding')).toEqual([
      '[[buffer(0)]] -> [[buffer(1)]]',
      '[[buffer(1)]] -> [[buffer(2)]]',
      '[[buffer(0)]] -> [[buffer(1)]]',
    ]);
    expect(made('address space')).toContain('device  -> threadgroup ');
    expect(made('arithmetic')).toEqual([' *  ->  + ', ' +  ->  - ']);
    expect(made('constant')).toContain('2 -> 3');
  });

  test('comments are no code', () => {
    expect(mutantsOf('// i < 3\nint a;').length).toBe(0);
  });

  test('a kernel needs what it names, by namespace, and what that names', () => {
    const units = unitsOf(TEXT);
    expect(units.map(({ text }) => text).join('').length).toBe(TEXT.length);
    const graph = graphOf(units);
    const [one, two] = units.filter(({ isKernel }) => isKernel);
    const names = (unit: (typeof units)[number]) =>
      [...reach(graph, [unit])].map(({ space, names: [name] }) => `${space}:${name}`).sort();
    expect(names(one!)).toEqual([':one_f32', 'a:Params', 'a:Twice', 'a:kTwo']);
    expect(names(two!)).toEqual([':two_f32', 'b:Twice']);
    const constant = units.find(({ names: [name] }) => name === 'kTwo')!;
    expect([...reach(reversed(graph), [constant])].filter(({ isKernel }) => isKernel)).toEqual([one!]);
  });

  test('each of our kernels has ten places at least, and each place belongs to a kernel', async () => {
    const source = await readSource();
    const all = mutantsOf(source.text);
    const counts = new Map(source.kernels.map((kernel) => [kernel, 0]));
    for (const mutant of all) {
      const unit = source.units.find(({ from, to }) => mutant.from >= from && mutant.from < to)!;
      const kernels = source.kernelsOf(unit);
      expect(kernels.length).toBeGreaterThan(0);
      for (const kernel of kernels) counts.set(kernel, counts.get(kernel)! + 1);
    }
    for (const [kernel, count] of counts) expect(count, kernel.names[0]).toBeGreaterThanOrEqual(10);
  });

  test('what was noticed stays so when tests are added, what survived is tried again, a changed test forgets', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'results-'));
    try {
      const file = join(folder, 'results.txt');
      const tests = ['a', 'b', 'c'].map((name) => join(folder, name));
      for (const name of tests) await Bun.write(name, name);
      const all = tests.map((name) => ({ sentence: '', file: name, kernels: [], seconds: 0 }));
      const two = all.slice(0, 2);
      const first = new Results(file);
      first.set(['killed'], two, 'test', 'about');
      first.set(['alive'], two, 'survived', 'about');
      const again = new Results(file);
      expect([again.get(['killed'], two), again.get(['alive'], two)]).toEqual(['test', 'survived']);
      expect([again.get(['killed'], all), again.get(['alive'], all)]).toEqual(['test', undefined]);
      expect(again.get(['other'], all)).toBeUndefined();
      await Bun.write(tests[0]!, 'changed');
      expect(new Results(file).get(['killed'], all)).toBeUndefined();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('the files of kernels are those that the build embeds', async () => {
    const source = await readSource();
    for (const { name, from, text } of source.files) {
      expect(await Bun.file(join(ROOT, name)).text()).toBe(text);
      expect(source.text.slice(from, from + text.length)).toBe(text);
    }
  });
});
