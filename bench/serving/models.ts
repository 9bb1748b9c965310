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

const UNITS = 256;
/** Floats of a constant that nothing reads: the file has to pass 8 MiB, and no bench should wait for that many multiplications. */
const BALLAST = [1500, 1500] as const;
const COLUMNS = 7;

const wave = (name: string, dims: readonly [number, number], scale: number): TensorSpec => ({
  name,
  type: 'float32',
  dims,
  data: Float32Array.from({ length: dims[0] * dims[1] }, (_, i) => scale * Math.sin(i * 1.3 + 0.5)),
});

/** Returns a new directory with both models. */
export async function modelsDirectory(): Promise<string> {
  const committed = resolve(import.meta.dir, '../../models');
  const directory = mkdtempSync(join(tmpdir(), 'nautilus-bench-models-'));
  cpSync(join(committed, QUICK), join(directory, QUICK), { recursive: true });
  const nodes: NodeSpec[] = [
    { op: 'MatMul', inputs: ['input', 'first'], outputs: ['a'] },
    { op: 'Tanh', inputs: ['a'], outputs: ['b'] },
    { op: 'MatMul', inputs: ['b', 'second'], outputs: ['c'] },
    { op: 'Tanh', inputs: ['c'], outputs: ['d'] },
    { op: 'MatMul', inputs: ['d', 'last'], outputs: ['output'] },
  ];
  const bytes = encodeModel({
    graph: {
      name: NETWORK,
      nodes,
      constants: [
        wave('first', [COLUMNS, UNITS], 0.5),
        wave('second', [UNITS, UNITS], 0.03),
        wave('last', [UNITS, 1], 0.03),
        wave('ballast', BALLAST, 1),
      ],
      inputs: [{ name: 'input', type: 'float32', dims: ['N', COLUMNS] }],
      outputs: [{ name: 'output', type: 'float32', dims: ['N', 1] }],
    },
  });
  const { card } = await loadModel(committed, QUICK);
  const { parameters: _, ...kept } = card;
  mkdirSync(join(directory, NETWORK));
  writeFileSync(join(directory, NETWORK, 'model.onnx'), bytes);
  const own = {
    ...kept,
    model_id: NETWORK,
    model_type: 'regression',
    algorithm: 'a network of fixed weights, for benches',
    output: { name: 'output', meaning: 'a number' },
    artefact: { file: 'model.onnx', sha256: sha256(bytes), bytes: bytes.length },
  };
  writeFileSync(join(directory, NETWORK, 'model.json'), JSON.stringify(own));
  return directory;
}

/** Returns rows of seven ordinary numbers, different in each. */
export const rowsOf = (count: number, from = 0): number[][] =>
  Array.from({ length: count }, (_, row) =>
    Array.from({ length: COLUMNS }, (_, i) => Math.fround(Math.sin((from + row) * 1.7 + i) / 10)),
  );
