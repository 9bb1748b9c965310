// What the registry knows of a model and of its versions, as the database keeps it.
import { z } from 'zod';
import { TASKS, type Task } from '../../../src/learning/family.ts';
import { servingSchema } from '../../../src/onnx/model-card.ts';
import type { AskedProvider } from '../../../src/onnx/provider.ts';
import type { Precision } from '../../../src/onnx/variants/make.ts';
import { labelsSchema } from '../../../src/text/bundle.ts';
import type { Artefact } from './artefacts.ts';

/** Where a version is on its way; `production` is what a deployment gives, to one version of a model. */
export const STAGES = ['none', 'staging', 'production', 'archived'] as const;
export type Stage = (typeof STAGES)[number];

/** The hardware that a deployment asks for. */
export const TARGETS = ['auto', 'cpu', 'neural_engine', 'metal_gpu'] as const;
export type Target = (typeof TARGETS)[number];

/** What a deployment calculates in; `auto` is not stored. */
export const SERVED_PRECISIONS = ['float32', 'float16', 'int8'] as const;
export type ServedPrecision = (typeof SERVED_PRECISIONS)[number];

/** The provider of ONNX Runtime for each target. */
export const PROVIDERS: Readonly<Record<Target, AskedProvider>> = {
  auto: 'auto',
  cpu: 'cpu',
  neural_engine: 'coreml',
  metal_gpu: 'coreml-gpu',
};

/** Files that make a version; all but ONNX are converted to it. */
export const FORMATS = ['onnx', 'xgboost', 'lightgbm', 'catboost'] as const;

const text = (most: number) => z.string().min(1).max(most);

/** Characters of the JSON of a recipe: 500 features, each with its options. */
const MAX_RECIPE = 262_144;
/** Inputs whose importance is kept. */
export const MAX_IMPORTANCE = 2000;

/** Where a version comes from; all that is known of it. */
export const lineageSchema = z.strictObject({
  data: text(200).optional().describe('name of the data it was fitted on'),
  data_sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional()
    .describe('SHA-256 of that data, 64 lower-case hexadecimal digits'),
  feature_set: text(200).optional().describe('name and version of the set of features'),
  code_version: text(200).optional().describe('version or commit of the code that fitted it'),
  seed: z.int().min(0).optional().describe('seed of the fit, at least 0'),
  imported_from: text(64).optional().describe('format of the file that it was converted from'),
  imported_sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional()
    .describe('SHA-256 of that file'),
  training_job: text(64).optional().describe('job that trained it'),
  search: z
    .strictObject({
      search_id: text(64).describe('search that found its settings'),
      trial: z.int().min(0).nullable().describe('number of the trial; null for a stack of several'),
    })
    .optional(),
  recipe: z
    .record(text(64), z.unknown())
    .refine((recipe) => JSON.stringify(recipe).length <= MAX_RECIPE, {
      message: `Expected at most ${MAX_RECIPE} characters of JSON`,
    })
    .optional()
    .describe('table, features, target and shares of a training: how its test rows are made again'),
  importance: z
    .record(text(200), z.number())
    .refine((told) => Object.keys(told).length <= MAX_IMPORTANCE, {
      message: `Expected at most ${MAX_IMPORTANCE} inputs`,
    })
    .optional()
    .describe('what its fit says that each input is worth, as a share'),
  parent_version: z
    .string()
    .regex(/^([a-z0-9][a-z0-9-]{0,63}@)?[1-9][0-9]{0,14}$/)
    .optional()
    .describe('version that it was made from: <version> of this model, or <id>@<version>'),
});
export type Lineage = z.infer<typeof lineageSchema>;

/** Most metrics of one version. */
const MAX_METRICS = 200;

/** Figures of a version by name. */
export const metricsSchema = z
  .record(z.string().regex(/^[a-z][a-z0-9_.@-]{0,63}$/), z.number())
  .refine((metrics) => Object.keys(metrics).length <= MAX_METRICS, {
    message: `Expected at most ${MAX_METRICS} metrics`,
  });
export type Metrics = z.infer<typeof metricsSchema>;

