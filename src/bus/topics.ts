// The topic catalogue: every topic of the system with its schema, owner and delivery class. Nothing else makes topics.
import { z } from 'zod';
import { barSchema } from '../market/bar.ts';

/**
 * `publish`: at most once, for what the next message replaces. `append`: never lost; stored with the change that it tells of,
 * kept in the event log, and consumed exactly once in effect, in order for each key. (Replays carry both alike.)
 */
export type Delivery = 'publish' | 'append';

declare const brand: unique symbol;

/** A topic of the catalogue; only this file makes them. */
export interface Topic<out Body> {
  readonly [brand]: true;
  readonly name: string;
  readonly version: number;
  /** The only engine (or `supervisor`) that publishes it. */
  readonly owner: string;
  readonly delivery: Delivery;
  readonly description: string;
  readonly schema: z.ZodType<Body>;
  /** What orders an `append` topic: events of one key come in the order in which they were stored. */
  readonly keyOf: (body: unknown) => string;
  /** Whether events of an `append` topic stay for ever, or for NAUTILUS_EVENTS_DAYS. */
  readonly keep: 'window' | 'forever';
}

/** The body type of a topic. */
export type BodyOf<T> = T extends Topic<infer Body> ? Body : never;

interface Appending {
  /** Field of the body that is the key. */
  readonly key: string;
  readonly keep: Topic<unknown>['keep'];
}

const OF_PORTFOLIO: Appending = { key: 'portfolio_id', keep: 'window' };

function topic<Body>(
  name: string,
  owner: string,
  delivery: Delivery,
  description: string,
  schema: z.ZodType<Body>,
  { key, keep }: Appending = OF_PORTFOLIO,
): Topic<Body> {
  const keyOf = (body: unknown) => String((body as Record<string, unknown>)[key]);
  return Object.freeze({
    name,
    version: 1,
    owner,
    delivery,
    description,
    schema,
    keyOf,
    keep,
  }) as unknown as Topic<Body>;
}

const id = z.string().min(1).max(128);
const decimal = z.string().regex(/^-?\d+(\.\d+)?$/, 'a decimal number as text');
const nullableNumber = z.number().nullable();

const liveData = barSchema.extend({
  /** Where the bar comes from: `simulated`, `replay`, or a venue's name. */
  source: z.string().min(1),
});

const featureValues = z.object({
  symbol: id,
  interval_us: z.int().positive(),
  close: z.number().positive(),
  /** Value by feature name; null until its warm-up is over. */
  features: z.record(z.string(), nullableNumber),
});

