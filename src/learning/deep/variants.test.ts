import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { decodeModel, numbersOf } from '../../onnx/decode.ts';
import { InvalidModelError } from '../../onnx/errors.ts';
import { encodeModel } from '../../onnx/graph.ts';
import { inspectModel } from '../../onnx/inspect.ts';
import { encodeLogistic } from '../../onnx/logistic.ts';
import { openSession } from '../../onnx/session.ts';
import { logistic } from '../../onnx/test-models.ts';
import { normals } from '../../onnx/training/test-job.ts';
import { differenceOf, HALF_TOLERANCE, isHalfRounding } from '../../onnx/variants/compare.ts';
import { WORTH_SHARE } from '../../onnx/variants/coverage.ts';
import { coverageOfModel, type HalfVariant, makeHalf, makeInt8 } from '../../onnx/variants/make.ts';
import { inferValues } from '../../onnx/variants/shapes.ts';
import golden from './golden.json';
import { COLUMNS, networks, servedNetwork } from './test-networks.ts';

const bytesOf = (name: string, seed = 4) => encodeModel(servedNetwork(name, seed));
const names = Object.keys(networks);
const recurrent = names.filter((name) => /rnn|gru|lstm/.test(name));
const plain = names.filter((name) => !recurrent.includes(name));

async function ask(
  model: Uint8Array,
  inputs: Float32Array,
  rows: number,
  variant?: HalfVariant['files'],
): Promise<Float32Array> {
  const files = variant?.map((file) => ({ rows: file.rows!, bytes: file.bytes }));
  const session = await openSession(model, {
    provider: 'cpu',
    ...(files && { variant: files, variantOnCpu: true }),
  });
  try {
    return await session.predict(inputs, rows);
  } finally {
    await session.close();
  }
}

const rowsOf = (rows: number) =>
  Float32Array.from({ length: rows * COLUMNS }, (_, i) => (((i * 31) % 41) - 20) / 16);

function expectClose(said: ArrayLike<number>, expected: readonly number[], tolerance: number): void {
  expect(said.length).toBe(expected.length);
  for (const [i, value] of expected.entries()) expect(Math.abs(said[i]! - value)).toBeLessThan(tolerance);
}

describe('a file that is read', () => {
  test.each(names)('%s is the same bytes when it is written again', (name) => {
    const bytes = bytesOf(name);
    expect(encodeModel(decodeModel(bytes))).toEqual(bytes);
  });

  test('cut off anywhere is refused, never misread', () => {
    const bytes = bytesOf('mlp');
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: bytes.length - 1 }),
        fc.integer({ min: 0, max: 255 }),
        (at, byte) => {
          const damaged = bytes.slice();
          damaged[at] = byte;
          for (const part of [bytes.slice(0, at), damaged]) {
            try {
              decodeModel(part);
            } catch (error) {
              expect(error).toBeInstanceOf(InvalidModelError);
            }
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('sizes of values', () => {
  test.each(names)('%s gives at run time what was inferred', async (name) => {
    const { graph, ...rest } = servedNetwork(name, 4);
    const values = inferValues(graph, 3);
    // Every float32 value of the graph becomes an output in its turn.
    const asked = graph.nodes
      .flatMap(({ outputs }) => outputs)
      .filter((value) => values.get(value)?.type === 'float32');
    const { InferenceSession, Tensor } = await import('onnxruntime-node');
    const outputs = asked.map((value) => ({
      name: value,
      type: 'float32' as const,
      dims: values.get(value)!.dims!,
    }));
    const session = await InferenceSession.create(
      encodeModel({
        ...rest,
        graph: {
          ...graph,
          outputs: outputs.map((value) => ({ ...value, dims: value.dims.map((_, i) => `d${i}`) })),
        },
      }),
      { logSeverityLevel: 4 },
    );
    const said = await session.run({ input: new Tensor('float32', rowsOf(3), [3, COLUMNS]) });
    for (const { name: value, dims } of outputs) expect([value, said[value]!.dims]).toEqual([value, dims]);
    await session.release();
  });
});

describe('a float16 variant', () => {
  const { models } = golden as unknown as {
    models: Record<
      string,
      {
        float32: number[];
        onnxconverter: number[];
        reference?: number[];
        int8?: Record<string, { integers: number[]; scales: number[] }>;
      }
    >;
  };

  test.each(names)('%s is as far from float32 as others have it', async (name) => {
    const bytes = bytesOf(name);
    const half = makeHalf(bytes, 'test');
    const { float32, onnxconverter, reference } = models[name]!;
    const rows = golden.rows;
    const all = rowsOf(64);
    const expected = await ask(bytes, all, 64);
    // Another build of the same runtime: sums in another order.
    expectClose(expected.subarray(0, float32.length), float32, 1e-5);
    const onCpu = await ask(bytes, all, 64, half.files);
    // Both round the weights to float16 and calculate in float32; which nodes do is another choice.
    expectClose(onCpu.subarray(0, float32.length), onnxconverter, 2e-3);
    const rehearsed = await ask(half.rehearsal, all, 64);
    // The reference rounds within an operator too: a few units of the eleventh bit.
    if (reference) expectClose(rehearsed.subarray(0, float32.length), reference, 3e-3);
    expect(rows * (float32.length / rows)).toBe(reference?.length ?? float32.length);
    expect(isHalfRounding(differenceOf(expected, rehearsed, 64, false))).toBe(true);
  });

  test.each(plain)('%s answers any number of rows as it answers each alone', async (name) => {
    const bytes = bytesOf(name, 9);
    const { files } = makeHalf(bytes, 'test');
    expect(files.map((file) => file.rows)).toEqual([1, 64]);
    const variant = files.map((file) => ({ rows: file.rows!, bytes: file.bytes }));
    const session = await openSession(bytes, { provider: 'cpu', variant, variantOnCpu: true });
    const model = await openSession(bytes, { provider: 'cpu' });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 130 }), fc.nat(1000), async (rows, seed) => {
        const inputs = normals(rows * COLUMNS, seed);
        const [said, expected] = [await session.predict(inputs, rows), await model.predict(inputs, rows)];
        expect(said).toHaveLength(expected.length);
        expect(differenceOf(expected, said, rows, false).relative_error).toBeLessThan(HALF_TOLERANCE);
        const last = await session.predict(inputs.slice(-COLUMNS), 1);
        // One row and 64 go through other code of the matrix product.
        expectClose(said.subarray(-last.length), [...last], 1e-3);
      }),
      {
        numRuns: 12,
        examples: [
          [1, 0],
          [63, 1],
          [64, 2],
          [65, 3],
          [128, 4],
          [130, 5],
        ],
      },
    );
    await Promise.all([session.close(), model.close()]);
  });

  test('says of which file it was made, and is inspected like any other', () => {
    for (const { bytes, rows } of makeHalf(bytesOf('mlp'), 'abc').files) {
      const { metadata, inputs, outputs } = inspectModel(bytes);
      expect(metadata).toMatchObject({
        family: 'mlp',
        variant: 'float16',
        source_sha256: 'abc',
        rows: `${rows}`,
      });
      expect([inputs[0]!.dims, outputs[0]!.dims]).toEqual([
        [rows!, COLUMNS],
        [rows!, 3],
      ]);
    }
  });

  test('a variant of another model is refused', async () => {
    const [one] = makeHalf(encodeLogistic(logistic), 'test').files;
    const open = (rows: number) =>
      openSession(bytesOf('mlp'), { provider: 'cpu', variant: [{ rows, bytes: one!.bytes }] });
    expect(open(1)).rejects.toThrow('Expected a variant for 1 rows of its model, was another');
    const own = makeHalf(bytesOf('mlp'), 'test').files[0]!;
    expect(
      openSession(bytesOf('mlp'), { provider: 'cpu', variant: [{ rows: 2, bytes: own.bytes }] }),
    ).rejects.toThrow(InvalidModelError);
  });
});

