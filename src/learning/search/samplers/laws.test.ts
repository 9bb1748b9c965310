// The laws of all samplers: what they propose belongs to the space and follows from seed, number and history alone.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { InvalidOptionError } from '../../../core/errors.ts';
import { checkPoint, pointsOf } from '../space.ts';
import { fates, finiteSpaces, run, spaces } from '../test-spaces.ts';
import type { Observation } from '../types.ts';
import { isMoved } from './cma-es.ts';
import { GRID_LIMIT } from './grid.ts';
import { SAMPLERS, samplerOf } from './index.ts';

const seeds = fc.nat();
const parallels = fc.integer({ min: 1, max: 5 });

describe.each(SAMPLERS)('%s', (name) => {
  const searched = {
    random: spaces,
    grid: finiteSpaces.filter((space) => pointsOf(space) <= GRID_LIMIT),
    tpe: spaces,
    cma_es: spaces.filter((space) => space.some(isMoved)),
    sobol: spaces,
  }[name];

  test('proposes points of the space, conditions and all', () => {
    fc.assert(
      fc.property(searched, seeds, fates, parallels, (space, seed, fates, parallel) => {
        for (const { point } of run(samplerOf(name, { space, seed, parallel }), fates, parallel)) {
          checkPoint(space, point);
        }
      }),
    );
  });

  test('proposes the same from the same seed, number and history, whatever it was asked before', () => {
    fc.assert(
      fc.property(searched, seeds, fates, fates, parallels, (space, seed, fates, others, parallel) => {
        const search = { space, seed, parallel };
        const knownOf = (trials: readonly Observation[], number: number) =>
          trials.slice(0, Math.max(0, number - parallel + 1));
        const history = run(samplerOf(name, search), fates, parallel);
        const copied = JSON.parse(JSON.stringify(history)) as Observation[];
        const elsewhere = run(samplerOf(name, search), others, parallel);
        // From the last to the first, by a sampler that is asked about another search in between, and by a new one for each.
        const asked = samplerOf(name, search);
        for (const { number, point } of history.toReversed()) {
          asked.propose(number, knownOf(elsewhere, number));
          expect(asked.propose(number, knownOf(copied, number))).toEqual(point);
          expect(samplerOf(name, search).propose(number, knownOf(copied, number))).toEqual(point);
        }
      }),
      { numRuns: 30 },
    );
  });

  test('takes another way from another seed', () => {
    const space = [
      { name: 'x', kind: 'choice', values: Array.from({ length: 100 }, (_, at) => at) },
      { name: 'y', kind: 'int', low: 0, high: 99 },
    ] as const;
    const fates = Array.from({ length: 30 }, (_, at) => ({ state: 'complete' as const, loss: at % 7 }));
    const [one, other] = [1, 2].map((seed) => run(samplerOf(name, { space, seed }), fates));
    expect(one).not.toEqual(other!);
  });

  test('tries what was enqueued first', () => {
    const space = [{ name: 'x', kind: 'int', low: 0, high: 9 }] as const;
    const fates = Array.from({ length: 10 }, () => ({ state: 'complete' as const, loss: 1 }));
    const points = run(samplerOf(name, { space, seed: 3, enqueued: [{ x: 7 }, { x: 2 }] }), fates);
    expect(points.slice(0, 2).map(({ point }) => point)).toEqual([{ x: 7 }, { x: 2 }]);
  });

  test('refuses a space or an enqueued point with faults', () => {
    const space = [{ name: 'x', kind: 'int', low: 0, high: 9 }] as const;
    expect(() => samplerOf(name, { space: [], seed: 1 })).toThrow(InvalidOptionError);
    expect(() => samplerOf(name, { space, seed: 1, enqueued: [{ x: 10 }] })).toThrow('/enqueued/0/x');
  });
});

describe('a grid', () => {
  test('visits every point once and then has nothing left', () => {
    fc.assert(
      fc.property(finiteSpaces, seeds, (space, seed) => {
        const points = pointsOf(space);
        const fates = Array.from({ length: points + 1 }, () => ({ state: 'complete' as const, loss: 0 }));
        const visited = run(samplerOf('grid', { space, seed }), fates);
        expect(visited).toHaveLength(points);
        expect(new Set(visited.map(({ point }) => JSON.stringify(point))).size).toBe(points);
      }),
    );
  });

  test('leaves out what was enqueued', () => {
    const space = [{ name: 'x', kind: 'int', low: 0, high: 9 }] as const;
    const fates = Array.from({ length: 11 }, () => ({ state: 'complete' as const, loss: 0 }));
    const visited = run(samplerOf('grid', { space, seed: 5, enqueued: [{ x: 7 }] }), fates);
    expect(visited.map(({ point }) => point.x).toSorted()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test('refuses a space without end and one of too many points', () => {
    const float = [{ name: 'x', kind: 'float', low: 0, high: 1 }] as const;
    expect(() => samplerOf('grid', { space: float, seed: 1 })).toThrow(InvalidOptionError);
    const large = [{ name: 'x', kind: 'int', low: 1, high: GRID_LIMIT + 1 }] as const;
    expect(() => samplerOf('grid', { space: large, seed: 1 })).toThrow(InvalidOptionError);
  });
});
