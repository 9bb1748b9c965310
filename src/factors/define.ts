// What a factor is: one declaration from which the listing, the computation and the tests follow.
import { InvariantError } from '../core/errors.ts';

/** What a factor reads of a bar; `market` is the equal-weight return of the panel. */
export type FactorInput = 'close' | 'volume' | 'market';

export type FactorCategory =
  | 'momentum'
  | 'reversal'
  | 'volatility'
  | 'distribution'
  | 'market'
  | 'drawdown'
  | 'liquidity';

/**
 * The last bars of one symbol, oldest first: index `bars - 1` is the newest. The arrays are longer than `bars` and
 * reused for the next symbol. All closes are positive and finite.
 */
export interface FactorView {
  readonly bars: number;
  readonly close: Float64Array;
  /** Base units per bar; NaN where the source has none. */
  readonly volume: Float64Array;
  /** `close / previous close - 1`; NaN at index 0. */
  readonly simple: Float64Array;
  /** `ln(close / previous close)`; NaN at index 0. */
  readonly log: Float64Array;
  /** Mean of `simple` over the panel's symbols with a return at the same time; NaN at index 0. */
  readonly market: Float64Array;
}

/** One factor. See `defineFactor`. */
export interface FactorDef {
  /** Snake case, windows in bars at the end. */
  readonly name: string;
  readonly title: string;
  readonly category: FactorCategory;
  /** Bars needed for a value, the newest included; a return needs one bar more than it spans. */
  readonly lookback: number;
  readonly inputs: readonly FactorInput[];
  /** The formula in words and symbols: kind of return, window, degrees of freedom, edge rule. */
  readonly formula: string;
  readonly source: string;
  /** Returns the factor at the newest bar; called with at least `lookback` bars only. NaN where undefined. */
  compute(view: FactorView): number;
}

/**
 * Checks a definition and returns it, frozen.
 * @throws InvariantError when its name or lookback is malformed.
 */
export function defineFactor(def: FactorDef): FactorDef {
  if (!/^[a-z][a-z_]*(_\d+)*$/.test(def.name))
    throw new InvariantError(`factor ${def.name}: name is not snake case`);
  if (!Number.isInteger(def.lookback) || def.lookback < 2)
    throw new InvariantError(`factor ${def.name}: lookback`);
  return Object.freeze(def);
}

/** Returns the factor at the newest bar; NaN while the view has fewer bars than its lookback. */
export function factorValue(def: FactorDef, view: FactorView): number {
  return view.bars < def.lookback ? Number.NaN : def.compute(view);
}
