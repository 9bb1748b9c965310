// What trading on forecasts would have earned after costs: holdings that do not overlap, measured as an equity curve.
import {
  InsufficientHistoryError,
  InvalidOptionError,
  NonFiniteInputError,
  ShapeMismatchError,
} from '../../../core/errors.ts';
import { type Measure, performance } from '../../../trading/performance.ts';
import { inferPeriodsPerYear } from '../../../trading/periods.ts';
import { checkSpans, type LabelSpans } from '../spans.ts';
import { moments, timeEdges } from './information.ts';
import type { Scorer } from './scorer.ts';

/** What is held and what it earns; rows in time order. */
export interface Positions {
  /** [rows], from -1 (short) to 1 (long), as a share of what one series may hold. */
  readonly positions: Float64Array;
  /** [rows]: simple return over each row's span, as a fraction. */
  readonly returns: Float64Array;
  readonly spans: LabelSpans;
  /** [rows]: which series a row is of, from 0; one series for all rows when absent. */
  readonly series?: Uint32Array;
}

/** What trading costs and how it is annualised. */
export interface TradingOptions {
  /** Cost of trading one unit of equity, basis points, at least 0. */
  readonly costBps: number;
  /** Holdings a year; from the spacing of the holdings when absent. */
  readonly periodsPerYear?: number;
}

/** Holdings one after the other: each [periods]. */
export interface Holdings {
  /** When each holding begins; one element more, the end of the last. */
  readonly tsUs: Float64Array;
  /** Return of each holding after costs, as a fraction of equity. */
  readonly net: Float64Array;
  readonly gross: Float64Array;
  /** Equity traded at the beginning of each holding, as a fraction: from 0 to 2. */
  readonly turnover: Float64Array;
  readonly periodsPerYear: number;
  /** How the holdings were annualised, and what they cost, in words. */
  readonly convention: string;
  /** Rows that begin while an earlier holding lasts. */
  readonly skippedRows: number;
}

/**
 * Returns the holdings of `positions`. At the first time, and at each first time at or after the end of the holding before, the
 * series of that time share equity equally and earn their returns; rows in between are skipped, because their returns overlap. What
 * changes from one holding to the next is traded at `costBps` (weights are as they were set; their drift is not traded), the first
 * entry and the last exit included. Throws ShapeMismatchError, NonFiniteInputError, InvalidOptionError (positions beyond 1, a series
 * twice at one time, options out of range), InsufficientHistoryError below 2 holdings.
 */
export function holdings(sample: Positions, { costBps, periodsPerYear }: TradingOptions): Holdings {
  check(sample, costBps);
  const { positions, returns, spans, series } = sample;
  const edges = timeEdges(spans.startUs);
  const [tsUs, gross, turnover] = [[], [], []] as [number[], number[], number[]];
  let held = new Map<number, number>();
  let until = Number.NEGATIVE_INFINITY;
  let used = 0;
  for (let t = 0; t + 1 < edges.length; t++) {
    const [from, to] = [edges[t]!, edges[t + 1]!];
    if (spans.startUs[from]! < until) continue;
    const next = new Map<number, number>();
    let earned = 0;
    for (let row = from; row < to; row++) {
      const share = positions[row]! / (to - from);
      const one = series?.[row] ?? 0;
      if (next.has(one))
        throw new InvalidOptionError(`Expected each series once at a time, was twice at row ${row}`);
      next.set(one, share);
      earned += share * returns[row]!;
      until = Math.max(until, spans.endUs[row]!);
    }
    used += to - from;
    tsUs.push(spans.startUs[from]!);
    gross.push(earned);
    turnover.push(traded(held, next));
    held = next;
  }
  if (gross.length < 2) throw new InsufficientHistoryError('Expected at least 2 holdings', 2, gross.length);
  const costs = turnover.map((part) => (part * costBps) / 10_000);
  costs[costs.length - 1]! += (traded(held, new Map()) * costBps) / 10_000;
  const times = Float64Array.from([...tsUs, until]);
  const inferred = inferPeriodsPerYear(Float64Array.from(tsUs));
  const perYear = periodsPerYear ?? inferred.periods_per_year;
  const spacing = periodsPerYear === undefined ? inferred.convention : `as asked: ${periodsPerYear} holdings`;
  return {
    tsUs: times,
    net: Float64Array.from(gross, (value, i) => value - costs[i]!),
    gross: Float64Array.from(gross),
    turnover: Float64Array.from(turnover),
    periodsPerYear: perYear,
    convention: `${spacing} a year; ${costBps} basis points of what is traded`,
    skippedRows: positions.length - used,
  };
}

