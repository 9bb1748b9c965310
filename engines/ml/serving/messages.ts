// What the engine and a process that runs models say to each other; rows and outputs go through shared memory.
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
export interface LoadedReply {
  readonly type: 'loaded';
  readonly provider: ProviderChoice;
  /** Numbers in one row of its output. */
  readonly width: number;
  /** Null where it was not asked for. */
  readonly profile: ModelProfile | null;
}

/** The outputs begin the shared outputs. */
export interface DoneReply {
  readonly type: 'done';
  /** Numbers in all rows. */
  readonly values: number;
  readonly provider: ProviderChoice;
}

/** An error of ours, whose class does not travel. */
export interface FailedReply {
  readonly type: 'failed';
  readonly slug: string;
  readonly status: number;
  readonly title: string;
  readonly detail: string;
}

/** What a process answers; `ready` once, before anything was asked. */
export type ChildReply = { readonly type: 'ready' } | LoadedReply | DoneReply | FailedReply;
