// Requests and replies of experiments.
import { z } from 'zod';
import { modelIdSchema } from '../../../src/onnx/model-card.ts';

export const MODES = ['ab', 'shadow', 'canary'] as const;
export const METRICS = [
  'accuracy',
  'log_loss',
  'return_bps',
  'absolute_error',
  'latency_ms',
  'error_rate',
] as const;
export type Metric = (typeof METRICS)[number];
export const STATES = [
  'running',
  'decided',
  'watching',
  'promoted',
  'rolled_back',
  'stopped',
  'inconclusive',
  'ended',
] as const;
export type State = (typeof STATES)[number];

const DAY_S = 86_400;
const MAX_ARMS = 8;
/** Outcomes of one request. */
export const MAX_OUTCOMES = 10_000;
/** How far the sum of weights may be from 1: thirds may be written with three digits. */
const SUM_TOLERANCE = 0.0015;

const name = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,31}$/)
  .describe('lower-case letters, digits, _ and -');
const weight = z.number().min(0).max(1);
const key = z.string().min(1).max(128);

const arm = z.strictObject({
  name: name.optional().describe('default: control for the first, then challenger, challenger-2, ...'),
  model: z
    .string()
    .regex(/^([a-z0-9][a-z0-9-]{0,63}@)?[a-z0-9][a-z0-9._-]{0,63}(\+int8)?$/)
    .describe('a version or alias of model_id, or <id>@<version or alias> of another model'),
  weight: weight.gt(0).optional().describe('share of the keys, of ab only; default: equal shares'),
});

const guardrails = z
  .strictObject({
    latency_ms: z.number().gt(0).max(600_000).nullable().default(2),
    error_rate: z.number().gt(0).lt(1).nullable().default(0.01),
  })
  .prefault({})
  .describe(
    'how much slower (milliseconds, mean) and how much more often at fault a challenger may be; null: not looked at',
  );

const canary = z
  .strictObject({
    steps: z
      .array(z.number().min(0.0001).lt(1))
      .min(1)
      .max(20)
      .refine((steps) => steps.every((share, i) => i === 0 || share > steps[i - 1]!), {
        message: 'Expected shares that grow',
      })
      .default([0.01, 0.05, 0.25, 0.5]),
    step_requests: z
      .int()
      .min(30)
      .max(1_000_000)
      .default(500)
      .describe('requests of the canary in each step before the next'),
  })
  .prefault({})
  .describe('of canary: its shares, one after the other');

export const experimentRequest = z
  .strictObject({
    model_id: modelIdSchema.describe('a registered model; requests that name it are divided'),
    name: z.string().min(1).max(200).optional(),
    mode: z.enum(MODES).default('ab'),
    arms: z
      .array(arm)
      .min(2)
      .max(MAX_ARMS)
      .optional()
      .describe('the control first; default: production and latest'),
    metric: z.enum(METRICS).describe('what decides'),
    alpha: z.number().min(1e-6).max(0.2).default(0.05),
    min_samples: z
      .int()
      .min(30)
      .max(100_000_000)
      .default(100)
      .describe('observations of each arm before anything is decided'),
    max_duration_s: z
      .int()
      .min(1)
      .max(366 * DAY_S)
      .default(30 * DAY_S),
    outcome_window_s: z
      .int()
      .min(1)
      .max(366 * DAY_S)
      .default(7 * DAY_S)
      .describe('how long a prediction waits for its outcome'),
    auto_promote: z.boolean().default(false).describe('deploy the winner as soon as it is decided'),
    watch_requests: z
      .int()
      .min(0)
      .max(1_000_000)
      .default(500)
      .describe('requests after an automatic promotion in which broken guardrails roll it back'),
    guardrails,
    canary,
  })
  .superRefine((given, context) => {
    const refuse = (path: (string | number)[], message: string) =>
      context.addIssue({ code: 'custom', path, message });
    const { arms, mode } = given;
    if (!arms) return;
    const weights = arms.flatMap(({ weight }) => (weight === undefined ? [] : [weight]));
    if (mode !== 'ab' && weights.length > 0) refuse(['arms'], 'Expected weights for mode ab only');
    else if (weights.length > 0 && weights.length < arms.length)
      refuse(['arms'], 'Expected a weight for every arm, or for none');
    else if (weights.length > 0 && !addUpToOne(weights))
      refuse(['arms'], 'Expected weights that add up to 1');
    if (mode === 'canary' && arms.length !== 2) refuse(['arms'], 'Expected two arms for a canary');
  });
