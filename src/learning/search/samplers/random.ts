// Points drawn alike over the whole space, each from a stream of random numbers of its own.
import { pointAt } from '../axis.ts';
import type { Point, Sampler, Space } from '../types.ts';
import { streamOf } from './draws.ts';

/** Returns the random point of trial `number`. A dimension that does not count still uses its random number up. */
export function randomPoint(space: Space, seed: number, number: number): Point {
  return pointAt(space, streamOf(seed, 'point', number).fillUniform(new Float64Array(space.length)));
}

export const randomSampler = (space: Space, seed: number): Sampler => ({
  propose: (number) => randomPoint(space, seed, number),
});
