import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { NautilusError, TooLargeError } from '../core/errors.ts';
import { ProtoWriter } from './encoder.ts';
import { InvalidModelError } from './errors.ts';
import type { GraphSpec } from './graph.ts';
import { inspectModel, MAX_MODEL_BYTES } from './inspect.ts';
import { encodeLogistic } from './logistic.ts';
import { openSession } from './session.ts';
import { logistic, modelOf } from './test-models.ts';

const relu = { op: 'Relu', inputs: ['input'], outputs: ['output'] } as const;
const weights = () => new ProtoWriter().int(1, 2).int(2, 1).string(8, 'w').bytes(9, new Uint8Array(8));
const withConstant = (tensor: ProtoWriter) =>
  new ProtoWriter().int(1, 8).message(7, new ProtoWriter().message(5, tensor)).finish();

describe('inspectModel', () => {
  test('accepts a plain constant', () => {
    expect(inspectModel(withConstant(weights())).parameters).toBe(2);
  });

  test('refuses data in an external file, however it is declared', () => {
    const entry = new ProtoWriter().string(1, 'location').string(2, '../secret.bin');
    const declared = weights().int(14, 1);
    const listed = weights().message(13, entry);
    const sparse = new ProtoWriter()
      .int(1, 8)
      .message(7, new ProtoWriter().message(15, new ProtoWriter().message(1, declared)));
    const attribute = new ProtoWriter().string(1, 'value').message(5, listed);
    const node = new ProtoWriter().string(4, 'Constant').message(5, attribute);
    const inNode = new ProtoWriter().message(7, new ProtoWriter().message(1, node));
    for (const bytes of [withConstant(declared), withConstant(listed), inNode.finish()]) {
      expect(() => inspectModel(bytes)).toThrow(/external file/);
    }
    expect(() => inspectModel(sparse.finish())).toThrow(/sparse/);
    expect(() => inspectModel(sparse.finish(), { operators: 'any' })).toThrow(/external file/);
  });

  test('refuses constants that claim more than they hold', () => {
    const huge = new ProtoWriter()
      .int(1, 2 ** 40)
      .int(2, 1)
      .bytes(9, new Uint8Array(4));
    const negative = new ProtoWriter().int(1, -1).int(2, 1).bytes(9, new Uint8Array(4));
    const typed = new ProtoWriter().int(1, 1000).int(2, 1).bytes(4, new Uint8Array(40));
    const texts = new ProtoWriter().int(1, 1000).int(2, 8).string(6, 'a');
    for (const tensor of [huge, negative, typed, texts]) {
      expect(() => inspectModel(withConstant(tensor))).toThrow(/fills their shape/);
    }
  });

  test('refuses element types and ranks that it does not know', () => {
    expect(() => inspectModel(withConstant(new ProtoWriter().int(2, 99)))).toThrow(/element type/);
    const deep = weights();
    for (let i = 0; i < 9; i++) deep.int(1, 1);
    expect(() => inspectModel(withConstant(deep))).toThrow(/rank/);
  });

  test('refuses operators and operator sets outside the list unless all are allowed', () => {
    const loop = modelOf([{ op: 'Loop', inputs: ['', '', 'input'], outputs: ['output'] }]);
    const foreign = modelOf([{ ...relu, domain: 'com.microsoft' }]);
    const rude = modelOf([{ ...relu, op: '<script>alert(1)</script>' }]);
    expect(() => inspectModel(loop)).toThrow('was Loop');
    expect(() => inspectModel(foreign)).toThrow(InvalidModelError);
    expect(() => inspectModel(rude)).toThrow('was an unreadable name');
    expect(inspectModel(loop, { operators: 'any' }).operators).toEqual(['Loop']);
    const set = new ProtoWriter().message(8, new ProtoWriter().string(1, 'com.example').int(2, 1)).finish();
    expect(() => inspectModel(set)).toThrow(/operator sets/);
  });

  test('refuses graphs nested too deep', () => {
    let graph: GraphSpec = { name: 'g', nodes: [], constants: [], inputs: [], outputs: [] };
    for (let depth = 0; depth < 9; depth++) {
      graph = {
        ...graph,
        nodes: [{ op: 'If', inputs: ['c'], outputs: ['o'], attributes: { g: { graph } } }],
      };
    }
    expect(() => inspectModel(modelOf(graph.nodes), { operators: 'any' })).toThrow(/nested/);
  });

  test('refuses training graphs, local functions, two graphs and none', () => {
    const empty = new ProtoWriter();
    expect(() => inspectModel(new ProtoWriter().message(20, empty).finish())).toThrow(/training/);
    expect(() => inspectModel(new ProtoWriter().message(25, empty).finish())).toThrow(/functions/);
    expect(() => inspectModel(new ProtoWriter().message(7, empty).message(7, empty).finish())).toThrow(
      /one graph/,
    );
    expect(() => inspectModel(new Uint8Array(0))).toThrow(/graph, was none/);
  });

  test('refuses the ORT format, which ONNX Runtime would load unchecked', () => {
    const bytes = new Uint8Array(64);
    bytes.set(Buffer.from('ORTM'), 4);
    expect(() => inspectModel(bytes)).toThrow(/ORT format/);
  });

  test('refuses files over the limit before reading them', () => {
    expect(() => inspectModel(new Uint8Array(MAX_MODEL_BYTES + 1))).toThrow(TooLargeError);
    expect(() => inspectModel(modelOf([relu]), { maxBytes: 10 })).toThrow(TooLargeError);
  });

  test('does not count constants as inputs, even when the file lists them there', () => {
    const data = new Float32Array(2);
    const bytes = modelOf([{ op: 'Add', inputs: ['input', 'w'], outputs: ['output'] }], {
      constants: [{ name: 'w', type: 'float32', dims: [2], data }],
      inputs: [
        { name: 'input', type: 'float32', dims: ['N', 2] },
        { name: 'w', type: 'float32', dims: [2] },
      ],
    });
    expect(inspectModel(bytes).inputs.map((input) => input.name)).toEqual(['input']);
  });
});

describe('hostile bytes', () => {
  const good = encodeLogistic(logistic);

  test('a file cut anywhere is refused, never read past its end', () => {
    for (let length = 0; length < good.length; length++) {
      const cut = good.slice(0, length);
      try {
        inspectModel(cut);
        // Protobuf has no end mark: a cut between fields of the outer message, after the graph, is a whole message.
        expect(length).toBeGreaterThan(good.length * 0.7);
      } catch (error) {
        expect(error).toBeInstanceOf(InvalidModelError);
      }
    }
  });

  test('random bytes give a typed error or a summary, never another failure', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        try {
          inspectModel(bytes, { operators: 'any' });
        } catch (error) {
          expect(error).toBeInstanceOf(NautilusError);
        }
      }),
      { numRuns: 3000 },
    );
  });

  test('a model with changed bytes either is refused with a typed error or predicts', async () => {
    const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const bytes = good.slice();
        for (const [at, value] of changes) bytes[at] = value;
        try {
          const session = await openSession(bytes);
          const rows = await session.predict(new Float32Array(session.input.columns), 1);
          expect(rows).toHaveLength(1);
          await session.close();
        } catch (error) {
          expect(error).toBeInstanceOf(NautilusError);
        }
      }),
      { numRuns: 400 },
    );
  });
});
