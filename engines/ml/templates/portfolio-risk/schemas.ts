// Bodies and replies of portfolio_risk.
import { z } from 'zod';
import { MAX_SYMBOLS } from '../symbols/schemas.ts';
import { ranFields, templateFields } from '../template.ts';

/** Most positions of one portfolio. */
export const MAX_POSITIONS = 500;
/** Most returns of one symbol in a body. */
export const MAX_POSTED = 10_000;

const symbol = z.string().min(1).max(64);
const weight = z.number().min(-10).max(10).describe('share of the portfolio; below 0 is short');
const shares = z.number().min(-1e12).max(1e12).describe('number of shares; below 0 is short');
const confidence = z.number().min(0).max(1);

type Sized = { weight?: number | undefined; shares?: number | undefined };
const isSized = ({ weight, shares }: Sized) => weight !== undefined || shares !== undefined;
const SIZED = { message: 'Expected weight or shares', path: ['weight'] };
const size = { weight: weight.optional(), shares: shares.optional() };
const position = z.strictObject({ symbol, ...size }).refine(isSized, SIZED);
const unnamed = z.strictObject(size).refine(isSized, SIZED);
const positions = z
  .array(position)
  .min(1)
  .max(MAX_POSITIONS)
  .superRefine((list, context) => {
    const seen = new Set<string>();
    for (const [i, one] of list.entries()) {
      if (seen.has(one.symbol))
        context.addIssue({ code: 'custom', path: [i, 'symbol'], message: 'Expected each symbol once' });
      seen.add(one.symbol);
    }
  });

// Predictions are handed on as they came, with fields that mean nothing here.
const signalTrade = z
  .looseObject({
    signal: z.enum(['BUY', 'HOLD', 'SELL']).nullable(),
    confidence: confidence.nullable().optional(),
  })
  .describe('a prediction of trading_signals');
const listedTrade = z.strictObject({
  symbol,
  side: z.enum(['buy', 'sell']),
  weight: z.number().positive().max(10).optional().describe('share of the portfolio that is traded'),
  shares: z.number().positive().max(1e12).optional(),
});

function atMost<T>(most: number, record: z.ZodType<Record<string, T>>) {
  return record.refine((entries) => Object.keys(entries).length <= most, {
    message: `Expected at most ${most} symbols`,
  });
}

const METRIC = /^(?:c?var_(?:5[1-9]|[6-9]\d)(?:_\d)?|max_drawdown|sharpe_ratio|beta|volatility)$/;
const returnsOf = z.array(z.number().min(-1).max(1000)).min(1).max(MAX_POSTED);
const duration = z.string().regex(/^[1-9]\d{0,4}[mhdw]$/);
const prices = z.record(symbol, z.number().positive().max(1e15));

export const portfolioRequest = z
  .strictObject({
    model_type: z.literal('portfolio_risk'),
    ...templateFields,
    portfolio: z.strictObject({ positions }).optional(),
    current_positions: z
      .union([positions, atMost(MAX_POSITIONS, z.record(symbol, unnamed))])
      .optional()
      .describe('in place of portfolio, as a list or by symbol; what is held before proposed_trades'),
    proposed_trades: z
      .union([z.array(listedTrade).max(MAX_POSITIONS), atMost(MAX_SYMBOLS, z.record(symbol, signalTrade))])
      .optional()
      .describe('a list of trades, or the predictions of a reply of trading_signals'),
    trade_weight: z
      .number()
      .positive()
      .max(1)
      .default(0.05)
      .describe('share of the portfolio that a signal of confidence 1 trades'),
    allow_short: z.boolean().default(false).describe('false: a sale ends at a position of nothing'),
    portfolio_id: z
      .string()
      .min(1)
      .max(128)
      .optional()
      .describe('a portfolio of this system: adds what the risk engine last said of its limits'),
    risk_metrics: z
      .array(z.string().regex(METRIC))
      .min(1)
      .max(32)
      .optional()
      .describe(
        'var_95, cvar_97_5 and so on, max_drawdown, sharpe_ratio, beta, volatility; beta is always there',
      ),
    confidence_level: z.number().min(0.51).max(0.999).default(0.95).describe('level of portfolio_var'),
    time_horizon: duration.default('1d').describe('such as 30m, 4h, 1d or 2w, of as many bars as it is long'),
    benchmark: symbol.optional().describe('symbol that beta is of'),
    returns: z.record(symbol, returnsOf).optional().describe('returns of each symbol, oldest first'),
    returns_interval: duration.default('1d').describe('distance between two posted returns'),
    dataset_id: z.string().min(1).max(64).optional().describe('a table of closes, in place of returns'),
    price_column: z.string().min(1).max(64).default('close').describe('of a table with a column of symbols'),
    prices: prices.optional().describe('prices of shares; default: the last close of the history'),
    periods_per_year: z
      .number()
      .positive()
      .max(1e8)
      .optional()
      .describe('default: from the times of the bars'),
    risk_free_rate: z.number().min(-0.5).max(1).default(0).describe('a year, as a fraction'),
    unknown: z
      .enum(['refuse', 'exclude'])
      .default('refuse')
      .describe('what becomes of positions without history: 422, or they are left out and named'),
  })
  .superRefine((body, context) => {
    const refuse = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message });
    if ((body.portfolio === undefined) === (body.current_positions === undefined))
      refuse('portfolio', 'Expected either portfolio or current_positions');
    if (body.returns && body.dataset_id) refuse('dataset_id', 'Expected either returns or dataset_id');
  });
