// Hot path: rows through a session of the CPU, for a version and its variants. A regression means that a variant costs more than its model: casts
// that ONNX Runtime adds, weights that are multiplied out again for each run, rows that are filled up.
import { mlp } from '../../src/learning/deep/families/mlp.ts';
import { transformer } from '../../src/learning/deep/families/transformer.ts';
import { type Network, serveNetwork } from '../../src/learning/deep/fit.ts';
import { Tape } from '../../src/onnx/autodiff/tape.ts';
import { encodeModel } from '../../src/onnx/graph.ts';
import { openSession } from '../../src/onnx/session.ts';
import { initialValues, planNetwork } from '../../src/onnx/training/network.ts';
import { makeHalf, makeInt8 } from '../../src/onnx/variants/make.ts';
import { loadNow } from '../machine.ts';
import { comparePairs, formatNs, type PairResult } from '../pairs.ts';
import { isQuick, publish } from '../report.ts';

const COLUMNS = 64;
const PAIRS = 15;
const ROWS = isQuick ? [1, 64] : [1, 64, 1000];

const NETWORKS: Readonly<Record<string, Network>> = {
  'mlp 256-256': mlp.network(mlp.options.parse({ hidden: [256, 256] }), COLUMNS),
  'transformer 64 wide, 2 layers': transformer.network(transformer.options.parse({ steps: 8 }), COLUMNS),
};

/** Returns the file of a network with random weights. */
function fileOf(network: Network): Uint8Array {
  const scratch = new Tape();
  const plan = planNetwork(scratch, (builder) => network(builder, scratch.input('input', [7, COLUMNS]), 1));
  const about = { columns: COLUMNS, width: 1, metadata: {} };
  return encodeModel(
    serveNetwork(plan, initialValues(plan, 1), about, (builder, x) => network(builder, x, 1)),
  );
}

const rows: string[][] = [];
const data: PairResult[] = [];
for (const [name, network] of Object.entries(NETWORKS)) {
  const model = fileOf(network);
  const half = makeHalf(model, 'bench');
  const int8 = makeInt8(model, 'bench').files[0]!.bytes;
  const variant = half.files.map((file) => ({ rows: file.rows!, bytes: file.bytes }));
  const whole = await openSession(model, { provider: 'cpu' });
  const sessions = {
    'static float16': await openSession(model, { provider: 'cpu', variant, variantOnCpu: true }),
    int8: await openSession(int8, { provider: 'cpu' }),
  };
  const bytes = { 'static float16': variant[0]!.bytes.length, int8: int8.length };
  for (const [kind, session] of Object.entries(sessions)) {
    for (const count of ROWS) {
      const inputs = Float32Array.from({ length: count * COLUMNS }, (_, i) => Math.sin(i * 1.3));
      const result = await comparePairs({
        name: `${name}, ${kind}, ${count} rows`,
        pairs: PAIRS,
        a: () => whole.predict(inputs, count),
        b: () => session.predict(inputs, count),
      });
      data.push(result);
      const { median, q1, q3, aNs, bNs } = result;
      const share = bytes[kind as keyof typeof bytes] / model.length;
      const spread = `${q1.toFixed(2)} .. ${q3.toFixed(2)} of ${PAIRS}`;
      rows.push([
        result.name,
        `${median.toFixed(2)}x`,
        spread,
        formatNs(bNs),
        formatNs(aNs),
        `${(100 * share).toFixed(0)}%`,
      ]);
    }
    await session.close();
  }
  await whole.close();
}
publish({
  title: 'Variants on the CPU',
  note: `Rows through one session with one thread: the time of a variant, divided by that of its float32 model. A float16 variant is for Core ML: a CPU without float16 arithmetic casts around each node. Load average ${loadNow()}.`,
  columns: ['model', 'variant / float32', 'quartiles', 'variant', 'float32', 'file'],
  rows,
  data,
});
