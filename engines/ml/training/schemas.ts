// Requests and replies of training.
import { z } from 'zod';
import { type Task, TRAINING_HARDWARE } from '../../../src/learning/family.ts';
import { featureSchema } from '../../../src/learning/tables/features.ts';
import { type TargetSpec, targetSchema } from '../../../src/learning/tables/target.ts';
import { schemeSchema } from '../../../src/learning/validation/schemes.ts';

const share = (most: number, or: number, what: string) =>
  z.number().min(0).max(most).default(or).describe(what);

/** What `POST /models/{model_id}/train` takes; family and options are those of the model where they are left out. */
export const trainRequest = z.strictObject({
  dataset_id: z
    .string()
    .regex(/^[0-9a-f]{16}$/)
    .describe('table to learn from, of POST /datasets'),
  family: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe('family of models, such as ridge or gradient_boosting; GET /families lists them'),
  options: z.record(z.string(), z.unknown()).optional().describe('options of the family'),
  features: z
    .array(featureSchema)
    .min(1)
    .max(500)
    .optional()
    .describe('inputs of the model; default: of its configuration, else those of the stream'),
  target: targetSchema
    .optional()
    .describe(
      'default: of the configuration of the model; else none for a family that learns without one, and the direction of close, 1 row ahead',
    ),
  steps: z
    .int()
    .min(1)
    .max(1000)
    .optional()
    .describe(
      'rows of a series that one input holds, the oldest first; families of sequences read them as their steps; default: of the configuration, else 1',
    ),
  missing: z
    .enum(['drop', 'keep'])
    .default('drop')
    .describe('rows with missing features; keep is for families that read NaN as "missing"'),
  test_fraction: z
    .number()
    .min(0.05)
    .max(0.9)
    .default(0.3)
    .describe('share of the rows, the last ones, that scores the version'),
  calibration_fraction: share(
    0.5,
    0.2,
    'share of the other rows, their last ones, for calibrated probabilities, intervals, and the threshold of unusual rows',
  ),
  stopping_fraction: share(0.5, 0, 'share of the rows before those that early stopping watches; 0: none'),
  calibration: z
    .enum(['none', 'sigmoid', 'isotonic', 'temperature'])
    .optional()
    .describe('of a classifier; default sigmoid with two classes, temperature with more'),
  interval_level: z
    .number()
    .gt(0)
    .lt(1)
    .default(0.9)
    .describe(
      'probability with which an interval of a regression holds what happens; of a reconstruction the share of usual rows below its threshold',
    ),
  hardware: z
    .enum(['auto', ...TRAINING_HARDWARE])
    .default('auto')
    .describe('what runs the steps of a network; auto is the CPU; GET /families tells what a family runs on'),
  resamples: z
    .int()
    .min(100)
    .max(10_000)
    .default(1000)
    .describe('bootstrap resamples behind each interval of a score'),
  seed: z
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .default(1),
});
export type TrainRequest = z.output<typeof trainRequest>;

/** What `POST /models/{model_id}/validate` takes: as a training, with splits instead of one test. */
export const validateRequest = trainRequest
  .pick({
    dataset_id: true,
    family: true,
    options: true,
    features: true,
    target: true,
    steps: true,
    missing: true,
    hardware: true,
    resamples: true,
    seed: true,
  })
  .extend({
    scheme: schemeSchema
      .optional()
      .describe('default: of the configuration of the model, else purged_k_fold with 5 folds'),
  });
export type ValidateRequest = z.output<typeof validateRequest>;

/** What a job has of a request once it was checked. */
const checkedFields = {
  model_id: z.string(),
  model_created_us: z.int().optional().describe('tells a model from a later one of the same id'),
  family: z.string(),
  options: z.unknown(),
  features: z.array(featureSchema),
  target: targetSchema,
  steps: z.int(),
};

/** Input of the job. */
export const validateInput = validateRequest.extend({ ...checkedFields, scheme: schemeSchema });
export type ValidateInput = z.output<typeof validateInput>;

/** Input of the job. */
export const trainInput = trainRequest.extend(checkedFields);
export type TrainInput = z.output<typeof trainInput>;

