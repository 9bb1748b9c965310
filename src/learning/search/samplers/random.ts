// Points drawn alike over the whole space, each from a stream of random numbers of its own.
import { Philox } from '../../../core/philox.ts';
import { pointAt } from '../axis.ts';
import type { Point, Sampler, Space } from '../types.ts';

/** What a stream of random numbers is for; numbers of trials leave 2^32 streams for each. */
export const STREAMS = { point: 0, order: 1, tpe: 2, cma: 3, scramble: 4 } as const;

/** Returns the random numbers of trial `number` for one purpose: the same on every machine and whatever was drawn before. */
export function streamOf(seed: number, purpose: keyof typeof STREAMS, number: number): Philox {
  return new Philox(seed, STREAMS[purpose] * 2 ** 32 + number);
}

/** Returns the random point of trial `number`. A dimension that does not count still uses its random number up. */
export function randomPoint(space: Space, seed: number, number: number): Point {
  return pointAt(space, streamOf(seed, 'point', number).fillUniform(new Float64Array(space.length)));
}

export const randomSampler = (space: Space, seed: number): Sampler => ({
  propose: (number) => randomPoint(space, seed, number),
});
