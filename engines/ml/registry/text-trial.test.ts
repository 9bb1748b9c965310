// Text models of strangers in the process of a trial.
import { expect, test } from 'bun:test';
import { resolve } from 'node:path';
import { encodeModel } from '../../../src/onnx/graph.ts';
import { packText } from '../../../src/text/bundle.ts';
import { PROBE_TEXTS, rowsOfTexts, TEXT_COLUMNS } from '../../../src/text/rows.ts';
import { tryModel } from './trial.ts';

const { tokenizers } = await Bun.file(resolve(import.meta.dir, '../../../src/text/golden.json')).json();
const { tokenizer } = tokenizers.cases[0];

/** Logits that are the sum of `elements` ones, made by a graph of a few bytes. */
function bigGraph(elements: number) {
  return encodeModel({
    graph: {
      name: 'big',
      nodes: [
        { op: 'ConstantOfShape', inputs: ['size'], outputs: ['zeros'] },
        { op: 'Exp', inputs: ['zeros'], outputs: ['ones'] },
        { op: 'ReduceSum', inputs: ['ones'], outputs: ['sum'] },
        { op: 'Shape', inputs: ['input_ids'], outputs: ['shape'] },
        { op: 'Slice', inputs: ['shape', 'zero', 'one'], outputs: ['rows'] },
        { op: 'Concat', inputs: ['rows', 'two'], outputs: ['wanted'], attributes: { axis: { int: 0 } } },
        { op: 'Expand', inputs: ['sum', 'wanted'], outputs: ['logits'] },
      ],
      constants: Object.entries({ size: elements, zero: 0, one: 1, two: 2 }).map(([name, value]) => ({
        name,
        type: 'int64',
        dims: [1],
        data: BigInt64Array.of(BigInt(value)),
      })),
      inputs: [{ name: 'input_ids', type: 'int64', dims: ['rows', 'tokens'] }],
      outputs: [{ name: 'logits', type: 'float32', dims: ['rows', 2] }],
    },
  });
}

const attempt = (graph: Uint8Array, json: object, limits: { timeoutMs: number; maxBytes?: number }) => {
  const file = packText({
    labels: ['negative', 'positive'],
    maxTokens: 64,
    tokenizer: new TextEncoder().encode(JSON.stringify(json)),
    graph,
  });
  const header = { rows: PROBE_TEXTS.length, columns: TEXT_COLUMNS, input: 'input_ids', output: 'logits' };
  const trial = { ...header, provider: 'cpu', model: file, inputs: rowsOfTexts(PROBE_TEXTS) } as const;
  return tryModel(trial, limits);
};

test('a small file that asks for all memory is ended by its limit', async () => {
  const small = await attempt(bigGraph(1000), tokenizer, { timeoutMs: 20_000 });
  expect([...small.outputs.subarray(0, 2)]).toEqual([1000, 1000]);
  const big = attempt(bigGraph(2 ** 28), tokenizer, { timeoutMs: 20_000, maxBytes: 400 * 2 ** 20 });
  // Where the machine itself has too little, the runtime says so first.
  await expect(big).rejects.toMatchObject({ slug: 'invalid-model' });
});

test('a pattern that takes for ever is ended by its time', async () => {
  const bomb = { ...tokenizer, normalizer: { type: 'Replace', pattern: { Regex: '(.|.)*Z' }, content: '' } };
  const slow = attempt(bigGraph(10), bomb, { timeoutMs: 1500 });
  await expect(slow).rejects.toMatchObject({
    slug: 'invalid-model',
    message: expect.stringContaining('1500 ms'),
  });
});
