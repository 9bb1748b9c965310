// Returns by symbol for the validation of predictions: posted ones, or those of the stream.
import type { ValidationRequest } from '../../../src/bus/decision-bodies.ts';
import { pointerPart, ShapeMismatchError } from '../../../src/core/errors.ts';
import { DAY_US, durationUs } from '../../../src/trading/periods.ts';
import type { TimedReturns } from '../../../src/trading/trade-risk.ts';
import type { SavedReturns } from './returns.ts';
import { MIN_HISTORY } from './value-at-risk.ts';

/** The history of one symbol. */
export interface SymbolHistory extends TimedReturns {
  readonly intervalUs: number;
}

/** What is known of symbols. */
export interface Histories {
  /** Returns null below 30 returns. */
  readonly of: (symbol: string) => SymbolHistory | null;
  /** Value traded in a day, in quote currency; null where nobody told. */
  readonly turnover: (symbol: string) => number | null;
}

/** Returns what a request brings, else what the stream told. Throws ShapeMismatchError for posted returns of unequal length. */
export function historiesOf(request: ValidationRequest, stream: SavedReturns): Histories {
  const { returns, returns_interval, turnover } = request;
  return {
    of: returns ? posted(returns, durationUs(returns_interval)) : (symbol) => streamed(symbol, stream),
    turnover: (symbol) => {
      if (turnover && Object.hasOwn(turnover, symbol)) return turnover[symbol]!;
      // With returns of another market the bars of the stream tell nothing of it.
      if (returns) return null;
      const [bar, intervalUs] = [stream.turnover(symbol), stream.intervalUs(symbol)];
      return bar === undefined || intervalUs === undefined ? null : (bar * DAY_US) / intervalUs;
    },
  };
}

function posted(returns: Readonly<Record<string, readonly number[]>>, intervalUs: number): Histories['of'] {
  const lengths = Object.values(returns).map((list) => list.length);
  const bars = lengths[0] ?? 0;
  for (const [i, symbol] of Object.keys(returns).entries()) {
    if (lengths[i] === bars) continue;
    const expected = `${bars} returns, as many as of the first symbol`;
    throw new ShapeMismatchError(`Expected ${expected}`, [
      { pointer: `/returns/${pointerPart(symbol)}`, expected },
    ]);
  }
  const times = Float64Array.from({ length: bars }, (_, i) => i);
  return (symbol) => {
    if (bars < MIN_HISTORY || !Object.hasOwn(returns, symbol)) return null;
    return { times, returns: Float64Array.from(returns[symbol]!), intervalUs };
  };
}

function streamed(symbol: string, stream: SavedReturns): SymbolHistory | null {
  const intervalUs = stream.intervalUs(symbol);
  if (stream.length(symbol) < MIN_HISTORY || intervalUs === undefined) return null;
  const { times, returns } = stream.aligned([symbol]);
  return { times, returns, intervalUs };
}

/** Returns the returns of a portfolio that is brought back to its weights at each bar, at the times that all its symbols have. */
export function portfolioReturns(weighted: readonly (readonly [SymbolHistory, number])[]): TimedReturns {
  const sums = new Map<number, { sum: number; count: number }>();
  for (const [{ times, returns }, weight] of weighted) {
    for (let i = 0; i < times.length; i++) {
      const known = sums.get(times[i]!);
      if (known) {
        known.sum += weight * returns[i]!;
        known.count++;
      } else sums.set(times[i]!, { sum: weight * returns[i]!, count: 1 });
    }
  }
  const common = [...sums].filter(([, { count }]) => count === weighted.length).sort(([a], [b]) => a - b);
  return {
    times: Float64Array.from(common, ([time]) => time),
    returns: Float64Array.from(common, ([, { sum }]) => sum),
  };
}