export type ExperimentRequest = z.infer<typeof experimentRequest>;

/** Whether weights are shares of one whole. */
export function addUpToOne(weights: readonly number[]): boolean {
  return Math.abs(weights.reduce((sum, one) => sum + one, 0) - 1) <= SUM_TOLERANCE;
}

/** Beyond it the squares of outcomes, and what is made of them, would not be finite. */
const LARGEST_OUTCOME = 1e30;

const outcome = z.union([z.number().min(-LARGEST_OUTCOME).max(LARGEST_OUTCOME), z.string().min(1).max(100)]);
export const outcomesRequest = z.strictObject({
  outcomes: z
    .array(
      z
        .strictObject({
          prediction_id: z.string().min(1).max(64).optional(),
          key: key.optional().describe('instead, where one prediction of this key waits'),
          outcome: z
            .union([outcome, z.array(outcome).min(1).max(MAX_OUTCOMES)])
            .describe(
              'index or name of the class (accuracy, log_loss), return in basis points (return_bps), or the true value (absolute_error); a list for a prediction of several rows',
            ),
        })
        .refine((one) => (one.prediction_id === undefined) !== (one.key === undefined), {
          message: 'Expected either prediction_id or key',
        }),
    )
    .min(1)
    .max(MAX_OUTCOMES),
});
export type OutcomesRequest = z.infer<typeof outcomesRequest>;

export const outcomesReply = z.object({
  counted: z.int().describe('predictions that were settled'),
  repeated: z.int().describe('settled before: not counted again'),
  unknown: z.int().describe('no such prediction, or it waited longer than outcome_window_s'),
  ambiguous: z.int().describe('several predictions of the key wait: name their prediction_id'),
  state: z.enum(STATES),
});

export const rampRequest = z.strictObject({
  weights: z
    .record(name, weight)
    .describe('new share of every arm by name, adding up to 1; no more keys move than the shares differ by'),
});
export type RampRequest = z.infer<typeof rampRequest>;

export const promoteRequest = z.strictObject({
  arm: name.optional().describe('default: the arm that was decided for'),
});
export type PromoteRequest = z.infer<typeof promoteRequest>;

export const experimentParam = z.object({ experiment_id: z.string().min(1).max(64) });
export const experimentsQuery = z.object({
  model_id: z.string().min(1).max(64).optional(),
  state: z.enum(STATES).optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100).describe('most items in the reply'),
  cursor: z.string().max(64).optional().describe('next_cursor of the page before'),
});
export type ExperimentsQuery = z.infer<typeof experimentsQuery>;
export const auditQuery = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  cursor: z.coerce.number().int().min(1).optional(),
});
export type AuditQuery = z.infer<typeof auditQuery>;
export const assignmentQuery = z.object({ key: key.describe('the key of a request') });

const change = z
  .object({
    effect: z.number().describe('challenger minus control'),
    low: z.number().nullable().describe('null while the interval is unbounded'),
    high: z.number().nullable(),
  })
  .nullable()
  .describe('null while too little is known: of the metric, before each arm has min_samples');