export type PortfolioRequest = z.output<typeof portfolioRequest>;

const figures = z
  .record(z.string(), z.number().nullable())
  .describe('fractions of the portfolio, losses positive; null where `reasons` says why');
const assessment = {
  risk_assessment: figures,
  reasons: z.record(z.string(), z.string()).describe('why a figure is null'),
  standard_errors: z
    .record(z.string(), z.number().nullable())
    .describe('of sampling, for independent bars: of each var and cvar'),
  portfolio_var: z.number().nullable().describe('value at risk of confidence_level over time_horizon'),
  exposure: z.object({
    gross: z.number().describe('sum of absolute weights'),
    net: z.number(),
    cash: z.number().describe('1 - net'),
  }),
};

const limit = z.object({
  limit: z.string(),
  value: z.string().nullable(),
  threshold: z.string().nullable(),
  utilisation: z.number().nullable(),
  status: z.enum(['ok', 'warning', 'breach']),
});

export const portfolioReply = z.object({
  model_type: z.literal('portfolio_risk'),
  ...assessment,
  confidence_interval: z.number().describe('confidence_level'),
  before: z.object(assessment).nullable().describe('without the trades; null where none were proposed'),
  trades: z
    .array(
      z.object({
        symbol: z.string(),
        weight_change: z.number().describe('0 where nothing is traded'),
        reason: z.string().optional().describe('why less is traded than was proposed'),
      }),
    )
    .nullable(),
  positions: z.array(z.object({ symbol: z.string(), weight: z.number() })).describe('as assessed'),
  excluded: z.array(z.object({ symbol: z.string(), reason: z.string() })),
  portfolio_value: z
    .number()
    .nullable()
    .describe('what weights are shares of, by shares times prices; null where one is missing'),
  portfolio_var_value: z.number().nullable().describe('portfolio_var times portfolio_value'),
  time_horizon: z.string(),
  horizon_bars: z.number().describe('by whose square root one bar is scaled'),
  history: z.object({
    source: z.enum(['returns', 'dataset', 'stream']),
    observations: z.int(),
    interval_us: z.number(),
    from_us: z.number().nullable(),
    to_us: z.number().nullable(),
    periods_per_year: z.number(),
  }),
  method: z.literal('historical simulation, square root of time'),
  benchmark: z.string().nullable(),
  limits: z
    .object({
      portfolio_id: z.string(),
      status: z.enum(['ok', 'warning', 'breach']),
      equity: z.string(),
      drawdown: z.number(),
      limits: z.array(limit),
      ts_event_us: z.number(),
    })
    .nullable(),
  limits_reason: z.string().optional(),
  var_estimate: z
    .object({
      value: z.number(),
      interval: z.object({ low: z.number(), high: z.number(), level: z.number() }).nullable(),
      model_id: z.string(),
      model_version: z.string(),
      inputs: z.record(z.string(), z.number()),
    })
    .nullable()
    .describe('of the model that model_id names'),
  unused: z.array(z.string()).describe('posted fields that changed nothing'),
  ...ranFields,
});
export type PortfolioReply = z.infer<typeof portfolioReply>;
export type Assessed = Pick<
  PortfolioReply,
  'risk_assessment' | 'reasons' | 'standard_errors' | 'portfolio_var' | 'exposure'
>;