/** What a target makes of a family that learns `tasks`; without one it is what the family learns first. */
export function taskOf({ kind }: TargetSpec, tasks: readonly Task[]): Task {
  if (kind === 'none') return tasks[0]!;
  return kind === 'direction' || kind === 'signal' ? 'classification' : 'regression';
}

const interval = z.object({ low: z.number().nullable(), high: z.number().nullable() });
const measured = z.object({
  value: z.number().nullable(),
  reason: z.string().optional().describe('why there is no value'),
  sample_size: z.int(),
  convention: z.string(),
});
const scoreGroup = z.object({
  scores: z.record(z.string(), measured.extend({ interval: z.looseObject(interval.shape) })),
  baselines: z.record(
    z.string(),
    z.object({
      scores: z.record(z.string(), measured),
      advantage: z.record(
        z.string(),
        z.object({
          value: z.number().nullable(),
          interval: z.looseObject(interval.shape),
          beats: z.boolean().describe('whether the whole interval lies above 0'),
        }),
      ),
    }),
  ),
});

/** Result of the job. */
export const trainReply = z.object({
  model_id: z.string(),
  version: z.string(),
  family: z.string(),
  task: z.string(),
  classes: z.array(z.string()).nullable().describe('names of the classes, in order'),
  inputs: z.array(z.string()).describe('names of the inputs, in order'),
  rows: z.object({
    fit: z.int(),
    stopping: z.int(),
    calibration: z.int(),
    test: z.int(),
    without_label: z.int(),
    without_features: z.int(),
  }),
  facts: z
    .record(z.string(), z.union([z.number(), z.string(), z.boolean()]))
    .describe('what the family says of its fit'),
  calibration: z.record(z.string(), z.union([z.number(), z.string()])).nullable(),
  interval: z
    .object({ level: z.number(), margin: z.number(), rows: z.int(), test_coverage: z.number() })
    .nullable()
    .describe('a forecast plus and minus margin holds what happens with this probability'),
  anomaly: z
    .object({ level: z.number(), threshold: z.number(), rows: z.int(), test_share: z.number() })
    .nullable()
    .describe(
      'of a reconstruction: the error that this share of usual rows stays at or below, by so many calibration rows; share of test rows above it',
    ),
  moments: z
    .record(
      z.string(),
      z.object({
        real: z.number().nullable(),
        real_interval: z.looseObject(interval.shape),
        made: z.number().nullable(),
        made_interval: z.looseObject(interval.shape),
        difference_interval: z.looseObject(interval.shape).describe('of made less real'),
      }),
    )
    .nullable()
    .describe('of a generation: moments and autocorrelation of test rows and of made ones'),
  importance: z
    .record(z.string(), z.number())
    .nullable()
    .describe('share of each input; null where the family does not tell'),
  groups: z
    .record(z.string(), scoreGroup)
    .describe('scores on the test rows, beside naive forecasts of the same rows'),
  interval_method: z.string(),
  test_from_us: z.number(),
  test_to_us: z.number(),
});
export type TrainReply = z.output<typeof trainReply>;

/** Result of a validation. */
export const validateReply = z.object({
  model_id: z.string(),
  family: z.string(),
  task: z.string(),
  inputs: z.array(z.string()).describe('names of the inputs, in order'),
  rows: z.object({ used: z.int(), without_label: z.int(), without_features: z.int() }),
  scheme: schemeSchema,
  folds: z.array(
    z.looseObject({
      train_rows: z.int(),
      test_rows: z.int(),
      left_out_rows: z.int().describe('purged, embargoed, or outside the window'),
      test_from_us: z.number(),
      test_to_us: z.number(),
    }),
  ),
  paths: z
    .array(z.looseObject({ rows: z.int(), groups: z.record(z.string(), scoreGroup) }))
    .describe(
      'scores of all test rows; several with combinatorial splits, and one for each fold of a family without a target',
    ),
  interval_method: z.string(),
});
export type ValidateReply = z.output<typeof validateReply>;

export const familyList = z.object({
  families: z.array(
    z.object({
      family: z.string(),
      title: z.string(),
      tasks: z.array(z.string()),
      hardware: z.array(z.string()).describe('what its fits run on'),
      options: z.unknown().describe('JSON schema of the options: defaults, ranges, meanings'),
    }),
  ),
});
