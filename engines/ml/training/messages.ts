// What the engine and a process that trains say to each other.
import { z } from 'zod';
import { objectOf } from '../../../src/core/child-process.ts';
import type { FitProgress } from '../../../src/learning/family.ts';
import type { Converted, ConvertInput } from '../conversion/convert.ts';
import type { FeatureOutcome, FeatureWork } from '../features/work-types.ts';
import type { ChallengeInput } from '../monitoring/challenge.ts';
import type { MadeReference, ReferenceInput } from '../monitoring/reference.ts';
import type { Retraining } from '../monitoring/schemas.ts';
import type { TrainInput, ValidateInput, ValidateReply } from './schemas.ts';
import type { Trained } from './train.ts';

/** What is to be done, once for each process. */
export type Order = {
  /** Folder of the engine's data, in which the table is. */
  readonly dataDir: string;
  readonly threads: number;
  /** Folder for the states of fits that are under way. */
  readonly checkpoints: string;
  /** Milliseconds from one state to the next. */
  readonly checkpointMs: number;
} & (
  | { readonly kind: 'train'; readonly input: TrainInput }
  | { readonly kind: 'validate'; readonly input: ValidateInput }
  | { readonly kind: 'convert'; readonly input: ConvertInput }
  | { readonly kind: 'reference'; readonly input: ReferenceInput }
  | { readonly kind: 'challenge'; readonly input: ChallengeInput }
  | { readonly kind: 'features'; readonly input: FeatureWork }
);

/** What it gives. */
export interface Outcomes {
  readonly train: Trained;
  readonly validate: ValidateReply;
  readonly convert: Converted;
  readonly reference: MadeReference;
  readonly challenge: NonNullable<Retraining['comparison']>;
  readonly features: FeatureOutcome;
}

/** What the process answers. */
export const doneSchema = z.object({
  type: z.literal('done'),
  outcome: objectOf<Outcomes[keyof Outcomes]>(),
});

/** What it says before. */
export const progressSchema = z.object({ type: z.literal('progress'), progress: objectOf<FitProgress>() });

export type Said = z.infer<typeof doneSchema> | z.infer<typeof progressSchema>;
