import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { InvalidOptionError } from '../../core/errors.ts';
import { cellOf, fromUnit, pointAt, settingAt, toUnit, unitsOf } from './axis.ts';
import { checkPoint, checkSpace, pointsOf, spaceSchema } from './space.ts';
import { spaces } from './test-spaces.ts';
import { counts, settingsOf } from './tree.ts';
import type { Dimension, Point, Space } from './types.ts';

const booster: Space = [
  { name: 'family', kind: 'choice', values: ['mlp', 'boosting'] },
  { name: 'rate', kind: 'float', low: 1e-4, high: 1, log: true },
  {
    name: 'leaves',
    kind: 'int',
    low: 2,
    high: 256,
    log: true,
    when: { dimension: 'family', values: ['boosting'] },
  },
  {
    name: 'dropout',
    kind: 'float',
    low: 0,
    high: 0.5,
    step: 0.1,
    when: { dimension: 'family', values: ['mlp'] },
  },
];

/** The pointers that are refused. */
function refused(run: () => void): string[] {
  try {
    run();
  } catch (error) {
    if (error instanceof InvalidOptionError) return (error.extras.errors ?? []).map(({ pointer }) => pointer);
    throw error;
  }
  return [];
}

const float = (rest: Partial<Extract<Dimension, { kind: 'float' }>>): Dimension => ({
  name: 'x',
  kind: 'float',
  low: 0,
  high: 1,
  ...rest,
});
const choice: Dimension = { name: 'c', kind: 'choice', values: ['a', 'b'] };

describe('a space', () => {
  const faults: [string, Space, string][] = [
    ['no dimension', [], '/space'],
    ['bounds in the wrong order', [float({ low: 2 })], '/space/0/low'],
    ['an infinite bound', [float({ high: Number.POSITIVE_INFINITY })], '/space/0/high'],
    ['a bound that is no number', [float({ low: Number.NaN })], '/space/0/low'],
    ['a bound whose differences are infinite', [float({ high: 1.7e308 })], '/space/0/high'],
    ['the logarithm of zero', [float({ log: true })], '/space/0/low'],
    ['a logarithm with a step', [float({ low: 0.1, log: true, step: 0.1 })], '/space/0/step'],
    ['a step that never fits', [float({ step: 1.5 })], '/space/0/step'],
    ['a step of zero', [float({ step: 0 })], '/space/0/step'],
    [
      'steps that float64 does not tell apart',
      [float({ low: 1, high: 1.0001, step: 1e-14 })],
      '/space/0/step',
    ],
    ['a fraction as bound of an integer', [{ name: 'n', kind: 'int', low: 0.5, high: 3 }], '/space/0/low'],
    [
      'a fraction as step of an integer',
      [{ name: 'n', kind: 'int', low: 0, high: 3, step: 0.5 }],
      '/space/0/step',
    ],
    ['a choice of nothing', [{ ...choice, values: [] } as Dimension], '/space/0/values'],
    ['a doubled value', [{ ...choice, values: [1, '1', 1] } as Dimension], '/space/0/values/2'],
    ['a doubled name', [float({}), float({})], '/space/1/name'],
    [
      'a condition on a later dimension',
      [float({ when: { dimension: 'c', values: ['a'] } }), choice],
      '/space/0/when/dimension',
    ],
    ['a condition on itself', [float({ when: { dimension: 'x', values: [1] } })], '/space/0/when/dimension'],
    [
      'a condition on a range',
      [float({}), { ...choice, when: { dimension: 'x', values: [1] } }],
      '/space/1/when/dimension',
    ],
    [
      'a condition that never holds',
      [choice, float({ when: { dimension: 'c', values: ['z'] } })],
      '/space/1/when/values/0',
    ],
    [
      'a condition without values',
      [choice, float({ when: { dimension: 'c', values: [] } })],
      '/space/1/when/values',
    ],
  ];
  test.each(faults)('is refused with %s', (_, space, pointer) => {
    expect(refused(() => checkSpace(space))).toEqual([pointer]);
  });

  test('has all its faults named at once, below the pointer of the caller', () => {
    const space = [float({ low: 2 }), { ...choice, values: [] } as Dimension];
    expect(refused(() => checkSpace(space, '/search_space/mlp'))).toEqual([
      '/search_space/mlp/0/low',
      '/search_space/mlp/1/values',
    ]);
  });

  test('comes out of a request as it is, and a field that is not known is refused', () => {
    expect(spaceSchema.parse(booster.map((dimension) => ({ ...dimension })))).toMatchObject([...booster]);
    expect(spaceSchema.safeParse([{ ...choice, value: 'a' }]).success).toBe(false);
    expect(spaceSchema.safeParse([float({ name: '__proto__' })]).success).toBe(false);
    expect(spaceSchema.safeParse([]).success).toBe(false);
  });

  test('passes the check when it is made of ranges and conditions that hold together', () => {
    fc.assert(fc.property(spaces, (space) => checkSpace(space)));
  });
});

