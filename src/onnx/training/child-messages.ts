// What a process that trains is told and says.
import { z } from 'zod';
import { objectOf } from '../../core/child-process.ts';
import type { TrainingJob, TrainingProgress, TrainingResult } from './job.ts';

/** What the parent says, once. */
export interface ChildOrder {
  readonly job: TrainingJob;
  readonly threads: number;
  readonly resume: Uint8Array | undefined;
  readonly checkpointMs: number;
}

/** What the child answers. */
export const doneSchema = z.object({ type: z.literal('done'), result: objectOf<TrainingResult>() });

/** What it says before. */
export const noteSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('progress'), progress: objectOf<TrainingProgress>() }),
  z.object({ type: z.literal('checkpoint'), bytes: z.instanceof(Uint8Array) }),
]);
export type Note = z.infer<typeof noteSchema>;
