// What a kernel is, as data: sizes, options, arrays, tolerance, cost. The C++ argument struct, the border's checks, the typed
// function, its route, its page in the docs and its tests all follow from this one declaration.
import { InvariantError } from '../core/errors.ts';
import { parseExpression } from './expression.ts';

export type Dtype = 'f64' | 'f32';

/** What an array holds: `float` is the element type of the call, the others are fixed. */
export type ElementType = 'float' | Dtype | 'i32' | 'u32' | 'u8';

/** A count that shapes are made of. */
export interface SizeSpec {
  readonly about: string;
  /** Default 0. */
  readonly min?: number;
  /** Default 2^31 - 1. */
  readonly max?: number;
  /** What it is where neither the caller nor a shape says it; one without has to be given. */
  readonly default?: number;
}

interface Described {
  readonly about?: string | undefined;
}
interface IntSpec extends Described {
  readonly min: number;
  readonly max: number;
  readonly default?: number;
  readonly unit: string;
}
interface NumberSpec extends Described {
  readonly min?: number;
  readonly max?: number;
  readonly default?: number;
  readonly unit: string;
}

/** A setting of one call. One without a default has to be given. */
export type OptionSpec =
  | (IntSpec & { readonly kind: 'int' })
  | (NumberSpec & { readonly kind: 'number' })
  | (Described & { readonly kind: 'flag'; readonly default: boolean })
  | (Described & { readonly kind: 'choice'; readonly values: readonly string[]; readonly default: string })
  | (Described & { readonly kind: 'seed'; readonly default: number });

/** An integer from `min` to `max`. */
export const int = <const S extends IntSpec>(spec: S) => ({ ...spec, kind: 'int' }) as const;
/** A finite number, from `min` to `max` where given. */
export const number = <const S extends NumberSpec>(spec: S) => ({ ...spec, kind: 'number' }) as const;
/** True or false. */
export const flag = (value: boolean, about?: string) => ({ kind: 'flag', default: value, about }) as const;
/** One of several words. */
export const choice = <const V extends readonly string[]>(values: V, value: V[number], about?: string) =>
  ({ kind: 'choice', values, default: value, about }) as const;
/** The seed of random numbers: an integer from 0 to 2^53 - 1, default 1. */
export const seed = (about = 'the same seed gives the same numbers') =>
  ({ kind: 'seed', default: 1, about }) as const;

/** A side of a shape: a size, an integer option, an integer, or one of the first two plus or minus an integer. */
export type Dim = string | number;

/** What tests and examples fill an input with. */
export type InputValues = 'normal' | 'price' | 'volume' | 'probability' | 'positive' | 'spd' | 'index';

export interface ArraySpec {
  /**
   * `input` and `optional` are read, the latter when given; `output` is written, into a new array when none is given; `wanted` is
   * written when given; `inout` is read and written.
   */
  readonly role: 'input' | 'optional' | 'output' | 'wanted' | 'inout';
  readonly dims: readonly Dim[];
  readonly type: ElementType;
  readonly about?: string | undefined;
  readonly values?: InputValues | undefined;
}

interface InputMore<T extends ElementType> extends Described {
  readonly type?: T;
  readonly values?: InputValues;
}
const array = <R extends ArraySpec['role'], T extends ElementType>(
  role: R,
  dims: readonly Dim[],
  type: T,
  about?: string,
  values?: InputValues,
): {
  role: R;
  dims: readonly Dim[];
  type: NoInfer<T>;
  about: string | undefined;
  values: InputValues | undefined;
} => ({
  role,
  dims,
  type,
  about,
  values,
});

/** An array that is read. */
export const input = <const T extends ElementType = 'float'>(dims: readonly Dim[], more: InputMore<T> = {}) =>
  array<'input', T>('input', dims, (more.type ?? 'float') as T, more.about, more.values);
/** An array that is read when it is given. */
export const optional = <const T extends ElementType = 'float'>(
  dims: readonly Dim[],
  more: InputMore<T> = {},
) => array<'optional', T>('optional', dims, (more.type ?? 'float') as T, more.about, more.values);
/** An array that is written; the call makes one when none is given. */
export const output = <const T extends ElementType = 'float'>(
  dims: readonly Dim[],
  type?: T,
  about?: string,
) => array<'output', T>('output', dims, (type ?? 'float') as T, about);
/** An array that is written when it is given. */
export const wanted = <const T extends ElementType = 'float'>(
  dims: readonly Dim[],
  type?: T,
  about?: string,
) => array<'wanted', T>('wanted', dims, (type ?? 'float') as T, about);
/** An array that is read and written. */
export const inout = <const T extends ElementType = 'float'>(dims: readonly Dim[], more: InputMore<T> = {}) =>
  array<'inout', T>('inout', dims, (more.type ?? 'float') as T, more.about, more.values);

