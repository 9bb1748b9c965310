// The published tables of speed-ups, row by row, with our own figure beside each claim where this version has the work.
// A claim is never ours: it stands in its own column, was taken on other hardware, and names no size to repeat.
import { resolve } from 'node:path';
import { gemm, rsi, setThreads } from '../src/native/index.ts';
import { logisticProbability } from '../src/onnx/logistic.ts';
import { openModel } from '../src/onnx/registry.ts';
import { monteCarloVar } from '../src/trading/var.ts';
import { fillPrices, plainRsi, tripleLoop } from './kernels/plain.ts';
import { startNumpy, startTaLib } from './kernels/python.ts';
import { comparePairs, formatNs, type PairResult, type Side } from './pairs.ts';
import { publish } from './report.ts';

/** One of our figures: what was measured and what came out. */
export interface Measured {
  readonly work: string;
  readonly result: string;
}

/** A published row; `before` and `after` as printed there. */
export interface PublishedRow {
  readonly table: string;
  readonly operation: string;
  readonly before: string;
  readonly after: string;
  readonly ratio: string;
  /** Takes our measurements; absent where this version has nothing to measure. */
  readonly measure?: () => Promise<readonly Measured[]>;
}

/** What the column says where there is nothing of ours yet. */
export const NOT_MEASURED = 'not measured in this version';

const platform = 'platform';
const mlEngine = 'ML engine';

/** Every published row that compares two figures. */
export const PUBLISHED: readonly PublishedRow[] = [
  {
    table: platform,
    operation: 'Matrix operations',
    before: '890 ms',
    after: '12 ms',
    ratio: '74x',
    measure: matrix,
  },
  {
    table: platform,
    operation: 'RSI calculations',
    before: '125 ms',
    after: '8 ms',
    ratio: '16x',
    measure: relativeStrength,
  },
  {
    table: platform,
    operation: 'Monte Carlo simulations',
    before: '2,450 ms',
    after: '48 ms',
    ratio: '51x',
    measure: monteCarlo,
  },
  {
    table: platform,
    operation: 'Order execution pipeline',
    before: '15.67 ms',
    after: '0.22 ms',
    ratio: '71x',
  },
  {
    table: platform,
    operation: 'System throughput',
    before: '1,000 ops/s',
    after: '50,000+ ops/s',
    ratio: '50x',
  },
  { table: platform, operation: 'Memory bandwidth', before: '68 GB/s', after: '420 GB/s', ratio: '6x' },
  { table: platform, operation: 'Resource utilisation', before: '30-40%', after: '90%+', ratio: '3x' },
  {
    table: mlEngine,
    operation: 'Model inference (10K)',
    before: '51.4 ms',
    after: '7 ms',
    ratio: '7.3x',
    measure: () => inference(10_000),
  },
  { table: mlEngine, operation: 'Batch model training', before: '2,450 ms', after: '185 ms', ratio: '13.2x' },
  {
    table: mlEngine,
    operation: 'Real-time prediction',
    before: '23.7 ms',
    after: '3.2 ms',
    ratio: '7.4x',
    measure: () => inference(1),
  },
  { table: mlEngine, operation: 'Feature engineering', before: '134 ms', after: '18 ms', ratio: '7.4x' },
  { table: mlEngine, operation: 'Model validation (CV)', before: '1,890 ms', after: '245 ms', ratio: '7.7x' },
  {
    table: mlEngine,
    operation: 'AutoML optimisation',
    before: '15,000 ms',
    after: '1,200 ms',
    ratio: '12.5x',
  },
];

async function against(work: string, rival: string, a: Side, b: Side): Promise<Measured> {
  return { work: `${work}, ours against ${rival}`, result: shown(await comparePairs({ name: work, a, b })) };
}

function shown({ aNs, bNs, median, q1, q3, pairs }: PairResult): string {
  const ratio = `${median.toFixed(2)}x (${q1.toFixed(2)} .. ${q3.toFixed(2)}, ${pairs} pairs)`;
  return `${formatNs(aNs)} against ${formatNs(bNs)}: ${ratio}`;
}

