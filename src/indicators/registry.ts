// Finds an indicator by its name.
import { NotFoundError } from '../core/errors.ts';
import { CATALOGUE } from './catalogue.ts';
import type { AnyIndicator } from './define.ts';

/** Every indicator, by name in alphabetical order. */
export const INDICATORS: readonly AnyIndicator[] = CATALOGUE as readonly unknown[] as readonly AnyIndicator[];

const byName = new Map(INDICATORS.map((def) => [def.name, def]));

/**
 * Returns the definition of an indicator.
 * @throws NotFoundError when there is none of this name.
 */
export function indicator(name: string): AnyIndicator {
  const def = byName.get(name);
  if (def === undefined)
    throw new NotFoundError(`Expected one of the indicators ${[...byName.keys()].join(', ')}`);
  return def;
}
