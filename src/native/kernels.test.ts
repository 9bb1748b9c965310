// What every kernel keeps to, by its definition: threads, promises, inputs left alone, and bad arguments refused at the border.
import { afterAll, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  BackendUnavailableError,
  InvalidOptionError,
  NautilusError,
  ShapeMismatchError,
} from '../core/errors.ts';
import { loadAddon, type NativeArray } from './addon.ts';
import type { KernelDef } from './define.ts';
import { exampleCall } from './example-call.ts';
import { buildInfo, KERNELS, type Kernel, setThreads } from './index.ts';

type Call = Record<string, unknown>;
type Run = (call: Call) => Record<string, unknown>;

const isArray = (value: unknown): value is NativeArray => ArrayBuffer.isView(value);
const bits = (value: unknown) => {
  const array = value as NativeArray;
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString('hex');
};

/** The bits of everything that a call wrote. */
function written(def: KernelDef, result: Record<string, unknown>): Record<string, string> {
  const names = Object.keys(def.arrays).filter((name) => isArray(result[name]));
  return Object.fromEntries(names.map((name) => [name, bits(result[name])]));
}

/** The same arguments in memory of their own. */
const copied = (call: Call): Call =>
  Object.fromEntries(
    Object.entries(call).map(([name, value]) => [name, isArray(value) ? value.slice() : value]),
  );

const threads = setThreads(2);
afterAll(() => {
  setThreads(threads);
});

