// Kernel arguments as JSON: nested arrays by shape, null for NaN, sizes read off the shapes, names in snake case.
import {
  type FieldError,
  InvalidOptionError,
  NonFiniteInputError,
  ShapeMismatchError,
} from '../core/errors.ts';
import {
  type ArraySpec,
  type Dtype,
  type KernelDef,
  type NativeArray,
  type PoolScope,
  resolveDim,
  shapeOf,
} from '../native/index.ts';

/** Most numbers that one output of a reply may hold. */
export const MAX_OUTPUT_ELEMENTS = 4_000_000;

/** Returns the JSON name of an argument: `trans_a` for `transA`. */
export const jsonName = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const INTEGER_MAX = { i32: 2 ** 31 - 1, u32: 2 ** 32 - 1, u8: 255 } as const;

function mismatch(pointer: string, expected: string, received: string): never {
  throw new ShapeMismatchError(`Expected ${expected} at ${pointer}, was ${received}`, [
    { pointer, expected, received },
  ]);
}

/** The lengths of a nested array, taken along its first elements. */
function lengthsOf(value: unknown, rank: number, pointer: string): number[] {
  const lengths: number[] = [];
  let inner = value;
  for (let side = 0; side < rank; side++) {
    if (!Array.isArray(inner)) {
      mismatch(pointer + '/0'.repeat(side), `an array nested ${rank} deep`, kindOf(inner));
    }
    lengths.push(inner.length);
    if (inner.length === 0) return [...lengths, ...Array(rank - side - 1).fill(0)];
    inner = inner[0];
  }
  return lengths;
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? 'an array' : value === null ? 'null' : typeof value;
}

/** Copies nested numbers into a typed array, checking every length and element. */
class Flattener {
  #at = 0;
  readonly #into: NativeArray;
  readonly #integerMax: number | null;

  constructor(into: NativeArray, spec: ArraySpec) {
    this.#into = into;
    const { type } = spec;
    this.#integerMax = type === 'i32' || type === 'u32' || type === 'u8' ? INTEGER_MAX[type] : null;
  }

  fill(value: unknown, lengths: readonly number[], side: number, pointer: string): void {
    if (!Array.isArray(value)) mismatch(pointer, 'an array', kindOf(value));
    if (value.length !== lengths[side]) {
      mismatch(pointer, `${lengths[side]} elements`, `${value.length} elements`);
    }
    if (side + 1 < lengths.length) {
      for (let i = 0; i < value.length; i++) this.fill(value[i], lengths, side + 1, `${pointer}/${i}`);
      return;
    }
    for (let i = 0; i < value.length; i++) this.#into[this.#at++] = this.#element(value[i], pointer, i);
  }