describe('the number of points', () => {
  test('adds what hangs on each value of a choice', () => {
    const finite = booster.filter(({ name }) => name !== 'rate');
    // 255 numbers of leaves with boosting, 6 dropouts with mlp.
    expect(pointsOf(finite)).toBe(255 + 6);
    expect(pointsOf(booster)).toBe(Number.POSITIVE_INFINITY);
    expect(pointsOf([float({ high: 0 })])).toBe(1);
    expect(pointsOf([float({ step: 0.1 })])).toBe(11);
  });

  test('is the product of choices under choices', () => {
    const space: Space = [
      choice,
      { name: 'd', kind: 'choice', values: [1, 2, 3], when: { dimension: 'c', values: ['a'] } },
      { name: 'e', kind: 'int', low: 1, high: 4, when: { dimension: 'd', values: [1, 3] } },
      { name: 'f', kind: 'int', low: 0, high: 1, when: { dimension: 'c', values: ['a', 'b'] } },
    ];
    // a: (4 + 1 + 4) x 2; b: 2.
    expect(pointsOf(space)).toBe(20);
  });
});

describe('a point', () => {
  const point: Point = { family: 'mlp', rate: 0.01, dropout: 0.3 };
  test('has what counts, in range, on its steps, and nothing else', () => {
    expect(refused(() => checkPoint(booster, point))).toEqual([]);
    expect(refused(() => checkPoint(booster, { ...point, dropout: 0.35 }))).toEqual(['/point/dropout']);
    expect(refused(() => checkPoint(booster, { ...point, rate: 2 }))).toEqual(['/point/rate']);
    expect(refused(() => checkPoint(booster, { ...point, leaves: 8 }))).toEqual(['/point/leaves']);
    expect(refused(() => checkPoint(booster, { family: 'mlp', rate: 0.01 }))).toEqual(['/point/dropout']);
    expect(refused(() => checkPoint(booster, { ...point, family: 'svm' }, '/enqueued/0'))).toEqual([
      '/enqueued/0/family',
      // Neither family counts then.
      '/enqueued/0/dropout',
    ]);
  });

  test('belongs to its space wherever in the unit cube it is taken', () => {
    const unit = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(spaces, fc.array(unit, { minLength: 7, maxLength: 7 }), (space, units) => {
        const found = pointAt(space, units);
        checkPoint(space, found);
        const places = unitsOf(space, found);
        for (const [at, dimension] of space.entries()) {
          expect(Number.isNaN(places[at]!)).toBe(!counts(dimension, found));
          if (Number.isNaN(places[at]!)) continue;
          const value = found[dimension.name]!;
          const [left, right] = cellOf(dimension, value);
          // The generated ranges are at least 1e-9 of their bounds wide: 7 of 16 digits are left.
          expect(units[at]!).toBeWithin(left - 1e-6, right + 1e-6);
          const middle = toUnit(dimension, value);
          const again = fromUnit(dimension, middle);
          if (typeof value !== 'number') expect(again).toBe(value);
          else expect(Math.abs(toUnit(dimension, again) - middle)).toBeLessThan(1e-6);
        }
      }),
    );
  });

  test('has decimal fractions as they are written', () => {
    const dropout = booster[3]!;
    const values = Array.from({ length: settingsOf(dropout) }, (_, at) => settingAt(dropout, at));
    expect(values).toEqual([0, 0.1, 0.2, 0.3, 0.4, 0.5]);
  });

  test('gives every integer of a logarithm a part of the unit interval, and together they fill it', () => {
    const leaves: Dimension = { name: 'n', kind: 'int', low: 1, high: 40, log: true };
    let end = 0;
    for (let value = 1; value <= 40; value++) {
      const [left, right] = cellOf(leaves, value);
      expect(left).toBeCloseTo(end, 12);
      expect(fromUnit(leaves, (left + right) / 2)).toBe(value);
      end = right;
    }
    expect(end).toBe(1);
  });
});
