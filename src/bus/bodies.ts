// The bodies of all topics as schemas; topics.ts says which topic has which.
import { z } from 'zod';
import { barSchema } from '../market/bar.ts';

const id = z.string().min(1).max(128);
const decimal = z.string().regex(/^-?\d+(\.\d+)?$/, 'a decimal number as text');
const nullableNumber = z.number().nullable();

export const liveData = barSchema.extend({
  /** Where the bar comes from: `simulated`, `replay`, or a venue's name. */
  source: z.string().min(1),
});

export const featureValues = z.object({
  symbol: id,
  interval_us: z.int().positive(),
  close: z.number().positive(),
  /** Value by feature name; null until its warm-up is over. */
  features: z.record(z.string(), nullableNumber),
});

export const prediction = z.object({
  symbol: id,
  model_id: id,
  /** Seconds since the epoch, as published. */
  timestamp: z.number(),
  /** Probability of a rise in [0, 1]; null until the inputs are warm. */
  prediction: nullableNumber,
  /** Probability of the more likely side in [0.5, 1]; 0 without a prediction. */
  confidence: z.number().min(0).max(1),
  model_version: z.string(),
  hardware_used: z.string(),
});

export const factorValues = z.object({ symbol: id, factors: z.record(z.string(), nullableNumber) });

export const signal = z.object({
  portfolio_id: id,
  strategy: id,
  symbol: id,
  signal: z.enum(['BUY', 'SELL', 'HOLD']),
  price: z.number().positive(),
  reason: z.string(),
});

const side = z.enum(['buy', 'sell']);

export const order = z.object({
  order_id: id,
  portfolio_id: id,
  strategy: id.nullable(),
  symbol: id,
  side,
  type: z.enum(['market', 'limit']),
  quantity: decimal,
  limit_price: decimal.nullable(),
  status: z.enum(['accepted', 'rejected', 'filled', 'cancelled']),
  /** Why it was rejected: one text per broken limit. */
  reasons: z.array(z.string()),
});

export const fill = z.object({
  fill_id: id,
  order_id: id,
  portfolio_id: id,
  symbol: id,
  side,
  quantity: decimal,
  price: decimal,
  fee: decimal,
  ts_event_us: z.int().nonnegative(),
});

const position = z.object({
  symbol: id,
  quantity: decimal,
  /** Average cost; null when the position is flat. */
  average_price: decimal.nullable(),
  mark_price: decimal,
  market_value: decimal,
  unrealised_pnl: decimal,
  realised_pnl: decimal,
});

export const valuation = z.object({
  portfolio_id: id,
  starting_cash: decimal,
  cash: decimal,
  fees: decimal,
  realised_pnl: decimal,
  unrealised_pnl: decimal,
  equity: decimal,
  fills: z.int().nonnegative(),
  positions: z.array(position),
});

export const analyticsMetrics = z.object({
  portfolio_id: id,
  observations: z.int().nonnegative(),
  realised_pnl: decimal,
  unrealised_pnl: decimal,
  equity: decimal,
  total_return: nullableNumber,
  sharpe_ratio: nullableNumber,
  max_drawdown: nullableNumber,
});

const limitState = z.object({
  limit: id,
  /** Null, like the next two, when it could not be measured: a position without a price. */
  value: z.string().nullable(),
  threshold: z.string().nullable(),
  utilisation: nullableNumber,
  status: z.enum(['ok', 'warning', 'breach']),
});

export const riskUpdate = z.object({
  portfolio_id: id,
  status: z.enum(['ok', 'warning', 'breach']),
  equity: decimal,
  drawdown: z.number().min(0),
  limits: z.array(limitState),
});

export const riskLimits = z.object({ portfolio_id: id, limits: z.record(z.string(), z.unknown()) });

export const breach = z.object({
  portfolio_id: id,
  limit: id,
  status: z.enum(['breach', 'cleared']),
  value: decimal.nullable(),
  threshold: decimal.nullable(),
  utilisation: nullableNumber,
  equity: decimal,
});

