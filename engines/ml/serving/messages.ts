// What the engine and a process that runs models say to each other; rows and outputs go through shared memory.
import { z } from 'zod';
import { objectOf } from '../../../src/core/child-process.ts';
import type { ProviderChoice } from '../../../src/onnx/provider.ts';
import type { ModelProfile } from './profile.ts';

/** Opens a model. */
export interface LoadRequest {
  readonly type: 'load';
  readonly key: string;
  /** File with the model's bytes; read once. */
  readonly file: string;
  /** Files of a variant that runs in place of it on an accelerator. */
  readonly variant: readonly { readonly rows: number; readonly file: string }[];
  /** Names of its input, and of the output that is wanted. */
  readonly input: string;
  readonly output: string;
  /** Columns that its input must have. */
  readonly columns: number;
  readonly provider: ProviderChoice['provider'];
  /** Most rows of one run. */
  readonly maxRows: number;
  /** Whether its profile is not known yet. */
  readonly measure: boolean;
}

/** Runs the rows at the begin of the inputs. */
export interface RunRequest {
  readonly type: 'run';
  readonly key: string;
  readonly rows: number;
}

/** Frees a model; has no reply. */
export interface CloseRequest {
  readonly type: 'close';
  readonly key: string;
}

/** What a process is asked: one thing at a time, and to close in between. */
export type ChildRequest = LoadRequest | RunRequest | CloseRequest;

/** A model is open and warm. */
const loadedSchema = z.object({
  type: z.literal('loaded'),
  provider: objectOf<ProviderChoice>(),
  /** Numbers in one row of its output. */
  width: z.number(),
  /** Null where it was not asked for. */
  profile: objectOf<ModelProfile>().nullable(),
});

/** The outputs begin the shared outputs. */
const doneSchema = z.object({
  type: z.literal('done'),
  /** Numbers in all rows. */
  values: z.int().min(0),
  provider: objectOf<ProviderChoice>(),
});

export type LoadedReply = z.infer<typeof loadedSchema>;
export type DoneReply = z.infer<typeof doneSchema>;

/** What a process answers. */
export const replySchema = z.discriminatedUnion('type', [loadedSchema, doneSchema]);
export type ChildReply = z.infer<typeof replySchema>;
