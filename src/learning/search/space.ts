// Search spaces: what a request may say, what is refused, and which points belong to a space. Coordinates are in axis.ts.
import { z } from 'zod';
import { type FieldError, InvalidOptionError, pointerPart } from '../../core/errors.ts';
import { counts, settingsOf, treeSizes } from './tree.ts';
import type { Choice, Dimension, Point, Space } from './types.ts';

/** Most dimensions of a space, values of a choice, and steps of a stepped range. */
export const SPACE_LIMITS = { dimensions: 200, values: 1000, steps: 1e9 } as const;

/** Bounds beyond it, either way, are refused: their differences would leave float64. */
const MAX_BOUND = 1e100;
/** Steps below this part of the larger bound are refused: float64 could not tell neighbours apart. */
const LEAST_STEP = 1e-11;

const name = z
  .string()
  .max(200)
  .regex(/^[A-Za-z][\w.:/-]*$/)
  .describe('a letter, then letters, digits and _ . : / -');
const choice = z.union([z.string().max(200), z.number(), z.boolean()]);
const when = z
  .strictObject({
    dimension: name.describe('an earlier dimension of kind choice'),
    values: z
      .array(choice)
      .min(1)
      .max(SPACE_LIMITS.values)
      .describe('values of it with which this one counts'),
  })
  .optional()
  .describe('the dimension counts at these points only; at all when absent');
const logarithmic = z.boolean().default(false).describe('searched by its logarithm; low is above 0 then');
const bound = z.number().min(-MAX_BOUND).max(MAX_BOUND);
const whole = z.number().int().min(Number.MIN_SAFE_INTEGER).max(Number.MAX_SAFE_INTEGER);

/** A space as a request says it. What the schema can't see is refused by {@link checkSpace}. */
export const spaceSchema = z
  .array(
    z.discriminatedUnion('kind', [
      z.strictObject({
        kind: z.literal('float'),
        name,
        low: bound.describe('least value'),
        high: bound.describe('greatest value'),
        log: logarithmic,
        step: z.number().gt(0).max(MAX_BOUND).optional().describe('only low, low + step, ...; not with log'),
        when,
      }),
      z.strictObject({
        kind: z.literal('int'),
        name,
        low: whole.describe('least value'),
        high: whole.describe('greatest value'),
        log: logarithmic,
        step: whole.min(1).optional().describe('only low, low + step, ...; not with log'),
        when,
      }),
      z.strictObject({
        kind: z.literal('choice'),
        name,
        values: z.array(choice).min(1).max(SPACE_LIMITS.values).describe('each once'),
        when,
      }),
    ]),
  )
  .min(1)
  .max(SPACE_LIMITS.dimensions)
  .describe('dimensions in the order in which they are drawn')
  .transform((dimensions) => dimensions as Space);

/**
 * Throws InvalidOptionError that names each fault of a space below `pointer`: no dimension or too many, doubled names or values, bounds that are not
 * finite or in the wrong order, a logarithm of what is not above 0, steps that never fit, conditions on what is no earlier choice.
 */
export function checkSpace(space: Space, pointer = '/space'): void {
  const errors: FieldError[] = [];
  const limit = SPACE_LIMITS.dimensions;
  if (space.length === 0 || space.length > limit) {
    errors.push({ pointer, expected: `1 to ${limit} dimensions`, received: `${space.length}` });
  } else {
    const earlier = new Map<string, Dimension>();
    for (const [at, dimension] of space.entries()) {
      const here = `${pointer}/${at}`;
      if (earlier.has(dimension.name)) {
        errors.push({ pointer: `${here}/name`, expected: 'a name of its own', received: 'a doubled name' });
      }
      errors.push(
        ...(dimension.kind === 'choice' ? valueFaults(dimension.values, here) : rangeFaults(dimension, here)),
      );
      errors.push(...conditionFaults(dimension, earlier, here));
      earlier.set(dimension.name, dimension);
    }
  }
  const first = errors[0];
  if (first) throw new InvalidOptionError(`Expected ${first.expected} for ${first.pointer}`, errors);
}

function valueFaults(values: readonly Choice[], here: string): FieldError[] {
  const errors: FieldError[] = [];
  const limit = SPACE_LIMITS.values;
  if (values.length === 0 || values.length > limit) {
    errors.push({
      pointer: `${here}/values`,
      expected: `1 to ${limit} values`,
      received: `${values.length}`,
    });
  }
  for (const [at, value] of values.entries()) {
    const where = `${here}/values/${at}`;
    if (typeof value === 'number' && !Number.isFinite(value)) {
      errors.push({ pointer: where, expected: 'a finite number', received: 'not finite' });
    } else if (values.indexOf(value) < at) {
      errors.push({ pointer: where, expected: 'a value of its own', received: 'a doubled value' });
    }
  }
  return errors;
}