/** The conventions of each score, in words; holdings say how they are annualised. */
export const TRADING_SCORES = {
  sharpe:
    'mean net return of a holding / standard deviation (ddof 1) x sqrt(holdings a year), no risk-free rate',
  mean_net_bps: 'mean return of a holding after costs, basis points of equity',
  mean_gross_bps: 'mean return of a holding before costs, basis points of equity',
  turnover: 'mean equity traded at the beginning of a holding, as a fraction',
} as const;

/** Name of a score of holdings. */
export type TradingScore = keyof typeof TRADING_SCORES;

/** Returns the scorer of holdings; a unit is one holding. */
export function tradingScorer({ net, gross, turnover, periodsPerYear }: Holdings): Scorer<TradingScore> {
  return {
    units: net.length,
    score(weights) {
      const { mean, deviation } = moments(net, weights);
      return {
        sharpe: deviation > 0 ? (mean / deviation) * Math.sqrt(periodsPerYear) : Number.NaN,
        mean_net_bps: mean * 10_000,
        mean_gross_bps: moments(gross, weights).mean * 10_000,
        turnover: moments(turnover, weights).mean,
      };
    },
  };
}

/**
 * Returns what depends on the order of holdings, from their compounded equity: `total_return`, `max_drawdown`, with the definitions of
 * src/trading/performance.ts.
 */
export function equityMeasures({
  net,
  tsUs,
  periodsPerYear,
}: Holdings): Record<'total_return' | 'max_drawdown', Measure> {
  const equity = new Float64Array(net.length + 1);
  equity[0] = 1;
  for (const [i, value] of net.entries()) equity[i + 1] = equity[i]! * (1 + value);
  const conventions = { periods_per_year: periodsPerYear, risk_free_rate: 0 };
  const { total_return, max_drawdown } = performance(equity, tsUs, conventions);
  return { total_return, max_drawdown };
}

/** Returns 1 at or above `neutral`, else -1: the positions of who is always in the market. */
export function signPositions(forecasts: Float64Array, neutral: number): Float64Array {
  return forecasts.map((forecast) => (forecast >= neutral ? 1 : -1));
}

function traded(before: ReadonlyMap<number, number>, after: ReadonlyMap<number, number>): number {
  let sum = 0;
  for (const [one, share] of after) sum += Math.abs(share - (before.get(one) ?? 0));
  for (const [one, share] of before) if (!after.has(one)) sum += Math.abs(share);
  return sum;
}

function check({ positions, returns, spans, series }: Positions, costBps: number): void {
  checkSpans(spans);
  const rows = spans.startUs.length;
  if (positions.length !== rows || returns.length !== rows || (series && series.length !== rows)) {
    throw new ShapeMismatchError(`Expected ${rows} positions and returns, one for each row`);
  }
  if (!(costBps >= 0 && costBps <= 10_000)) {
    throw new InvalidOptionError('Expected a cost from 0 to 10000 basis points');
  }
  for (let row = 0; row < rows; row++) {
    if (!(spans.endUs[row]! > spans.startUs[row]!)) {
      throw new InvalidOptionError(
        `Expected labels that last to hold a position over, did not at row ${row}`,
      );
    }
    if (!Number.isFinite(returns[row]!)) {
      throw new NonFiniteInputError(`Expected finite returns, was not at row ${row}`);
    }
    if (!(Math.abs(positions[row]!) <= 1)) {
      throw new InvalidOptionError(`Expected positions from -1 to 1, was not at row ${row}`);
    }
  }
}
