// The portfolio that predictions are validated against: one of this system, or posted positions.
import type { ValidationRequest } from '../../../src/bus/decision-bodies.ts';
import { ConflictError } from '../../../src/core/errors.ts';
import type { Book } from '../../../src/trading/checks.ts';
import { dec, text } from '../../../src/trading/decimal.ts';
import { type Limits, limitsSchema } from '../../../src/trading/limits.ts';
import type { PortfolioBook } from './book.ts';
import type { SavedReturns } from './returns.ts';

/** A portfolio with the limits that hold for it. */
export interface Account {
  readonly portfolioId: string | null;
  /** Equity in quote currency, above 0. */
  readonly value: number;
  readonly tsEventUs: number | null;
  /** Shares of the portfolio by symbol, none of 0. */
  readonly weights: ReadonlyMap<string, number>;
  readonly limits: Limits;
  /** Returns the book that an order in a symbol is checked against; without a mark for a symbol that has none. */
  readonly bookFor: (symbol: string) => Book;
  /** Returns the quantity of an order of a share of the portfolio; null without a mark. A `whole` position is its exact quantity. */
  readonly quantity: (symbol: string, weight: number, whole: boolean) => string | null;
}

/** A portfolio that was valued, and its limits. */
export interface Valued {
  readonly book: PortfolioBook;
  readonly limits: Limits;
}

const DEFAULTS: Limits = Object.freeze(limitsSchema.parse({}));

/** Returns the account of posted positions. They are measured in quote currency, each unit worth one, under the default limits. */
export function postedAccount({ current_positions = [], portfolio_value }: ValidationRequest): Account {
  const value = portfolio_value!;
  const weights = new Map(
    current_positions.flatMap(({ symbol, weight }) => (weight === 0 ? [] : [[symbol, weight] as const])),
  );
  const quantity = (weight: number) => text(dec(Math.abs(weight)).times(value));
  return {
    portfolioId: null,
    value,
    tsEventUs: null,
    weights,
    limits: DEFAULTS,
    bookFor: (symbol) => {
      const held = weights.get(symbol) ?? 0;
      const position = { quantity: `${held < 0 ? '-' : ''}${quantity(held)}`, mark_price: 1 };
      return { equity: value, peak_equity: value, positions: new Map([[symbol, position]]) };
    },
    quantity: (_, weight) => quantity(weight),
  };
}

/** Returns the account of a portfolio of this system. Throws ConflictError where its equity is not above zero. */
export function bookAccount(portfolioId: string, { book, limits }: Valued, returns: SavedReturns): Account {
  const { equity, positions } = book.valuation!;
  const value = Number(equity);
  if (!(value > 0)) throw new ConflictError('Expected a portfolio whose equity is above zero');
  const held = new Map(positions.filter((p) => p.quantity !== '0').map((p) => [p.symbol, p]));
  const bookFor = (symbol: string) => book.forOrder(symbol, returns.mark(symbol));
  return {
    portfolioId,
    value,
    tsEventUs: book.tsEventUs,
    weights: new Map([...held].map(([symbol, p]) => [symbol, Number(p.market_value) / value])),
    limits,
    bookFor,
    quantity: (symbol, weight, whole) => {
      if (whole) return text(dec(held.get(symbol)!.quantity).abs());
      const mark = Number(bookFor(symbol).positions.get(symbol)!.mark_price ?? 0);
      return mark > 0 ? text(dec((Math.abs(weight) * value) / mark)) : null;
    },
  };
}
