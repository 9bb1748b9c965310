// What a schema found wrong with an input, as fields: where each is, what was expected there, what kind of thing came.
import type { z } from 'zod';
import { type FieldError, InvalidOptionError, pointerPart } from './errors.ts';

/** What zod says is wrong in one place. */
export type Issue = z.core.$ZodIssue;

/** Fields that are named at most; a body may break its schema in every element of a long list. */
const MAX_FIELDS = 64;

/**
 * Returns the broken fields. `place` is that of the input: empty for a body, else `query`, `path` or `header`, before the pointer. `value` is the input
 * itself, by which a field that is missing is told from one that is wrong; values are never echoed.
 */
export function fieldErrors(issues: readonly Issue[], place = '', value?: unknown): FieldError[] {
  return issues
    .flatMap((issue) => errorsOf(issue, [], value))
    .slice(0, MAX_FIELDS)
    .map(({ path, expected, received }) => {
      const parts = path.map(pointerPart);
      const pointer = place === '' ? parts.map((part) => `/${part}`).join('') : [place, ...parts].join('/');
      return received === undefined ? { pointer, expected } : { pointer, expected, received };
    });
}

/** Returns the error of broken fields, the first three of them in words; `whole` is what the input as a whole is called. */
export function invalidFields(errors: readonly FieldError[], whole = 'the body'): InvalidOptionError {
  const named = errors.map(
    ({ pointer, expected, received }) =>
      `Expected ${expected} for ${pointer || whole}${received === undefined ? '' : `, was ${received}`}`,
  );
  return new InvalidOptionError(named.slice(0, 3).join('; ') || 'Invalid request', errors);
}

interface Broken {
  readonly path: readonly PropertyKey[];
  readonly expected: string;
  readonly received?: string | undefined;
}

// zod says "Invalid input: expected number, received string": kinds of values, never the values.
const EXPECTED_RECEIVED = /expected (.+?), received (.+)$/;
const PREFIX = /^(Invalid \w+|Too small|Too big)(: |$)/;

function errorsOf(issue: Issue, above: readonly PropertyKey[], value: unknown): Broken[] {
  const path = [...above, ...issue.path];
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ path: [...path, key], expected: 'no field of this name' }));
  if (issue.code === 'invalid_key')
    return issue.issues.map(({ message }) => ({ path, expected: `${expectation(message)} as its name` }));
  if (issue.code === 'invalid_union') {
    // Which alternative is meant is told by one field.
    if ('options' in issue && Array.isArray(issue.options))
      return [
        {
          path,
          expected: `one of ${issue.options.map((option) => JSON.stringify(option)).join('|')}`,
          received: missing(value, path),
        },
      ];
    return alternatives(issue.errors, path, value);
  }
  const match = EXPECTED_RECEIVED.exec(issue.message);
  if (!match) return [{ path, expected: expectation(issue.message), received: missing(value, path) }];
  return [{ path, expected: match[1]!, received: match[2] === 'undefined' ? 'missing' : match[2]! }];
}

// Of alternatives that are objects or lists, the one is meant whose kind came: what is wrong is within it.
function alternatives(
  all: readonly (readonly Issue[])[],
  path: readonly PropertyKey[],
  value: unknown,
): Broken[] {
  const meant = all.filter((issues) =>
    issues.every((issue) => issue.path.length > 0 || issue.code === 'unrecognized_keys'),
  );
  if (meant.length === 1) return meant[0]!.flatMap((issue) => errorsOf(issue, path, value));
  const here = all.flatMap((issues) => issues.filter((issue) => issue.path.length === 0));
  const found = here
    .flatMap((issue) => errorsOf(issue, path, value))
    .filter((broken) => broken.path.length === path.length);
  const expected = [...new Set(found.map((broken) => broken.expected))].join(' or ');
  return [{ path, expected: expected || 'a valid value', received: missing(value, path) }];
}

// Undefined where the input is not known, or has something there.
function missing(value: unknown, path: readonly PropertyKey[]): string | undefined {
  if (value === undefined) return undefined;
  let at: unknown = value;
  for (const part of path) at = (at as Record<PropertyKey, unknown> | null | undefined)?.[part];
  return at === undefined ? 'missing' : undefined;
}

// Turns the forms of zod into words that follow "Expected": "Too small: expected number to be >=1" is "number >=1".
function expectation(message: string): string {
  const words = message
    .replace(PREFIX, '')
    .replace(/^expected /i, '')
    .replace(' to be ', ' ')
    .replace(' to have ', ' with ');
  return words === '' ? 'a valid value' : words.charAt(0).toLowerCase() + words.slice(1);
}
