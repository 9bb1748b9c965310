// Value at risk of a book or of posted positions, by the trading library with the addon's matrix product.
import {
  InsufficientHistoryError,
  InvalidOptionError,
  ShapeMismatchError,
} from '../../../src/core/errors.ts';
import { gemm } from '../../../src/native/index.ts';
import type { AlignedReturns, ReturnHistory } from '../../../src/trading/return-history.ts';
import { monteCarloVar } from '../../../src/trading/var.ts';
import type { VarRequest } from '../schemas.ts';

/** Fewer returns than this make no covariance worth the name. */
export const MIN_HISTORY = 30;
/** Paths times positions at most: about one second of work, during which the engine answers nothing else. */
export const MAX_NORMALS = 10_000_000;

export interface PositionValue {
  readonly symbol: string;
  /** Signed, in quote currency. */
  readonly market_value: number;
}

/**
 * Returns VaR and CVaR of `positions` (zeros when there are none). Returns come from the request, or from `history`: the
 * bars whose event time all positions share. Throws InsufficientHistoryError below 30 returns, ShapeMismatchError for
 * posted returns of unequal length, InvalidOptionError for too much work or symbols that do not match.
 */
export function valueAtRisk(
  request: VarRequest,
  positions: readonly PositionValue[],
  history: ReturnHistory,
) {
  const { confidence, horizon_bars, paths, seed } = request;
  if (paths * positions.length > MAX_NORMALS) {
    throw refused('/paths', `at most ${MAX_NORMALS} paths times positions`);
  }
  const held = positions.filter((p) => p.market_value !== 0);
  const symbols = held.map((p) => p.symbol);
  const { returns, bars } = request.returns
    ? postedReturns(request.returns, positions, symbols)
    : history.aligned(symbols);
  if (held.length > 0 && bars < MIN_HISTORY) {
    const detail = `Expected at least ${MIN_HISTORY} returns at event times common to all positions, was ${bars}`;
    throw new InsufficientHistoryError(detail, MIN_HISTORY, bars);
  }
  const flat = held.length === 0;
  let hardware = 'cpu';
  const result = monteCarloVar(
    {
      // A flat book is one position of nothing, so that its zeros carry the same convention.
      values: flat ? new Float64Array(1) : Float64Array.from(held, (p) => p.market_value),
      returns: flat ? new Float64Array(2) : returns,
      horizonBars: horizon_bars,
      confidence,
      paths,
      seed,
    },
    (m, n, k, a, b, out) => {
      hardware = gemm({ m, n, k, a, b, out }).backend;
    },
  );
  return {
    ...result,
    // A loss of minus zero is no loss.
    var: result.var + 0,
    cvar: result.cvar + 0,
    observations: flat ? 0 : result.observations,
    gross_exposure: held.reduce((sum, p) => sum + Math.abs(p.market_value), 0),
    hardware_used: hardware,
    backend: 'native',
  };
}

function postedReturns(
  posted: Readonly<Record<string, readonly number[]>>,
  positions: readonly PositionValue[],
  symbols: readonly string[],
): Pick<AlignedReturns, 'returns' | 'bars'> {
  const known = new Set(positions.map((p) => p.symbol));
  for (const symbol of Object.keys(posted)) {
    if (!known.has(symbol)) throw refused('/returns', 'returns of the posted positions only');
  }
  for (const symbol of known) {
    if (!Object.hasOwn(posted, symbol)) throw refused('/returns', 'returns of every posted position');
  }
  const lengths = new Set(Object.values(posted).map((r) => r.length));
  if (lengths.size > 1) {
    const expected = 'one length for the returns of all positions';
    throw new ShapeMismatchError(`Expected ${expected}`, [{ pointer: '/returns', expected }]);
  }
  const bars = lengths.values().next().value ?? 0;
  const returns = new Float64Array(bars * symbols.length);
  for (const [s, symbol] of symbols.entries()) {
    for (let bar = 0; bar < bars; bar++) returns[bar * symbols.length + s] = posted[symbol]![bar]!;
  }
  return { returns, bars };
}

function refused(pointer: string, expected: string): InvalidOptionError {
  return new InvalidOptionError(`Expected ${expected}`, [{ pointer, expected }]);
}
