// A program that calls a kernel once, with the sizes of its example: for the page of kernels, and run by its test.
import type { ArraySpec, KernelDef } from '../../src/native/define.ts';
import { shapeOf } from '../../src/native/define.ts';

const CLASSES = {
  f64: 'Float64Array',
  f32: 'Float32Array',
  i32: 'Int32Array',
  u32: 'Uint32Array',
  u8: 'Uint8Array',
} as const;

// What an element is, of its place `i`; the last side of an array has `n` elements.
function element({ values, type }: ArraySpec, n: number): string {
  const usual = type === 'float' || type === 'f64' || type === 'f32' ? 'normal' : 'index';
  switch (values ?? usual) {
    case 'normal':
      return 'Math.sin(i * i)';
    case 'price':
      return '100 + Math.sin(i * i)';
    case 'volume':
    case 'positive':
      return '1 + (i % 3)';
    case 'probability':
      return '0.1 + 0.2 * (i % 4)';
    case 'index':
      return 'i % 3';
    case 'spd':
      return `i % ${n * n} % ${n + 1} === 0 ? 2 : 0.5`;
  }
}

/** Returns the program; `name` is the kernel's in the package. */
export function kernelExample(def: KernelDef, name: string): string {
  const given = Object.entries(def.arrays).filter(([, { role }]) => role === 'input' || role === 'inout');
  const results = Object.entries(def.arrays).filter(([, { role }]) => role === 'output' || role === 'inout');
  const dtype = def.dtypes.includes('f64') ? 'f64' : 'f32';
  const plain = Object.entries(def.example).map(
    ([key, value]) => `  ${key}: ${typeof value === 'string' ? `'${value}'` : value},`,
  );
  const arrays = given.map(([key, spec]) => {
    const lengths = shapeOf(def, spec, def.example);
    const length = lengths.reduce((product, side) => product * side, 1);
    const of = element(spec, lengths.at(-1) ?? 1);
    const shape = spec.dims.join(', ');
    const kind = CLASSES[spec.type === 'float' ? dtype : spec.type];
    return `  ${key}: ${kind}.from({ length: ${length} }, (_, i) => ${of}), // [${shape}]`;
  });
  return [
    `import { ${name} } from 'nautilus-engines/native';`,
    '',
    `const { ${results.map(([key]) => key).join(', ')} } = ${name}({`,
    ...plain,
    ...arrays,
    '});',
  ].join('\n');
}
