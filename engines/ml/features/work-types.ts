// Work on features as a process gets it: what is to be done, and what comes back.
import type { Task } from '../../../src/learning/family.ts';
import type { FeatureSpec } from '../../../src/learning/tables/features.ts';
import type { Recipe } from '../conversion/schemas.ts';
import type {
  CorrelationQuery,
  CorrelationReply,
  EngineerReply,
  EngineerRequest,
  ImportanceQuery,
  ImportanceReply,
  SelectionReply,
  SelectionRequest,
} from './schemas.ts';

/** What runs work. */
export interface WorkControl {
  readonly threads: number;
  readonly signal?: AbortSignal;
  readonly progress?: (fraction: number) => void;
}

/** A version that is explained: its file, and how its rows were made. */
export interface ExplainedModel {
  readonly model_id: string;
  readonly version: string;
  readonly task: Task;
  readonly bytes: Uint8Array;
  readonly input: string;
  readonly output: string;
  readonly inputs: readonly string[];
  readonly recipe: Recipe;
}

/** One piece of work. */
export type FeatureWork =
  | {
      readonly work: 'engineer';
      readonly request: EngineerRequest;
      /** Of the store that it is saved in. */
      readonly store: { readonly durable: boolean; readonly maxBytes: number };
      readonly nowUs: number;
    }
  | { readonly work: 'select'; readonly request: SelectionRequest }
  | {
      readonly work: 'correlate';
      readonly query: CorrelationQuery & { readonly dataset_id: string };
      readonly features: readonly FeatureSpec[] | null;
    }
  | { readonly work: 'importance'; readonly query: ImportanceQuery; readonly model: ExplainedModel };

/** What it gives. */
export type FeatureOutcome = EngineerReply | SelectionReply | CorrelationReply | ImportanceReply;
