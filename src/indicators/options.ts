// Options of an indicator: the zod schema built from its definition, and the check every entry point uses.
import { z } from 'zod';
import { type FieldError, InvalidOptionError, pointerPart } from '../core/errors.ts';
import type { AnyIndicator, IndicatorDef, OptionSpec, OptionSpecs, OptionValues } from './define.ts';

/** The zod object of an indicator's options: every key optional with its default, unknown keys refused. */
export type OptionSchema<O extends OptionSpecs> = z.ZodObject<
  { [K in keyof O]: z.ZodDefault<z.ZodNumber> },
  z.core.$strict
>;

const schemas = new WeakMap<object, OptionSchema<OptionSpecs>>();

/**
 * Returns the zod 4 schema of a definition's options: integers and ranges, defaults, unknown keys refused, a
 * description with unit and range on each. Rules between options are checked by `parseOptions`, not by the schema.
 */
export function schemaOf<O extends OptionSpecs>(def: {
  readonly title: string;
  readonly options: O;
}): OptionSchema<O> {
  let schema = schemas.get(def);
  if (schema === undefined) {
    const shape = Object.fromEntries(
      Object.entries(def.options).map(([name, spec]) => [name, fieldOf(spec)]),
    );
    schema = z.strictObject(shape).describe(`Options of ${def.title}`);
    schemas.set(def, schema);
  }
  return schema as unknown as OptionSchema<O>;
}

/**
 * Returns complete options: given values checked, absent ones at their defaults.
 * @throws InvalidOptionError naming every wrong, unknown or contradictory option (pointers `/options/<name>`).
 */
export function parseOptions<O extends OptionSpecs, K extends string>(
  def: IndicatorDef<O, K, never> | AnyIndicator,
  given: Partial<OptionValues<O>> | undefined,
): OptionValues<O> {
  const parsed = schemaOf(def as AnyIndicator).safeParse(given ?? {});
  if (!parsed.success) {
    const all = parsed.error.issues.flatMap((issue) => fieldErrors(def as AnyIndicator, issue, given));
    // One option can break two checks (a fraction below the minimum); both say the same.
    const errors = [...new Map(all.map((error) => [error.pointer, error])).values()];
    const first = errors[0];
    throw new InvalidOptionError(
      first === undefined
        ? 'Expected valid options'
        : `Expected ${first.expected} for ${nameIn(first.pointer)}, was ${first.received}`,
      errors,
    );
  }
  const options = parsed.data as OptionValues<O>;
  for (const rule of (def as AnyIndicator).rules ?? []) {
    if (!rule.holds(options)) {
      const error = {
        pointer: `/options/${rule.option}`,
        expected: rule.expected,
        received: 'a contradicting value',
      };
      throw new InvalidOptionError(
        `Expected ${rule.expected} for ${rule.option}, was a contradicting value`,
        [error],
      );
    }
  }
  return options;
}

function fieldOf(spec: OptionSpec): z.ZodDefault<z.ZodNumber> {
  const base = spec.type === 'int' ? z.number().int() : z.number();
  return base
    .min(spec.min)
    .max(spec.max)
    .default(spec.default)
    .describe(`${spec.unit}, ${spec.min} to ${spec.max}`);
}

function fieldErrors(def: AnyIndicator, issue: z.core.$ZodIssue, given: unknown): FieldError[] {
  if (issue.code === 'unrecognized_keys') {
    const known = Object.keys(def.options).join(', ');
    return issue.keys.map((key) => ({
      pointer: `/options/${pointerPart(key)}`,
      expected: `one of the options ${known}`,
      received: 'an unknown option',
    }));
  }
  const name = String(issue.path[0] ?? '');
  const spec = def.options[name];
  if (spec === undefined) return [{ pointer: '/options', expected: 'an object', received: typeof given }];
  const value = (given as Record<string, unknown>)[name];
  return [
    {
      pointer: `/options/${name}`,
      expected: `${spec.type === 'int' ? 'an integer' : 'a number'} from ${spec.min} to ${spec.max}`,
      received: kindOf(value),
    },
  ];
}

function kindOf(value: unknown): string {
  if (typeof value !== 'number') return value === null ? 'null' : typeof value;
  if (!Number.isFinite(value)) return 'not finite';
  return Number.isInteger(value) ? 'an integer out of range' : 'a fraction or out of range';
}

function nameIn(pointer: string): string {
  return pointer.slice(pointer.lastIndexOf('/') + 1);
}
