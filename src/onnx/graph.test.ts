import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { ProtoWriter } from './encoder.ts';
import { encodeModel } from './graph.ts';
import { inspectModel } from './inspect.ts';
import { encodeLogistic } from './logistic.ts';
import { ProtoReader } from './reader.ts';
import { openSession } from './session.ts';
import { logistic, modelOf } from './test-models.ts';

describe('the protobuf writer', () => {
  test('writes the bytes of the encoding guide', () => {
    expect([...new ProtoWriter().int(1, 150).finish()]).toEqual([0x08, 0x96, 0x01]);
    expect([...new ProtoWriter().string(2, 'testing').finish()]).toEqual([
      0x12,
      7,
      ...Buffer.from('testing'),
    ]);
    expect([...new ProtoWriter().int(1, -2).finish()]).toEqual([8, 0xfe, ...Array(8).fill(0xff), 1]);
    expect([...new ProtoWriter().float(2, 1).finish()]).toEqual([0x15, 0, 0, 0x80, 0x3f]);
  });

  test('writes integers that the reader gives back, over the whole exact range', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.integer({ min: 1, max: 536_870_911 }), (value, field) => {
        const reader = new ProtoReader(new ProtoWriter().int(field, value).finish());
        expect(reader.next()).toBe(true);
        expect(reader.field).toBe(field);
        expect(reader.int()).toBe(value);
        expect(reader.next()).toBe(false);
      }),
    );
  });

  test('writes bytes and texts of any length that the reader gives back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 3000 }), (text) => {
        const reader = new ProtoReader(new ProtoWriter().string(3, text).finish());
        reader.next();
        expect(reader.string()).toBe(text);
      }),
    );
  });
});

describe('encodeModel', () => {
  test('writes what inspectModel reads', () => {
    const summary = inspectModel(encodeLogistic(logistic, { symbol: 'TEST' }));
    expect(summary).toEqual({
      irVersion: 8,
      producer: 'nautilus-engines',
      opsets: { '': 18 },
      inputs: [{ name: 'input', type: 'float32', dims: ['N', 3] }],
      outputs: [{ name: 'probability', type: 'float32', dims: ['N', 1] }],
      operators: ['Div', 'Gemm', 'Sigmoid', 'Sub'],
      nodes: 4,
      parameters: 10,
      metadata: { input_names: 'a,b,c', symbol: 'TEST' },
    });
  });

  test('gives equal bytes for equal specs', () => {
    expect(encodeLogistic(logistic)).toEqual(encodeLogistic({ ...logistic }));
  });

  test('writes attributes of every kind as ONNX Runtime reads them', async () => {
    const half = { name: 'half', type: 'float32', dims: [2], data: new Float32Array([0.5, 0.25]) } as const;
    const branch = (name: string, op: string) => ({
      graph: {
        name,
        nodes: [{ op, inputs: ['scaled'], outputs: [`${name}_out`] }],
        constants: [],
        inputs: [],
        outputs: [{ name: `${name}_out`, type: 'float32', dims: ['N', 2] }],
      } as const,
    });
    const bytes = encodeModel({
      mlOpset: 3,
      graph: {
        name: 'attributes',
        nodes: [
          { op: 'Constant', inputs: [], outputs: ['half'], attributes: { value: { tensor: half } } },
          { op: 'Constant', inputs: [], outputs: ['yes'], attributes: { value_int: { int: 1 } } },
          { op: 'Cast', inputs: ['yes'], outputs: ['condition'], attributes: { to: { int: 9 } } },
          { op: 'Mul', inputs: ['input', 'half'], outputs: ['first'] },
          { op: 'LeakyRelu', inputs: ['first'], outputs: ['second'], attributes: { alpha: { float: 0.5 } } },
          { op: 'Transpose', inputs: ['second'], outputs: ['third'], attributes: { perm: { ints: [1, 0] } } },
          { op: 'Transpose', inputs: ['third'], outputs: ['fourth'], attributes: { perm: { ints: [1, 0] } } },
          {
            op: 'Scaler',
            domain: 'ai.onnx.ml',
            inputs: ['fourth'],
            outputs: ['scaled'],
            attributes: { offset: { floats: [0, 1] }, scale: { floats: [1, 2] } },
          },
          {
            op: 'If',
            inputs: ['condition'],
            outputs: ['output'],
            attributes: { then_branch: branch('yes_branch', 'Neg'), else_branch: branch('no_branch', 'Abs') },
          },
        ],
        constants: [],
        inputs: [{ name: 'input', type: 'float32', dims: ['N', 2] }],
        outputs: [{ name: 'output', type: 'float32', dims: ['N', 2] }],
      },
    });
    const session = await openSession(bytes, { operators: 'any' });
    // 4 -> 2; -8 -> -2 -> (leaky) -1 -> (offset, scale) -4; the first branch negates.
    expect([...(await session.predict(new Float32Array([4, -8]), 1))]).toEqual([-2, 4]);
    await session.close();
  });

  test('keeps text attributes', () => {
    const bytes = modelOf([
      {
        op: 'LSTM',
        inputs: ['input'],
        outputs: ['output'],
        attributes: { direction: { string: 'forward' }, activations: { strings: ['Sigmoid', 'Tanh'] } },
      },
    ]);
    const text = Buffer.from(bytes).toString('latin1');
    for (const word of ['direction', 'forward', 'activations', 'Sigmoid', 'Tanh'])
      expect(text).toContain(word);
  });
});
