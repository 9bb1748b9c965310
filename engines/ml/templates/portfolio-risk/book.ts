// Weights of a posted portfolio, and what proposed trades make of them.
import { InvalidOptionError, pointerPart } from '../../../../src/core/errors.ts';
import type { PortfolioRequest } from './schemas.ts';

/** A position of a body, with its place there. */
export interface Held {
  readonly symbol: string;
  readonly weight?: number | undefined;
  readonly shares?: number | undefined;
  readonly pointer: string;
}

/** A proposed trade of a body, with its place there. */
export interface Proposed {
  readonly symbol: string;
  readonly pointer: string;
  /** 1 buys, -1 sells, 0 does nothing. */
  readonly direction: -1 | 0 | 1;
  readonly weight?: number | undefined;
  readonly shares?: number | undefined;
  /** Why it does nothing, where that is not plain. */
  readonly reason?: string;
}

/** What a trade changes. */
export interface Traded {
  readonly symbol: string;
  readonly weight_change: number;
  readonly reason?: string;
}

/** Shares of the portfolio by symbol, in the order in which they came. */
export type Weights = ReadonlyMap<string, number>;

export type PriceOf = (symbol: string) => number | undefined;

/** Returns the positions of a body. */
export function heldOf({ portfolio, current_positions: current }: PortfolioRequest): Held[] {
  if (portfolio) return listed(portfolio.positions, '/portfolio/positions');
  if (Array.isArray(current)) return listed(current, '/current_positions');
  return Object.entries(current ?? {}).map(([symbol, position]) => ({
    symbol,
    ...position,
    pointer: `/current_positions/${pointerPart(symbol)}`,
  }));
}

function listed(positions: readonly Omit<Held, 'pointer'>[], pointer: string): Held[] {
  return positions.map((position, i) => ({ ...position, pointer: `${pointer}/${i}` }));
}

/** Returns the trades of a body; undefined where it proposes none. */
export function proposedOf({ proposed_trades: trades, trade_weight }: PortfolioRequest) {
  if (trades === undefined) return undefined;
  if (Array.isArray(trades)) {
    return trades.map((trade, i): Proposed => {
      const pointer = `/proposed_trades/${i}`;
      if ((trade.weight === undefined) === (trade.shares === undefined))
        throw refused(`${pointer}/weight`, 'either weight or shares');
      return { ...trade, pointer, direction: trade.side === 'buy' ? 1 : -1 };
    });
  }
  return Object.entries(trades).map(([symbol, { signal, confidence = 1 }]): Proposed => {
    const pointer = `/proposed_trades/${pointerPart(symbol)}`;
    if (signal === null) return { symbol, pointer, direction: 0, reason: 'it has no signal' };
    if (confidence === null) return { symbol, pointer, direction: 0, reason: 'its signal has no confidence' };
    const direction = signal === 'BUY' ? 1 : signal === 'SELL' ? -1 : 0;
    return { symbol, pointer, direction, weight: trade_weight * confidence };
  });
}

/**
 * Returns the value that `weights` are shares of, in the currency of the prices: the gross value of the positions over their gross weight,
 * so that cash beside them counts. Null where shares or a price are missing, or nothing is held.
 */
export function portfolioValue(held: readonly Held[], weights: Weights, priceOf: PriceOf): number | null {
  let value = 0;
  let weight = 0;
  for (const { symbol, shares } of held) {
    const price = priceOf(symbol);
    if (shares === undefined || price === undefined) return null;
    value += Math.abs(shares) * price;
    weight += Math.abs(weights.get(symbol)!);
  }
  return weight === 0 ? null : value / weight;
}

/**
 * Returns the weights of positions: as posted, or where none has one from shares times prices, as shares of the gross value; none of
 * nothing held. Throws InvalidOptionError for a position without either.
 */
export function weightsOf(held: readonly Held[], priceOf: PriceOf): Weights {
  if (held.some(({ weight }) => weight !== undefined)) {
    for (const { weight, pointer } of held)
      if (weight === undefined)
        throw refused(`${pointer}/weight`, 'a weight, since other positions have one');
    return new Map(held.map(({ symbol, weight }) => [symbol, weight!]));
  }
  const values = held.map(({ symbol, shares, pointer }) => {
    const price = priceOf(symbol);
    if (price === undefined)
      throw refused(`${pointer}/weight`, 'a weight, since there is no price of its shares');
    return shares! * price;
  });
  const gross = values.reduce((sum, value) => sum + Math.abs(value), 0);
  if (gross === 0 && held.length > 0) throw refused(held[0]!.pointer, 'a position that is worth something');
  return new Map(held.map(({ symbol }, i) => [symbol, values[i]! / gross]));
}

/**
 * Returns the weights after trades, which cash pays for. Without `allowShort` a sale ends at 0. Throws InvalidOptionError for shares that
 * have no price or of a portfolio that has no value.
 */
export function traded(
  before: Weights,
  trades: readonly Proposed[],
  { allowShort, priceOf, value }: { allowShort: boolean; priceOf: PriceOf; value: number | null },
): { weights: Weights; trades: Traded[] } {
  const weights = new Map(before);
  const done = trades.map((trade): Traded => {
    const { symbol, direction, reason } = trade;
    if (direction === 0) return { symbol, weight_change: 0, ...(reason && { reason }) };
    const wanted = direction * sizeOf(trade, priceOf, value);
    const has = weights.get(symbol) ?? 0;
    const asked = has + wanted;
    const after = allowShort || wanted > 0 ? asked : Math.max(Math.min(has, 0), asked);
    if (after !== 0 || weights.has(symbol)) weights.set(symbol, after);
    const short = after !== asked && { reason: 'no more than that is held, and allow_short is false' };
    return { symbol, weight_change: after - has, ...short };
  });
  return { weights, trades: done };
}

function sizeOf(
  { symbol, weight, shares, pointer }: Proposed,
  priceOf: PriceOf,
  value: number | null,
): number {
  if (weight !== undefined) return weight;
  const price = priceOf(symbol);
  if (price === undefined || value === null || value <= 0)
    throw refused(`${pointer}/shares`, 'a weight, since the portfolio or the shares have no price');
  return (shares! * price) / value;
}

export function refused(pointer: string, expected: string): InvalidOptionError {
  return new InvalidOptionError(`Expected ${expected} for ${pointer}`, [{ pointer, expected }]);
}
