// Requests and replies of searches.
import { z } from 'zod';
import { jobError } from '../../../src/jobs/record.ts';
import { featureGroupSchema } from '../../../src/learning/search/feature-groups.ts';
import { metricSchema } from '../../../src/learning/search/metric.ts';
import { prunerSchema } from '../../../src/learning/search/pruners/index.ts';
import { samplerSchema } from '../../../src/learning/search/samplers/index.ts';
import { spaceSchema } from '../../../src/learning/search/space.ts';
import { featureSchema } from '../../../src/learning/tables/features.ts';
import { targetSchema } from '../../../src/learning/tables/target.ts';
import { schemeSchema } from '../../../src/learning/validation/schemes.ts';
import { modelIdSchema } from '../../../src/onnx/model-card.ts';
import { maxCost } from '../conversion/schemas.ts';
import { SERVED_PRECISIONS, TARGETS } from '../registry/records.ts';
import { deployReply } from '../registry/schemas.ts';
import { HARDWARE, SEARCH_KINDS, SEARCH_STATES, TRIAL_STATES, unusedSchema } from './records.ts';

/** Most trials of one search. */
export const MAX_TRIALS = 10_000;
/** Most trials of one search at a time, over all processes. */
export const MAX_PARALLEL = 64;

const family = z.string().min(1).max(64);
const options = z.record(z.string().max(64), z.unknown());
const value = z.union([z.string().max(200), z.number(), z.boolean()]);
const seconds = (least: number, most: number) => z.number().min(least).max(most);

/** What every search is asked for. */
const searchFields = {
  dataset_id: z
    .string()
    .regex(/^[0-9a-f]{16}$/)
    .describe('table to learn from, of POST /datasets'),
  target: targetSchema.optional().describe('as of a training; default: the direction of close, 1 row ahead'),
  features: z
    .array(featureSchema)
    .min(1)
    .max(500)
    .optional()
    .describe('inputs of every trial, instead of groups that are switched on and off'),
  steps: z
    .int()
    .min(1)
    .max(1000)
    .optional()
    .describe('rows of a series that one input holds; default 1, and 8 where a family reads sequences'),
  missing: z
    .enum(['drop', 'keep'])
    .default('drop')
    .describe('rows with missing features; keep is for families that read NaN as "missing"'),
  validation_metric: metricSchema
    .optional()
    .describe('what is made best; default log_loss for classes, rmse for numbers'),
  max_trials: z.int().min(1).max(MAX_TRIALS).default(100).describe('trials at most'),
  sampler: samplerSchema.default('tpe'),
  pruner: prunerSchema.default('median'),
  parallel: z
    .int()
    .min(1)
    .max(MAX_PARALLEL)
    .optional()
    .describe('trials at a time, over all processes; default: threads of the engine'),
  lag: z
    .int()
    .min(1)
    .max(2 * MAX_PARALLEL)
    .optional()
    .describe(
      'a trial is proposed from all but the last lag - 1 before it, so that it waits for none of those; at least parallel; default twice parallel, or 4',
    ),
  time_budget_s: seconds(1, 604_800)
    .optional()
    .describe('seconds from its begin after which no trial begins and those that run are given up'),
  trial_timeout_s: seconds(1, 86_400).default(600).describe('seconds after which one trial has failed'),
  scheme: schemeSchema
    .optional()
    .describe('splits that each trial is tested on; default one holdout, fitted on the first 75%'),
  test_fraction: z
    .number()
    .min(0.1)
    .max(0.5)
    .default(0.2)
    .describe('share of the rows, the last ones, that no trial sees: the best settings are tested on them'),
  cost_bps: z
    .number()
    .min(0)
    .max(1000)
    .default(1)
    .describe('cost of trading one unit of equity, basis points, for sharpe_ratio'),
  hardware: z.enum(HARDWARE).default('auto').describe('hardware that is wished for; the reply says what ran'),
  seed: z
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .default(1),
};

/** What `POST /automl/start` takes. */
export const automlRequest = z.strictObject({
  ...searchFields,
  search_space: z
    .strictObject({
      model_types: z
        .array(family)
        .min(1)
        .max(32)
        .optional()
        .describe('published types such as neural_network, or families'),
      features: z
        .array(featureGroupSchema)
        .min(1)
        .max(8)
        .optional()
        .describe('groups of features, each tried on and off'),
      hyperparameters: z
        .record(z.string().min(1).max(64), z.array(value).max(1000))
        .optional()
        .describe('values of each, by name; default: the space of each family'),
      models: z
        .array(
          z.strictObject({
            family,
            options: options.default({}).describe('options that stay'),
            space: spaceSchema.optional().describe('default: that of the family'),
          }),
        )
        .min(1)
        .max(32)
        .optional()
        .describe('families with spaces of their own, instead of model_types and hyperparameters'),
    })
    .default({}),
  ensemble: z
    .union([z.literal(0), z.int().min(2).max(20)])
    .default(0)
    .describe('most trials in a weighted sum beside the best one; 0: none'),
});
export type AutomlRequest = z.output<typeof automlRequest>;

/** What `POST /hyperopt/start` takes: one family. */
export const hyperoptRequest = z.strictObject({
  ...searchFields,
  family: family.describe('family of models, or a published type that has one'),
  options: options.default({}).describe('options that stay'),
  space: spaceSchema.optional().describe('default: that of the family'),
});
export type HyperoptRequest = z.output<typeof hyperoptRequest>;
export type SearchFields = Omit<HyperoptRequest, 'family' | 'options' | 'space'>;

