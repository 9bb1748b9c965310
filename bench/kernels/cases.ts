// What the kernel benches run: sizes for every kernel, and what a team would write for it in Python. Everything else (arrays,
// their contents, work and traffic) follows from the kernel's definition.
import { shapeOf } from '../../src/native/define.ts';
import { exampleCall } from '../../src/native/example-call.ts';
import { parseExpression } from '../../src/native/expression.ts';
import {
  type Dtype,
  KERNELS,
  type Kernel,
  type KernelDef,
  type NativeArray,
} from '../../src/native/index.ts';

/** Sizes and integer options by name, for kernels without an entry of their own. */
const SIZES: Readonly<Record<string, number>> = {
  actual: 100_000,
  assets: 100,
  bars: 2000,
  batch: 10_000,
  bins: 100,
  blocks: 1_000_000,
  columns: 64,
  components: 16,
  count: 1_000_000,
  dimensions: 16,
  expected: 100_000,
  factors: 3,
  k: 512,
  length: 2 ** 22,
  m: 512,
  n: 512,
  nrhs: 8,
  nth: 1000,
  observations: 2000,
  paths: 65_536,
  period: 14,
  points: 65_536,
  probabilities: 5,
  rounds: 512,
  rows: 2000,
  series: 64,
  steps: 50,
  window: 100,
};

/** What differs for one kernel. */
const CHANGES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  argsort: { rows: 1, count: 1_000_000 },
  batched_gemm: { m: 8, n: 8, k: 8 },
  column_summaries: { rows: 65_536, columns: 64, summaryPoints: 1024 },
  eigen_symmetric: { n: 200 },
  eigenvalues_symmetric: { n: 200 },
  gemv: { m: 2048, n: 2048 },
  histogram: { count: 1_000_000, bins: 100 },
  inverse_spd: { n: 300 },
  ks_two_sample: { n: 100_000, m: 100_000 },
  brinson_attribution: { periods: 5000, groups: 50 },
  factor_attribution: { periods: 5000, factors: 50 },
  limit_usage: { scenarios: 2000, positions: 500, limits: 50 },
  mc_american: { steps: 25 },
  mc_basket: { assets: 8, steps: 12 },
  mc_portfolio: { assets: 50 },
  nearest_psd: { n: 60 },
  nth_smallest: { bars: 100_000, series: 10, nth: 1000 },
  pca: { components: 10 },
  population_stability: { expected: 100_000, actual: 100_000 },
  qp_products: { batch: 1, variables: 500, constraints: 1000 },
  quantiles: { bars: 100_000, series: 10 },
  scenario_pnl: { scenarios: 2000, positions: 500, factors: 500 },
  svd: { rows: 500, columns: 64, components: 64 },
  coordinate_descent: { columns: 200 },
  kmeans: { rows: 100_000, columns: 16, clusters: 8, maxIterations: 20 },
  dbscan: { rows: 50_000, columns: 3, eps: 0.1 },
  hmm_fit: { rows: 10_000, columns: 3, states: 3, maxIterations: 10 },
  hmm_states: { rows: 100_000, columns: 3, states: 3 },
  linear_log_loss: { rows: 20_000, columns: 16, scores: 3 },
  tree_histograms: { rows: 100_000, features: 20, nodes: 3, binCount: 64 },
};

/** Optional arrays that a kernel goes without. */
const WITHOUT: Readonly<Record<string, readonly string[]>> = {
  histogram: ['edges'],
  scenario_pnl: ['factorOf'],
};

/**
 * The same work in Python, over arrays and sizes of the kernel's names; `np`, `pd`, `linalg` (scipy.linalg) and `stats`
 * and `qmc` (of SciPy) are there. A kernel without an entry has no rival that does the same in a line.
 */
