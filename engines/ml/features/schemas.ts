// Requests and replies about features.
import { z } from 'zod';
import { UNUSABLE } from '../../../src/learning/selection/candidates.ts';
import { CORRELATIONS } from '../../../src/learning/selection/correlation.ts';
import { SELECTION_METHODS } from '../../../src/learning/selection/select.ts';
import { featureSchema } from '../../../src/learning/tables/features.ts';
import { targetSchema } from '../../../src/learning/tables/target.ts';
import { modelReferenceSchema } from '../../../src/onnx/model-card.ts';
import { datasetQuery, datasetSchema } from '../datasets/schemas.ts';
import { postedRows } from './posted.ts';

/** Most features of one request. */
export const MAX_FEATURES = 5000;
/** Columns up to which a reply holds the whole matrix. */
export const MATRIX_COLUMNS = 100;

const column = z.string().min(1).max(64);
const datasetId = z
  .string()
  .regex(/^[0-9a-f]{16}$/)
  .describe('table of POST /datasets');
const seed = z
  .int()
  .min(0)
  .max(2 ** 31 - 1);
const asJob = z.boolean().default(false).describe('true: always a job; else only where it takes long');
const share = z.number().min(0.05).max(0.9);

export const engineerRequest = z
  .strictObject({
    dataset_id: datasetId.optional(),
    bars: postedRows.optional(),
    features: z.array(featureSchema).min(1).max(500),
    keep: z.array(column).max(500).default([]).describe('columns of the table that stay beside the features'),
    drop_missing: z.boolean().default(false).describe('leave out rows without a value of every feature'),
    preview: z.int().min(0).max(1000).default(20).describe('newest rows in the reply'),
    save: z.boolean().default(false).describe('store the features as a table of their own'),
    name: datasetQuery.shape.name,
    async: asJob,
  })
  .refine(({ dataset_id, bars }) => (dataset_id === undefined) !== (bars === undefined), {
    message: 'Expected either dataset_id or bars',
  });
export type EngineerRequest = z.output<typeof engineerRequest>;

const number = z.number().nullable();
export const engineerReply = z.object({
  dataset: datasetSchema.nullable().describe('the table that was stored; null without save'),
  rows: z.int(),
  columns: z.array(
    z.object({
      name: z.string(),
      missing: z.int(),
      min: number,
      max: number,
      mean: number,
      reason: z.enum(UNUSABLE).nullable().describe('why a model would learn nothing of it'),
    }),
  ),
  history: z
    .object({ needed: z.int(), from_start: z.array(z.string()) })
    .describe('as in POST /predict with bars'),
  preview: z
    .array(z.object({ symbol: z.string(), ts_event_us: z.number(), values: z.array(number) }))
    .describe('in the order of columns; null is missing'),
});
export type EngineerReply = z.output<typeof engineerReply>;

export const selectionRequest = z.strictObject({
  dataset_id: datasetId,
  features: z
    .array(featureSchema)
    .min(1)
    .max(MAX_FEATURES)
    .optional()
    .describe('default: each column of the table but that of the target, as it is'),
  target: targetSchema.refine(({ kind }) => kind !== 'none', {
    path: ['kind'],
    message: 'Expected a target',
  }),
  method: z.enum(SELECTION_METHODS).default('mutual_information'),
  top: z.int().min(1).max(MAX_FEATURES).default(20).describe('most features that are chosen'),
  test_fraction: share
    .default(0.3)
    .describe('share of the rows, the last ones, that nothing is looked at of'),
  estimator: z
    .enum(['auto', 'neighbours', 'binned'])
    .default('auto')
    .describe('of mutual_information; auto: neighbours where that takes seconds'),
  neighbours: z.int().min(1).max(20).default(3).describe('of mutual_information'),
  form: z
    .enum(['difference', 'quotient'])
    .default('difference')
    .describe('of mrmr: relevance less redundancy, or over it'),
  threshold: z
    .number()
    .gt(0.5)
    .max(1)
    .default(0.7)
    .describe('of stability: share of the halves that find it'),
  expected_false: z
    .number()
    .gt(0)
    .max(1000)
    .default(1)
    .describe('of stability: false features at most, in expectation'),
  samples: z.int().min(10).max(1000).default(50).describe('of stability: halves of the time'),
  rate: z.number().gt(0).max(0.5).default(0.1).describe('of fdr: share of false discoveries, in expectation'),
  control: z
    .enum(['benjamini_hochberg', 'benjamini_yekutieli'])
    .default('benjamini_hochberg')
    .describe('of fdr; the second holds for features that depend on each other in any way'),
  independence: z
    .enum(['blocks', 'rows'])
    .default('blocks')
    .describe('of fdr: what is taken for independent'),
  seed: seed.default(1),
  async: asJob,
});
export type SelectionRequest = z.output<typeof selectionRequest>;

export const selectionReply = z.object({
  dataset_id: z.string(),
  method: z.enum(SELECTION_METHODS),
  selected: z.array(z.string()).describe('in the order of the choice'),
  features: z
    .array(
      z.object({
        name: z.string(),
        selected: z.boolean(),
        score: number.describe(
          'nats, share of the halves, or correlation; null for one that is not compared',
        ),
        reason: z.enum(UNUSABLE).nullable(),
        relevance: z.number().optional(),
        redundancy: z.number().optional(),
        p: z.number().optional(),
        q: z.number().optional().describe('adjusted p'),
      }),
    )
    .describe('best first'),
  rows: z
    .object({
      used: z.int(),
      incomplete: z.int().describe('rows that miss a value of a feature'),
      held_out: z.int().describe('the last rows, and those whose labels reach into them: not looked at'),
      from_us: z.number(),
      to_us: z.number(),
      test_from_us: z.number(),
    })
    .describe('what was looked at'),
  facts: z.record(z.string(), z.union([z.number(), z.string()])),
});
export type SelectionReply = z.output<typeof selectionReply>;