const reasons = z.record(z.string(), z.string());
/** Units as in `hardware.metrics`: percent, bytes, degrees Celsius, watts; null where no system tells, with the reason. */
export const engineMetrics = z.object({
  neural_engine: z.object({
    utilization: nullableNumber,
    temperature: nullableNumber,
    power_usage: nullableNumber,
    tops_performance: nullableNumber,
    reasons,
  }),
  metal_gpu: z.object({
    utilization: nullableNumber,
    memory_usage: nullableNumber,
    bandwidth: nullableNumber,
    temperature: nullableNumber,
    reasons,
  }),
  system: z.object({
    response_time_ms: nullableNumber,
    throughput_rps: nullableNumber,
    error_rate: nullableNumber,
    availability: nullableNumber,
    reasons,
  }),
});

export const positionChange = z.object({
  portfolio_id: id,
  /** The fill that made it. */
  fill_id: id,
  /** Fills of the portfolio up to and with this one. */
  fills: z.int().positive(),
  symbol: id,
  quantity: decimal,
  /** Average cost; null when the position is flat. */
  average_price: decimal.nullable(),
  /** Of this symbol, since the beginning. */
  realised_pnl: decimal,
  cash: decimal,
});

export const modelDeployment = z.object({
  model_id: id,
  model_version: z.string(),
  artefact_sha256: z.string(),
  /** What served before; null for the first. */
  previous_version: z.string().nullable(),
});

/** How a training goes; `fraction` is the part done of the fit in [0, 1]. */
export const trainingUpdate = z.object({
  job_id: id,
  model_id: id,
  family: z.string(),
  state: z.enum(['started', 'running', 'completed', 'failed', 'cancelled']),
  fraction: z.number().min(0).max(1),
  /** Epochs, trees or iterations done; null before the first. */
  step: z.int().nullable(),
  loss: z.number().nullable(),
  validation_loss: z.number().nullable(),
  /** Version that came of it; only when completed. */
  model_version: z.string().nullable(),
  /** Why it failed; only then. */
  reason: z.string().nullable(),
  /** Seconds since the epoch. */
  timestamp: z.number(),
});

/** An experiment after a change of its state, of its shares or of what was counted; numbers by the name of the arm. */
export const experimentUpdate = z.object({
  experiment_id: id,
  model_id: id,
  mode: z.enum(['ab', 'shadow', 'canary']),
  state: z.enum([
    'running',
    'decided',
    'watching',
    'promoted',
    'rolled_back',
    'stopped',
    'inconclusive',
    'ended',
  ]),
  /** Why it is in this state; null while nothing has happened. */
  reason: z.string().nullable(),
  metric: z.string(),
  /** Share of the keys. */
  weights: z.record(z.string(), z.number()),
  /** Observations of the metric. */
  counts: z.record(z.string(), z.int()),
  /** Always-valid p-value of each challenger beside the control. */
  p_values: z.record(z.string(), z.number()),
  /** The arm that was decided for; null before. */
  winner: z.string().nullable(),
  /** Seconds since the epoch. */
  timestamp: z.number(),
});

/** How a search goes; `fraction` is the part done of its trials in [0, 1]. */
export const searchUpdate = z.object({
  job_id: id,
  kind: z.enum(['automl', 'hyperopt']),
  /** `finishing`: the best settings are fitted again and tested. */
  state: z.enum(['running', 'finishing', 'completed', 'failed', 'cancelled']),
  fraction: z.number().min(0).max(1),
  trials: z.object({ complete: z.int(), pruned: z.int(), failed: z.int(), running: z.int() }),
  max_trials: z.int(),
  metric: z.string(),
  /** Null before a trial has a score. */
  best_trial: z.int().nullable(),
  best_score: z.number().nullable(),
  /** The best complete trials, the best first. */
  leaders: z.array(z.object({ trial: z.int(), model_type: z.string(), score: z.number().nullable() })),
  /** Why it failed; only then. */
  reason: z.string().nullable(),
  /** Seconds since the epoch. */
  timestamp: z.number(),
});

