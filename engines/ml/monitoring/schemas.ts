// Requests and replies of monitoring.
import { z } from 'zod';
import { modelIdSchema } from '../../../src/onnx/model-card.ts';

/** What a float32 holds: beyond, errors and their squares are no numbers any more. */
const MOST = 3.4e38;
const share = z.number().gt(0).max(1);
const datasetId = z.string().regex(/^[0-9a-f]{16}$/);

/** Why a monitor raises an alarm. */
export const ALARMS = ['performance_drift', 'data_drift', 'prediction_drift', 'latency_drift'] as const;
export type Alarm = (typeof ALARMS)[number];

/** What decides whether a column drifted, and from which size on. */
export const driftOptions = z.strictObject({
  alpha: z
    .number()
    .gt(0)
    .lt(0.5)
    .default(0.05)
    .describe('share of false discoveries among the columns called significant'),
  measure: z
    .enum(['psi', 'ks', 'js', 'wasserstein', 'cramers_v'])
    .default('psi')
    .describe('whose size decides'),
  threshold: z.number().gt(0).max(100).optional().describe('size of it; default 0.25 of PSI, 0.1 of others'),
  bins: z.int().min(2).max(100).default(10).describe('bins at quantiles of the reference'),
  min_rows: z.int().min(2).max(1_000_000).default(30).describe('fewer rows on either side have no verdict'),
});

const thresholds = z.strictObject({
  accuracy_drift: z
    .number()
    .gt(0)
    .max(10)
    .default(0.05)
    .describe('fall of accuracy; of a regression growth of the mean absolute error, as a share of it'),
  latency_drift: z.number().gt(0).max(1e6).default(2).describe('rise of the median latency, milliseconds'),
  significance: share
    .default(0.05)
    .describe('largest one-sided p of a fall of accuracy or a rise of latency; 1: the size alone decides'),
});

/** What follows an alarm. */
const retrain = z.strictObject({
  dataset: z
    .union([
      z.strictObject({ dataset_id: datasetId }),
      z.strictObject({ latest_of: z.string().min(1).max(100).describe('name of datasets: the newest') }),
    ])
    .describe('table to learn from'),
  rows: z
    .enum(['all', 'since'])
    .default('all')
    .describe('since: only rows after the last one of the table that the version was fitted on'),
  on: z
    .array(z.enum(['performance_drift', 'data_drift', 'prediction_drift']))
    .min(1)
    .default(['performance_drift']),
  auto_deploy: z
    .union([z.literal(false), z.enum(['if_better', 'experiment'])])
    .default(false)
    .describe(
      'if_better: the new version serves when it is better on the newest rows than the one that does; experiment: both answer requests, and outcomes decide',
    ),
});

/** Body of `PUT /monitors/{model_id}`. */
export const monitorConfig = z.strictObject({
  window_rows: z.int().min(30).max(1_000_000).default(1000).describe('rows of one window'),
  window_s: z
    .number()
    .min(1)
    .max(366 * 86_400)
    .nullable()
    .default(null)
    .describe('seconds after which a window ends with fewer rows; null: never'),
  outcome_rows: z.int().min(30).max(1_000_000).default(500).describe('outcomes that are judged together'),
  keep_predictions: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(10_000)
    .describe('predicted rows that wait for their outcome; 0: none do'),
  reference: z
    .union([z.enum(['training', 'first_window']), z.strictObject({ dataset_id: datasetId })])
    .default('training')
    .describe(
      'training: rows that the version was fitted on; a dataset: its columns by the names of the inputs',
    ),
  baseline: z
    .strictObject({
      accuracy: z.number().min(0).max(1).optional(),
      mean_absolute_error: z.number().min(1e-30).max(MOST).optional(),
      rows: z.int().min(1).optional().describe('behind them; default: taken as exact'),
      latency_ms: z.number().gt(0).optional(),
    })
    .default({})
    .describe('default: scores on the test rows of the training; latency of the first window'),
  thresholds: thresholds.default(thresholds.parse({})),
  drift: driftOptions.default(driftOptions.parse({})),
  detectors: z
    .array(z.enum(['adwin', 'page_hinkley']))
    .default(['adwin'])
    .describe('of those that follow each loss, which raise an alarm'),
  cooldown_s: z
    .number()
    .min(0)
    .max(366 * 86_400)
    .default(3600)
    .describe('between two alarms of one reason'),
  retrain: retrain.nullable().default(null),
});
export type MonitorConfig = z.output<typeof monitorConfig>;
export type RetrainConfig = NonNullable<MonitorConfig['retrain']>;

const stamped = z.int().describe('microseconds since the epoch');
const nullableNumber = z.number().nullable();