function rangeFaults(dimension: Exclude<Dimension, { kind: 'choice' }>, here: string): FieldError[] {
  const { kind, low, high, log = false, step } = dimension;
  const fault = (field: string, expected: string, received: string): FieldError[] => [
    { pointer: `${here}/${field}`, expected, received },
  ];
  for (const [field, value] of [
    ['low', low],
    ['high', high],
  ] as const) {
    if (!Number.isFinite(value)) return fault(field, 'a finite number', 'not finite');
    if (kind === 'int' && !Number.isSafeInteger(value)) return fault(field, 'an integer', 'a number');
    if (Math.abs(value) > MAX_BOUND)
      return fault(field, 'a number of at most 1e100 in size', 'a larger number');
  }
  if (low > high) return fault('low', 'a number of at most high', 'a greater number');
  if (log && low <= 0) return fault('low', 'a number above 0, since log is set', 'a number of at most 0');
  if (step === undefined) return [];
  if (log) return fault('step', 'no step, since log is set', 'a number');
  if (!(step > 0 && Number.isFinite(step))) return fault('step', 'a finite number above 0', 'another number');
  if (kind === 'int' && !Number.isSafeInteger(step)) return fault('step', 'an integer', 'a number');
  if (high > low && settingsOf(dimension) === 1)
    return fault('step', 'a number of at most high - low', 'a greater number');
  if (
    step < Math.max(Math.abs(low), Math.abs(high)) * LEAST_STEP ||
    (high - low) / step > SPACE_LIMITS.steps
  ) {
    return fault('step', `at most ${SPACE_LIMITS.steps} steps that float64 tells apart`, 'a smaller number');
  }
  return [];
}

function conditionFaults(
  { when }: Dimension,
  earlier: ReadonlyMap<string, Dimension>,
  here: string,
): FieldError[] {
  if (!when) return [];
  const parent = earlier.get(when.dimension);
  if (parent?.kind !== 'choice') {
    const received = parent ? `a dimension of kind ${parent.kind}` : 'no earlier dimension';
    return [{ pointer: `${here}/when/dimension`, expected: 'an earlier dimension of kind choice', received }];
  }
  if (when.values.length === 0) {
    return [{ pointer: `${here}/when/values`, expected: 'at least 1 value', received: '0' }];
  }
  const errors: FieldError[] = [];
  for (const [at, value] of when.values.entries()) {
    const pointer = `${here}/when/values/${at}`;
    if (!parent.values.includes(value)) {
      errors.push({ pointer, expected: 'a value of the dimension that it names', received: 'another value' });
    } else if (when.values.indexOf(value) < at) {
      errors.push({ pointer, expected: 'a value of its own', received: 'a doubled value' });
    }
  }
  return errors;
}

/** Throws InvalidOptionError below `pointer` unless `point` has a value in range for each dimension that counts, and nothing else. */
export function checkPoint(space: Space, point: Point, pointer = '/point'): void {
  const errors: FieldError[] = [];
  const known = new Set<string>();
  for (const dimension of space) {
    const here = `${pointer}/${pointerPart(dimension.name)}`;
    const present = Object.hasOwn(point, dimension.name);
    if (counts(dimension, point)) {
      known.add(dimension.name);
      if (!present) errors.push({ pointer: here, expected: rangeOf(dimension), received: 'missing' });
      else if (!fits(dimension, point[dimension.name]!)) {
        errors.push({ pointer: here, expected: rangeOf(dimension), received: 'another value' });
      }
    }
  }
  for (const extra of Object.keys(point)) {
    if (known.has(extra)) continue;
    const expected = 'nothing where no dimension counts';
    errors.push({ pointer: `${pointer}/${pointerPart(extra)}`, expected, received: 'a value' });
  }
  const first = errors[0];
  if (first) throw new InvalidOptionError(`Expected ${first.expected} for ${first.pointer}`, errors);
}

function rangeOf(dimension: Dimension): string {
  if (dimension.kind === 'choice') return `one of the ${dimension.values.length} values`;
  const { kind, low, high, step } = dimension;
  const number = kind === 'int' ? 'an integer' : 'a number';
  return `${number} from ${low} to ${high}${step === undefined ? '' : ` in steps of ${step}`}`;
}

function fits(dimension: Dimension, value: Choice): boolean {
  if (dimension.kind === 'choice') return dimension.values.includes(value);
  if (typeof value !== 'number' || !(value >= dimension.low && value <= dimension.high)) return false;
  if (dimension.kind === 'int' && !Number.isInteger(value)) return false;
  if (dimension.step === undefined) return true;
  const steps = (value - dimension.low) / dimension.step;
  // Sums of decimal fractions miss by bits; a step is at least 1e-11 of the bounds, so this tells neighbours apart.
  return Math.abs(steps - Math.round(steps)) < 1e-3;
}

/**
 * Returns how many points a space has, Infinity where a float without step can count. Beyond 2^53 the number is rounded. Conditions name one earlier
 * choice each, so that the dimensions are trees whose sizes multiply.
 */
export function pointsOf(space: Space): number {
  const sizes = treeSizes(space);
  return space.reduce((points, dimension, at) => (dimension.when ? points : points * sizes[at]!), 1);
}
