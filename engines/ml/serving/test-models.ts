// Models of known cost and manners, and pools to run them, for the tests of this folder.
import { encodeModel, type NodeSpec, type TensorSpec } from '../../../src/onnx/graph.ts';
import { sha256 } from '../../../src/onnx/registry.ts';
import type { ModelPool } from './pool.ts';
import { ModelPool as Pool, type PoolOptions } from './pool.ts';
import type { PooledModel } from './task.ts';

/** Columns of all models here. */
export const COLUMNS = 3;

const float = (name: string, dims: readonly number[], data: ArrayLike<number>): TensorSpec => ({
  name,
  type: 'float32',
  dims,
  data: Float32Array.from(data),
});
const ints = (name: string, values: readonly number[]): TensorSpec => ({
  name,
  type: 'int64',
  dims: [values.length],
  data: BigInt64Array.from(values, BigInt),
});
const wave = (count: number, scale: number) =>
  Float32Array.from({ length: count }, (_, i) => scale * Math.sin(i * 1.3 + 0.5));

/** Returns a graph from `input` [N, COLUMNS] to `output` [N, width]. */
export function graphOf(
  nodes: readonly NodeSpec[],
  constants: readonly TensorSpec[],
  width: number | string,
) {
  return encodeModel({
    graph: {
      name: 'test',
      nodes,
      constants,
      inputs: [{ name: 'input', type: 'float32', dims: ['N', COLUMNS] }],
      outputs: [{ name: 'output', type: 'float32', dims: ['N', width] }],
    },
  });
}

/** Returns a network of `layers` hidden layers of `units`: a run costs about 2 * layers * units^2 operations for each row. */
export function network(layers: number, units: number, width = 2): Uint8Array {
  const nodes: NodeSpec[] = [{ op: 'MatMul', inputs: ['input', 'in'], outputs: ['h0'] }];
  for (let i = 0; i < layers; i++) {
    nodes.push({ op: 'MatMul', inputs: [`h${i}`, 'hidden'], outputs: [`m${i}`] });
    nodes.push({ op: 'Tanh', inputs: [`m${i}`], outputs: [`h${i + 1}`] });
  }
  nodes.push({ op: 'Gemm', inputs: [`h${layers}`, 'out', 'bias'], outputs: ['output'] });
  const constants = [
    float('in', [COLUMNS, units], wave(COLUMNS * units, 0.5)),
    float('hidden', [units, units], wave(units * units, 1 / Math.sqrt(units))),
    float('out', [units, width], wave(units * width, 0.3)),
    float('bias', [width], wave(width, 0.1)),
  ];
  return graphOf(nodes, constants, width);
}

/** Returns a model that makes a tensor of 4 * `side`^2 bytes for each row. */
export function memoryHungry(side: number): Uint8Array {
  const nodes: NodeSpec[] = [
    { op: 'MatMul', inputs: ['input', 'wide'], outputs: ['w'] },
    { op: 'Reshape', inputs: ['w', 'column'], outputs: ['c'] },
    { op: 'Reshape', inputs: ['w', 'row'], outputs: ['r'] },
    { op: 'Mul', inputs: ['c', 'r'], outputs: ['square'] },
    {
      op: 'ReduceMean',
      inputs: ['square', 'axes'],
      outputs: ['output'],
      attributes: { keepdims: { int: 0 } },
    },
  ];
  const constants = [
    float('wide', [COLUMNS, side], wave(COLUMNS * side, 0.5)),
    ints('column', [-1, side, 1]),
    ints('row', [-1, 1, side]),
    ints('axes', [2]),
  ];
  return graphOf(nodes, constants, side);
}

/** Returns a model of which each row's output depends on all rows: the sum of a column. */
export function mixesRows(): Uint8Array {
  const nodes: NodeSpec[] = [
    { op: 'ReduceSum', inputs: ['input', 'axes'], outputs: ['sum'] },
    { op: 'Add', inputs: ['input', 'sum'], outputs: ['output'] },
  ];
  return graphOf(nodes, [ints('axes', [0])], COLUMNS);
}

/** Returns a model as a pool takes it. */
export function pooled(bytes: Uint8Array, over: Partial<PooledModel> = {}): PooledModel {
  const shape = { input: 'input', output: 'output', columns: COLUMNS, provider: 'cpu', maxRows: 64 } as const;
  return { key: sha256(bytes), modelId: 'test', bytes, ...shape, ...over };
}

/** What happened in a pool. */
export class PoolLog {
  readonly lost: string[] = [];
  readonly aside: string[] = [];
  readonly batches: { requests: number; rows: number }[] = [];
  retried = 0;
}

/** Returns a pool of one process with a log of what happens; everything may be changed. */
export function poolOf(over: Partial<PoolOptions> = {}): { pool: ModelPool; log: PoolLog } {
  const log = new PoolLog();
  const pool = new Pool({
    processes: 1,
    processBytes: 2 ** 30,
    maxWaiting: 100,
    delayUs: 0,
    startMs: 60_000,
    events: {
      ran: (_, requests, rows) => log.batches.push({ requests, rows }),
      lost: (loss) => log.lost.push(loss),
      retried: () => log.retried++,
      setAside: (key) => log.aside.push(key),
    },
    ...over,
  });
  return { pool, log };
}

/** Returns rows from a fixed formula, different for each `from`. */
export function someRows(rows: number, from = 0): Float32Array {
  return Float32Array.from({ length: rows * COLUMNS }, (_, i) => Math.sin(1 + from * 3.7 + i * 0.9));
}