async function matrix(): Promise<Measured[]> {
  setThreads(1);
  const n = 512;
  const a = Float64Array.from({ length: n * n }, (_, at) => Math.sin(at));
  const b = Float64Array.from({ length: n * n }, (_, at) => Math.cos(at));
  const out = new Float64Array(n * n);
  const ours = () => gemm({ m: n, n, k: n, a, b, out });
  const work = `product of two ${n} x ${n} matrices, f64, one thread`;
  const plain = await against(work, 'the triple loop', ours, () => tripleLoop(n, a, b, out));
  const numpy = await startNumpy();
  if (!numpy) return [plain];
  const rival = await against(work, `numpy ${numpy.version}`, ours, {
    measureNs: () => numpy.productNs(n, 'f64'),
  });
  numpy.stop();
  return [plain, rival];
}

async function relativeStrength(): Promise<Measured[]> {
  const [bars, series, period] = [5000, 100, 14];
  const close = new Float64Array(bars * series);
  fillPrices(close, series);
  const out = new Float64Array(bars * series);
  const ours = () => rsi({ bars, series, close, period, out });
  const work = `RSI ${period} of ${series} series of ${bars} bars, f64`;
  const plain = await against(work, 'a plain TypeScript loop', ours, () =>
    plainRsi(bars, series, period, close, out),
  );
  const taLib = await startTaLib();
  if (!taLib) return [plain];
  const rival = await against(work, `TA-Lib ${taLib.version} in Python`, ours, {
    measureNs: () => taLib.rsiNs(bars, series, period),
  });
  taLib.stop();
  return [plain, rival];
}

async function monteCarlo(): Promise<Measured[]> {
  const [bars, assets, paths] = [500, 8, 100_000];
  const input = {
    values: new Float64Array(assets).fill(100_000),
    returns: Float64Array.from({ length: bars * assets }, (_, at) => 0.01 * Math.sin(at * 12.9898)),
    horizonBars: 1,
    confidence: 0.99,
    paths,
    seed: 1,
  };
  const times: number[] = [];
  for (let run = 0; run < 17; run++) {
    const start = Bun.nanoseconds();
    monteCarloVar(input, (m, n, k, a, b, out) => void gemm({ m, n, k, a, b, out }));
    // The first two runs are interpreted.
    if (run > 1) times.push(Bun.nanoseconds() - start);
  }
  const median = times.sort((x, y) => x - y)[times.length >> 1]!;
  return [
    {
      work: `value at risk of ${assets} assets, ${paths.toLocaleString('en-US')} paths; nothing to compare with yet`,
      result: formatNs(median),
    },
  ];
}

async function inference(rows: number): Promise<Measured[]> {
  const { card, session } = await openModel(resolve(import.meta.dir, '../models'), 'btc-direction-15m');
  const parameters = card.parameters as { mean: number[]; std: number[]; coefficients: number[] } & {
    intercept: number;
  };
  const fitted = { inputNames: card.inputs.map((input) => input.name), ...parameters };
  const columns = session.input.columns;
  const inputs = Float32Array.from(
    { length: rows * columns },
    (_, at) => parameters.mean[at % columns]! + parameters.std[at % columns]! * Math.sin(at * 1.7),
  );
  const plain = () => {
    const output = new Float32Array(rows);
    for (let i = 0; i < rows; i++) {
      output[i] = logisticProbability(fitted, inputs.subarray(i * columns, (i + 1) * columns));
    }
    return output;
  };
  const work = `${rows} x ${columns} through the logistic model (theirs is another), ${session.provider.provider}`;
  const measured = await against(
    work,
    'the same formula in plain TypeScript',
    () => session.predict(inputs, rows),
    plain,
  );
  await session.close();
  return [measured];
}

if (import.meta.main) {
  const rows: string[][] = [];
  for (const { table, operation, before, after, ratio, measure } of PUBLISHED) {
    const head = [table, operation, `${before} to ${after}, ${ratio}`];
    const ours = (await measure?.()) ?? [{ work: '', result: NOT_MEASURED }];
    for (const { work, result } of ours) rows.push([...head, result, work]);
  }
  publish({
    title: 'The published tables beside ours',
    note: 'The claims were made for other hardware and name no sizes, so that only our own two figures of a row compare.',
    columns: ['table', 'operation', 'published claim', 'our measurement', 'what we measured'],
    rows,
  });
}
