// The published types of models as data: what each learns unless its model says otherwise, how it is validated, and what its numbers mean.
import type { z } from 'zod';
import type { Task } from '../family.ts';
import type { featureSchema } from '../tables/features.ts';
import type { targetSchema } from '../tables/target.ts';
import type { schemeSchema } from '../validation/schemes.ts';

/** What a training takes where its request leaves it out. */
export interface TrainingDefaults {
  readonly features: readonly z.input<typeof featureSchema>[];
  readonly target: z.input<typeof targetSchema>;
  /** Rows of a series that one input holds. */
  readonly steps?: number;
}

/** One published type. */
export interface ModelTemplate {
  /** `model_type`. */
  readonly name: string;
  readonly title: string;
  readonly task: Task;
  readonly family: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** Family of each `architecture`; absent where there is no choice. */
  readonly architectures?: Readonly<Record<string, string>>;
  readonly training: TrainingDefaults;
  /** Splits of a validation. */
  readonly scheme: z.input<typeof schemeSchema>;
  /** What the features tell. */
  readonly inputs: string;
  /** How far ahead, in rows of the table. */
  readonly horizon: string;
  /** What the reply says of the model's numbers. */
  readonly reply: string;
}

const FIVE_FOLDS = { kind: 'purged_k_fold', folds: 5 } as const;
const BARS = [{ kind: 'bars' }] as const;
const NEXT_RETURN = { kind: 'log_return', column: 'close', horizon: 1 } as const;
const SEQUENCE = {
  features: [
    { kind: 'log_return', column: 'close', periods: 1 },
    { kind: 'volatility', column: 'close', window: 20 },
  ],
  steps: 16,
} as const;
const BARS_INPUTS = 'the seven inputs of the stream: strength, distances from averages, MACD, bands, range';
/** Corsi 2009 (HAR): volatility of a week, a month and a quarter of daily rows. */
const PAST_VOLATILITY = [5, 22, 66].map(
  (window) => ({ kind: 'volatility', column: 'close', window }) as const,
);
const PAST_INPUTS = 'volatility of the last 5, 22 and 66 rows';

/** Every published type that a training makes, in the order of listings. */
export const MODEL_TEMPLATES: readonly ModelTemplate[] = [
  {
    name: 'trading_signals',
    title: 'Sell, hold or buy',
    task: 'classification',
    family: 'logistic',
    options: {},
    training: {
      features: BARS,
      target: { kind: 'signal', column: 'close', horizon: 1, buy_above: 0.005, sell_below: -0.005 },
    },
    scheme: FIVE_FOLDS,
    inputs: BARS_INPUTS,
    horizon: '1 row: a simple return above 0.5%, below -0.5%, or between',
    reply:
      '`signal` is the likeliest class, `confidence` its probability; `target_price` is of the type `price_prediction`',
  },
  {
    name: 'price_prediction',
    title: 'Expected return and price',
    task: 'regression',
    family: 'ridge',
    options: {},
    training: { features: BARS, target: NEXT_RETURN },
    scheme: FIVE_FOLDS,
    inputs: BARS_INPUTS,
    horizon: '1 row',
    reply: '`expected_return` is the number; `target_price` is the posted price times its exponential',
  },
  {
    name: 'market_regime',
    title: 'State of the market',
    task: 'clustering',
    family: 'hmm',
    options: { states: 3 },
    training: { features: SEQUENCE.features, target: { kind: 'none' } },
    scheme: { kind: 'holdout', train_fraction: 0.7 },
    inputs: 'log return of a row, volatility of the last 20',
    horizon: 'now',
    reply: '`regime` is the likeliest state from 0, `confidence` its probability',
  },
  {
    name: 'volatility_forecasting',
    title: 'Volatility to come',
    task: 'regression',
    family: 'ridge',
    options: {},
    training: { features: PAST_VOLATILITY, target: { kind: 'volatility', column: 'close', horizon: 10 } },
    scheme: FIVE_FOLDS,
    inputs: `${PAST_INPUTS} (Corsi 2009)`,
    horizon: '10 rows',
    reply: '`volatility` is the number: standard deviation of log returns of one row',
  },
  {
    name: 'position_sizing',
    title: 'Share of capital by volatility',
    task: 'regression',
    family: 'ridge',
    options: {},
    training: { features: PAST_VOLATILITY, target: { kind: 'volatility', column: 'close', horizon: 10 } },
    scheme: FIVE_FOLDS,
    inputs: PAST_INPUTS,
    horizon: '10 rows',
    reply:
      '`volatility` is the number; `position_size` is `target_volatility` over it, between 0 and `max_leverage`; null unless the forecast is positive',
  },
  {
    name: 'neural_network',
    title: 'Neural network of an architecture',
    task: 'regression',
    family: 'mlp',
    options: {},
    architectures: {
      feedforward: 'mlp',
      rnn: 'rnn',
      lstm: 'lstm',
      gru: 'gru',
      transformer: 'transformer',
      cnn: 'cnn',
    },
    training: { ...SEQUENCE, target: NEXT_RETURN },
    scheme: FIVE_FOLDS,
    inputs: 'log return of a row and volatility of the last 20, of 16 rows',
    horizon: '1 row',
    reply: 'as `price_prediction`',
  },
  {
    name: 'transformer',
    title: 'Transformer',
    task: 'regression',
    family: 'transformer',
    options: {},
    training: { ...SEQUENCE, target: NEXT_RETURN },
    scheme: FIVE_FOLDS,
    inputs: 'log return of a row and volatility of the last 20, of 16 rows',
    horizon: '1 row',
    reply: 'as `price_prediction`',
  },
  {
    name: 'xgboost',
    title: 'Gradient-boosted trees as XGBoost grows them',
    task: 'regression',
    family: 'xgboost',
    options: {},
    training: { features: BARS, target: NEXT_RETURN },
    scheme: FIVE_FOLDS,
    inputs: BARS_INPUTS,
    horizon: '1 row',
    reply: 'as `price_prediction`; the option `engine` chooses between the native trees and XGBoost itself',
  },
  {
    name: 'lstm_autoencoder',
    title: 'Unusual sequences',
    task: 'reconstruction',
    family: 'lstm_autoencoder',
    options: {},
    training: { ...SEQUENCE, target: { kind: 'none' } },
    scheme: { kind: 'holdout', train_fraction: 0.7 },
    inputs: 'log return of a row and volatility of the last 20, of 16 rows',
    horizon: 'now',
    reply: '`reconstruction_error` is the mean squared distance of the row from what the model makes of it',
  },
];

/** Returns the template of a type; undefined for a name that is none. */
export function templateOfType(type: string): ModelTemplate | undefined {
  return MODEL_TEMPLATES.find(({ name }) => name === type);
}
