// The list of all factors: one import and one name per category.
import { InvariantError, NotFoundError } from '../core/errors.ts';
import type { FactorDef } from './define.ts';
import { distributionFactors } from './distribution.ts';
import { drawdownFactors } from './drawdown.ts';
import { liquidityFactors } from './liquidity.ts';
import { marketFactors } from './market.ts';
import { momentumFactors } from './momentum.ts';
import { volatilityFactors } from './volatility.ts';

/** Every factor, grouped by category. */
export const FACTORS: readonly FactorDef[] = [
  ...momentumFactors,
  ...volatilityFactors,
  ...distributionFactors,
  ...marketFactors,
  ...drawdownFactors,
  ...liquidityFactors,
];

const byName = new Map(FACTORS.map((def) => [def.name, def]));
if (byName.size !== FACTORS.length) throw new InvariantError('two factors share a name');

/**
 * Returns the definition of a factor.
 * @throws NotFoundError when there is none of this name.
 */
export function factor(name: string): FactorDef {
  const def = byName.get(name);
  if (def === undefined)
    throw new NotFoundError(`Expected one of the factors ${[...byName.keys()].join(', ')}`);
  return def;
}
