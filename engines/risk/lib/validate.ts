// The risk score of predictions: what each would do to a portfolio, were it traded alone.
import type {
  PredictionValidation,
  ScorePart,
  ValidationReply,
  ValidationRequest,
} from '../../../src/bus/decision-bodies.ts';
import { type LimitUse, limitUses } from '../../../src/trading/checks.ts';
import { DAY_US, durationUs } from '../../../src/trading/periods.ts';
import {
  addedVar,
  type JointMoments,
  jointMoments,
  NORMAL_95,
  scoreOf,
  type TimedReturns,
} from '../../../src/trading/trade-risk.ts';
import type { Account } from './accounts.ts';
import { type Histories, portfolioReturns, type SymbolHistory } from './histories.ts';
import { MIN_HISTORY } from './value-at-risk.ts';

type Prediction = ValidationRequest['predictions'][number];

/** What is held, as returns; or why that can't be told. */
type Held =
  | { readonly returns: TimedReturns | null; readonly intervalUs: number | null }
  | { readonly unknown: string };

/** A trade that a prediction asks for. */
interface Trade {
  readonly weight: number;
  /** It sells all that is held. */
  readonly whole: boolean;
  readonly reason: string | null;
}

/** A number against the threshold at which its score is 0; or why there is none. */
type Measured = { readonly value: number } | { readonly reason: string };

/**
 * Returns the answer to a request without its time: each prediction is scored as if it alone were traded, as the least of its parts
 * (limits after the trade, value at risk that it adds, volatility of the symbol, share of its turnover). A larger trade in one
 * direction never has a better score. A score is null where the limits, the value at risk or the volatility can't be told; the
 * liquidity then counts only where it can.
 */
export function validatePredictions(
  request: ValidationRequest,
  account: Account,
  histories: Histories,
): Omit<ValidationReply, 'processing_time_ms'> {
  const held = heldOf(account, histories);
  return {
    portfolio_id: account.portfolioId,
    portfolio_value: account.value,
    ts_event_us: account.tsEventUs,
    positions: [...account.weights].map(([symbol, weight]) => ({ symbol, weight })),
    portfolio_var: heldVar(held, durationUs(request.time_horizon)),
    validations: request.predictions.map((prediction) =>
      validationOf(prediction, request, account, histories, held),
    ),
  };
}

function validationOf(
  prediction: Prediction,
  request: ValidationRequest,
  account: Account,
  histories: Histories,
  held: Held,
): PredictionValidation {
  const { symbol } = prediction;
  const trade = tradeOf(prediction, request, account.weights.get(symbol) ?? 0);
  const uses = usesOf(symbol, trade, account);
  const history = histories.of(symbol);
  const parts = {
    limits: partOf(
      uses ? { value: Math.max(0, ...uses.map((use) => use.utilisation)) } : { reason: 'no price is known' },
      1,
    ),
    portfolio_var: partOf(
      addedOf(history, held, trade.weight, durationUs(request.time_horizon)),
      request.max_portfolio_var,
    ),
    volatility: partOf(volatilityOf(history), request.max_daily_volatility),
    liquidity: partOf(
      participationOf(histories.turnover(symbol), Math.abs(trade.weight) * account.value),
      request.max_participation,
    ),
  };
  const { limits, portfolio_var, volatility, liquidity } = parts;
  const needed = [limits, portfolio_var, volatility];
  const reason = needed.find((part) => part.reason !== null)?.reason ?? null;
  const scores = [...needed, liquidity].flatMap(({ score }) => score ?? []);
  return {
    symbol,
    risk_score: reason === null ? Math.min(...scores) : null,
    reason,
    weight_change: trade.weight,
    trade_reason: trade.reason,
    parts,
    limits: uses ?? [],
  };
}

function partOf(measured: Measured, threshold: number): ScorePart {
  if ('reason' in measured) return { score: null, value: null, threshold, reason: measured.reason };
  // A measure without end is full of it, and JSON knows no infinity.
  const value = Math.min(measured.value, Number.MAX_VALUE);
  return { score: scoreOf(value, threshold), value, threshold, reason: null };
}

function tradeOf(
  { signal, confidence, weight }: Prediction,
  { trade_weight, allow_short }: ValidationRequest,
  has: number,
): Trade {
  const nothing = (reason: string | null): Trade => ({ weight: 0, whole: false, reason });
  if (signal === null) return nothing('it has no signal');
  if (signal === 'HOLD') return nothing(null);
  if (weight === undefined && confidence === null) return nothing('its signal has no confidence');
  const size = weight ?? trade_weight * confidence!;
  if (signal === 'BUY') return { weight: size, whole: false, reason: null };
  if (allow_short || has - size > 0) return { weight: -size, whole: false, reason: null };
  if (has <= 0) return nothing('nothing of it is held, and allow_short is false');
  const reason = has < size ? 'no more than that is held, and allow_short is false' : null;
  return { weight: -has, whole: true, reason };
}

function usesOf(symbol: string, { weight, whole }: Trade, account: Account): LimitUse[] | null {
  const quantity = account.quantity(symbol, weight, whole);
  if (quantity === null) return null;
  const side = weight < 0 ? ('sell' as const) : ('buy' as const);
  return limitUses({ symbol, side, type: 'market', quantity }, account.bookFor(symbol), account.limits);
}

const NO_HISTORY = `fewer than ${MIN_HISTORY} returns are known of it`;

function addedOf(history: SymbolHistory | null, held: Held, weight: number, horizonUs: number): Measured {
  if (history === null) return { reason: NO_HISTORY };
  if ('unknown' in held) return { reason: held.unknown };
  if (held.intervalUs !== null && held.intervalUs !== history.intervalUs)
    return { reason: 'its bars are of another length than those of the positions' };
  const moments: JointMoments = jointMoments(held.returns, history);
  if (moments.observations < MIN_HISTORY)
    return { reason: `fewer than ${MIN_HISTORY} of its returns are at times of those of the positions` };
  return { value: addedVar(moments, weight, horizonUs / history.intervalUs) };
}

function volatilityOf(history: SymbolHistory | null): Measured {
  if (history === null) return { reason: NO_HISTORY };
  const { symbolVariance } = jointMoments(null, history);
  return { value: Math.sqrt((symbolVariance * DAY_US) / history.intervalUs) };
}

function participationOf(turnover: number | null, value: number): Measured {
  if (turnover === null) return { reason: 'its turnover is not known' };
  return { value: value === 0 ? 0 : value / turnover };
}

function heldOf({ weights }: Account, histories: Histories): Held {
  const weighted: (readonly [SymbolHistory, number])[] = [];
  for (const [symbol, weight] of weights) {
    const history = histories.of(symbol);
    if (history === null) return { unknown: `fewer than ${MIN_HISTORY} returns are known of a position` };
    weighted.push([history, weight]);
  }
  const [first] = weighted;
  if (!first) return { returns: null, intervalUs: null };
  const { intervalUs } = first[0];
  if (weighted.some(([history]) => history.intervalUs !== intervalUs))
    return { unknown: 'the positions have bars of different lengths' };
  return { returns: portfolioReturns(weighted), intervalUs };
}

/** Value at risk of what is held; null where it can't be told. */
function heldVar(held: Held, horizonUs: number): number | null {
  if ('unknown' in held) return null;
  if (held.returns === null) return 0;
  if (held.returns.times.length < MIN_HISTORY) return null;
  const { symbolVariance } = jointMoments(null, held.returns);
  return NORMAL_95 * Math.sqrt((symbolVariance * horizonUs) / held.intervalUs!);
}