export const presence = z.object({
  engine: id,
  port: z.int().min(0).max(65_535),
  pid: z.int(),
  /** Which of several processes of the engine it is, from 0; absent in an engine with one. */
  replica: z.int().nonnegative().optional(),
  status: z.enum(['healthy', 'degraded', 'stopping']),
  /** What it misses, when degraded. */
  missing: z.array(z.string()),
  version: z.string(),
  uptime_s: z.number().nonnegative(),
  rss_bytes: z.int().nonnegative(),
  /** Takes part in replays. */
  lockstep: z.boolean(),
});

export const lifecycle = z.object({
  engine: id,
  event: z.enum(['started', 'exited', 'restarting', 'stopped']),
  replica: z.int().nonnegative().optional(),
  pid: z.int().nullable(),
  exit_code: z.int().nullable(),
  detail: z.string(),
});

export const hardwareHealth = z.object({
  engine: id,
  accelerator: z.enum(['metal_gpu', 'neural_engine']),
  /** What ran on it: our kernels, or models through Core ML. */
  work: z.enum(['kernels', 'models']),
  /** `closed` is in use, `open` taken out, `half_open` being tried again by one call. */
  state: z.enum(['closed', 'open', 'half_open']),
  /** The last failure in words. */
  reason: z.string(),
  /** In a row. */
  failures: z.int().nonnegative(),
  /** Times that it was taken out since the engine started. */
  opened: z.int().nonnegative(),
  retry_in_ms: z.int().nonnegative(),
});

export const job = z.object({
  engine: id,
  job_id: id,
  kind: id,
  state: z.enum(['waiting', 'delayed', 'active', 'completed', 'failed', 'cancelled']),
  attempt: z.int().nonnegative(),
  attempts: z.int().positive(),
  progress: z.object({ done: z.number(), total: nullableNumber, note: z.string().nullable() }).nullable(),
  /** Why the last attempt did not succeed. */
  error: z.object({ type: z.string(), detail: z.string() }).nullable(),
});

/** What a replay is about; every engine on its path gets it before the first bar. */
export const sessionSpec = z.object({
  session: id,
  symbol: id,
  interval_us: z.int().positive(),
  portfolio_id: id,
  strategy: id,
  strategy_options: z.record(z.string(), z.unknown()),
  starting_cash: decimal,
  fee_bps: z.number().min(0).max(1000),
  /** Empties the portfolio's history first. */
  reset: z.boolean(),
  participants: z.array(id),
});
export type SessionSpec = z.infer<typeof sessionSpec>;

export const lockstepControl = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('open'), spec: sessionSpec }),
  /** `data` holds what each engine said when it was ready, by engine. */
  z.object({ kind: z.literal('begin'), session: id, data: z.record(z.string(), z.unknown()) }),
  z.object({ kind: z.literal('close'), session: id, steps: z.int().nonnegative() }),
  z.object({ kind: z.literal('abort'), session: id, reason: z.string() }),
]);

const counts = z.record(z.string(), z.int().nonnegative());

export const lockstepReport = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('ready'),
    session: id,
    data: z.unknown(),
    /** Which of several processes takes part. */
    replica: z.int().nonnegative().optional(),
  }),
  z.object({
    kind: z.literal('refused'),
    session: id,
    reason: z.string(),
    /** What the problem document of the refusal says. */
    problem: z.object({ slug: z.string(), status: z.int(), title: z.string() }),
  }),
  z.object({ kind: z.literal('step'), session: id, step: z.int(), received: counts, emitted: counts }),
  z.object({ kind: z.literal('closed'), session: id, summary: z.unknown(), latency: z.unknown() }),
  z.object({ kind: z.literal('failed'), session: id, reason: z.string() }),
]);
export type LockstepReport = z.infer<typeof lockstepReport>;
