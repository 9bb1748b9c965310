import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { decodeModel } from '../decode.ts';
import { encodeModel, type NodeSpec } from '../graph.ts';
import { inspectModel } from '../inspect.ts';
import { encodeLogistic } from '../logistic.ts';
import { openSession } from '../session.ts';
import { logistic, modelOf } from '../test-models.ts';
import { TreeEnsemble } from '../tree-ensemble.ts';
import { differenceOf, isHalfRounding, worseOf } from './compare.ts';
import { inChannels } from './int8.ts';
import { coverageOfModel, makeHalf, makeInt8 } from './make.ts';

async function ask(model: Uint8Array, inputs: Float32Array, rows: number): Promise<Float32Array> {
  const session = await openSession(model, { provider: 'cpu' });
  try {
    return await session.predict(inputs, rows);
  } finally {
    await session.close();
  }
}

describe('a float16 variant', () => {
  test('keeps what reads raw inputs and what gives the units back in float32', async () => {
    const large = { ...logistic, mean: [0.5, -2, 90_000], std: [0.1, 3, 0.5] };
    const bytes = encodeLogistic(large);
    const half = makeHalf(bytes, 'test');
    expect(half.kept).toEqual([
      { reason: 'behind the last product', nodes: 1 },
      { reason: 'before the first product', nodes: 2 },
    ]);
    const inputs = Float32Array.of(0.55, -1, 90_000.25);
    // In float16 the third input would be infinite.
    const difference = differenceOf(
      await ask(bytes, inputs, 1),
      await ask(half.rehearsal, inputs, 1),
      1,
      true,
    );
    expect(difference.relative_error).toBeLessThan(2e-3);
  });

  test('has fixed rows also where the file writes free ones as -1', () => {
    const { graph, ...rest } = decodeModel(encodeLogistic(logistic));
    const [input] = graph.inputs;
    const free = { ...graph, inputs: [{ ...input!, dims: [-1, logistic.coefficients.length] }] };
    const { files, coverage } = makeHalf(encodeModel({ ...rest, graph: free }), 'test');
    expect(files.map(({ bytes }) => inspectModel(bytes).inputs[0]!.dims[0])).toEqual([1, 64]);
    expect(coverage.accelerated_share).toBe(1);
  });

  test('keeps weights that float16 cannot hold, and long sums', () => {
    const product = (data: Float32Array, k: number, name: string, from: string, to: string) => ({
      constant: { name, type: 'float32' as const, dims: [k, data.length / k], data },
      node: { op: 'MatMul', inputs: [from, name], outputs: [to] },
    });
    const first = product(Float32Array.of(1, 2, 3, 4), 2, 'a', 'input', 'x');
    const big = product(Float32Array.of(1, 70_000, 3, 4), 2, 'b', 'x', 'y');
    const wide = product(new Float32Array(2 * 3000).fill(0.01), 2, 'c', 'y', 'z');
    const axes = { name: 'axes', type: 'int64' as const, dims: [1], data: BigInt64Array.of(1n) };
    const sum: NodeSpec = { op: 'ReduceSum', inputs: ['z', 'axes'], outputs: ['s'] };
    const last = product(Float32Array.of(1, 2), 1, 'd', 's', 'output');
    const bytes = modelOf([first.node, big.node, wide.node, sum, last.node], {
      constants: [first.constant, big.constant, wide.constant, axes, last.constant],
    });
    const { kept, halfNodes } = makeHalf(bytes, 'test');
    expect(halfNodes).toBe(3);
    expect(kept).toEqual([
      { reason: 'a long sum', nodes: 1 },
      { reason: 'weights beyond float16', nodes: 1 },
    ]);
  });
});

