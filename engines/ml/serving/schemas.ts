// Requests and replies of predictions.
import { z } from 'zod';
import { modelReferenceSchema } from '../../../src/onnx/model-card.ts';
import { postedRows } from '../features/posted.ts';

/** Most rows of one request that names them in JSON. */
export const MAX_ROWS = 10_000;

const reference = modelReferenceSchema
  .optional()
  .describe('<id>, or <id>@<version or alias>; default: the model of the stream');
const rows = z.array(z.array(z.number()).min(1)).min(1);
const timeoutMs = z
  .int()
  .min(1)
  .max(600_000)
  .optional()
  .describe('milliseconds until the request is given up, at most DEFAULT_TIMEOUT, which is the default');

const key = z
  .string()
  .min(1)
  .max(128)
  .optional()
  .describe(
    'what the caller calls this request by: outcomes of a watched model can name it, and an experiment on the model divides requests by it (the same key, the same arm; default: symbol, else x-request-id)',
  );

const single = {
  model_id: reference,
  key,
  inputs: rows
    .max(MAX_ROWS)
    .optional()
    .describe(`rows of inputs in the order of the model's card; at most ${MAX_ROWS} rows`),
  symbol: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe('instead of inputs: the newest features of this instrument on the stream'),
  bars: postedRows
    .optional()
    .describe(
      'instead of inputs: history from which the features of a version that was trained here are computed, by the definitions of its training',
    ),
  last: z
    .int()
    .min(1)
    .max(1000)
    .optional()
    .describe('with bars: how many of the newest rows of each series are predicted; default 1'),
  timeout_ms: timeoutMs,
};
const oneOfThem = ({ inputs, symbol, bars }: Partial<Record<'inputs' | 'symbol' | 'bars', unknown>>) =>
  [inputs, symbol, bars].filter((given) => given !== undefined).length === 1;
const EITHER = { message: 'Expected either inputs, symbol or bars' };

export const predictRequest = z.strictObject(single).refine(oneOfThem, EITHER);
export type PredictRequest = z.infer<typeof predictRequest>;

export const publishRequest = z.strictObject({
  model_id: reference,
  symbol: single.symbol.unwrap().describe('the instrument that the prediction is for'),
  inputs: z
    .array(z.number())
    .min(1)
    .optional()
    .describe(
      'one row of inputs, told with the time of now; default: the newest features of the instrument, with theirs',
    ),
  timeout_ms: timeoutMs,
});
export type PublishRequest = z.infer<typeof publishRequest>;

const allowFallback = z
  .boolean()
  .default(false)
  .describe(
    'true: the CPU runs it where the hardware is absent or fails, and hardware_used says so; false: 503',
  );

export const hardwareRequest = z
  .strictObject({ ...single, allow_fallback: allowFallback })
  .refine(oneOfThem, EITHER);
export type HardwareRequest = z.infer<typeof hardwareRequest>;

export const HARDWARE = ['cpu', 'neural_engine', 'metal_gpu'] as const;
export type Hardware = (typeof HARDWARE)[number];

const batch = {
  model_id: reference,
  key: key.describe(
    'what the caller calls this request by: outcomes of a watched model can name it, and a JSON batch that has one takes part in an experiment on the model as one request (the same key, the same arm for all rows)',
  ),
  hardware: z.enum(['auto', ...HARDWARE]).default('auto'),
  allow_fallback: allowFallback,
  timeout_ms: timeoutMs,
};

export const batchRequest = z.strictObject({
  ...batch,
  inputs: rows.describe(
    "rows of inputs in the order of the model's card; more than MAX_BATCH_SIZE as a job only",
  ),
  async: z
    .boolean()
    .default(false)
    .describe(
      `true: answered with 202 and a job, whose predictions are at /predict/results/<job_id>; at most ${MAX_ROWS} rows`,
    ),
});
export type BatchRequest = z.infer<typeof batchRequest>;

/** What a job of predictions keeps of its request. */
export const asyncRequest = batchRequest
  .omit({ async: true, timeout_ms: true })
  .extend({ inputs: rows.max(MAX_ROWS) });