export const PYTHON: Readonly<Record<string, string>> = {
  argsort: "np.argsort(values, axis=1, kind='stable')",
  batched_gemm: 'np.matmul(a, b)',
  cholesky: 'np.linalg.cholesky(a)',
  cholesky_solve: 'linalg.cho_solve((l, True), b)',
  column_summaries:
    'np.isfinite(values).sum(0), values.min(0), values.max(0), values.mean(0), values.var(0), np.sort(values, axis=0)[:: rows // summaryPoints]',
  correlation: 'np.corrcoef(values, rowvar=False)',
  covariance: 'np.cov(values, rowvar=False)',
  cross_rank: 'pd.DataFrame(values).rank(axis=1)',
  cross_winsorise:
    'np.clip(values, np.quantile(values, 0.01, axis=1)[:, None], np.quantile(values, 0.99, axis=1)[:, None])',
  cross_zscore: '(values - values.mean(1, keepdims=True)) / values.std(1, ddof=1, keepdims=True)',
  brinson_attribution:
    '(portfolioWeights - benchmarkWeights) * (benchmarkReturns - (benchmarkWeights * benchmarkReturns).sum(1, keepdims=True)), benchmarkWeights * (portfolioReturns - benchmarkReturns), (portfolioWeights - benchmarkWeights) * (portfolioReturns - benchmarkReturns)',
  drawdown: 'values / np.maximum.accumulate(values, axis=0) - 1',
  eigen_symmetric: 'np.linalg.eigh(a)',
  eigenvalues_symmetric: 'np.linalg.eigvalsh(a)',
  ewm_correlation: 'pd.DataFrame(x).ewm(alpha=alpha).corr(pd.DataFrame(y), pairwise=False)',
  ewm_covariance: 'pd.DataFrame(x).ewm(alpha=alpha).cov(pd.DataFrame(y), pairwise=False)',
  ewm_mean: 'pd.DataFrame(values).ewm(alpha=alpha).mean()',
  ewm_std: 'pd.DataFrame(values).ewm(alpha=alpha).std()',
  ewm_var: 'pd.DataFrame(values).ewm(alpha=alpha).var()',
  factor_attribution: 'exposures * factorReturns, returns - (exposures * factorReturns).sum(axis=1)',
  gemm: 'np.matmul(a, b)',
  gemv: 'a @ x',
  histogram: 'np.histogram(values, bins)',
  inverse_spd: 'np.linalg.inv(a)',
  ks_two_sample: 'stats.ks_2samp(a, b)',
  least_squares: 'np.linalg.lstsq(a, b, rcond=None)',
  max_drawdown: '(values / np.maximum.accumulate(values, axis=0) - 1).min(axis=0)',
  normals: 'np.random.default_rng(1).standard_normal(dimensions * paths)',
  nth_smallest: 'np.partition(values, nth, axis=0)[nth]',
  pca: 'np.linalg.eigh(np.cov(values, rowvar=False))',
  philox_uint32: 'np.random.Philox(1).random_raw(2 * blocks)',
  qp_products: '(a @ x[..., None])[..., 0] - z, (p @ x[..., None])[..., 0] + q + (y[:, None, :] @ a)[:, 0]',
  quantiles: 'np.quantile(values, at, axis=0)',
  rolling_correlation: 'pd.DataFrame(x).rolling(window).corr(pd.DataFrame(y), pairwise=False)',
  rolling_covariance: 'pd.DataFrame(x).rolling(window).cov(pd.DataFrame(y), pairwise=False)',
  rolling_kurtosis: 'pd.DataFrame(values).rolling(window).kurt()',
  rolling_max: 'pd.DataFrame(values).rolling(window).max()',
  rolling_mean: 'pd.DataFrame(values).rolling(window).mean()',
  rolling_min: 'pd.DataFrame(values).rolling(window).min()',
  rolling_quantile: 'pd.DataFrame(values).rolling(window).quantile(0.5)',
  rolling_rank: 'pd.DataFrame(values).rolling(window).rank()',
  rolling_skew: 'pd.DataFrame(values).rolling(window).skew()',
  rolling_std: 'pd.DataFrame(values).rolling(window).std()',
  rolling_sum: 'pd.DataFrame(values).rolling(window).sum()',
  rolling_var: 'pd.DataFrame(values).rolling(window).var()',
  sobol: 'qmc.Sobol(dimensions, scramble=False).random(points)',
  scenario_pnl: 'moves @ delta + 0.5 * (moves * moves) @ gamma',
  solve_spd: 'linalg.cho_solve(linalg.cho_factor(a), b)',
  svd: 'np.linalg.svd(a, full_matrices=False)',
  syrk: 'a @ a.T',
  triad: 'b + 3.0 * c',
};

