// A definition becomes a typed function: checks the plain numbers, hands the arrays to the addon, names what ran.
import { InvalidOptionError } from '../core/errors.ts';
import { type FloatArray, loadAddon, type NativeArray } from './addon.ts';
import { type BackendOption, backendCode, refuse } from './arguments.ts';
import { type Ran, ranOn } from './backend.ts';
import { withToken } from './cancel.ts';
import {
  type ArraySpec,
  checkKernel,
  type Dtype,
  type ElementType,
  type KernelDef,
  type OptionSpec,
  resolveDim,
} from './define.ts';
import { fromNative } from './errors.ts';
import { parseExpression } from './expression.ts';

type ArrayOf<T extends ElementType, A> = T extends 'float'
  ? A
  : T extends 'f64'
    ? Float64Array
    : T extends 'f32'
      ? Float32Array
      : T extends 'i32'
        ? Int32Array
        : T extends 'u32'
          ? Uint32Array
          : Uint8Array;
type OptionValue<O> = O extends { kind: 'flag' }
  ? boolean
  : O extends { kind: 'choice'; values: readonly (infer V)[] }
    ? V
    : number;
type KeysWhere<R, S> = { [K in keyof R]: R[K] extends S ? K : never }[keyof R];
type Roles<D extends KernelDef, R extends ArraySpec['role']> = KeysWhere<D['arrays'], { role: R }>;
type HasDefault = { readonly default: unknown };
type Defaulted<D extends KernelDef> = KeysWhere<D['options'], HasDefault>;
type DefaultedSizes<D extends KernelDef> = KeysWhere<D['sizes'], HasDefault>;

/** The arguments of a kernel: its sizes, options and arrays by name. */
export type KernelOptions<D extends KernelDef, A extends FloatArray = Float64Array> = {
  readonly [K in Exclude<keyof D['sizes'], DefaultedSizes<D>>]: number;
} & { readonly [K in DefaultedSizes<D>]?: number } & {
  readonly [K in Exclude<keyof D['options'], Defaulted<D>>]: OptionValue<D['options'][K]>;
} & {
  readonly [K in Defaulted<D>]?: OptionValue<D['options'][K]>;
} & { readonly [K in Roles<D, 'input' | 'inout'>]: ArrayOf<D['arrays'][K]['type'], A> } & {
  readonly [K in Roles<D, 'optional' | 'output' | 'wanted'>]?: ArrayOf<D['arrays'][K]['type'], A> | undefined;
} & {
  readonly backend?: BackendOption;
  /** The element type of a call without float arrays; default the kernel's first. */
  readonly dtype?: Dtype;
};

/** What a kernel returns: what ran it, and each array that it wrote. */
export type KernelResult<D extends KernelDef, A extends FloatArray = Float64Array> = Ran & {
  readonly [K in Roles<D, 'output' | 'inout'>]: ArrayOf<D['arrays'][K]['type'], A>;
} & { readonly [K in Roles<D, 'wanted'>]?: ArrayOf<D['arrays'][K]['type'], A> };

/**
 * A kernel as a function. All forms throw (or reject with) `InvalidOptionError`, `ShapeMismatchError`,
 * `BackendUnavailableError` and what its definition names under `errors`, before anything is written.
 */
export interface Kernel<D extends KernelDef = KernelDef> {
  /** Runs at once and blocks the JavaScript thread. */
  <A extends FloatArray = Float64Array>(options: KernelOptions<D, A>): KernelResult<D, A>;
  /**
   * Runs off the JavaScript thread. Until it settles the arrays must be neither written, read (outputs) nor transferred.
   * Rejects with `CancelledError` once `signal` is aborted; outputs then hold nothing of use.
   */
  async<A extends FloatArray = Float64Array>(
    options: KernelOptions<D, A>,
    signal?: AbortSignal,
  ): Promise<KernelResult<D, A>>;
  /** Runs at once when that takes less than about {@link SYNCHRONOUS_NS}, else off the thread. */
  auto<A extends FloatArray = Float64Array>(
    options: KernelOptions<D, A>,
    signal?: AbortSignal,
  ): KernelResult<D, A> | Promise<KernelResult<D, A>>;
  /** Estimated nanoseconds of a call on one core, from the cost in its definition; good to a factor of about three. */
  estimateNs(options: Readonly<Record<string, unknown>>): number;
  readonly def: D;
}