const prediction = z.object({
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

const factorValues = z.object({ symbol: id, factors: z.record(z.string(), nullableNumber) });

const signal = z.object({
  portfolio_id: id,
  strategy: id,
  symbol: id,
  signal: z.enum(['BUY', 'SELL', 'HOLD']),
  price: z.number().positive(),
  reason: z.string(),
});

const side = z.enum(['buy', 'sell']);

const order = z.object({
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

const fill = z.object({
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

const valuation = z.object({
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

const analyticsMetrics = z.object({
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

const riskUpdate = z.object({
  portfolio_id: id,
  status: z.enum(['ok', 'warning', 'breach']),
  equity: decimal,
  drawdown: z.number().min(0),
  limits: z.array(limitState),
});

const riskLimits = z.object({ portfolio_id: id, limits: z.record(z.string(), z.unknown()) });

const breach = z.object({
  portfolio_id: id,
  limit: id,
  status: z.enum(['breach', 'cleared']),
  value: decimal.nullable(),
  threshold: decimal.nullable(),
  utilisation: nullableNumber,
  equity: decimal,
});

const positionChange = z.object({
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

const modelDeployment = z.object({
  model_id: id,
  model_version: z.string(),
  artefact_sha256: z.string(),
  /** What served before; null for the first. */
  previous_version: z.string().nullable(),
});

const presence = z.object({
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

const lifecycle = z.object({
  engine: id,
  event: z.enum(['started', 'exited', 'restarting', 'stopped']),
  replica: z.int().nonnegative().optional(),
  pid: z.int().nullable(),
  exit_code: z.int().nullable(),
  detail: z.string(),
});

const job = z.object({
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

const lockstepControl = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('open'), spec: sessionSpec }),
  /** `data` holds what each engine said when it was ready, by engine. */
  z.object({ kind: z.literal('begin'), session: id, data: z.record(z.string(), z.unknown()) }),
  z.object({ kind: z.literal('close'), session: id, steps: z.int().nonnegative() }),
  z.object({ kind: z.literal('abort'), session: id, reason: z.string() }),
]);

const counts = z.record(z.string(), z.int().nonnegative());

const lockstepReport = z.discriminatedUnion('kind', [
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

/** All topics by a short key. Published names stay as they were published. */
export const topics = {
  marketLiveData: topic('market.live_data', 'marketdata', 'publish', 'Bars as they arrive', liveData),
  featureValues: topic('features.values', 'features', 'publish', 'Feature vector of one bar', featureValues),
  factorValues: topic('factor.values', 'factor', 'publish', 'Factor values of one instrument', factorValues),
  mlPredictions: topic('ml.predictions', 'ml', 'publish', 'Model output for one feature vector', prediction),
  signals: topic('strategy.signals', 'strategy', 'publish', 'Decisions of strategies', signal),
  orders: topic('strategy.orders', 'strategy', 'append', 'Every change of state of an order', order),
  fills: topic('strategy.fills', 'strategy', 'append', 'Executions at the venue', fill),
  valuations: topic(
    'portfolio.valuations',
    'portfolio',
    'publish',
    'A portfolio after one bar or fill',
    valuation,
  ),
  analyticsMetrics: topic(
    'analytics.metrics',
    'analytics',
    'publish',
    'Running performance',
    analyticsMetrics,
  ),
  riskPortfolioUpdates: topic(
    'risk.portfolio_updates',
    'risk',
    'publish',
    'Limit states of a book',
    riskUpdate,
  ),
  riskLimits: topic(
    'risk.limits',
    'risk',
    'append',
    'Limits of a portfolio, whole, after each change',
    riskLimits,
    { key: 'portfolio_id', keep: 'forever' },
  ),
  breaches: topic('risk.breaches', 'risk', 'append', 'A limit of a book is in breach, or no longer', breach),
  positions: topic(
    'portfolio.positions',
    'portfolio',
    'append',
    'A position after each fill that changed it',
    positionChange,
  ),
  modelDeployments: topic(
    'ml.model_deployments',
    'ml',
    'append',
    'Another model serves the stream',
    modelDeployment,
    { key: 'model_id', keep: 'forever' },
  ),
  presence: topic('system.engines', '*', 'publish', 'One engine tells that it lives, every second', presence),
  jobs: topic('system.jobs', '*', 'publish', 'State and progress of long work', job),
  lifecycle: topic('system.lifecycle', 'supervisor', 'publish', 'Starts and stops of processes', lifecycle),
  lockstepControl: topic('lockstep.control', 'marketdata', 'publish', 'Course of a replay', lockstepControl),
} as const;

const appending: ReadonlyMap<string, Topic<unknown>> = new Map(
  Object.values(topics)
    .filter((t) => t.delivery === 'append')
    .map((t) => [t.name, t]),
);

/** Returns the `append` topic of this name; undefined when there is none. */
export function appendTopic(name: string): Topic<unknown> | undefined {
  return appending.get(name);
}

const reports = new Map<string, Topic<LockstepReport>>();

/** The topic on which one engine reports its progress in a replay: `lockstep.report.<engine>`. */
export function lockstepReportTopic(engine: string): Topic<LockstepReport> {
  let known = reports.get(engine);
  if (!known) {
    known = topic(
      `lockstep.report.${engine}`,
      engine,
      'publish',
      'Progress of one engine in a replay',
      lockstepReport,
    );
    reports.set(engine, known);
  }
  return known;
}