export const experimentPage = z.object({
  experiment_id: z.string(),
  name: z.string().nullable(),
  model_id: z.string(),
  mode: z.enum(MODES),
  state: z.enum(STATES),
  reason: z.string().nullable().describe('why it is in this state'),
  metric: z.enum(METRICS),
  better: z.enum(['higher', 'lower']),
  alpha: z.number(),
  min_samples: z.int(),
  arms: z.array(
    z.object({
      name: z.string(),
      model_id: z.string(),
      version: z.string(),
      precision: z.enum(['float32', 'int8']),
      is_control: z.boolean(),
      weight: z.number().describe('share of the keys now'),
      is_out: z.boolean().describe('lost, or broke a guardrail: gets no keys any more'),
      requests: z.int(),
      errors: z.int().describe('requests in which the arm was at fault'),
      latency_ms: z.number().nullable().describe('mean'),
      observations: z.int().describe('of the metric'),
      value: z.number().nullable().describe('mean of the metric'),
      keys: z.int().describe('different keys that were counted'),
    }),
  ),
  comparisons: z
    .array(
      z.object({
        arm: z.string(),
        metric: change,
        p_value: z
          .number()
          .describe(
            'always valid: below alpha with at most that probability where there is no difference, whenever one looks',
          ),
        verdict: z.enum(['better', 'worse', 'open']),
        latency_ms: change,
        error_rate: change,
        agreement: z.number().nullable().describe('of shadow: share of rows with the same answer'),
      }),
    )
    .describe('of each challenger with the control'),
  mismatch: z
    .object({
      keys: z.int(),
      chi_square: z.number(),
      chi_square_p: z.number().describe('for one look'),
      p_value: z.number().describe('always valid'),
      is_flagged: z
        .boolean()
        .describe('below 0.001: the arms did not get their shares, and nothing is decided'),
    })
    .nullable()
    .describe('keys beside shares; null for shadow, where each arm gets all'),
  winner: z.string().nullable(),
  waiting: z.int().describe('predictions that wait for an outcome'),
  lost: z.int().describe('predictions and shadow runs that were left out since too many waited'),
  stage: z.int().describe('changes of the shares so far'),
  options: z.object({
    max_duration_s: z.int(),
    outcome_window_s: z.int(),
    auto_promote: z.boolean(),
    watch_requests: z.int(),
    guardrails: z.object({ latency_ms: z.number().nullable(), error_rate: z.number().nullable() }),
    canary: z.object({ steps: z.array(z.number()), step_requests: z.int() }).nullable(),
  }),
  watch: z
    .object({ requests: z.int(), errors: z.int(), latency_ms: z.number().nullable() })
    .nullable()
    .describe('the promoted version since its automatic promotion'),
  promoted_seq: z.int().nullable().describe('seq of the deployment that came of it'),
  created_us: z.int().describe('microseconds since the epoch'),
  updated_us: z.int(),
  ended_us: z.int().nullable(),
});
export type ExperimentPage = z.infer<typeof experimentPage>;

export const experimentList = z.object({
  experiments: z
    .array(
      experimentPage.pick({
        experiment_id: true,
        name: true,
        model_id: true,
        mode: true,
        state: true,
        reason: true,
        metric: true,
        winner: true,
        created_us: true,
        ended_us: true,
      }),
    )
    .describe('newest first'),
  next_cursor: z.string().nullable(),
});

export const auditList = z.object({
  entries: z
    .array(
      z.object({
        seq: z.int().describe('counts from 1'),
        action: z.string(),
        actor: z.enum(['person', 'engine']).describe('person: a request; engine: its rules'),
        detail: z.record(z.string(), z.unknown()),
        at_us: z.int().describe('microseconds since the epoch'),
      }),
    )
    .describe('newest first; append-only'),
  next_cursor: z.int().nullable(),
});

export const assignmentReply = z.object({
  experiment_id: z.string(),
  key: z.string(),
  arm: z.string().describe('the arm that answers this key now'),
  bucket: z.int().describe('its part of 10,000'),
  stage: z.int(),
});
