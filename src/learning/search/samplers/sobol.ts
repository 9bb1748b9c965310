// Points that fill the space more evenly than random ones: the scrambled sequence of Sobol.
import { sobol } from '../../../native/index.ts';
import { pointAt } from '../axis.ts';
import type { Sampler, Space } from '../types.ts';

/**
 * Returns the sampler of the Sobol sequence with the direction numbers of Joe and Kuo, scrambled by the method of Owen with the seed; `first` is the number of
 * the trial that has its first point. Each run of 2^k trials from a multiple of 2^k on has one point in each of 2^k equal parts of every dimension.
 * It has 1,024 dimensions, more than a space may have.
 */
export function sobolSampler(space: Space, seed: number, first: number, scrambled = true): Sampler {
  const dimensions = space.length;
  return {
    propose(number) {
      const out = new Float64Array(dimensions);
      sobol({ points: 1, dimensions, scrambled, seed, firstPoint: number - first, out });
      return pointAt(space, out);
    },
  };
}