describe('what Core ML takes', () => {
  test('nothing of trees, of which there is no float16 variant either', () => {
    const lists = new TreeEnsemble();
    lists.branch(0, 0, { mode: 'BRANCH_LEQ', feature: 0, value: 0.5, yes: 1, no: 2, missing: 0 });
    lists.leaf(0, 1, [{ target: 0, value: 1 }]);
    lists.leaf(0, 2, [{ target: 0, value: 2 }]);
    const bytes = encodeModel({
      mlOpset: 3,
      graph: {
        name: 'trees',
        nodes: [lists.node('input', 'output', 1)],
        constants: [],
        inputs: [{ name: 'input', type: 'float32', dims: ['N', 2] }],
        outputs: [{ name: 'output', type: 'float32', dims: ['N', 1] }],
      },
    });
    expect(coverageOfModel(bytes)).toMatchObject({
      accelerated_nodes: 0,
      accelerated_share: 0,
      partitions: 0,
    });
    expect(() => makeHalf(bytes, 'test')).toThrow('float16 would change nothing');
    expect(() => makeInt8(bytes, 'test')).toThrow('8 bits would change nothing');
  });

  test('counts a part for each stretch between nodes of the CPU', () => {
    const chain = ['Relu', 'Log', 'Tanh', 'Sigmoid', 'Abs', 'Exp'];
    const nodes = chain.map((op, i) => ({
      op,
      inputs: [i === 0 ? 'input' : `v${i}`],
      outputs: [i === chain.length - 1 ? 'output' : `v${i + 1}`],
    }));
    expect(coverageOfModel(modelOf(nodes))).toMatchObject({ nodes: 6, accelerated_nodes: 4, partitions: 3 });
  });
});

describe('8-bit weights', () => {
  test('are at most half a step from the weights, whatever they are', () => {
    const number = fc.float({
      noNaN: true,
      noDefaultInfinity: true,
      min: Math.fround(-1e30),
      max: Math.fround(1e30),
    });
    fc.assert(
      fc.property(
        fc.array(fc.array(number, { minLength: 4, maxLength: 4 }), { minLength: 1, maxLength: 6 }),
        fc.constantFrom(0, 1),
        (table, axis) => {
          const data = Float32Array.from(table.flat());
          const { integers, scales } = inChannels({ dims: [table.length, 4], data }, axis);
          for (const [i, value] of data.entries()) {
            const scale = scales[axis === 0 ? Math.floor(i / 4) : i % 4]!;
            // A little over half: the scale itself is rounded. Below the normal numbers its rounding is coarser than that.
            if (scale < 1e-35) continue;
            expect(Math.abs(integers[i]! * scale - value)).toBeLessThanOrEqual(scale * 0.5001);
          }
        },
      ),
    );
  });
});

test('one row of equally likely classes may tip over, several are another model', () => {
  const expected = Float32Array.from({ length: 200 }, (_, i) => (i % 2 === 0 ? 0.501 : 0.1));
  const tipped = (count: number) =>
    expected.map((value, i) => (i % 2 === 0 && i < 2 * count ? 0.499 : value));
  expect(differenceOf(expected, expected, 200, true)).toMatchObject({
    agreement: 1,
    max_error: 0,
    relative_error: 0,
  });
  expect(isHalfRounding(differenceOf(expected, tipped(1), 200, true))).toBe(true);
  expect(isHalfRounding(differenceOf(expected, tipped(3), 200, true))).toBe(false);
  // What has no classes is measured by its numbers alone.
  expect(isHalfRounding(differenceOf(expected, tipped(3), 200, false))).toBe(true);
  expect(
    isHalfRounding(
      differenceOf(
        expected,
        expected.map((value) => value * 1.03),
        200,
        false,
      ),
    ),
  ).toBe(false);
  // Small answers are measured by their own size: nothing is not close to a little.
  const small = Float32Array.of(1e-4, -2e-4);
  expect(isHalfRounding(differenceOf(small, new Float32Array(2), 2, false))).toBe(false);
});

test('answers that are no numbers are no rounding', () => {
  const expected = Float32Array.of(1, 2);
  expect(isHalfRounding(differenceOf(expected, Float32Array.of(1, Number.NaN), 2, false))).toBe(false);
});

test('classes that many rows change are not hidden by a larger error of a few rows', () => {
  const few = differenceOf(Float32Array.of(0.9, 0.1), Float32Array.of(0.91, 0.1), 2, true);
  const before = Float32Array.from({ length: 100 }, () => 0.5005);
  const after = before.map((value, i) => (i < 3 ? 0.4995 : value));
  const many = differenceOf(before, after, 100, true);
  expect([isHalfRounding(few), isHalfRounding(many)]).toEqual([true, false]);
  expect(few.relative_error).toBeGreaterThan(many.relative_error);
  expect(isHalfRounding(worseOf(few, many))).toBe(false);
  expect(worseOf(few, many)).toMatchObject({ relative_error: few.relative_error, agreement: 0.97 });
});