/** One kernel, ready to run on arrays that stay. */
export interface KernelCase {
  readonly def: KernelDef;
  readonly run: () => unknown;
  /** Sizes and options that differ from their default, as a table shows them. */
  readonly shape: string;
  /** Plain numbers of the call by name, for the rival. */
  readonly numbers: Readonly<Record<string, number>>;
  /** Shape and content of each input, for the rival. */
  readonly inputs: Readonly<Record<string, { readonly shape: readonly number[]; readonly values: string }>>;
  readonly flops: number;
  /** Bytes that a call has to move: those of its arrays once, unless the definition says otherwise. */
  readonly bytes: number;
}

/** Returns the sizes and options of a kernel's bench. */
export function sizesOf(def: KernelDef): Record<string, unknown> {
  const sizes: Record<string, unknown> = { ...def.example };
  for (const name of Object.keys(sizes)) {
    if (name in SIZES && sizes[name] !== 0) sizes[name] = SIZES[name];
  }
  return { ...sizes, ...CHANGES[def.id] };
}

/** Returns one kernel ready to run; outputs are made once and written again by each call. Throws what the kernel throws. */
export function kernelCase(kernel: Pick<Kernel, 'def'>, dtype: Dtype): KernelCase {
  const { def } = kernel;
  const call = exampleCall(def, dtype, 1, sizesOf(def));
  for (const name of WITHOUT[def.id] ?? []) delete call[name];
  const run = kernel as unknown as (call: Record<string, unknown>) => Record<string, unknown>;
  const first = run(call);
  const all: Record<string, unknown> = { ...call };
  for (const [name, { role }] of Object.entries(def.arrays)) if (role === 'output') all[name] = first[name];
  const numbers: Record<string, number> = {};
  for (const name of [...Object.keys(def.sizes), ...Object.keys(def.options)]) {
    const value = Number(call[name] ?? def.options[name]?.default ?? def.sizes[name]?.default ?? 0);
    // A choice is no number.
    if (!Number.isNaN(value)) numbers[name] = value;
  }
  const arrays = Object.keys(def.arrays).flatMap((name) => (all[name] as NativeArray | undefined) ?? []);
  const names = new Set([...Object.keys(def.sizes), ...Object.keys(def.options)]);
  const read = Object.entries(def.arrays).filter(([name]) => call[name] !== undefined);
  return {
    def,
    run: () => run(all),
    shape: Object.keys(def.example)
      .filter((name) => call[name] !== 0)
      .map((name) => `${name} ${call[name]}`)
      .join(', '),
    numbers,
    inputs: Object.fromEntries(
      read.map(([name, spec]) => [
        name,
        { shape: shapeOf(def, spec, call), values: spec.values ?? 'normal' },
      ]),
    ),
    flops: parseExpression(def.flops, names)(numbers),
    bytes:
      def.bytes === undefined
        ? arrays.reduce((sum, { byteLength }) => sum + byteLength, 0)
        : parseExpression(def.bytes, names)(numbers),
  };
}

export { KERNELS };

/** Returns what `make` returns, or why it threw: one kernel that fails must not hide the figures of the others. */
export function tried<R>(make: () => R): R | string {
  try {
    return make();
  } catch (error) {
    return String(error);
  }
}
