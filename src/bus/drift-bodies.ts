// Bodies of what monitors of models say.
import { z } from 'zod';

const id = z.string().min(1).max(128);
const nullableNumber = z.number().nullable();
const alarms = z.array(z.enum(['performance_drift', 'data_drift', 'prediction_drift', 'latency_drift']));

/** What a monitor of a model found; a window that is still open has told of outcomes alone. */
export const driftUpdate = z.object({
  model_id: id,
  model_version: z.string(),
  /** Number of the window; null for a word on a retraining. */
  window: z.int().nullable(),
  rows: z.int().nonnegative(),
  input_psi_max: nullableNumber,
  drifted_inputs: z.array(z.string()),
  prediction_psi_max: nullableNumber,
  /** Accuracy, or mean absolute error of a regression. */
  score: z.enum(['accuracy', 'mean_absolute_error']).nullable(),
  score_now: nullableNumber,
  score_before: nullableNumber,
  latency_ms: nullableNumber,
  latency_before_ms: nullableNumber,
  /** What the verdict says. */
  alarms: alarms,
  /** Those of them that were not raised a moment ago. */
  raised: alarms,
  texts: z.array(z.string()),
  retraining: z
    .object({
      retraining_id: id,
      state: z.enum(['running', 'completed', 'failed']),
      new_version: z.string().nullable(),
      deployed: z.boolean(),
      error: z.string().nullable(),
    })
    .nullable(),
  /** Seconds since the epoch. */
  timestamp: z.number(),
});

/** As it was published, and which version it is about. */
export const retrainingRequired = z.object({
  model_id: id,
  reason: z.string(),
  /** Seconds since the epoch. */
  timestamp: z.number(),
  model_version: z.string(),
  detail: z.string(),
});