const referenceInfo = z.object({
  kind: z.enum(['training', 'dataset', 'first_window']),
  version: z.string(),
  rows: z.int(),
  output_rows: z.int().describe('answers that predictions are compared with'),
  dataset_id: z.string().nullable(),
  why: z.string().nullable().describe('why it is not what was asked for'),
  made_us: stamped,
});
export type ReferenceInfo = z.output<typeof referenceInfo>;

const retraining = z.object({
  retraining_id: z.string(),
  reason: z.string(),
  state: z.enum(['running', 'completed', 'failed']),
  from_version: z.string(),
  train_job: z.string().nullable(),
  new_version: z.string().nullable(),
  deployed: z.boolean(),
  experiment_id: z.string().nullable().describe('in which the new version is compared on requests'),
  comparison: z
    .object({
      rows: z.int(),
      score: z.enum(['log_loss', 'squared_error']),
      before: z.number(),
      after: z.number(),
      p: z.number().describe('one-sided, of a difference at least as good without one'),
      better: z.boolean(),
    })
    .nullable(),
  error: z.string().nullable(),
  started_us: stamped,
  ended_us: stamped.nullable(),
});
export type Retraining = z.output<typeof retraining>;

export const monitorReply = z.object({
  model_id: z.string(),
  state: z
    .enum(['watching', 'preparing', 'idle'])
    .describe('preparing: its reference is being made; idle: no version of the model serves'),
  version: z.string().nullable().describe('that is watched: the one in production'),
  config: monitorConfig,
  reference: referenceInfo.nullable(),
  window: z.object({
    seq: z.int(),
    opened_us: stamped,
    rows: z.int(),
    requests: z.int(),
    skipped_rows: z.int().describe('not looked at: more came than could be'),
  }),
  other_versions: z.int().describe('rows that other versions answered, which are not watched'),
  outcomes: z.object({ matched: z.int(), waiting_requests: z.int() }),
  clock: z.object({ jumps: z.int(), last_us: z.number().nullable() }),
  alarms: z
    .array(z.object({ reason: z.enum(ALARMS), ts_us: stamped, text: z.string() }))
    .describe('newest first'),
  retrainings: z.array(retraining).describe('newest first'),
  created_us: stamped,
  updated_us: stamped,
});
export type MonitorReply = z.output<typeof monitorReply>;

export const monitorList = z.object({
  monitors: z.array(monitorReply.pick({ model_id: true, state: true, version: true, alarms: true })),
  next_cursor: z.string().nullable(),
});
export const monitorsQuery = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  cursor: z.string().max(64).optional().describe('next_cursor of the page before'),
});
export const historyQuery = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  cursor: z.coerce.number().int().min(1).optional().describe('next_cursor of the page before'),
});

/** What happened, for predictions that were made. */
export const outcomesRequest = z.strictObject({
  outcomes: z
    .array(
      z
        .strictObject({
          prediction_id: z.string().min(1).max(64).optional(),
          key: z
            .string()
            .min(1)
            .max(128)
            .optional()
            .describe('of the request: its newest prediction is meant'),
          row: z.int().min(0).default(0).describe('row of the request'),
          value: z
            .union([z.number().min(-MOST).max(MOST), z.string().min(1).max(100)])
            .describe('number of the class or its name; of a regression the value, as float32 holds it'),
        })
        .refine(({ prediction_id, key }) => (prediction_id === undefined) !== (key === undefined), {
          message: 'Expected either prediction_id or key',
        }),
    )
    .min(1)
    .max(10_000),
});
export type Outcomes = z.output<typeof outcomesRequest>['outcomes'];

export const outcomesReply = z.object({
  matched: z.int(),
  other_version: z.int().describe('of predictions of a version that is not watched any more'),
  unknown: z.int().describe('no prediction waits for them: unknown, too old, or told already'),
});

const columnDrift = z
  .looseObject({ column: z.string(), drifted: z.boolean(), reason: z.string() })
  .describe('tests, effect, power, verdict and plot of one column: docs/ml/drift.md');
/** A comparison of two tables. */
export const comparison = z.looseObject({
  rows: z.object({ reference: z.int(), current: z.int() }),
  drifted: z.int(),
  judged: z.int().describe('columns with a verdict'),
  psi_max: nullableNumber,
  columns: z.array(columnDrift).describe('those that differ most first; plots of the first 40'),
  left_out: z.int().describe('columns that differ less than those of the list'),
});

export type Comparison = z.output<typeof comparison>;

