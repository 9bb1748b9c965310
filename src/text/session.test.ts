import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { encodeModel, type NodeSpec, type TensorSpec } from '../onnx/graph.ts';
import { inspectModel } from '../onnx/inspect.ts';
import { isText, packText, unpackText } from './bundle.ts';
import { LABELS } from './labels.ts';
import { PROBE_TEXTS, rowsOfTexts, TEXT_COLUMNS, textOfRow } from './rows.ts';
import { inspectTextGraph, openTextSession } from './session.ts';
import { bagGraph, LEARNT, learn } from './test-model.ts';

const { tokenizers } = await Bun.file(`${import.meta.dir}/golden.json`).json();
const tokenizer = new TextEncoder().encode(JSON.stringify(tokenizers.cases[0].tokenizer));
const graph = bagGraph(learn(tokenizer, LABELS), LABELS.length);
const bundle = { labels: LABELS, maxTokens: 64, tokenizer, graph };

/** A graph [rows, tokens] -> [rows, 2] with a node in the middle whose output is thrown away. */
function graphWith(node: NodeSpec, constants: readonly TensorSpec[] = []): Uint8Array {
  const int64 = (name: string, values: readonly number[]) =>
    ({ name, type: 'int64', dims: [values.length], data: BigInt64Array.from(values, BigInt) }) as const;
  return encodeModel({
    graph: {
      name: 'other',
      nodes: [
        node,
        { op: 'Cast', inputs: ['input_ids'], outputs: ['ids'], attributes: { to: { int: 1 } } },
        { op: 'ReduceMean', inputs: ['ids'], outputs: ['mean'], attributes: { axes: { ints: [1] } } },
        { op: 'Concat', inputs: ['mean', 'mean'], outputs: ['logits'], attributes: { axis: { int: 1 } } },
      ],
      constants: [...constants, int64('two', [2])],
      inputs: [{ name: 'input_ids', type: 'int64', dims: ['rows', 'tokens'] }],
      outputs: [{ name: 'logits', type: 'float32', dims: ['rows', 2] }],
    },
    opset: 17,
  });
}

describe('the graph of a text model', () => {
  test('may use what exporters write for masks and positions, which models of numbers may not', () => {
    const masks = graphWith({ op: 'ConstantOfShape', inputs: ['two'], outputs: ['zeros'] });
    expect(inspectTextGraph(masks, 2)).toMatchObject({ inputs: ['input_ids'], output: 'logits' });
    expect(() => inspectModel(masks)).toThrow('was ConstantOfShape');
  });

  test.each(['Loop', 'If', 'Scan', 'RandomNormal', 'OneHot', 'StringNormalizer'])('may not use %s', (op) => {
    expect(() => inspectTextGraph(graphWith({ op, inputs: ['two'], outputs: ['x'] }), 2)).toThrow(
      `was ${op}`,
    );
  });
});

describe('the file of a text model', () => {
  test('has the parts that it was made of', () => {
    const file = packText(bundle);
    expect([isText(file), isText(graph)]).toEqual([true, false]);
    const parts = unpackText(file);
    expect([parts.labels, parts.maxTokens]).toEqual([[...LABELS], 64]);
    expect(Buffer.from(parts.tokenizer).equals(tokenizer)).toBeTrue();
    expect(Buffer.from(parts.graph).equals(graph)).toBeTrue();
  });

  test('is refused when it is cut or changed, without reading past its end', () => {
    const file = packText(bundle);
    const head =
      12 + JSON.stringify({ labels: LABELS, max_tokens: 64, tokenizer_bytes: tokenizer.length }).length;
    for (const length of [0, 8, 11, 12, head - 1, head, head + tokenizer.length])
      expect(() => unpackText(file.subarray(0, length))).toThrow('malformed');
    const change = fc.tuple(fc.nat(head - 1), fc.integer({ min: 1, max: 255 }));
    fc.assert(
      fc.property(change, ([at, by]) => {
        const changed = file.slice();
        changed[at] = changed[at]! ^ by;
        try {
          const { labels, maxTokens, tokenizer: text } = unpackText(changed);
          return labels.length === 3 && maxTokens <= 2048 && text.length < file.length;
        } catch (error) {
          return (error as { slug: string }).slug === 'invalid-model';
        }
      }),
      { seed: 20261123 },
    );
  });
});

test('a row of numbers is the text that it was made of, and nothing else is a text', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1, maxLength: 3 }), (texts) => {
      const rows = rowsOfTexts(texts);
      for (const [i, text] of texts.entries())
        expect(textOfRow(rows.subarray(i * TEXT_COLUMNS, (i + 1) * TEXT_COLUMNS))).toBe(text);
    }),
    { seed: 20261123, numRuns: 50 },
  );
  for (const row of [[1.5, 65], [-1], [10_001], [1, 65_536], [1, 0.5], [Number.NaN]])
    expect(textOfRow(Float32Array.from(row))).toBeNull();
});

describe('a session', () => {
  test('gives the logits of each text, and the tokens of the whole of it', async () => {
    const session = await openTextSession(packText({ ...bundle, maxTokens: 8 }));
    const texts = [...PROBE_TEXTS, ...LEARNT.map(([, text]) => text)];
    const said = await session.predict(rowsOfTexts(texts), texts.length);
    const width = LABELS.length + 1;
    expect(said.length).toBe(texts.length * width);
    for (const [i, text] of texts.entries()) {
      expect(said[(i + 1) * width - 1]).toBe(session.tokenizer.encode(text, 1).total);
      const alone = await session.predict(rowsOfTexts([text]), 1);
      expect([...alone]).toEqual([...said.subarray(i * width, (i + 1) * width)]);
    }
    await expect(session.predict(new Float32Array(3), 1)).rejects.toThrow('Expected 1 x');
    await session.close();
    await expect(session.predict(rowsOfTexts(['a']), 1)).rejects.toThrow('closed');
  });
});
