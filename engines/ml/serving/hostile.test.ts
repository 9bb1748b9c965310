// Files that are no models, or mean harm: refused by name, and the process that looked at them serves the next one.
import { afterEach, expect, test } from 'bun:test';
import type { AttributeSpec, GraphSpec, NodeSpec } from '../../../src/onnx/graph.ts';
import type { ModelPool } from './pool.ts';
import { COLUMNS, graphOf, network, pooled, poolOf, someRows } from './test-models.ts';

const LONG = { timeoutMs: 60_000 };
const node = (op: string, inputs: string[], outputs: string[]): NodeSpec => ({ op, inputs, outputs });
const good = network(1, 8);

/** A node with graphs within graphs. */
function nested(depth: number): NodeSpec {
  const inner: GraphSpec = {
    name: 'inner',
    nodes: depth > 1 ? [nested(depth - 1)] : [],
    constants: [],
    inputs: [],
    outputs: [],
  };
  const attributes: Record<string, AttributeSpec> = { then_branch: { graph: inner } };
  return { ...node('If', ['input'], ['output']), attributes };
}

const giant = {
  name: 'giant',
  type: 'float32',
  dims: [2 ** 20, 2 ** 20],
  data: new Float32Array(1),
} as const;
const shape = {
  name: 'shape',
  type: 'int64',
  dims: [2],
  data: BigInt64Array.of(2n ** 31n, 2n ** 31n),
} as const;
const cycle = [
  node('Add', ['input', 'b'], ['a']),
  node('Add', ['a', 'input'], ['b']),
  node('Add', ['a', 'b'], ['output']),
];

const cases: [string, Uint8Array][] = [
  ['with a cycle', graphOf(cycle, [], COLUMNS)],
  ['cut off', good.slice(0, good.length - 40)],
  ['of nothing', new Uint8Array(0)],
  ['of noise', Uint8Array.from({ length: 4096 }, (_, i) => (i * 7919) & 255)],
  ['with a broken first byte', network(1, 8).fill(0, 0, 1)],
  ['with a loop', graphOf([node('Loop', ['input'], ['output'])], [], COLUMNS)],
  ['with graphs nested deep', graphOf([nested(50)], [], COLUMNS)],
  [
    'with a constant that claims a terabyte',
    graphOf([node('MatMul', ['input', 'giant'], ['output'])], [giant], 1),
  ],
  [
    'with a shape of 2^62 numbers',
    graphOf([node('Reshape', ['input', 'shape'], ['output'])], [shape], COLUMNS),
  ],
  ['with a value that nothing makes', graphOf([node('Add', ['input', 'nothing'], ['output'])], [], COLUMNS)],
];

let open: ModelPool | undefined;
afterEach(() => open?.close());

test.each(cases)('a file %s is refused, and the process goes on', async (_, bytes) => {
  const { pool, log } = poolOf();
  open = pool;
  const fine = pooled(good);
  await pool.prepare(fine, LONG);
  const [pid] = pool.pids;
  const refused = pool.prepare(pooled(bytes), LONG);
  await expect(refused).rejects.toMatchObject({ slug: 'invalid-model', status: 422 });
  expect((await pool.run(fine, someRows(1), 1, LONG)).output).toHaveLength(2);
  expect([log.lost, pool.pids]).toEqual([[], [pid!]]);
});