const accuracy = z.object({
  score: z.enum(['accuracy', 'mean_absolute_error']),
  baseline: nullableNumber,
  baseline_from: z.enum(['posted', 'test_rows', 'first_outcomes']).nullable(),
  current: nullableNumber,
  rows: z.int(),
  drift: nullableNumber.describe('fall of accuracy; growth of the error as a share of it'),
  p: nullableNumber.describe('one-sided'),
  drifted: z.boolean(),
  reason: z.enum(['too_few_rows', 'no_baseline', 'below_threshold', 'not_significant', 'drifted']),
});
export type AccuracyVerdict = z.output<typeof accuracy>;

const latency = z.object({
  baseline_ms: nullableNumber,
  current_ms: nullableNumber.describe('median of the window'),
  requests: z.int(),
  drift_ms: nullableNumber,
  p: nullableNumber.describe('one-sided, of so many requests above the median of the baseline'),
  drifted: z.boolean(),
  reason: z.enum(['too_few_rows', 'no_baseline', 'below_threshold', 'not_significant', 'drifted']),
});
export type LatencyVerdict = z.output<typeof latency>;

export const windowReport = z.object({
  model_id: z.string(),
  version: z.string(),
  seq: z.int(),
  opened_us: stamped,
  closed_us: stamped.nullable().describe('null: the window is still open, and nothing follows from this'),
  rows: z.int(),
  requests: z.int(),
  skipped_rows: z.int(),
  clock_jumped: z.boolean().describe('the clock jumped within the window: its times are in doubt'),
  reference: referenceInfo.nullable(),
  inputs: comparison.nullable().describe('null: there is nothing to compare with, or no row came'),
  predictions: comparison.nullable(),
  accuracy,
  latency,
  detectors: z.record(z.string(), z.object({ drift: z.boolean(), losses: z.int() })),
  alarms: z.array(z.enum(ALARMS)),
  texts: z.array(z.string()).describe('each alarm, and each reason for a missing verdict, in words'),
});
export type WindowReport = z.output<typeof windowReport>;

export const windowSummary = windowReport
  .pick({
    ...{ seq: true, version: true, opened_us: true, closed_us: true, rows: true },
    ...{ accuracy: true, latency: true, alarms: true },
  })
  .extend({
    input_psi_max: nullableNumber,
    drifted_inputs: z.int(),
    prediction_psi_max: nullableNumber,
    drifted_predictions: z.int(),
  });
export type WindowSummary = z.output<typeof windowSummary>;

export const historyReply = z.object({ windows: z.array(windowSummary), next_cursor: z.int().nullable() });

/** Body of `POST /drift`. */
export const driftRequest = z.strictObject({
  reference: z
    .union([
      z.strictObject({ dataset_id: datasetId }),
      z.strictObject({
        model_id: modelIdSchema,
        version: z.string().min(1).max(64).default('production').describe('number or alias'),
      }),
    ])
    .describe('a table, or the rows that a version was fitted on'),
  current: z
    .strictObject({ dataset_id: datasetId })
    .describe('table that is compared; with a version its features are computed first'),
  columns: z
    .array(z.string().min(1).max(64))
    .min(1)
    .max(5000)
    .optional()
    .describe('of two tables: those that are compared; default all'),
  drift: driftOptions.default(driftOptions.parse({})),
  async: z.boolean().default(false).describe('answered with 202 and a job, as large tables always are'),
});
export type DriftRequest = z.output<typeof driftRequest>;

export const driftReply = comparison
  .extend({ reference: z.record(z.string(), z.unknown()), current: z.record(z.string(), z.unknown()) })
  .describe('the comparison: docs/ml/drift.md');

export const formatQuery = z.object({
  format: z.enum(['json', 'html']).default('json').describe('html: a page; of what is answered at once'),
});

/** Body of `POST /quality`. */
export const qualityRequest = z.strictObject({
  dataset_id: datasetId,
  reference_dataset_id: datasetId.optional().describe('whose ranges the columns are held against'),
  async: z.boolean().default(false).describe('answered with 202 and a job, as large tables always are'),
});
export type QualityRequest = z.output<typeof qualityRequest>;

export const qualityReply = z.object({
  dataset_id: z.string(),
  rows: z.int(),
  columns: z.int(),
  passed: z.boolean(),
  findings: z
    .array(
      z.object({
        flag: z.string(),
        column: z.string().nullable(),
        count: z.number(),
        share: z.number(),
        failed: z.boolean(),
        reason: z.string(),
      }),
    )
    .describe('what failed first'),
  left_out: z.int().describe('findings beyond those of the list'),
});
export type QualityReply = z.output<typeof qualityReply>;

export const monitorParam = z.object({ model_id: modelIdSchema });
