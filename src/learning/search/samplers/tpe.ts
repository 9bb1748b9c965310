// Tree-structured Parzen estimators: draws points like the best trials, and takes the one that is least like the rest.
import { unitsOf } from '../axis.ts';
import { counts } from '../tree.ts';
import type { Choice, Condition, Dimension, Observation, Sampler, Space } from '../types.ts';
import { Draws, streamOf } from './draws.ts';
import { Parzen } from './parzen.ts';
import { randomPoint } from './random.ts';
import { ranked } from './ranking.ts';

export interface TpeOptions {
  /** Trials with a loss before the first proposal that is not random. */
  readonly startup_trials: number;
  /** Points drawn for each proposal. */
  readonly candidates: number;
}

/** Dimensions that count together. */
interface Group {
  readonly when?: Condition;
  readonly at: readonly number[];
  readonly dimensions: readonly Dimension[];
}

/** A trial with what it says of the density. */
interface Seen {
  readonly trial: Observation;
  readonly units: Float64Array;
}

/**
 * Returns the sampler of Bergstra et al. 2011, Algorithms for hyper-parameter optimization, with the choices of Optuna's multivariate TPE: dimensions that
 * count together are drawn together, from the trials that have them. Pruned trials come after complete ones, by how far they got.
 */
export function tpeSampler(space: Space, seed: number, { startup_trials, candidates }: TpeOptions): Sampler {
  const groups = groupsOf(space);
  const places = new WeakMap<Observation, Float64Array>();
  const placesOf = (trial: Observation) => {
    const found = places.get(trial) ?? unitsOf(space, trial.point);
    places.set(trial, found);
    return found;
  };
  return {
    propose(number, history) {
      const known = ranked(history);
      if (known.length < startup_trials) return randomPoint(space, seed, number);
      const good = goodOf(known.length);
      const seen = known.map((trial) => ({ trial, units: placesOf(trial) }));
      const [below, above] = [seen.slice(0, good), seen.slice(good)].map((part) =>
        part.toSorted((a, b) => a.trial.number - b.trial.number),
      ) as [Seen[], Seen[]];
      const draws = new Draws(streamOf(seed, 'tpe', number));
      const point: Record<string, Choice> = {};
      for (const group of groups) {
        if (!counts(group, point)) continue;
        const likely = densityOf(group, below);
        const found = mostPromising(likely, densityOf(group, above), candidates, draws);
        for (const [i, { name }] of group.dimensions.entries()) point[name] = found[i]!;
      }
      // In the order of the space, as those of other samplers.
      return Object.fromEntries(
        space.flatMap(({ name }) => (Object.hasOwn(point, name) ? [[name, point[name]!]] : [])),
      );
    },
  };
}

/** Returns how many of `trials` count as good. */
const goodOf = (trials: number) => Math.min(Math.ceil(0.1 * trials), 25);

function groupsOf(space: Space): Group[] {
  const groups = new Map<string, { when?: Condition; at: number[]; dimensions: Dimension[] }>();
  for (const [at, dimension] of space.entries()) {
    const { when } = dimension;
    const key = JSON.stringify(when ?? null);
    const group = groups.get(key) ?? { ...(when && { when }), at: [], dimensions: [] };
    groups.set(key, group);
    group.at.push(at);
    group.dimensions.push(dimension);
  }
  return [...groups.values()];
}

function densityOf({ at, dimensions }: Group, seen: readonly Seen[]): Parzen {
  const own = seen.filter(({ units }) => !Number.isNaN(units[at[0]!]!));
  const columns = at.map((dimension) => {
    const column = new Float64Array(own.length);
    for (let i = 0; i < own.length; i++) column[i] = own[i]!.units[dimension]!;
    return column;
  });
  return new Parzen(dimensions, columns);
}

function mostPromising(likely: Parzen, unlikely: Parzen, candidates: number, draws: Draws): Choice[] {
  let best: Choice[] = [];
  let most = Number.NEGATIVE_INFINITY;
  for (let candidate = 0; candidate < candidates; candidate++) {
    const point = likely.draw(draws);
    const promise = likely.logDensity(point) - unlikely.logDensity(point);
    if (candidate === 0 || promise > most) {
      best = point;
      most = promise;
    }
  }
  return best;
}
