// Small calls of any kernel, made from its definition: for tests, benches and examples.
import type { NativeArray } from './addon.ts';
import { type ArraySpec, type Dtype, type KernelDef, shapeOf } from './define.ts';

const CLASSES = {
  f64: Float64Array,
  f32: Float32Array,
  i32: Int32Array,
  u32: Uint32Array,
  u8: Uint8Array,
} as const;

/** Returns numbers in [0, 1), the same for the same seed: mulberry32. */
export function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function fill(array: NativeArray, spec: ArraySpec, lengths: readonly number[], random: () => number): void {
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const columns = lengths.at(-1) ?? 1;
  switch (
    spec.values ??
    (spec.type === 'float' || spec.type === 'f64' || spec.type === 'f32' ? 'normal' : 'index')
  ) {
    case 'normal':
      for (let i = 0; i < array.length; i++) array[i] = normal();
      return;
    case 'price':
      for (let i = 0; i < array.length; i++) {
        const before = lengths.length > 1 ? array[i - columns] : array[i - 1];
        array[i] = (before ?? 100) * (1 + 0.01 * normal());
      }
      return;
    case 'volume':
    case 'positive':
      for (let i = 0; i < array.length; i++) array[i] = 0.5 + random();
      return;
    case 'probability':
      for (let i = 0; i < array.length; i++) array[i] = 0.05 + 0.9 * random();
      return;
    case 'index':
      for (let i = 0; i < array.length; i++) array[i] = i % 3;
      return;
    case 'spd':
      fillSpd(array, columns, normal);
  }
}

// B B' / n + I for normal B: well conditioned.
function fillSpd(array: NativeArray, n: number, normal: () => number): void {
  const factor = Float64Array.from({ length: n * n }, normal);
  for (let at = 0; at < array.length; at++) {
    const i = Math.floor(at / n) % n;
    const j = at % n;
    let sum = i === j ? 1 : 0;
    for (let k = 0; k < n; k++) sum += (factor[i * n + k]! * factor[j * n + k]!) / n;
    array[at] = sum;
  }
}

/** Returns arguments of a kernel for its example's sizes (or those of `change`), arrays filled as their definition says. */
export function exampleCall(
  def: KernelDef,
  dtype: Dtype = def.dtypes[0]!,
  seed = 1,
  change: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  const call: Record<string, unknown> = { ...def.example, dtype, ...change };
  const random = uniform(seed);
  for (const [name, spec] of Object.entries(def.arrays)) {
    if (spec.role === 'output' || spec.role === 'wanted') continue;
    const lengths = shapeOf(def, spec, call);
    const array = new CLASSES[spec.type === 'float' ? dtype : spec.type](lengths.reduce((a, b) => a * b, 1));
    fill(array, spec, lengths, random);
    call[name] = array;
  }
  return call;
}
