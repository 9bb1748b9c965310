// The topic catalogue: every topic of the system with its schema, owner and delivery class. Nothing else makes topics.
import type { z } from 'zod';
import { utilizationSchema } from '../hardware/utilization.ts';
import {
  analyticsMetrics,
  breach,
  engineMetrics,
  experimentUpdate,
  factorValues,
  featureValues,
  fill,
  hardwareHealth,
  job,
  type LockstepReport,
  lifecycle,
  liveData,
  lockstepControl,
  lockstepReport,
  modelDeployment,
  order,
  positionChange,
  prediction,
  presence,
  riskLimits,
  riskUpdate,
  searchUpdate,
  signal,
  trainingUpdate,
  valuation,
} from './bodies.ts';
import { decision, validationAnswer, validationQuestion } from './decision-bodies.ts';
import { driftUpdate, retrainingRequired } from './drift-bodies.ts';
import {
  marketBars,
  marketBooks,
  marketFundamentals,
  marketFunding,
  marketMacro,
  marketQuotes,
  marketReference,
  marketSource,
  marketTrades,
} from './market-bodies.ts';
import { registeredModel } from './model-bodies.ts';

/**
 * `publish`: at most once, for what the next message replaces. `append`: never lost; stored with the change that it tells of,
 * kept in the event log, and consumed exactly once in effect, in order for each key. (Replays carry both alike.)
 */
export type Delivery = 'publish' | 'append';

export { type LockstepReport, type SessionSpec, sessionSpec } from './bodies.ts';

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
  /**
   * For whoever reads too slowly: the newest message of each key replaces those before it, instead of the oldest being dropped
   * whatever they say. Undefined where every message counts.
   */
  readonly newestOf: ((body: unknown) => string) | undefined;
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
  newestOf?: (body: unknown) => string,
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
    newestOf,
  }) as unknown as Topic<Body>;
}

/** A topic of marketdata; of a `newest` one, each (source, symbol) has only its newest body kept for a slow reader. */
function market<Body>(
  name: string,
  description: string,
  schema: z.ZodType<Body>,
  keeps: 'all' | 'newest' = 'all',
): Topic<Body> {
  const newestOf = keeps === 'newest' ? seriesOf : undefined;
  return topic(name, 'marketdata', 'publish', description, schema, OF_PORTFOLIO, newestOf);
}

function seriesOf(body: unknown): string {
  const { source, symbol } = body as Readonly<Record<string, unknown>>;
  return `${source} ${symbol}`;
}

/** All topics by a short key. Published names stay as they were published. */
export const topics = {
  marketLiveData: topic('market.live_data', 'marketdata', 'publish', 'Bars as they arrive', liveData),
  marketTrades: market('market.trades', 'Trades as they arrive', marketTrades),
  marketQuotes: market('market.quotes', 'Best bids and asks as they arrive', marketQuotes, 'newest'),
  marketBooks: market('market.books', 'Order books: state, best levels, what changed', marketBooks, 'newest'),
  marketBars: market('market.bars', 'Bars that end by trades, volume, notional or imbalance', marketBars),
  marketReference: market('market.reference', 'Instruments and corporate actions', marketReference),
  marketFunding: market('market.funding', 'Funding rates of perpetuals', marketFunding),
  marketMacro: market('market.macro', 'Points of economic series', marketMacro),
  marketFundamentals: market('market.fundamentals', 'Figures that companies filed', marketFundamentals),
  marketSources: market(
    'market.sources',
    'Health of sources, states of books, choice of source, divergence, late or lost records',
    marketSource,
  ),
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
    'Another version of a model serves, or another model the stream',
    modelDeployment,
    { key: 'model_id', keep: 'forever' },
  ),
  trainingUpdates: topic(
    'ml.training_updates',
    'ml',
    'publish',
    'How a training goes, at most four times a second',
    trainingUpdate,
  ),
  models: topic(
    'ml.models',
    'ml',
    'publish',
    'A model of the registry after each change, and all of them for a websocket engine that has started',
    registeredModel,
  ),
  experimentUpdates: topic(
    'ml.experiment_updates',
    'ml',
    'publish',
    'State of an experiment on models, after each change and at most once a second while it counts',
    experimentUpdate,
  ),
  validationRequests: topic(
    'ml.validation_requests',
    'ml',
    'publish',
    'Asks the risk engine about predictions, in live running only',
    validationQuestion,
  ),
  validations: topic(
    'risk.validations',
    'risk',
    'publish',
    'What the risk engine answers to ml.validation_requests',
    validationAnswer,
  ),
  decisions: topic(
    'ml.decisions',
    'ml',
    'publish',
    'What became of one signal; nothing was traded',
    decision,
  ),
  searchUpdates: topic(
    'ml.search_updates',
    'ml',
    'publish',
    'How a search over settings goes, at most four times a second',
    searchUpdate,
  ),
  driftUpdates: topic(
    'ml.drift_updates',
    'ml',
    'publish',
    'What a monitor of a model found, and how a retraining goes',
    driftUpdate,
  ),
  retrainingRequired: topic(
    'ml.model_retraining_required',
    'ml',
    'append',
    'A model that serves got worse than it was, or what it reads changed',
    retrainingRequired,
    { key: 'model_id', keep: 'window' },
  ),
  hardwareMetrics: topic(
    'hardware.metrics',
    '*',
    'publish',
    'What the machine of an engine is doing, every MONITORING_INTERVAL seconds',
    utilizationSchema,
  ),
  mlHardwareMetrics: topic(
    'ml.hardware_metrics',
    'ml',
    'publish',
    'The hardware.metrics of the ml engine, under its published name',
    utilizationSchema,
  ),
  mlEngineMetrics: topic(
    'ml_engine.metrics',
    'ml',
    'publish',
    'How the ml engine serves and what its accelerators do, with each ml.hardware_metrics',
    engineMetrics,
  ),
  presence: topic('system.engines', '*', 'publish', 'One engine tells that it lives, every second', presence),
  hardwareHealth: topic(
    'hardware.health',
    '*',
    'publish',
    'An accelerator is taken out, tried again or back in use in one engine',
    hardwareHealth,
  ),
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

const newest: ReadonlyMap<string, (body: unknown) => string> = new Map(
  Object.values(topics).flatMap((t) => (t.newestOf ? [[t.name, t.newestOf] as const] : [])),
);

/** What a message is the newest of, for whoever reads too slowly; null where every message of its topic counts. */
export function newestKey({
  topic,
  body,
}: {
  readonly topic: string;
  readonly body: unknown;
}): string | null {
  const keyOf = newest.get(topic);
  return keyOf === undefined ? null : `${topic} ${keyOf(body)}`;
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