/** Work of more nanoseconds than this leaves the JavaScript thread in the `auto` form: 100 us. */
export const SYNCHRONOUS_NS = 100_000;

// Cautious figures of one core: they only have to tell microseconds from milliseconds.
const FLOPS_PER_NS = { hwy: 4, blas: 16 } as const;
const BYTES_PER_NS = 8;
const MAX_SIZE = 2 ** 31 - 1;
// The block of plain numbers that the addon reads: backend, element type, then sizes and options in order.
const FIRST_SCALAR = 2;

type Fields = Readonly<Record<string, unknown>>;
type Write = (value: unknown) => number;

const CLASSES = {
  f64: Float64Array,
  f32: Float32Array,
  i32: Int32Array,
  u32: Uint32Array,
  u8: Uint8Array,
} as const;

function kindOf(value: unknown): string {
  if (typeof value !== 'number')
    return value === undefined ? 'missing' : value === null ? 'null' : typeof value;
  return Number.isFinite(value) ? 'out of range' : 'not finite';
}

function integerWriter(name: string, min: number, max: number): Write {
  return (value) => {
    if (typeof value === 'number' && value >= min && value <= max && Number.isInteger(value)) return value;
    return refuse(name, `an integer from ${min} to ${max}`, kindOf(value));
  };
}

function optionWriter(name: string, option: OptionSpec): Write {
  switch (option.kind) {
    case 'int':
      return integerWriter(name, option.min, option.max);
    case 'seed':
      return integerWriter(name, 0, Number.MAX_SAFE_INTEGER);
    case 'flag':
      return (value) =>
        typeof value === 'boolean' ? Number(value) : refuse(name, 'true or false', kindOf(value));
    case 'choice':
      return (value) => {
        const at = option.values.indexOf(value as string);
        return at >= 0 ? at : refuse(name, `one of ${option.values.join(', ')}`, kindOf(value));
      };
    case 'number': {
      const { min = -Infinity, max = Infinity } = option;
      const range = min === -Infinity && max === Infinity ? '' : ` from ${min} to ${max}`;
      return (value) => {
        if (typeof value === 'number' && value >= min && value <= max && Number.isFinite(value)) return value;
        return refuse(name, `a finite number${range}`, kindOf(value));
      };
    }
  }
}

interface Scalar {
  readonly name: string;
  readonly write: Write;
  readonly absent: unknown;
}

function scalarsOf(def: KernelDef): Scalar[] {
  const sizes = Object.entries(def.sizes).map(([name, { min = 0, max = MAX_SIZE, default: absent }]) => {
    return { name, write: integerWriter(name, min, max), absent };
  });
  const options = Object.entries(def.options).map(([name, option]) => {
    return { name, write: optionWriter(name, option), absent: option.default };
  });
  return [...sizes, ...options];
}

interface ArrayField extends ArraySpec {
  readonly name: string;
  /** For each side the place of its number in the block, or -1, and what is added. */
  readonly sides: readonly (readonly [place: number, offset: number])[];
}

/** Resolves the definition once; every call is then a walk over a few short lists. */
class Caller {
  readonly scalars: readonly Scalar[];
  readonly arrays: readonly ArrayField[];
  readonly #def: KernelDef;
  #index = -1;

  constructor(def: KernelDef) {
    this.#def = def;
    this.scalars = scalarsOf(def);
    this.arrays = Object.entries(def.arrays).map(([name, spec]) => {
      const sides = spec.dims.map((dim) => {
        const { of, name: side, offset } = resolveDim(def, dim);
        const at = of === 'number' ? -1 : FIRST_SCALAR + this.scalars.findIndex((one) => one.name === side);
        return [at, offset] as const;
      });
      return { ...spec, name, sides };
    });
  }

  /** Fills the block and returns the arrays of a call, outputs made where none was given. */
  prepare(options: Fields, block: Float64Array): (NativeArray | undefined)[] {
    block[0] = backendCode(options.backend as BackendOption | undefined);
    for (let i = 0; i < this.scalars.length; i++) {
      const { name, write, absent } = this.scalars[i]!;
      const value = options[name];
      block[FIRST_SCALAR + i] = write(value === undefined ? absent : value);
    }
    const f64 = this.#isF64(options);
    block[1] = f64 ? 2 : 1;
    const arrays: (NativeArray | undefined)[] = [];
    for (const field of this.arrays) {
      let value = options[field.name] as NativeArray | undefined;
      if (value === undefined && field.role === 'output') {
        const type = field.type === 'float' ? (f64 ? 'f64' : 'f32') : field.type;
        value = newArray(field, type, block);
      } else if (value !== undefined) requireFixed(field, value);
      arrays.push(value);
    }
    return arrays;
  }