export const searchParam = z.object({ job_id: z.string().min(1).max(64) });
export const resultsQuery = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(100).describe('most trials of the leader board'),
  offset: z.coerce.number().int().min(0).max(MAX_TRIALS).default(0).describe('trials that are passed over'),
});
export const searchesQuery = z.object({
  kind: z.enum(SEARCH_KINDS).optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100).describe('most searches in the reply'),
  cursor: z.string().max(64).optional().describe('next_cursor of the page before'),
});

const micros = z.int().nullable().describe('microseconds since the epoch');

/** One search. */
export const searchStatus = z.object({
  job_id: z.string(),
  kind: z.enum(SEARCH_KINDS),
  state: z.enum(SEARCH_STATES),
  reason: jobError.nullable().describe('why it failed or was cancelled'),
  dataset_id: z.string(),
  validation_metric: z.string(),
  max_trials: z.int(),
  trials: z.object({
    running: z.int(),
    complete: z.int(),
    pruned: z.int(),
    failed: z.int(),
    cancelled: z.int().describe('given up at the end of the search'),
  }),
  fraction: z.number().describe('part of max_trials that has ended'),
  best: z
    .object({ trial: z.int(), family: z.string(), score: z.number() })
    .nullable()
    .describe('null before a trial has a score'),
  created_us: z.int(),
  started_us: micros,
  finished_us: micros,
  seconds: z.number().nullable().describe('from begin to end, or to now'),
  progress_url: z.string(),
  results_url: z.string(),
});
export type SearchStatus = z.output<typeof searchStatus>;

export const searchList = z.object({
  searches: z.array(searchStatus).describe('newest first'),
  next_cursor: z.string().nullable(),
});

const boardRow = z.object({
  rank: z.int().describe('from 1; pruned trials come after complete ones'),
  trial: z.int().describe('number of the trial, from 0'),
  state: z.enum(TRIAL_STATES),
  model_type: z.string(),
  family: z.string(),
  options: z.record(z.string(), z.unknown()),
  features: z.array(z.string()).describe('groups of features that were on'),
  point: z.record(z.string(), z.unknown()).describe('the settings by the dimensions of the space'),
  score: z.number().nullable().describe('of the metric, on the rows that the trial was tested on'),
  loss: z.number().nullable().describe('what the search makes small; of a pruned trial its last report'),
  validation_metrics: z.record(z.string(), z.number().nullable()),
  reports: z.int().describe('reports on the way that the pruner saw'),
  seconds: z.number().nullable(),
  reason: jobError.nullable().describe('why it failed'),
});

const tested = z.looseObject({
  report: z.looseObject({}).describe('as of a training: scores on rows that no trial saw, beside naive ones'),
  test_fraction: z.number(),
  weights: z.array(z.object({ trial: z.int(), weight: z.number() })).describe('1 of a trial alone'),
});

/** What `GET /automl/results/{job_id}` gives; while a search runs, what is known so far. */
export const searchResults = searchStatus.extend({
  stop: z
    .enum(['max_trials', 'time_budget', 'exhausted'])
    .nullable()
    .describe('why no more trials were proposed; exhausted: every point of a grid was tried'),
  best_model: boardRow
    .nullable()
    .describe('its score is the best of many, and so flatters: test is what to believe'),
  test: tested
    .nullable()
    .describe('the best settings fitted again on all rows that trials saw, on the rows that none saw'),
  stack: tested
    .nullable()
    .describe('the weighted sum of several trials on the same rows; null where none was asked for'),
  deflated_sharpe: z
    .object({
      threshold: z.number().describe('Sharpe ratio per holding that the best of as many trials has by luck'),
      probability: z.number().describe('that the true ratio is above it'),
      trials: z.int().describe('complete trials that were compared'),
    })
    .nullable()
    .describe('of sharpe_ratio: what is left of the best score when the number of trials is counted'),
  importance: z
    .record(z.string(), z.number())
    .nullable()
    .describe(
      'share of the variance of the losses that a setting explains by itself; null below 10 complete trials',
    ),
  leader_board: z.array(boardRow),
  total: z.int().describe('trials on all pages of the leader board'),
  unused: z.array(unusedSchema).describe('what was asked for and plays no part'),
  hardware: z.object({ asked: z.enum(HARDWARE), used: z.literal('cpu'), reason: z.string().nullable() }),
  settings: z.looseObject({}).describe('all that decides the trials'),
});

export type SearchResults = z.output<typeof searchResults>;

export const deployRequest = z.strictObject({
  model_id: modelIdSchema.optional().describe('model that gets the version; default: a new one'),
  choice: z
    .union([z.enum(['best', 'stack']), z.int().min(0).max(MAX_TRIALS)])
    .default('best')
    .describe('the best trial, the stack, or a trial by its number'),
  target_hardware: z.enum(TARGETS).default('auto').describe('hardware to serve on'),
  production_ready: z
    .boolean()
    .default(true)
    .describe('false: the version is registered, and what serves stays'),
  precision: z.enum(['auto', ...SERVED_PRECISIONS]).default('auto'),
  allow_fallback: z
    .boolean()
    .default(false)
    .describe('serve on the CPU where the hardware would run little of it'),
  max_cost: maxCost,
});
export type DeploySearchRequest = z.output<typeof deployRequest>;

export const deploySearchReply = z.object({
  id: z.string().describe('the model, as model_id'),
  model_id: z.string(),
  version: z.string(),
  job_id: z.string(),
  trial: z.int().nullable().describe('null for a stack'),
  performance: z
    .record(z.string(), z.number())
    .describe('scores on the rows that no trial saw, as the registry keeps them'),
  deployment: deployReply.nullable().describe('null where it was only registered, or serves already'),
  deployed: z.boolean().describe('whether the version serves'),
});
