// Samplers by name: what a request may ask for, and what it gets.
import { z } from 'zod';
import { checkPoint, checkSpace } from '../space.ts';
import type { Observation, Point, Sampler, Space } from '../types.ts';
import { gridSampler } from './grid.ts';
import { randomSampler } from './random.ts';

/** Names of all samplers. */
export const SAMPLERS = ['random', 'grid'] as const;
export const samplerName = z.enum(SAMPLERS).describe('who proposes the settings of a trial');
export type SamplerName = z.infer<typeof samplerName>;

/** What a sampler is made for. */
export interface SamplerSearch {
  readonly space: Space;
  /** Whole number of at least 0. */
  readonly seed: number;
  /** Trials at a time: trial n knows the trials up to n - parallel. 1 by default. */
  readonly parallel?: number;
  /** Points that are tried first, such as the defaults of a family. */
  readonly enqueued?: readonly Point[];
}

/**
 * Returns the sampler of that name. Throws InvalidOptionError for a space or enqueued points that {@link checkSpace} and {@link checkPoint} refuse
 * (`/space`, `/enqueued/<i>`), and for a space that the sampler can't search.
 */
export function samplerOf(name: SamplerName, { space, seed, enqueued = [] }: SamplerSearch): Sampler {
  checkSpace(space);
  for (const [at, point] of enqueued.entries()) checkPoint(space, point, `/enqueued/${at}`);
  const own = ((): Sampler => {
    switch (name) {
      case 'random':
        return randomSampler(space, seed);
      case 'grid':
        return gridSampler(space, seed, enqueued, '/space');
    }
  })();
  return {
    propose: (number: number, history: readonly Observation[]) =>
      number < enqueued.length ? enqueued[number]! : own.propose(number, history),
  };
}