  #isF64(options: Fields): boolean {
    for (const { type, name } of this.arrays) {
      const value = type === 'float' ? options[name] : undefined;
      if (value !== undefined) return !(value instanceof Float32Array);
    }
    const { dtype } = options;
    if (dtype === undefined) return this.#def.dtypes[0] === 'f64';
    if (dtype === 'f64' || dtype === 'f32') return dtype === 'f64';
    return refuse('dtype', 'f64 or f32', kindOf(dtype));
  }

  /** The place of the kernel in the native table. */
  get index(): number {
    if (this.#index < 0) this.#index = loadAddon().kernelIndex(this.#def.id);
    return this.#index;
  }

  result(options: Fields, arrays: readonly (NativeArray | undefined)[], code: number): Fields {
    const result: Record<string, unknown> = { ...ranOn(this.#def.cpu, code) };
    for (let i = 0; i < arrays.length; i++) {
      const { role, name } = this.arrays[i]!;
      if (role === 'input' || role === 'optional') continue;
      if (role !== 'wanted' || options[name] !== undefined) result[name] = arrays[i];
    }
    return result;
  }
}

function newArray(field: ArrayField, type: keyof typeof CLASSES, block: Float64Array): NativeArray {
  let length = 1;
  for (const [place, offset] of field.sides)
    length *= Math.max(0, place < 0 ? offset : block[place]! + offset);
  try {
    return new CLASSES[type](length);
  } catch {
    const expected = 'sizes whose outputs fit in memory';
    throw new InvalidOptionError(`Expected ${expected}, was ${length} elements for ${field.name}`, [
      { pointer: `/${field.name}`, expected, received: `${length} elements` },
    ]);
  }
}

// A buffer that shrinks while a kernel runs off the thread would leave it without its memory.
function requireFixed(field: ArrayField, value: NativeArray): void {
  const buffer = value.buffer as { resizable?: boolean; growable?: boolean } | undefined;
  if (buffer?.resizable || buffer?.growable) refuse(field.name, 'an array of fixed length', 'resizable');
}

/** Returns the function of a definition. Throws `InvariantError` when the definition contradicts itself. */
export function defineKernel<const D extends KernelDef>(def: D): Kernel<D> {
  checkKernel(def);
  const caller = new Caller(def);
  const names = new Set(caller.scalars.map(({ name }) => name));
  const flops = parseExpression(def.flops, names);
  const bytes = def.bytes === undefined ? null : parseExpression(def.bytes, names);

  const now = (options: Fields): Fields => {
    const addon = loadAddon();
    try {
      const arrays = caller.prepare(options, addon.block);
      return caller.result(options, arrays, addon.run(caller.index, ...arrays));
    } catch (thrown) {
      throw fromNative(thrown);
    }
  };
  const later = (options: Fields, signal?: AbortSignal): Promise<Fields> =>
    withToken(signal, async (token) => {
      const addon = loadAddon();
      const arrays = caller.prepare(options, addon.block);
      return caller.result(options, arrays, await addon.runAsync(caller.index, token, ...arrays));
    });
  const estimateNs = (options: Fields): number => {
    const values: Record<string, number> = {};
    for (const { name, absent } of caller.scalars) values[name] = Number(options[name] ?? absent ?? 0);
    const moved = bytes ? bytes(values) : elementsOf(def, values) * 8;
    return Math.max(flops(values) / FLOPS_PER_NS[def.cpu], moved / BYTES_PER_NS);
  };
  const auto = (options: Fields, signal?: AbortSignal) =>
    estimateNs(options) < SYNCHRONOUS_NS ? now(options) : later(options, signal);
  return Object.assign(now, { async: later, auto, estimateNs, def }) as unknown as Kernel<D>;
}

function elementsOf(def: KernelDef, values: Readonly<Record<string, number>>): number {
  let elements = 0;
  for (const { dims } of Object.values(def.arrays)) {
    let length = 1;
    for (const dim of dims) {
      const { of, name, offset } = resolveDim(def, dim);
      length *= of === 'number' ? offset : values[name]! + offset;
    }
    elements += length;
  }
  return elements;
}
