// Quick copies against the schemas that they stand for: on good bodies of every topic, on broken ones, on odd schemas.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { z } from 'zod';
import { quickCheck, quickCopy } from './quick-copy.ts';
import { topics } from './topics.ts';

type Definition = Record<'entries' | 'shape', Record<string, never>> &
  Record<'innerType' | 'element' | 'valueType', z.ZodType> & { type: string; values: unknown[] };

const numbers = fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.double(), fc.double({ min: 0, max: 1 }));
const texts = fc.oneof(fc.string(), fc.stringMatching(/^-?\d+(\.\d+)?$/));

/** Good bodies of a schema, from its own description. */
function bodiesOf(schema: z.ZodType): fc.Arbitrary<unknown> {
  const def = schema._zod.def as unknown as Definition;
  const passing = <T>(values: fc.Arbitrary<T>) => values.filter((value) => schema.safeParse(value).success);
  switch (def.type) {
    case 'string':
      return passing(texts);
    case 'number':
      return passing(numbers);
    case 'boolean':
      return fc.boolean();
    case 'enum':
      return fc.constantFrom(...Object.values(def.entries));
    case 'nullable':
      return fc.option(bodiesOf(def.innerType));
    case 'array':
      return fc.array(bodiesOf(def.element), { maxLength: 3 });
    case 'record':
      return fc.dictionary(
        fc.string().filter((key) => key !== '__proto__'),
        bodiesOf(def.valueType),
        { maxKeys: 4, noNullPrototype: true },
      );
    case 'object':
      return fc.record(
        Object.fromEntries(Object.entries(def.shape).map(([key, part]) => [key, bodiesOf(part)])),
        { noNullPrototype: true },
      );
    default:
      throw new Error(`no bodies for ${def.type}`);
  }
}

const oddities = fc.constantFrom<unknown>(
  undefined,
  null,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  -1,
  1.5,
  2 ** 53,
  '',
  'x'.repeat(300),
  '1.',
  true,
  {},
  [],
  new Date(0),
  Object.create(null),
  10n,
);

/** Replaces, removes or adds something at a random depth of a body; changes it in place. */
function breakAt(body: unknown, turns: readonly number[], oddity: unknown): void {
  let node = body as Record<string, unknown>;
  for (const turn of turns) {
    const keys = Object.keys(node);
    const key = turn % 7 === 0 || keys.length === 0 ? 'unknown_key' : keys[turn % keys.length]!;
    const next = node[key];
    if (turn % 3 !== 0 && typeof next === 'object' && next !== null && !(next instanceof Date)) {
      node = next as Record<string, unknown>;
      continue;
    }
    if (turn % 5 === 0) delete node[key];
    else node[key] = oddity;
    return;
  }
}

const quick = Object.values(topics).flatMap((topic) => {
  const copy = quickCopy(topic.schema);
  const check = quickCheck(topic.schema);
  return copy && check ? [{ name: topic.name, schema: topic.schema as z.ZodType, copy, check }] : [];
});

describe('quick copies', () => {
  test('stand for every topic that carries a message for each bar', () => {
    expect(quick.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'market.live_data',
        'features.values',
        'ml.predictions',
        'portfolio.valuations',
        'analytics.metrics',
        'risk.portfolio_updates',
      ]),
    );
  });

  for (const { name, schema, copy, check } of quick) {
    test(`${name}: a good body comes back as its schema returns it, and as a copy`, () => {
      fc.assert(
        fc.property(bodiesOf(schema), (body) => {
          const copied = copy(body);
          expect(copied).not.toBe(body);
          expect(JSON.stringify(copied)).toBe(JSON.stringify(schema.parse(body)));
          expect(copied).toEqual(schema.parse(body));
          expect(check(body)).toBe(body);
        }),
        { numRuns: 50 },
      );
    });

    test(`${name}: a broken body is never taken, or is taken as its schema takes it`, () => {
      const turns = fc.array(fc.nat(1000), { minLength: 1, maxLength: 4 });
      fc.assert(
        fc.property(bodiesOf(schema), turns, oddities, (body, path, oddity) => {
          breakAt(body, path, oddity);
          const copied = copy(body);
          const checked = schema.safeParse(body);
          // Without a copy the same is taken, as it is, and texts of another form.
          const taken = check(body);
          if (copied !== undefined) expect(taken).toBe(body);
          else if (taken !== undefined) {
            expect(taken as object).toBe(body as object);
            expect(checked.error!.issues.every(({ code }) => code === 'invalid_format')).toBe(true);
          }
          if (copied === undefined) return;
          expect(checked.success).toBe(true);
          expect(copied).toEqual(checked.data as object);
        }),
        { numRuns: 200 },
      );
    });
  }

  test('leave to the schema what is no plain object', () => {
    const copy = quickCopy(z.object({ a: z.number() }))!;
    expect(copy({ a: 1, b: 2 })).toEqual({ a: 1 });
    const others = [[], new Date(), null, 'a', Object.create(null)];
    expect(others.filter((value) => copy(value) !== undefined)).toEqual([]);
  });

  test('are not made of schemas that change, combine or check in ways of their own', () => {
    const schemas = [
      z.object({ a: z.number() }).refine(() => true),
      z.strictObject({ a: z.number() }),
      z.looseObject({ a: z.number() }),
      z.object({ a: z.number().optional() }),
      z.object({ a: z.number().default(1) }),
      z.string().trim(),
      z.string().transform((s) => s.length),
      z.uuid(),
      z.int32(),
      z.number().multipleOf(2),
      z.union([z.string(), z.number()]),
      z.unknown(),
      z.literal(1),
      z.record(z.enum(['a']), z.number()),
      z.array(z.number()).min(1),
      z.string().regex(/a/g),
    ];
    expect(schemas.filter((schema) => quickCopy(schema) !== null)).toEqual([]);
  });
});