/** What goes into a version and what comes out. */
export const signatureSchema = z.object({
  input: z.object({
    name: z.string(),
    type: z.enum(['float32', 'text']),
    columns: z.int().describe('numbers in a row; of a text, how it is handed on'),
    names: z.array(z.string()).nullable().describe('names of the columns, in order; null: never given'),
  }),
  output: z.object({
    name: z.string(),
    type: z.literal('float32'),
    columns: z.int().describe('numbers for each row'),
    meaning: z.string().nullable(),
    classes: z
      .array(z.string())
      .nullable()
      .default(null)
      .describe('names of the classes, in order; null: never given'),
  }),
  task: z
    .enum(TASKS)
    .nullable()
    .default(null)
    .describe('what its numbers are; null: what those of the model are'),
  text: z
    .object({
      labels: labelsSchema.describe('what each class means, in order'),
      max_tokens: z.int().describe('tokens of a text that are read'),
      inputs: z.array(z.string()).describe('int64 inputs of the graph'),
    })
    .optional()
    .describe('of a text model only'),
  opsets: z.record(z.string(), z.int()),
  operators: z.array(z.string()),
  parameters: z.int().describe('numbers in its constants'),
  serving: servingSchema.optional().describe('what its numbers are worth; absent where nobody said'),
});
export type Signature = z.infer<typeof signatureSchema>;

/** Rows that a version was asked for when it came, and what it said: float32 as base64. */
export interface Probe {
  readonly rows: number;
  /** Null: the rows of {@link import('./probe.ts').defaultProbe}. */
  readonly inputs: string | null;
  readonly outputs: string;
}

/** A model as it is stored. */
export interface ModelRow {
  readonly model_id: string;
  readonly name: string;
  readonly description: string;
  readonly model_type: string;
  readonly task: Task;
  readonly family: string | null;
  /** JSON. */
  readonly options: string;
  readonly configuration: string;
  readonly revision: number;
  readonly newest_version: number;
  readonly production_version: number | null;
  readonly deployment_seq: number;
  readonly created_us: number;
  readonly updated_us: number;
  readonly deleted_us: number | null;
}

/** A version as it is stored; signature, probe, metrics and lineage are JSON. */
export interface VersionRow {
  readonly model_id: string;
  readonly version: number;
  readonly stage: Stage;
  readonly artefact_sha256: string;
  readonly artefact_bytes: number;
  readonly signature: string;
  readonly probe: string;
  readonly metrics: string;
  readonly lineage: string;
  readonly created_us: number;
  readonly updated_us: number;
}

/** One change of what serves, as it is stored. */
export interface DeploymentRow {
  readonly model_id: string;
  /** Counts from 1 for each model. */
  readonly seq: number;
  readonly kind: 'deploy' | 'rollback' | 'delete';
  /** What serves since then; null after a deletion. */
  readonly version: number | null;
  readonly previous_version: number | null;
  readonly artefact_sha256: string | null;
  readonly target: Target | null;
  /** What it calculates in; null after a deletion. */
  readonly precision: ServedPrecision | null;
  /** Why it serves on the CPU although its target would not be; null where it does not. */
  readonly fallback: string | null;
  /** The row that a rollback goes back to; null where there is none. */
  readonly below_seq: number | null;
  readonly since_us: number;
}

/** A variant of a version as it is stored. */
export interface VariantRow {
  readonly model_id: string;
  readonly version: number;
  readonly precision: Precision;
  /** JSON of `Conversion` (conversion/schemas.ts). */
  readonly report: string;
  /** What it said to the probe: float32 as base64. */
  readonly answers: string;
  readonly created_us: number;
}

/** A model without versions. */
export interface NewModel {
  readonly model_id: string;
  readonly name: string;
  readonly description: string;
  readonly model_type: string;
  readonly task: Task;
  readonly family: string | null;
  readonly options: object;
  readonly configuration: object;
  readonly tags: readonly string[];
}

/** A version without its number. */
export interface NewVersion {
  readonly artefact: Artefact;
  readonly signature: Signature;
  readonly probe: Probe;
  readonly lineage: Lineage;
  readonly metrics: Metrics;
}