describe('what Core ML takes', () => {
  test.each(plain)('%s as a whole', (name) => {
    const { accelerated_share, partitions, on_cpu } = coverageOfModel(bytesOf(name));
    expect({ accelerated_share, partitions, on_cpu }).toEqual({
      accelerated_share: 1,
      partitions: 1,
      on_cpu: [],
    });
  });

  test.each(recurrent)('%s but for its recurrent layers, which are the work', (name) => {
    const { accelerated_share, partitions, on_cpu } = coverageOfModel(bytesOf(name));
    expect(accelerated_share).toBeLessThan(WORTH_SHARE);
    expect(partitions).toBeGreaterThan(1);
    expect(on_cpu.map(({ operator }) => operator)).toEqual([
      name === 'lstm_autoencoder' ? 'LSTM' : name.toUpperCase(),
    ]);
  });
});

describe('8-bit weights', () => {
  test.each(plain)('%s has the integers that ONNX Runtime gives it', async (name) => {
    const bytes = bytesOf(name);
    const { files, quantisedShare } = makeInt8(bytes, 'test');
    const { graph } = decodeModel(files[0]!.bytes);
    const constants = new Map(graph.constants.map((constant) => [constant.name, constant]));
    const theirs = Object.entries(
      (
        golden.models as never as Record<
          string,
          { int8: Record<string, { integers: number[]; scales: number[] }> }
        >
      )[name]!.int8,
    );
    expect(theirs.length).toBeGreaterThan(0);
    for (const [weight, { integers, scales }] of theirs) {
      // Their scale is a quotient in another order: the last bit of float32, and then at most one step where a value is near a half.
      const ours = numbersOf(constants.get(`${weight}/scale`)!);
      for (const [i, scale] of scales.entries()) expect(Math.abs(ours[i]! / scale - 1)).toBeLessThan(1e-6);
      const steps = numbersOf(constants.get(`${weight}/int8`)!).map((value, i) =>
        Math.abs(value - integers[i]!),
      );
      expect(Math.max(...steps)).toBeLessThanOrEqual(1);
      expect(steps.filter((step) => step > 0).length).toBeLessThanOrEqual(steps.length / 100);
    }
    expect(quantisedShare).toBeGreaterThan(0.4);
    const inputs = rowsOf(40);
    const expected = await ask(bytes, inputs, 40);
    const said = await ask(files[0]!.bytes, inputs, 40);
    expect(differenceOf(expected, said, 40, false).relative_error).toBeLessThan(0.03);
  });
});
