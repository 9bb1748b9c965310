import { describe, expect, test } from 'bun:test';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { InvalidOptionError, TooLargeError } from '../../core/errors.ts';
import { InvalidModelError } from '../../onnx/errors.ts';
import { encodeModel } from '../../onnx/graph.ts';
import { openSession } from '../../onnx/session.ts';
import { UnsupportedModelError } from '../errors.ts';
import golden from './golden.json' with { type: 'json' };
import { importTrees } from './index.ts';
import { floorFloat32 } from './trees.ts';
import type { Rounds } from './xgboost.ts';

const unpack = (file: string) => new Uint8Array(gunzipSync(Buffer.from(file, 'base64')));
const named = (name: string) => unpack(golden.cases.find((one) => one.name === name)!.file);
const text = (name: string) => new TextDecoder().decode(named(name));
const encode = (value: string) => new TextEncoder().encode(value);

async function predict(bytes: Uint8Array, rows: Float32Array, rounds?: Rounds): Promise<Float32Array> {
  const { model, columns } = importTrees(bytes, rounds ? { rounds } : {});
  const session = await openSession(encodeModel(model), { provider: 'cpu', finite: false });
  try {
    return await session.predict(rows, rows.length / columns);
  } finally {
    await session.close();
  }
}

describe('importTrees', () => {
  for (const one of golden.cases) {
    test(`${one.name}: predicts what the library does at, beside and between the splits`, async () => {
      const bytes = unpack(one.file);
      const rounds = 'rounds' in one ? (one.rounds as Rounds) : undefined;
      const imported = importTrees(bytes, rounds ? { rounds } : {});
      expect(imported.format).toBe(one.format as typeof imported.format);
      expect(imported.columns).toBe(golden.columns);
      expect(imported.classes ?? 1).toBe(one.width);
      const rows = Float32Array.from(one.rows, (value) => value ?? Number.NaN);
      const output = await predict(bytes, rows, rounds);
      expect(output).toHaveLength(one.expected.length);
      for (const [i, expected] of one.expected.entries()) {
        const off = Math.abs(output[i]! - expected) / Math.max(1, Math.abs(expected));
        expect(off).toBeLessThan(golden.tolerance);
      }
    });
  }

  test('says which trees it takes when early stopping left more than the best', () => {
    const stopped = named('XGBoost early stopping, all rounds');
    expect(() => importTrees(stopped)).toThrow(InvalidOptionError);
    expect(importTrees(stopped, { rounds: 'best' }).trees).toBeLessThan(
      importTrees(stopped, { rounds: 'all' }).trees,
    );
  });

  for (const { name, part, file } of golden.refused) {
    test(`refuses ${name} by name`, () => {
      const thrown = caught(() => importTrees(unpack(file)));
      expect(thrown).toBeInstanceOf(UnsupportedModelError);
      expect((thrown as UnsupportedModelError).extras.part).toBe(part);
    });
  }

  test('refuses what is no model file', () => {
    for (const bytes of [
      new Uint8Array(0),
      encode('{}'),
      encode('[1]'),
      encode('tree\nversion=v4\n'),
      encode('{"learner": 3}'),
    ]) {
      expect(() => importTrees(bytes)).toThrow(InvalidModelError);
    }
    expect(() => importTrees(new Uint8Array(64 * 1024 * 1024 + 1))).toThrow(TooLargeError);
  });

  test('refuses trees that go round in circles, or to nodes and columns that are not there', () => {
    const model = JSON.parse(text('XGBoost regression json'));
    const broken = (change: (tree: Record<string, number[]>) => void) => {
      const copy = structuredClone(model);
      change(copy.learner.gradient_booster.model.trees[0]);
      return () => importTrees(encode(JSON.stringify(copy)));
    };
    expect(broken(() => {})).not.toThrow();
    for (const change of [
      (tree: Record<string, number[]>) => (tree.left_children![0] = 0),
      (tree: Record<string, number[]>) => (tree.left_children![0] = tree.right_children![0]!),
      (tree: Record<string, number[]>) => (tree.right_children![0] = 999),
      (tree: Record<string, number[]>) => (tree.split_indices![0] = 4),
      (tree: Record<string, number[]>) => tree.split_conditions!.pop(),
    ]) {
      expect(broken(change)).toThrow(InvalidModelError);
    }
  });

  test('answers every damaged file with an error of its own, never with a crash', () => {
    const files = [
      'XGBoost regression json',
      'XGBoost regression ubj',
      'LightGBM regression',
      'CatBoost loss-guided',
    ].map(named);
    const damage = fc.record({
      file: fc.constantFrom(...files),
      at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
      byte: fc.integer({ min: 0, max: 255 }),
      cut: fc.boolean(),
    });
    fc.assert(
      fc.property(damage, ({ file, at, byte, cut }) => {
        const place = Math.floor(at * file.length);
        const bytes = cut ? file.slice(0, place) : file.slice();
        if (!cut) bytes[place] = byte;
        const thrown = caught(() => importTrees(bytes));
        const kind = [undefined, InvalidModelError, UnsupportedModelError, InvalidOptionError];
        expect(kind.some((one) => (one ? thrown instanceof one : thrown === undefined))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

test('floorFloat32 gives every float32 the answer of the double: x <= t exactly when x <= floor', () => {
  const double = fc.double({ noNaN: true });
  const float = fc.float({ noNaN: true });
  fc.assert(
    fc.property(double, float, (threshold, x) => {
      const floor = floorFloat32(threshold);
      expect(Math.fround(floor)).toBe(floor);
      expect(x <= floor).toBe(x <= threshold);
      expect(floor <= threshold).toBe(true);
    }),
  );
  // Just above a float32, just below one, at one, around zero, and beyond the range.
  const at = Math.fround(0.1);
  expect(floorFloat32(at)).toBe(at);
  expect(floorFloat32(at * (1 + 2 ** -52))).toBe(at);
  expect(floorFloat32(at * (1 - 2 ** -53))).toBeLessThan(at);
  expect(floorFloat32(-1e-300)).toBe(-(2 ** -149));
  expect(floorFloat32(1e300)).toBe(3.4028234663852886e38);
  expect(floorFloat32(-1e300)).toBe(Number.NEGATIVE_INFINITY);
});

function caught(run: () => void): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}
