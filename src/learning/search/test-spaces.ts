// Random search spaces and histories for the laws that every sampler keeps.
import fc from 'fast-check';
import type { Choice, Condition, Dimension, Observation, Point, Sampler, Space } from './types.ts';

const finite = fc.double({ min: -1e6, max: 1e6, noNaN: true });
const small = fc.double({ min: 1e-3, max: 1e3, noNaN: true });

type Body = { readonly [Of in Dimension as Of['kind']]: Omit<Of, 'name' | 'when'> };

const body: fc.Arbitrary<Body['float'] | Body['int'] | Body['choice']> = fc.oneof(
  fc.tuple(finite, small).map(([low, width]) => ({ kind: 'float' as const, low, high: low + width })),
  fc
    .tuple(small, fc.double({ min: 2, max: 1e6, noNaN: true }))
    .map(([low, times]) => ({ kind: 'float' as const, low, high: low * times, log: true })),
  fc
    .tuple(
      fc.integer({ min: -1000, max: 1000 }),
      fc.integer({ min: 1, max: 40 }),
      fc.constantFrom(0.1, 0.25, 3),
    )
    .map(([low, steps, step]) => ({
      kind: 'float' as const,
      low: low * step,
      high: (low + steps) * step,
      step,
    })),
  fc
    .tuple(fc.integer({ min: -50, max: 50 }), fc.integer({ min: 0, max: 30 }))
    .map(([low, width]) => ({ kind: 'int' as const, low, high: low + width })),
  fc
    .tuple(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 0, max: 3000 }))
    .map(([low, width]) => ({ kind: 'int' as const, low, high: low + width, log: true })),
  fc
    .tuple(fc.integer({ min: -9, max: 9 }), fc.integer({ min: 3, max: 30 }), fc.integer({ min: 1, max: 3 }))
    .map(([low, width, step]) => ({ kind: 'int' as const, low, high: low + width, step })),
  fc
    .uniqueArray(fc.constantFrom<Choice>('a', 'b', 'c', 1, 2.5, true, false), { minLength: 1, maxLength: 5 })
    .map((values) => ({ kind: 'choice' as const, values })),
);

/** Spaces of 1 to 7 dimensions, some of which hang on earlier choices. */
export const spaces: fc.Arbitrary<Space> = spacesOf(body);

/** As {@link spaces}, of dimensions with finitely many values, at most a few hundred points. */
export const finiteSpaces: fc.Arbitrary<Space> = spacesOf(
  fc.oneof(
    fc.integer({ min: 0, max: 3 }).map((width) => ({ kind: 'int' as const, low: -1, high: -1 + width })),
    fc
      .constantFrom<readonly Choice[]>(['x'], ['x', 'y'], [1, 2, true])
      .map((values) => ({ kind: 'choice' as const, values })),
    fc.constant({ kind: 'float' as const, low: 0, high: 0.3, step: 0.1 }),
  ),
  5,
);

function spacesOf(bodies: typeof body, most = 7): fc.Arbitrary<Space> {
  const asked = fc.record({ body: bodies, hangs: fc.boolean(), parent: fc.nat(), mask: fc.nat() });
  return fc.array(asked, { minLength: 1, maxLength: most }).map((parts) => {
    const space: Dimension[] = [];
    for (const [at, { body, hangs, parent, mask }] of parts.entries()) {
      const choices = space.filter((dimension) => dimension.kind === 'choice');
      const on = hangs && choices.length > 0 ? choices[parent % choices.length] : undefined;
      const when: Condition | undefined = on && { dimension: on.name, values: part(on.values, mask) };
      space.push({ name: `d${at}`, ...body, ...(when ? { when } : {}) });
    }
    return space;
  });
}

/** At least one of the values. */
function part(values: readonly Choice[], mask: number): Choice[] {
  const kept = values.filter((_, at) => (mask >> at) & 1);
  return kept.length > 0 ? kept : [values[mask % values.length]!];
}

/** What happens to each trial of {@link run}. */
export interface Fate {
  readonly state: Observation['state'];
  readonly loss: number;
}

export const fates: fc.Arbitrary<Fate[]> = fc.array(
  fc.record({
    state: fc.constantFrom('complete' as const, 'complete' as const, 'pruned' as const, 'failed' as const),
    loss: fc.double({ min: -1e9, max: 1e9, noNaN: true }),
  }),
  { minLength: 1, maxLength: 40 },
);

/** A trial as it ended. */
export const observed = (number: number, point: Point, { state, loss }: Fate): Observation => ({
  number,
  point,
  state,
  loss: state === 'failed' ? null : loss,
  reports: state === 'pruned' ? [{ step: 1, value: loss }] : [],
});

/** Lets a sampler propose one trial for each fate, `parallel` at a time; ends where it has nothing left. */
export function run(sampler: Sampler, fates: readonly Fate[], parallel = 1): Observation[] {
  const history: Observation[] = [];
  for (const [number, fate] of fates.entries()) {
    const point = sampler.propose(number, history.slice(0, Math.max(0, number - parallel + 1)));
    if (!point) break;
    history.push(observed(number, point, fate));
  }
  return history;
}

/** Lets a sampler search `trials` times for the least value of a function, or until it is below `enough`; returns the values in order. */
export function minimise(
  sampler: Sampler,
  trials: number,
  loss: (point: Point) => number,
  enough = Number.NEGATIVE_INFINITY,
): number[] {
  const history: Observation[] = [];
  const values: number[] = [];
  for (let number = 0; number < trials && !(values.at(-1)! < enough); number++) {
    const point = sampler.propose(number, history)!;
    values.push(loss(point));
    history.push(observed(number, point, { state: 'complete', loss: values[number]! }));
  }
  return values;
}
