// CMA-ES as a sampler: the ranges of a space move with a normal distribution that follows the better trials; the rest is drawn at random.
import { InvalidOptionError } from '../../../core/errors.ts';
import { fromUnit } from '../axis.ts';
import { settingsOf } from '../tree.ts';
import type { Choice, Dimension, Observation, Sampler, Space } from '../types.ts';
import { beginCma, type CmaState, cmaConstants, defaultLambda, nextCma, times } from './cma-state.ts';
import { Draws, streamOf } from './draws.ts';
import { randomPoint } from './random.ts';
import { ranked } from './ranking.ts';

export interface CmaOptions {
  /** Standard deviation of the first generation, as a part of each range. */
  readonly sigma: number;
  /** Trials of a generation; 4 + 3 ln(dimensions) when absent. */
  readonly population?: number | undefined;
}

/** Ranges of fewer values are drawn at random: steps below a cell would not move them. */
const LEAST_VALUES = 10;
/** Draws outside of the space before one is moved to its edge. */
const REDRAWS = 100;
/** A search that takes steps below it has ended, and begins again elsewhere. */
const LEAST_SIGMA = 1e-9;

/** Whether CMA-ES moves a dimension: a range of at least 10 values that always counts. */
export const isMoved = (dimension: Dimension) =>
  dimension.kind !== 'choice' && !dimension.when && settingsOf(dimension) >= LEAST_VALUES;

/**
 * Returns the sampler; its first trial is number `first`. A generation is lambda trials and the `parallel` - 1 after them, which are drawn before the last of
 * those lambda are known and tell the search nothing. Throws InvalidOptionError when nothing can be moved.
 */
export function cmaSampler(
  space: Space,
  seed: number,
  { parallel, first }: { readonly parallel: number; readonly first: number },
  options: CmaOptions,
): Sampler {
  const moved = space.flatMap((dimension, at) => (isMoved(dimension) ? [at] : []));
  const n = moved.length;
  if (n === 0) {
    const expected = `at least 1 range of ${LEAST_VALUES} values without a condition for CMA-ES`;
    throw new InvalidOptionError(`Expected ${expected}`, [{ pointer: '/space', expected, received: 'none' }]);
  }
  const constants = cmaConstants(n, options.population ?? defaultLambda(n));
  const { lambda } = constants;
  const length = lambda + parallel - 1;
  const begin = (mean: Float64Array) => beginCma(mean, options.sigma);

  const placeOf = (number: number, { mean, sigma, root }: CmaState): Float64Array => {
    const draws = new Draws(streamOf(seed, 'cma', number));
    for (let redraw = 0; ; redraw++) {
      const step = times(
        root,
        Float64Array.from({ length: n }, () => draws.normal()),
      );
      const place = mean.map((m, i) => m + sigma * step[i]!);
      if (place.every((x) => x >= 0 && x <= 1)) return place;
      if (redraw === REDRAWS) return place.map((x) => Math.min(1, Math.max(0, x)));
    }
  };

  // States that were worked out before, with the trials that led from each to the next: the same order gives the same state.
  const steps: { readonly trials: readonly Observation[]; readonly order: string }[] = [];
  const states: CmaState[] = [begin(new Float64Array(n).fill(0.5))];
  const stateOf = (generation: number, history: readonly Observation[]): CmaState => {
    const generations = Array.from({ length: generation }, (): Observation[] => []);
    for (const trial of history) {
      const at = trial.number - first;
      if (at >= 0 && at % length < lambda) generations[Math.floor(at / length)]?.push(trial);
    }
    for (const [at, trials] of generations.entries()) {
      // Most often they are the very objects of the last call.
      const step = steps[at];
      if (
        step &&
        step.trials.length === trials.length &&
        trials.every((trial, i) => trial === step.trials[i])
      )
        continue;
      const numbers = ranked(trials).map(({ number }) => number);
      const order = numbers.join();
      if (step?.order === order) continue;
      steps.length = at;
      states.length = at + 1;
      const state = states[at]!;
      const places = numbers.map((number) => placeOf(number, state));
      const next = nextCma(constants, state, places);
      steps.push({ trials, order });
      states.push(next.sigma < LEAST_SIGMA ? begin(anywhere(first + (at + 1) * length)) : next);
    }
    return states[generation]!;
  };
  const anywhere = (number: number) =>
    streamOf(seed, 'cma', number + 2 ** 31).fillUniform(new Float64Array(n));

  return {
    propose(number, history) {
      const point: Record<string, Choice> = { ...randomPoint(space, seed, number) };
      const generation = Math.floor((number - first) / length);
      const place = placeOf(number, stateOf(generation, history));
      for (const [i, at] of moved.entries()) {
        const dimension = space[at]!;
        point[dimension.name] = fromUnit(dimension, place[i]!);
      }
      return point;
    },
  };
}
