// Parameters of the checks: their defaults for a kind of records, and what users set instead.
import { type FieldError, InvalidOptionError } from '../../core/errors.ts';
import type { FlagName } from '../flags.ts';
import type { MarketKind } from '../records.ts';
import { CHECKS } from './checks/index.ts';
import type { Values } from './definition.ts';

/** Values that replace defaults: `{ outlier: { deviations: 20 } }`. */
export type ParameterOverrides = Partial<Readonly<Record<FlagName, Readonly<Record<string, number>>>>>;

/** Returns the values of all checks of a kind by flag. Throws InvalidOptionError for names that are none and values out of range. */
export function parametersOf(kind: MarketKind, overrides: ParameterOverrides = {}): Record<string, Values> {
  const errors: FieldError[] = [];
  const checks = CHECKS.filter((check) => check.kinds.includes(kind));
  for (const flag of Object.keys(overrides)) {
    if (!CHECKS.some((check) => check.flag === flag)) {
      errors.push({ pointer: '/parameters', expected: 'flags that are judged', received: 'another' });
    }
  }
  const all: Record<string, Values> = {};
  for (const { flag, parameters } of checks) {
    const given = overrides[flag] ?? {};
    for (const name of Object.keys(given)) {
      if (name in parameters) continue;
      const expected = `one of ${Object.keys(parameters).join(', ') || 'no parameters'}`;
      errors.push({ pointer: `/parameters/${flag}`, expected, received: 'another' });
    }
    const values: Record<string, number> = {};
    for (const [name, parameter] of Object.entries(parameters)) {
      const { min, max, integer } = parameter;
      const value = given[name] ?? parameter.defaults?.[kind] ?? parameter.default;
      const fits = Number.isFinite(value) && value >= min && value <= max;
      if (!fits || (integer && !Number.isInteger(value))) {
        const expected = `${integer ? 'an integer' : 'a number'} from ${min} to ${max}`;
        errors.push({ pointer: `/parameters/${flag}/${name}`, expected, received: typeof value });
      }
      values[name] = value;
    }
    all[flag] = values;
  }
  if (errors.length > 0) throw new InvalidOptionError('Expected parameters of quality checks', errors);
  return all;
}
