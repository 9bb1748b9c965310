// Pruners by name: what a request may ask for, and what it gets.
import { z } from 'zod';
import type { Pruner } from '../types.ts';
import { halvingPruner, hyperbandPruner } from './halving.ts';
import { medianPruner } from './median.ts';

const count = (min: number, max: number) => z.number().int().min(min).max(max);
const steps = (min: number) => count(min, 1_000_000);

/** A pruner with its options. */
const optionsSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({
    kind: z.literal('median'),
    startup_trials: count(0, 10_000).default(5).describe('complete trials before any trial ends'),
    warmup_steps: steps(0).default(0).describe('steps of a trial in which it does not end'),
    interval_steps: steps(1).default(1).describe('steps from one check to the next'),
    least_trials: count(1, 10_000).default(1).describe('complete trials that a step needs to be judged'),
  }),
  z.strictObject({
    kind: z.literal('successive_halving'),
    least_steps: steps(1).default(1).describe('step of the first rung'),
    reduction: count(2, 100)
      .default(4)
      .describe('a rung lets the best of so many trials on; the next one is so many times as far'),
    skipped_rungs: count(0, 20).default(0).describe('rungs that are left out at the start'),
  }),
  z.strictObject({
    kind: z.literal('hyperband'),
    least_steps: steps(1).default(1).describe('step of the first rung of the first bracket'),
    most_steps: steps(1)
      .optional()
      .describe('steps of a trial that is not ended; the last one that a trial can report at when absent'),
    reduction: count(2, 100)
      .default(3)
      .describe('a rung lets the best of so many trials on; the next one is so many times as far'),
  }),
]);

/** Names of all pruners. */
export const PRUNERS = ['none', 'median', 'successive_halving', 'hyperband'] as const;
export const prunerName = z.enum(PRUNERS).describe('who ends trials without prospect');
export type PrunerName = z.infer<typeof prunerName>;

/** What a request says: a name, or `kind` with options. */
export const prunerSchema = z
  .union([prunerName, optionsSchema])
  .describe('who ends trials without prospect: a name, or kind with options');
export type PrunerChoice = z.input<typeof prunerSchema>;

/**
 * Returns the pruner that a request asks for; `steps` is the last step that its trials can report at, else the last one of the first complete trial is
 * taken for it. Throws a ZodError for options out of range.
 */
export function prunerOf(choice: PrunerChoice, steps?: number): Pruner {
  const options = optionsSchema.parse(typeof choice === 'string' ? { kind: choice } : choice);
  switch (options.kind) {
    case 'none':
      return { ends: () => false };
    case 'median':
      return medianPruner(options);
    case 'successive_halving':
      return halvingPruner(options);
    case 'hyperband':
      return hyperbandPruner({ ...options, most_steps: options.most_steps ?? steps });
  }
}
