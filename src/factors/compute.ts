// Factor values of a whole panel, or of one of its symbols.
import { type FactorDef, factorValue } from './define.ts';
import type { Panel } from './panel.ts';
import { FACTORS, factor } from './registry.ts';

/** Factor values at the newest bar of each symbol. */
export interface FactorTable {
  /** The order of every array. */
  readonly symbols: readonly string[];
  /** By factor name: shape [symbols]; NaN where there is too little history or the formula is undefined. */
  readonly factors: Readonly<Record<string, Float64Array>>;
}

/**
 * Returns the factors of every symbol at its newest bar; all factors unless `names` says which.
 * @throws NotFoundError when a name is no factor.
 */
export function computeFactors(panel: Panel, names?: readonly string[]): FactorTable {
  const defs = pick(names);
  const symbols = [...panel.symbols];
  const columns = defs.map(() => new Float64Array(symbols.length));
  const view = panel.view();
  for (let s = 0; s < symbols.length; s++) {
    panel.read(symbols[s] as string, view);
    for (let f = 0; f < defs.length; f++)
      (columns[f] as Float64Array)[s] = factorValue(defs[f] as FactorDef, view);
  }
  return {
    symbols,
    factors: Object.fromEntries(defs.map((def, f) => [def.name, columns[f] as Float64Array])),
  };
}

/**
 * Returns the factors of one symbol at its newest bar, by name: what `computeFactors` gives for it.
 * @throws NotFoundError when a name is no factor or the symbol is not in the panel.
 */
export function factorsOf(panel: Panel, symbol: string, names?: readonly string[]): Record<string, number> {
  const defs = pick(names);
  const view = panel.view();
  panel.read(symbol, view);
  return Object.fromEntries(defs.map((def) => [def.name, factorValue(def, view)]));
}

function pick(names: readonly string[] | undefined): readonly FactorDef[] {
  return names === undefined ? FACTORS : names.map(factor);
}