export type AsyncRequest = z.infer<typeof asyncRequest>;

export const streamRequest = z.strictObject({
  ...batch,
  inputs: rows.max(MAX_ROWS).describe("rows of inputs in the order of the model's card"),
  batch_size: z.int().min(1).max(1000).default(1).describe('rows of one event'),
});
export type StreamRequest = z.infer<typeof streamRequest>;

/** One frame of a WebSocket. */
export const socketRequest = z.strictObject({
  ...batch,
  inputs: rows.max(MAX_ROWS),
  id: z
    .union([z.string().max(128), z.int()])
    .optional()
    .describe('comes back with the answer'),
});

/** What an Arrow body says in the query, since it has columns only. */
export const arrowQuery = z.strictObject({
  ...batch,
  allow_fallback: z.enum(['true', 'false']).default('false').describe('as in a JSON body'),
  timeout_ms: z.coerce.number().pipe(timeoutMs.unwrap()).optional(),
});
export type ArrowQuery = z.infer<typeof arrowQuery>;

/** What every reply says of how it came to be. */
const ran = {
  processing_time_ms: z.number(),
  hardware_used: z.enum(HARDWARE).describe('what ran the model'),
  hardware_reason: z.string().describe('why it ran there'),
  backend: z.string(),
  where: z
    .enum(['in_process', 'child_process'])
    .describe('quick models run within the engine, others in processes of their own'),
};

export const predictReply = z.object({
  model_id: z.string(),
  model_version: z.string(),
  inputs: z.array(z.string()).describe('names of the input columns, in order'),
  symbol: z.string().optional(),
  ts_event_us: z.int().optional().describe('event time of the features; only with symbol'),
  rows: z
    .array(
      z.object({
        symbol: z.string(),
        ts_event_us: z.int().nullable(),
        inputs: z.array(z.number()).describe('as they were computed, in float32'),
      }),
    )
    .optional()
    .describe('what was predicted, in the order of the predictions; only with bars'),
  history: z
    .object({
      needed: z.int().describe('rows of a series that its features read'),
      from_start: z
        .array(z.string())
        .describe(
          'features that never quite forget where a history begins: the more rows, the nearer to those of training',
        ),
    })
    .optional()
    .describe('only with bars'),
  predictions: z
    .union([z.array(z.number()), z.array(z.array(z.number()))])
    .describe(
      'one for each row; a classifier gives the probability of a rise. A row of numbers each where the model gives several, such as the probabilities of all classes',
    ),
  confidence: z
    .array(z.number())
    .nullable()
    .describe('probability of the most likely class; null unless the model is a classifier'),
  signal: z
    .array(z.enum(['BUY', 'HOLD', 'SELL']))
    .nullable()
    .describe(
      'by the thresholds, or the likeliest of the classes SELL, HOLD and BUY; null unless the model is a classifier that says so',
    ),
  thresholds: z
    .object({ buy_above: z.number(), sell_below: z.number() })
    .nullable()
    .describe('defaults of the strategy ml-threshold'),
  calibrated: z
    .boolean()
    .nullable()
    .describe(
      'whether its probabilities were calibrated on held-out rows; null unless the model is a classifier',
    ),
  interval: z
    .object({ level: z.number(), low: z.array(z.number()), high: z.array(z.number()) })
    .nullable()
    .describe('conformal interval of each row of a regression; null where nothing was held out for it'),
  prediction_id: z
    .string()
    .nullable()
    .optional()
    .describe(
      'by which an outcome is posted; only of a watched model (with the row of the request), and while an experiment runs on the model, null where none is needed',
    ),
  experiment: z
    .object({
      id: z.string(),
      arm: z.string().describe('the arm that answered'),
      key: z.string(),
      instead_of: z.string().optional().describe('the arm of the key, which was at fault'),
    })
    .optional()
    .describe('only while an experiment runs on the model'),
  ...ran,
});
export type PredictReply = z.infer<typeof predictReply>;