/** One kernel. See {@link checkKernel} for the rules that types cannot say. */
export interface KernelDef {
  /** Snake case: the name in C++ files, URLs and docs. */
  readonly id: string;
  readonly family: 'learning' | 'matrix' | 'montecarlo' | 'portfolio' | 'statistics' | 'system';
  readonly title: string;
  /** What it computes, with its rule for NaN. */
  readonly about: string;
  /** The first one is taken where no array tells. */
  readonly dtypes: readonly Dtype[];
  /** What computes it on the CPU: Highway SIMD, or BLAS and LAPACK. */
  readonly cpu: 'hwy' | 'blas';
  readonly sizes: Readonly<Record<string, SizeSpec>>;
  readonly options: Readonly<Record<string, OptionSpec>>;
  readonly arrays: Readonly<Record<string, ArraySpec>>;
  /** Largest difference from the scalar reference, relative to the scale of its sums; 0 means the same bits. */
  readonly tolerance: { readonly f64: number; readonly f32: number; readonly why: string };
  /** Operations by {@link flops} from which Metal wins; default 0, never chosen by `auto`. */
  readonly metalFrom?: number;
  /** Floating-point operations of one call, over sizes and options. */
  readonly flops: string;
  /** Bytes that one call has to move; default: its arrays once. */
  readonly bytes?: string;
  readonly complexity: string;
  /** Where the formula is from. */
  readonly source: string;
  /** What a native status means here, in words that follow "Expected"; `{detail}` is the number that the kernel gives. */
  readonly errors?: Readonly<Record<string, string>>;
  /** Small sizes and options, for tests of every kernel and for the docs. */
  readonly example: Readonly<Record<string, number | boolean | string>>;
}

/** A side of a shape, resolved: `size` or `option` plus `offset`, or the number `offset` alone. */
export interface ResolvedDim {
  readonly of: 'size' | 'option' | 'number';
  readonly name: string;
  readonly offset: number;
}

/** Returns what a side of a shape stands for. Throws `InvariantError` when it names nothing of the definition. */
export function resolveDim(def: KernelDef, dim: Dim): ResolvedDim {
  if (typeof dim === 'number') return { of: 'number', name: '', offset: dim };
  const [, name = '', offset = '0'] = /^([A-Za-z]\w*)([+-]\d+)?$/.exec(dim) ?? [];
  if (Object.hasOwn(def.sizes, name)) return { of: 'size', name, offset: Number(offset) };
  if (def.options[name]?.kind === 'int') return { of: 'option', name, offset: Number(offset) };
  throw new InvariantError(`kernel ${def.id}: ${dim} is neither a size nor an integer option`);
}

/** Returns the lengths of an array's sides in a call. */
export function shapeOf(def: KernelDef, spec: ArraySpec, call: Readonly<Record<string, unknown>>): number[] {
  return spec.dims.map((dim) => {
    const { of, name, offset } = resolveDim(def, dim);
    if (of === 'number') return offset;
    const absent = def.sizes[name]?.default ?? def.options[name]?.default;
    return Math.max(0, Number(call[name] ?? absent ?? 0) + offset);
  });
}

const RESERVED = ['backend', 'target', 'dtype', 'signal', 'cancel', 'detail'];
/** Sizes and options together, and arrays: what the border's fixed memory holds. */
export const LIMITS = { scalars: 62, arrays: 16, rank: 4 } as const;

/** Checks a definition. Throws `InvariantError` naming what contradicts itself. */
export function checkKernel(def: KernelDef): void {
  const fail = (what: string): never => {
    throw new InvariantError(`kernel ${def.id}: ${what}`);
  };
  if (!/^[a-z][a-z0-9_]*$/.test(def.id)) fail('its id is not snake case');
  const scalars = [...Object.keys(def.sizes), ...Object.keys(def.options)];
  const names = [...scalars, ...Object.keys(def.arrays)];
  if (new Set([...names, ...RESERVED]).size !== names.length + RESERVED.length)
    fail('a name repeats or is taken');
  if (names.some((name) => !/^[a-z][A-Za-z0-9]*$/.test(name))) fail('a name is not camel case');
  if (scalars.length > LIMITS.scalars || Object.keys(def.arrays).length > LIMITS.arrays)
    fail('too many arguments');
  for (const { dims } of Object.values(def.arrays)) {
    if (dims.length > LIMITS.rank) fail('an array has too many sides');
    for (const dim of dims) resolveDim(def, dim);
  }
  for (const [name, option] of Object.entries(def.options)) {
    if (option.kind === 'choice' && !option.values.includes(option.default))
      fail(`default of ${name} is no choice`);
    if (option.kind !== 'int' && option.kind !== 'number') continue;
    const { min = -Infinity, max = Infinity, default: value } = option;
    if (min > max || (value !== undefined && !(min <= value && value <= max))) fail(`range of ${name}`);
  }
  for (const name of Object.keys(def.example)) if (!scalars.includes(name)) fail(`example names ${name}`);
  for (const name of Object.keys(def.sizes))
    if (!(name in def.example) && def.sizes[name]!.default === undefined) fail(`example lacks ${name}`);
  const known = new Set(scalars);
  parseExpression(def.flops, known);
  if (def.bytes !== undefined) parseExpression(def.bytes, known);
}