// The server may have parted them already.
const commaList = z
  .union([z.string().max(65_536), z.array(z.string()).max(MAX_FEATURES)])
  .transform((given) => (typeof given === 'string' ? given.split(',') : given))
  .pipe(z.array(column).min(2).max(MAX_FEATURES));

export const correlationQuery = z
  .strictObject({
    dataset_id: datasetId.optional(),
    model_id: modelReferenceSchema
      .optional()
      .describe('instead of a table: the features of this version, on the table that it was trained on'),
    columns: commaList.optional().describe('names, parted by commas; default: all'),
    method: z.enum(CORRELATIONS).default('pearson'),
    missing: z
      .enum(['complete', 'pairwise'])
      .default('complete')
      .describe(
        'complete: only rows that miss nothing; pairwise: each pair by its own rows, of pearson only',
      ),
    threshold: z.coerce
      .number()
      .min(0)
      .max(1)
      .default(0.9)
      .describe('absolute correlation that makes redundant'),
    pairs: z.coerce.number().int().min(0).max(1000).default(50).describe('strongest pairs in the reply'),
  })
  .refine(({ dataset_id, model_id }) => (dataset_id === undefined) !== (model_id === undefined), {
    message: 'Expected either dataset_id or model_id',
  })
  .refine(({ method, missing }) => missing === 'complete' || method === 'pearson', {
    path: ['missing'],
    message: 'Expected complete for ranks',
  });
export type CorrelationQuery = z.output<typeof correlationQuery>;

export const correlationReply = z.object({
  dataset_id: z.string(),
  method: z.enum(CORRELATIONS),
  columns: z.array(z.string()),
  rows: z.int(),
  incomplete: z.int().describe('rows that were left out since they miss a value'),
  matrix: z
    .array(z.array(number))
    .nullable()
    .describe(`in the order of columns; null for more than ${MATRIX_COLUMNS} of them`),
  pairs: z
    .array(z.object({ a: z.string(), b: z.string(), correlation: z.number() }))
    .describe('by absolute size, the strongest first'),
  groups: z
    .array(z.object({ keep: z.string(), redundant: z.array(z.string()) }))
    .describe('columns tied to each other by at least threshold, and which of them is nearest to the others'),
  unusable: z.array(z.object({ name: z.string(), reason: z.enum(UNUSABLE) })),
});
export type CorrelationReply = z.output<typeof correlationReply>;

export const IMPORTANCE_METHODS = ['gain', 'permutation', 'shap'] as const;
export const importanceQuery = z.strictObject({
  model_id: modelReferenceSchema,
  version: z.string().min(1).max(64).optional().describe('number or alias; default: the one that serves'),
  method: z.enum(IMPORTANCE_METHODS).default('gain'),
  dataset_id: datasetId.optional().describe('other rows than the test rows of the training'),
  rows: z.coerce
    .number()
    .int()
    .min(20)
    .max(20_000)
    .optional()
    .describe('newest held-out rows that are used; default 5000, for shap 200'),
  repeats: z.coerce.number().int().min(2).max(50).default(5).describe('of permutation'),
  walks: z.coerce
    .number()
    .int()
    .min(2)
    .max(500)
    .default(20)
    .describe('of shap without trees: orders for each row'),
  background: z.coerce
    .number()
    .int()
    .min(10)
    .max(1000)
    .default(100)
    .describe('of shap: rows of the training part'),
  explain: z.coerce
    .number()
    .int()
    .min(0)
    .max(100)
    .default(0)
    .describe('of shap: newest rows whose values are listed'),
  seed: z.coerce.number().pipe(seed).default(1),
});
export type ImportanceQuery = z.output<typeof importanceQuery>;

export const importanceReply = z.object({
  model_id: z.string(),
  version: z.string(),
  method: z.enum(IMPORTANCE_METHODS),
  measure: z.string().describe('what the numbers are'),
  features: z
    .array(
      z.object({
        name: z.string(),
        importance: z.number(),
        standard_error: z.number().optional(),
      }),
    )
    .describe('largest first; all steps of a feature are one'),
  rows: z.int().nullable().describe('held-out rows that were used'),
  rows_of: z.enum(['fit', 'test_rows', 'dataset']),
  loss: z.object({ score: z.enum(['log_loss', 'rmse']), value: z.number() }).nullable(),
  explained: z
    .array(
      z.object({
        symbol: z.string(),
        ts_event_us: z.number(),
        values: z.array(z.array(z.number())).describe('[features in the order above][outputs]'),
      }),
    )
    .optional(),
});
export type ImportanceReply = z.output<typeof importanceReply>;

/** What jobs keep of requests that were checked. */
export const jobInputs = {
  engineer: engineerRequest,
  select: selectionRequest,
  correlate: z.object({
    query: z.record(z.string(), z.unknown()),
    features: z.array(featureSchema).nullable(),
  }),
  importance: z.object({ query: z.record(z.string(), z.unknown()) }),
} as const;
