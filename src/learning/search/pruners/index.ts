// Pruners by name: what a request may ask for, and what it gets.
import { z } from 'zod';
import type { Pruner } from '../types.ts';
import { medianPruner } from './median.ts';

const count = (min: number, max: number) => z.number().int().min(min).max(max);

const medianOptions = z.strictObject({
  kind: z.literal('median'),
  startup_trials: count(0, 10_000).default(5).describe('complete trials before any trial ends'),
  warmup_steps: count(0, 1_000_000).default(0).describe('steps of a trial in which it does not end'),
  interval_steps: count(1, 1_000_000).default(1).describe('steps from one check to the next'),
  least_trials: count(1, 10_000).default(1).describe('complete trials that a step needs to be judged'),
});

/** A pruner with its options; a name alone stands for the defaults. */
const optionsSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  medianOptions,
]);

/** Names of all pruners. */
export const PRUNERS = ['none', 'median'] as const;
export const prunerName = z.enum(PRUNERS);
export type PrunerName = z.infer<typeof prunerName>;

/** What a request says: a name, or `kind` with options. */
export const prunerSchema = z
  .union([prunerName, optionsSchema])
  .describe('who ends trials without prospect: a name, or kind with options');
export type PrunerChoice = z.input<typeof prunerSchema>;

/** Returns the pruner that a request asks for. Throws a ZodError for options out of range. */
export function prunerOf(choice: PrunerChoice): Pruner {
  const options = optionsSchema.parse(typeof choice === 'string' ? { kind: choice } : choice);
  switch (options.kind) {
    case 'none':
      return { ends: () => false };
    case 'median':
      return medianPruner(options);
  }
}
