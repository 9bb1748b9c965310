// A kernel as a function: arrays that the caller gives, the promise, and the class of each refusal.
import { describe, expect, test } from 'bun:test';
import { InvalidOptionError, ShapeMismatchError } from '../core/errors.ts';
import { type KernelOptions, rollingMean } from './index.ts';

describe('a kernel', () => {
  test('writes into the given array, and gives the same bits off-thread', async () => {
    const values = Float64Array.from({ length: 300 }, (_, at) => 100 + Math.cos(at) * (at % 9));
    const out = new Float64Array(300);
    const now = rollingMean({ bars: 100, series: 3, values, window: 14, out });
    expect(now.out).toBe(out);
    const later = await rollingMean.async({ bars: 100, series: 3, values, window: 14 });
    expect([...later.out]).toEqual([...now.out]);
    expect([later.backend, later.target]).toEqual([now.backend, now.target]);
  });

  test('reaches the caller when a short array moves out of the JavaScript heap during an off-thread run', async () => {
    const values = Float64Array.of(1, 2, 3, 2);
    const out = new Float64Array(4);
    const pending = rollingMean.async({ bars: 4, series: 1, values, window: 2, out });
    expect(out.buffer.byteLength).toBe(32);
    await pending;
    expect([...out]).toEqual([Number.NaN, 1.5, 2.5, 2.5]);
  });

  test('gives an empty array for an empty panel', () => {
    expect(rollingMean({ bars: 0, series: 5, values: new Float64Array(0), window: 14 }).out.length).toBe(0);
  });

  test('refuses wrong options and shapes by class', () => {
    const good = { bars: 2, series: 2, values: new Float64Array(4), window: 1 };
    const refused = (change: object) => () =>
      rollingMean({ ...good, ...change } as KernelOptions<typeof rollingMean.def>);
    expect(refused({})).not.toThrow();
    expect(refused({ window: 0 })).toThrow(InvalidOptionError);
    expect(refused({ window: 2.5 })).toThrow(InvalidOptionError);
    expect(refused({ bars: undefined })).toThrow(InvalidOptionError);
    expect(refused({ out: new Float32Array(4) })).toThrow(InvalidOptionError);
    expect(refused({ out: good.values })).toThrow(InvalidOptionError);
    expect(refused({ values: new Float64Array(3) })).toThrow(ShapeMismatchError);
    expect(refused({ out: new Float64Array(3) })).toThrow(ShapeMismatchError);
  });
});
