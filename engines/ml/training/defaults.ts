// What a training or a validation takes of its model's configuration where the request leaves it out.
import { z } from 'zod';
import { InvalidOptionError } from '../../../src/core/errors.ts';
import { schemeSchema } from '../../../src/learning/validation/schemes.ts';
import { trainRequest } from './schemas.ts';

const configured = z.looseObject({
  training: trainRequest.pick({ features: true, target: true, steps: true }).partial().optional(),
  validation: schemeSchema.optional(),
});

/** Features, target, steps and splits of a configuration; absent where it says nothing of them. */
export type TrainingDefaults = z.output<typeof configured>;

/** Returns what a model's configuration (JSON) says. Throws InvalidOptionError for what does not hold: anything may be kept in a configuration. */
export function defaultsOf(configuration: string): TrainingDefaults {
  const parsed = configured.safeParse(JSON.parse(configuration));
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.map(({ path }) => ({
    pointer: ['/configuration', ...path.map(String)].join('/'),
    expected: 'what a training takes; PUT /models/{model_id} changes the configuration',
  }));
  throw new InvalidOptionError(`Expected ${errors[0]!.expected} for ${errors[0]!.pointer}`, errors);
}