  #element(value: unknown, pointer: string, i: number): number {
    if (this.#integerMax === null) {
      if (typeof value === 'number') return value;
      if (value === null) return Number.NaN;
      return refuse(`${pointer}/${i}`, 'a number, or null where there is none', kindOf(value));
    }
    const inRange =
      typeof value === 'number' && Number.isInteger(value) && Math.abs(value) <= this.#integerMax;
    if (inRange && (value >= 0 || this.#into instanceof Int32Array)) return value;
    return refuse(`${pointer}/${i}`, 'an integer in range', kindOf(value));
  }
}

function refuse(pointer: string, expected: string, received: string): never {
  throw new InvalidOptionError(`Expected ${expected} at ${pointer}, was ${received}`, [
    { pointer, expected, received },
  ]);
}

function isRead({ role }: ArraySpec): boolean {
  return role === 'input' || role === 'optional' || role === 'inout';
}

/**
 * Returns the options of a kernel call for a JSON body: arrays flattened, sizes that shapes tell filled in, the others copied.
 * Ranges of sizes and options are the kernel's to check.
 * @throws ShapeMismatchError, InvalidOptionError with pointers into the body.
 */
export function decodeCall(
  def: KernelDef,
  body: Readonly<Record<string, unknown>>,
  memory: PoolScope,
): Record<string, unknown> {
  const call: Record<string, unknown> = {};
  for (const name of ['backend', 'dtype', ...Object.keys(def.sizes), ...Object.keys(def.options)]) {
    if (body[jsonName(name)] !== undefined) call[name] = body[jsonName(name)];
  }
  const dtype: Dtype = call.dtype === 'f32' || call.dtype === 'f64' ? call.dtype : def.dtypes[0]!;
  const shapes = new Map<string, number[]>();
  for (const [name, spec] of Object.entries(def.arrays)) {
    const given = body[jsonName(name)];
    if (given === undefined || !isRead(spec)) continue;
    const lengths = lengthsOf(given, spec.dims.length, `/${jsonName(name)}`);
    shapes.set(name, lengths);
    spec.dims.forEach((dim, side) => {
      const { of, name: size, offset } = resolveDim(def, dim);
      if (of === 'size' && call[size] === undefined) call[size] = Math.max(0, lengths[side]! - offset);
    });
  }
  for (const [name, lengths] of shapes) {
    const spec = def.arrays[name]!;
    const type = spec.type === 'float' ? dtype : spec.type;
    const into = memory.take(type, elementsOf(lengths));
    new Flattener(into, spec).fill(body[jsonName(name)], lengths, 0, `/${jsonName(name)}`);
    call[name] = into;
  }
  addOutputs(def, wantedOf(def, body.want), call, dtype, memory);
  return call;
}

/** The outputs that are written only when somebody wants them, and are wanted. */
function wantedOf(def: KernelDef, names: unknown): ReadonlySet<string> {
  const wanted = new Set<string>();
  for (const [i, asked] of (Array.isArray(names) ? names : []).entries()) {
    const found = Object.entries(def.arrays).find(([name]) => jsonName(name) === asked);
    if (found?.[1].role !== 'wanted') refuse(`/want/${i}`, 'the name of an optional output', kindOf(asked));
    wanted.add(found[0]);
  }
  return wanted;
}

// Outputs of sizes that cannot be are left to the kernel, which refuses them.
function addOutputs(
  def: KernelDef,
  wanted: ReadonlySet<string>,
  call: Record<string, unknown>,
  dtype: Dtype,
  memory: PoolScope,
): void {
  for (const [name, spec] of Object.entries(def.arrays)) {
    if (spec.role !== 'output' && !wanted.has(name)) continue;
    const length = elementsOf(shapeOf(def, spec, call));
    if (!(length <= MAX_OUTPUT_ELEMENTS)) {
      const expected = `sizes whose outputs have at most ${MAX_OUTPUT_ELEMENTS} numbers`;
      throw new InvalidOptionError(`Expected ${expected}, was ${length} for ${jsonName(name)}`, [
        { pointer: `/${jsonName(name)}`, expected, received: `${length} numbers` },
      ]);
    }
    if (Number.isInteger(length))
      call[name] = memory.take(spec.type === 'float' ? dtype : spec.type, length).fill(0);
  }
}

const elementsOf = (lengths: readonly number[]) => lengths.reduce((product, side) => product * side, 1);

/** Returns an array as JSON: nested by shape, null for what is not finite. */
function nest(values: NativeArray, lengths: readonly number[], side = 0, from = 0): unknown {
  const length = lengths[side] ?? 0;
  if (side === lengths.length - 1) {
    const list: (number | null)[] = new Array(length);
    for (let i = 0; i < length; i++) {
      const value = values[from + i]!;
      list[i] = Number.isFinite(value) ? value : null;
    }
    return list;
  }
  const stride = lengths.slice(side + 1).reduce((product, one) => product * one, 1);
  return Array.from({ length }, (_, i) => nest(values, lengths, side + 1, from + i * stride));
}

/** Returns the outputs of a call as JSON, by their names in snake case. */
export function encodeOutputs(
  def: KernelDef,
  call: Readonly<Record<string, unknown>>,
  result: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const outputs: Record<string, unknown> = {};
  for (const [name, spec] of Object.entries(def.arrays)) {
    const values = result[name] as NativeArray | undefined;
    if (spec.role === 'input' || spec.role === 'optional' || values === undefined) continue;
    const lengths = shapeOf(def, spec, call);
    outputs[jsonName(name)] =
      lengths.length === 0 ? (nest(values, [1]) as unknown[])[0] : nest(values, lengths);
  }
  return outputs;
}

/** Returns an error of a kernel with the names of its arguments as the body has them. */
export function renamed(error: unknown): unknown {
  if (
    !(
      error instanceof InvalidOptionError ||
      error instanceof ShapeMismatchError ||
      error instanceof NonFiniteInputError
    )
  ) {
    return error;
  }
  const errors = error.extras.errors as readonly FieldError[] | undefined;
  if (!errors?.length) return error;
  const named = errors.map((one) => ({ ...one, pointer: jsonName(one.pointer) }));
  const Class = error.constructor as new (detail: string, errors: readonly FieldError[]) => Error;
  return new Class(error.message, named);
}
