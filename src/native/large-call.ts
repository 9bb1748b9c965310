// An ordinary large call of each kernel: its sizes, work and traffic. For the expectations in the docs and for calibration.
import { type KernelDef, resolveDim } from './define.ts';
import { parseExpression } from './expression.ts';

/** Sizes of an ordinary large call; options that a cost depends on among them. */
const SIZES: Readonly<Record<string, number>> = {
  ...{
    bars: 10_000,
    series: 1_000,
    window: 20,
    observations: 5_000,
    assets: 500,
    factors: 5,
    probabilities: 9,
  },
  ...{ m: 2_048, n: 2_048, k: 2_048, nrhs: 1, rows: 1_000, columns: 500, components: 50, count: 10_000_000 },
  ...{ paths: 1_000_000, steps: 252, dimensions: 252, points: 1_000_000, blocks: 10_000_000, batch: 10_000 },
  ...{ length: 100_000_000, bins: 100, expected: 100_000, actual: 100_000, gridTimes: 0, gridSpots: 0 },
};
const OWN_SIZES: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  batched_gemm: { m: 16, n: 16, k: 16 },
  gemv: { m: 8_192, n: 8_192 },
  mc_basket: { assets: 10 },
  mc_portfolio: { assets: 100 },
  argsort: { rows: 1_000, count: 10_000 },
  column_summaries: { rows: 65_536, columns: 1_000 },
  limit_usage: { scenarios: 10_000, positions: 1_000, limits: 100 },
  brinson_attribution: { periods: 10_000, groups: 500 },
  factor_attribution: { periods: 10_000, factors: 500 },
  scenario_pnl: { scenarios: 10_000, positions: 5_000, factors: 1_000 },
  coordinate_descent: { columns: 1_000 },
  kmeans: { rows: 1_000_000, columns: 16 },
  dbscan: { rows: 1_000_000, columns: 3 },
  hmm_fit: { rows: 100_000, columns: 3 },
  hmm_states: { rows: 100_000, columns: 3, states: 3 },
  linear_log_loss: { rows: 100_000, columns: 30, scores: 3 },
  tree_histograms: { rows: 1_000_000, features: 100, nodes: 8 },
  qp_products: { batch: 1, variables: 2_000, constraints: 4_000 },
};

/** Bars and series of an ordinary large panel of indicators. */
export const LARGE_PANEL = { bars: 10_000, series: 1_000 } as const;

/** Sizes from this one on are what makes a call large; the others say what kind of call it is. */
const EXTENT = 500;

/** Returns the sizes and number options of an ordinary large call by name. */
export function largeCall(def: KernelDef): Record<string, number> {
  const values: Record<string, number> = {};
  for (const [name, { default: absent }] of Object.entries(def.sizes))
    values[name] = OWN_SIZES[def.id]?.[name] ?? SIZES[name] ?? absent ?? 1;
  for (const [name, option] of Object.entries(def.options))
    values[name] = SIZES[name] ?? (typeof option.default === 'number' ? option.default : 1);
  return values;
}

/** Returns the sizes that a call of a kernel grows by, and what each is in the large call. */
export function extents(def: KernelDef): ReadonlyMap<string, number> {
  const large = largeCall(def);
  const counts = Object.entries(def.options).filter(([name, { kind }]) => kind === 'int' && name in SIZES);
  const names = [...Object.keys(def.sizes), ...counts.map(([name]) => name)];
  return new Map(names.filter((name) => large[name]! >= EXTENT).map((name) => [name, large[name]!] as const));
}

/** Returns the floating-point operations of a call by its definition. */
export function operationsOf(def: KernelDef, values: Readonly<Record<string, number>>): number {
  return parseExpression(def.flops, new Set(Object.keys(values)))(values);
}

/** Returns the elements of all arrays of a call, optional ones among them. */
export function elementsOf(def: KernelDef, values: Readonly<Record<string, number>>): number {
  let elements = 0;
  for (const { dims } of Object.values(def.arrays)) {
    let length = 1;
    for (const dim of dims) {
      const { of, name, offset } = resolveDim(def, dim);
      length *= of === 'number' ? offset : values[name]! + offset;
    }
    elements += length;
  }
  return elements;
}
