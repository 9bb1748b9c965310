// A models directory with the committed model and a network that is no quick one.
import { cpSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { encodeModel, type NodeSpec, type TensorSpec } from '../../src/onnx/graph.ts';
import { loadModel, sha256 } from '../../src/onnx/registry.ts';

/** The committed model: seven inputs, a few microseconds for a row. */
export const QUICK = 'btc-direction-15m';
/** A network of two hidden layers over the same inputs, too large a file to run within the engine. */
export const NETWORK = 'network-256';

/** A network of two small hidden layers with ReLU over the same inputs. */
export const SMALL_NETWORK = 'network-64';

/** Widths of the small network. */
export const SMALL_WIDTHS = [7, 64, 64, 1] as const;
const UNITS = 256;
/** Floats of a constant that nothing reads: the file has to pass 8 MiB, and no bench should wait for that many multiplications. */
const BALLAST = [1500, 1500] as const;
const COLUMNS = 7;

const sines = (count: number, scale: number) =>
  Float32Array.from({ length: count }, (_, i) => scale * Math.sin(i * 1.3 + 0.5));
const wave = (name: string, dims: readonly number[], scale: number): TensorSpec => ({
  name,
  type: 'float32',
  dims,
  data: sines(
    dims.reduce((a, b) => a * b, 1),
    scale,
  ),
});

/** Returns the parameters of the small network as one vector: weights [inputs, width], bias, layer by layer. */
export function smallParameters(): Float32Array {
  const parts = SMALL_WIDTHS.slice(1).flatMap((width, at) => [
    ...sines(SMALL_WIDTHS[at]! * width, SMALL_SCALE),
    ...sines(width, SMALL_SCALE),
  ]);
  return Float32Array.from(parts);
}
const SMALL_SCALE = 0.2;

function smallNetwork(): Uint8Array<ArrayBuffer> {
  const layers = SMALL_WIDTHS.length - 1;
  const nodes: NodeSpec[] = [];
  const constants: TensorSpec[] = [];
  for (let layer = 0; layer < layers; layer++) {
    const [inputs, width] = [SMALL_WIDTHS[layer]!, SMALL_WIDTHS[layer + 1]!];
    constants.push(
      wave(`weight_${layer}`, [inputs, width], SMALL_SCALE),
      wave(`bias_${layer}`, [width], SMALL_SCALE),
    );
    const from = layer === 0 ? 'input' : `active_${layer - 1}`;
    const isLast = layer === layers - 1;
    nodes.push({
      op: 'Gemm',
      inputs: [from, `weight_${layer}`, `bias_${layer}`],
      outputs: [isLast ? 'output' : `dense_${layer}`],
    });
    if (!isLast) nodes.push({ op: 'Relu', inputs: [`dense_${layer}`], outputs: [`active_${layer}`] });
  }
  return networkFile(SMALL_NETWORK, nodes, constants);
}

function largeNetwork(): Uint8Array<ArrayBuffer> {
  const nodes: NodeSpec[] = [
    { op: 'MatMul', inputs: ['input', 'first'], outputs: ['a'] },
    { op: 'Tanh', inputs: ['a'], outputs: ['b'] },
    { op: 'MatMul', inputs: ['b', 'second'], outputs: ['c'] },
    { op: 'Tanh', inputs: ['c'], outputs: ['d'] },
    { op: 'MatMul', inputs: ['d', 'last'], outputs: ['output'] },
  ];
  return networkFile(NETWORK, nodes, [
    wave('first', [COLUMNS, UNITS], 0.5),
    wave('second', [UNITS, UNITS], 0.03),
    wave('last', [UNITS, 1], 0.03),
    wave('ballast', BALLAST, 1),
  ]);
}

function networkFile(name: string, nodes: NodeSpec[], constants: TensorSpec[]): Uint8Array<ArrayBuffer> {
  return encodeModel({
    graph: {
      name,
      nodes,
      constants,
      inputs: [{ name: 'input', type: 'float32', dims: ['N', COLUMNS] }],
      outputs: [{ name: 'output', type: 'float32', dims: ['N', 1] }],
    },
  });
}

/** Returns a new directory with all models. */
export async function modelsDirectory(): Promise<string> {
  const committed = resolve(import.meta.dir, '../../models');
  const directory = mkdtempSync(join(tmpdir(), 'nautilus-bench-models-'));
  cpSync(join(committed, QUICK), join(directory, QUICK), { recursive: true });
  const { card } = await loadModel(committed, QUICK);
  const { parameters: _, ...kept } = card;
  for (const [model_id, bytes] of [
    [NETWORK, largeNetwork()],
    [SMALL_NETWORK, smallNetwork()],
  ] as const) {
    mkdirSync(join(directory, model_id));
    writeFileSync(join(directory, model_id, 'model.onnx'), bytes);
    const own = {
      ...kept,
      model_id,
      model_type: 'regression',
      algorithm: 'a network of fixed weights, for benches',
      output: { name: 'output', meaning: 'a number' },
      artefact: { file: 'model.onnx', sha256: sha256(bytes), bytes: bytes.length },
    };
    writeFileSync(join(directory, model_id, 'model.json'), JSON.stringify(own));
  }
  return directory;
}

/** Returns rows of seven ordinary numbers, different in each. */
export const rowsOf = (count: number, from = 0): number[][] =>
  Array.from({ length: count }, (_, row) =>
    Array.from({ length: COLUMNS }, (_, i) => Math.fround(Math.sin((from + row) * 1.7 + i) / 10)),
  );
