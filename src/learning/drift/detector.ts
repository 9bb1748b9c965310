// What detectors on streams share: options within their ranges, values that are numbers, states that are theirs.
import { InvalidOptionError, NonFiniteInputError } from '../../core/errors.ts';

/** Returns `value`. Throws `NonFiniteInputError` for NaN and infinity. */
export function finiteValue(value: number): number {
  if (Number.isFinite(value)) return value;
  throw new NonFiniteInputError('Expected a finite number for value', [
    { pointer: 'value', expected: 'a finite number', received: 'not finite' },
  ]);
}

/** Returns an option within its range: an integer of at least `least`, or a number above and below. Throws `InvalidOptionError`. */
export function detectorNumber(
  value: number | undefined,
  fallback: number,
  pointer: string,
  range: { readonly least: number } | { readonly above: number; readonly below: number },
): number {
  const given = value ?? fallback;
  const sound =
    'least' in range
      ? Number.isSafeInteger(given) && given >= range.least
      : Number.isFinite(given) && given > range.above && given < range.below;
  if (sound) return given;
  const expected =
    'least' in range
      ? `an integer of at least ${range.least}`
      : `a number above ${range.above}${range.below < Infinity ? ` and below ${range.below}` : ''}`;
  throw new InvalidOptionError(`Expected ${expected} for ${pointer}`, [{ pointer, expected }]);
}

/** Throws `InvalidOptionError`: the state is not one of the detector. */
export function refusedState(detector: string): never {
  const expected = `a state that ${detector} was written as`;
  throw new InvalidOptionError(`Expected ${expected}`, [{ pointer: 'state', expected }]);
}
