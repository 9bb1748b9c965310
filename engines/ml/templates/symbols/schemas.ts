// Bodies and replies of the types that predict symbol by symbol, as trading_signals does.
import { z } from 'zod';
import { ranFields, templateFields } from '../template.ts';

/** Values of `model_type` whose bodies name symbols. */
export const SYMBOL_TYPES = [
  'trading_signals',
  'price_prediction',
  'market_regime',
  'volatility_forecasting',
  'position_sizing',
  'neural_network',
  'transformer',
  'xgboost',
  'lstm_autoencoder',
] as const;
export type SymbolType = (typeof SYMBOL_TYPES)[number];

/** Most symbols of one body. */
export const MAX_SYMBOLS = 1000;

const name = z.string().min(1).max(64);
const column = z.array(z.number().nullable()).min(1).max(MAX_SYMBOLS);
const groupOf = <T extends z.ZodType>(values: T) => z.record(name, z.union([values, z.record(name, values)]));
const symbol = z.string().min(1).max(64);
const horizon = z
  .string()
  .regex(/^[1-9][0-9]{0,4}[mhd]$/)
  .optional()
  .describe('how far ahead, such as 15m, 1h or 1d; the reply says which horizon answered');

export const symbolsRequest = z.strictObject({
  model_type: z.literal([...SYMBOL_TYPES]),
  ...templateFields,
  symbols: z.array(symbol).min(1).max(MAX_SYMBOLS),
  features: groupOf(column)
    .default({})
    .describe(
      'numbers by name, one for each symbol in order, null where there is none; names may be grouped, as in technical_indicators',
    ),
  prediction_horizon: horizon,
  target_volatility: z
    .number()
    .gt(0)
    .max(10)
    .optional()
    .describe('of position_sizing: volatility of one row that a position shall have, default 0.01'),
  max_leverage: z
    .number()
    .gt(0)
    .max(100)
    .optional()
    .describe('of position_sizing: largest position as a share of the capital, default 1'),
});
export type SymbolsRequest = z.output<typeof symbolsRequest>;

/** One entry of the list that the published client posts to /predict/batch. */
export const symbolItem = z.strictObject({
  symbol,
  features: groupOf(z.number().nullable()).default({}).describe('numbers by name'),
  model_type: z.literal([...SYMBOL_TYPES]).default('trading_signals'),
  model_id: templateFields.model_id,
  prediction_horizon: horizon,
});
export const symbolList = z.array(symbolItem).min(1).max(MAX_SYMBOLS);
export type SymbolItem = z.output<typeof symbolItem>;

const interval = z.object({
  low: z.number(),
  high: z.number(),
  level: z.number().describe('probability with which it holds what happens, as calibrated'),
});

export const symbolPrediction = z.object({
  signal: z
    .enum(['BUY', 'HOLD', 'SELL'])
    .nullable()
    .describe('the likeliest class of a classifier of directions; null for other models'),
  confidence: z
    .number()
    .nullable()
    .describe('probability of the likeliest class; null unless the model is a classifier'),
  calibrated: z
    .boolean()
    .nullable()
    .describe('whether the probabilities were calibrated on held-out rows; null without any'),
  target_price: z
    .number()
    .nullable()
    .describe('posted price times exp(expected log return); null where either is missing'),
  target_interval: interval.nullable().describe('conformal interval of the price'),
  target_model_id: z.string().nullable().describe('the model of the expected return'),
  expected_return: z.number().nullable().describe('expected log return over the horizon'),
  values: z.array(z.number()).nullable().describe('the row of numbers that the model gives'),
  interval: interval.nullable().describe('conformal interval of the number of a regression'),
  model_id: z.string().nullable().describe('the model that answered'),
  model_version: z.string().nullable(),
  generic: z.boolean().nullable().describe('whether it is the committed model for any symbol'),
  regime: z.int().optional().describe('of market_regime: the likeliest state, from 0'),
  volatility: z
    .number()
    .optional()
    .describe('of volatility_forecasting and position_sizing: standard deviation of log returns of one row'),
  position_size: z
    .number()
    .nullable()
    .optional()
    .describe('of position_sizing: share of the capital; null unless the forecast is positive'),
  reconstruction_error: z
    .number()
    .optional()
    .describe('of lstm_autoencoder: mean squared distance of the row from what the model makes of it'),
  reason: z.string().optional().describe('why there are no numbers'),
});
export type SymbolPrediction = z.infer<typeof symbolPrediction>;

export const symbolsReply = z.object({
  model_type: z.literal([...SYMBOL_TYPES]),
  predictions: z.record(z.string(), symbolPrediction),
  model_version: z.string().nullable().describe('<id>@<version> of each model that answered'),
  prediction_horizon: z.string().nullable().describe('horizon of the models that answered'),
  unused: z.array(z.string()).describe('posted features that no model read'),
  ...ranFields,
});
export type SymbolsReply = z.infer<typeof symbolsReply>;

/** Reply to a list of symbols: one entry for each, in its order. */
export const symbolListReply = z.array(
  symbolsReply.omit({ predictions: true }).extend({ symbol, ...symbolPrediction.shape }),
);