for (const kernel of KERNELS) {
  const { def } = kernel;
  const run = kernel as unknown as Run;
  const whole = kernel as unknown as Kernel;

  describe(`kernel ${def.id}`, () => {
    for (const dtype of def.dtypes) {
      test(`gives the same bits at once, as a promise and on any number of threads, in ${dtype}`, async () => {
        const call = exampleCall(def, dtype);
        const expected = written(def, run(copied(call)));
        expect(Object.keys(expected).length).toBeGreaterThan(0);
        const later = await whole.async(copied(call) as never);
        expect(written(def, later as never)).toEqual(expected);
        for (const count of [1, 3]) {
          setThreads(count);
          expect(written(def, run(copied(call)))).toEqual(expected);
        }
        setThreads(2);
      });
    }

    test('leaves its inputs alone', () => {
      const call = exampleCall(def);
      const before = copied(call);
      run(call);
      for (const [name, { role }] of Object.entries(def.arrays)) {
        if (role === 'input' || role === 'optional') expect(bits(call[name])).toBe(bits(before[name]));
      }
    });

    test('refuses sizes and options out of range, of another type and unknown choices', () => {
      for (const [name, { min = 0, max = 2 ** 31 - 1 }] of Object.entries(def.sizes)) {
        for (const bad of [min - 1, max + 1, 0.5, Number.NaN, '3', null]) {
          expect(() => run({ ...exampleCall(def), [name]: bad })).toThrow(InvalidOptionError);
        }
      }
      for (const [name, option] of Object.entries(def.options)) {
        const bad: unknown[] = [Number.NaN, Number.POSITIVE_INFINITY, {}, null];
        if (option.kind === 'int') bad.push(option.min - 1, option.max + 1, option.min + 0.5);
        if (option.kind === 'number' && option.min !== undefined)
          bad.push(option.min - Math.abs(option.min) - 1);
        if (option.kind === 'seed') bad.push(-1, 2 ** 53, 1.5);
        if (option.kind === 'choice') bad.push('nonsense', 0);
        if (option.kind === 'flag') bad.push(1, 'true');
        for (const value of bad)
          expect(() => run({ ...exampleCall(def), [name]: value })).toThrow(InvalidOptionError);
      }
      expect(() => run({ ...exampleCall(def), backend: 'gpu' })).toThrow(InvalidOptionError);
    });

    test('refuses arrays of another length or type, detached, shared, resizable and overlapping ones', () => {
      for (const [name, { role }] of Object.entries(def.arrays)) {
        const call = exampleCall(def);
        const array = (call[name] ?? run(copied(call))[name]) as NativeArray | undefined;
        if (array === undefined || (role !== 'input' && role !== 'inout' && role !== 'output')) continue;
        const Class = array.constructor as Float64ArrayConstructor;
        const one = (value: unknown) => () => run({ ...call, [name]: value });
        expect(one(new Class(array.length + 1))).toThrow(ShapeMismatchError);
        expect(one([...array])).toThrow(InvalidOptionError);
        expect(one(new BigInt64Array(array.length))).toThrow(InvalidOptionError);
        if (array.length === 0) continue;
        expect(one(new Class(array.length - 1))).toThrow(ShapeMismatchError);
        expect(one(new Class(new SharedArrayBuffer(array.byteLength) as never))).toThrow(InvalidOptionError);
        const resizable = new ArrayBuffer(array.byteLength, { maxByteLength: 2 * array.byteLength });
        expect(one(new Class(resizable as never))).toThrow(InvalidOptionError);
        const gone = array.slice();
        structuredClone(gone, { transfer: [gone.buffer as ArrayBuffer] });
        expect(one(gone)).toThrow(NautilusError);
        if (role !== 'output') continue;
        for (const [other, spec] of Object.entries(def.arrays)) {
          const input = call[other];
          if (spec.role !== 'input' || !isArray(input) || input.length === 0) continue;
          const memory = new Uint8Array(input.byteLength + array.byteLength);
          const overlapping = new Class(memory.buffer as never, 0, array.length);
          const moved = new (input.constructor as Float64ArrayConstructor)(
            memory.buffer as never,
            0,
            input.length,
          );
          moved.set(input);
          expect(() => run({ ...call, [other]: moved, [name]: overlapping })).toThrow(InvalidOptionError);
        }
      }
    });

    test('refuses Metal where there is none', () => {
      if (buildInfo().metal.available) return;
      expect(() => run({ ...exampleCall(def), backend: 'metal' })).toThrow(BackendUnavailableError);
    });

    test('answers any numbers and arrays at the raw border with a typed error or a result', () => {
      const addon = loadAddon();
      const index = addon.kernelIndex(def.id);
      const scalars = Object.keys(def.sizes).length + Object.keys(def.options).length;
      const anyNumber = fc.oneof(
        fc.integer({ min: -2, max: 9 }),
        fc.double(),
        fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, 2 ** 53, -0),
      );
      const anyArray = fc.oneof(
        fc.integer({ min: 0, max: 40 }).map((length) => new Float64Array(length).fill(1)),
        fc.integer({ min: 0, max: 40 }).map((length) => new Float32Array(length).fill(1)),
        fc.integer({ min: 0, max: 40 }).map((length) => new Int32Array(length)),
        fc.integer({ min: 0, max: 40 }).map((length) => new Uint32Array(length)),
        fc.constantFrom(undefined, null, 3, 'text', {}, new Uint8Array(3), new DataView(new ArrayBuffer(8))),
      );
      const numbers = fc.array(anyNumber, { minLength: scalars, maxLength: scalars });
      const arrays = fc.array(anyArray, { maxLength: Object.keys(def.arrays).length + 1 });
      fc.assert(
        fc.property(
          fc.integer({ min: 0, max: 2 }),
          fc.integer({ min: 1, max: 2 }),
          numbers,
          arrays,
          (...given) => {
            const [backend, dtype, plain, memory] = given;
            addon.block.set([backend, dtype, ...plain]);
            try {
              expect(addon.run(index, ...(memory as Float64Array[]))).toBeGreaterThan(0);
            } catch (error) {
              const { code } = error as { code?: string };
              expect(addon.statusCodes()).toContain(String(code));
              expect(code).not.toBe('kInvariant');
            }
          },
        ),
        { numRuns: 60 },
      );
    });
  });
}
