// The list of all indicators: one import and one name each.
import { InvariantError, NotFoundError } from '../core/errors.ts';
import atr from './atr/def.ts';
import bollinger from './bollinger/def.ts';
import type { AnyIndicator } from './define.ts';
import ema from './ema/def.ts';
import macd from './macd/def.ts';
import rsi from './rsi/def.ts';

const byFolder: Readonly<Record<string, AnyIndicator>> = { atr, bollinger, ema, macd, rsi };

for (const [folder, def] of Object.entries(byFolder)) {
  if (def.name !== folder) throw new InvariantError(`indicator ${def.name} lives in the folder ${folder}`);
}

/** Every indicator, by name in alphabetical order. */
export const INDICATORS: readonly AnyIndicator[] = Object.values(byFolder);

/**
 * Returns the definition of an indicator.
 * @throws NotFoundError when there is none of this name.
 */
export function indicator(name: string): AnyIndicator {
  if (!Object.hasOwn(byFolder, name)) {
    throw new NotFoundError(`Expected one of the indicators ${Object.keys(byFolder).join(', ')}`);
  }
  return byFolder[name] as AnyIndicator;
}
