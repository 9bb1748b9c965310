// Samplers by name: what a request may ask for, and what it gets.
import { z } from 'zod';
import { checkPoint, checkSpace } from '../space.ts';
import type { Observation, Point, Sampler, Space } from '../types.ts';
import { cmaSampler } from './cma-es.ts';
import { gridSampler } from './grid.ts';
import { randomSampler } from './random.ts';
import { sobolSampler } from './sobol.ts';
import { tpeSampler } from './tpe.ts';

const count = (min: number, max: number) => z.number().int().min(min).max(max);
const plain = <Kind extends string>(kind: Kind) => z.strictObject({ kind: z.literal(kind) });

/** A sampler with its options. */
const optionsSchema = z.discriminatedUnion('kind', [
  plain('random'),
  plain('grid'),
  z.strictObject({
    kind: z.literal('tpe'),
    startup_trials: count(1, 10_000).default(10).describe('random trials before the first one that learns'),
    candidates: count(1, 1000).default(24).describe('points drawn for each proposal, of which one is taken'),
  }),
  z.strictObject({
    kind: z.literal('cma_es'),
    sigma: z
      .number()
      .min(0.01)
      .max(1)
      .default(0.3)
      .describe('standard deviation of the first generation, as a part of each range'),
    population: count(4, 1000)
      .optional()
      .describe('trials of a generation; 4 + 3 ln(dimensions) when absent'),
  }),
  plain('sobol'),
]);

/** Names of all samplers. */
export const SAMPLERS = ['random', 'grid', 'tpe', 'cma_es', 'sobol'] as const;
export const samplerName = z.enum(SAMPLERS).describe('who proposes the settings of a trial');
export type SamplerName = z.infer<typeof samplerName>;

/** What a request says: a name, or `kind` with options. */
export const samplerSchema = z
  .union([samplerName, optionsSchema])
  .describe('who proposes the settings of a trial: a name, or kind with options');
export type SamplerChoice = z.input<typeof samplerSchema>;

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
 * Returns the sampler that a request asks for. Throws InvalidOptionError for a space or enqueued points that {@link checkSpace} and {@link checkPoint} refuse
 * (`/space`, `/enqueued/<i>`) and for a space that the sampler can't search, a ZodError for options out of range.
 */
export function samplerOf(
  choice: SamplerChoice,
  { space, seed, parallel = 1, enqueued = [] }: SamplerSearch,
): Sampler {
  checkSpace(space);
  for (const [at, point] of enqueued.entries()) checkPoint(space, point, `/enqueued/${at}`);
  const options = optionsSchema.parse(typeof choice === 'string' ? { kind: choice } : choice);
  const own = ((): Sampler => {
    switch (options.kind) {
      case 'random':
        return randomSampler(space, seed);
      case 'grid':
        return gridSampler(space, seed, enqueued, '/space');
      case 'tpe':
        return tpeSampler(space, seed, options);
      case 'cma_es':
        return cmaSampler(space, seed, { parallel, first: enqueued.length }, options);
      case 'sobol':
        return sobolSampler(space, seed, enqueued.length);
    }
  })();
  return {
    propose: (number: number, history: readonly Observation[]) =>
      number < enqueued.length ? enqueued[number]! : own.propose(number, history),
  };
}
