// One portfolio as the order path sees it: ledger, peak of its equity, limits, and the check of an order against them.
import type { BodyOf, topics } from '../../src/bus/topics.ts';
import { InvariantError } from '../../src/core/errors.ts';
import {
  type Book as CheckedBook,
  checkOrder,
  largestQuantity,
  type OrderCheck,
} from '../../src/trading/checks.ts';
import { Decimal, type DecimalInput, dec, text, ZERO } from '../../src/trading/decimal.ts';
import { Ledger, type LedgerState } from '../../src/trading/ledger.ts';
import { type Limits, limitsSchema } from '../../src/trading/limits.ts';
import type { Fill, OrderRequest } from '../../src/trading/orders.ts';
import type { OpenQuantities } from '../../src/trading/paper-venue.ts';

/** Limits of a portfolio for which none were set. */
export const DEFAULT_LIMITS: Limits = limitsSchema.parse({});

/** Returns the limits that the risk engine gave when a replay opened, or the defaults when it takes no part. */
export function limitsGiven(risk: unknown): Limits {
  const limits = (risk as { limits?: unknown } | null | undefined)?.limits;
  if (limits === undefined) return DEFAULT_LIMITS;
  const parsed = limitsSchema.safeParse(limits);
  if (!parsed.success) throw new InvariantError('limits of the risk engine break their schema');
  return parsed.data;
}

/** What a book starts from, before its fills. */
export interface BookBase {
  readonly ledger: LedgerState;
  /** Quote currency. */
  readonly peak: string;
}

/** Returns the start of a portfolio that holds cash only. */
export function cashBase(portfolioId: string, startingCash: string): BookBase {
  return { ledger: new Ledger(portfolioId, startingCash).state(), peak: startingCash };
}

/**
 * Returns the start of a portfolio whose history lies with the portfolio engine alone. Its average prices are rounded
 * to 18 places, so that the cost of such a position may differ from the original in the 18th place.
 */
export function valuationBase(valuation: BodyOf<typeof topics.valuations>): BookBase {
  const { portfolio_id, starting_cash, cash, fees, equity } = valuation;
  const positions = valuation.positions.map((p) => ({
    symbol: p.symbol,
    quantity: p.quantity,
    cost: text(dec(p.quantity).times(p.average_price ?? ZERO)),
    realised: p.realised_pnl,
    mark_price: p.mark_price,
    // Any bar is newer.
    mark_ts_us: 0,
  }));
  const peak = text(Decimal.max(starting_cash, equity));
  return { ledger: { portfolio_id, starting_cash, cash, fees, positions }, peak };
}

/** State of one portfolio. */
export class Book {
  readonly ledger: Ledger;
  limits: Limits;
  #peak: Decimal;

  constructor(base: BookBase, limits: Limits = DEFAULT_LIMITS) {
    this.ledger = Ledger.restore(base.ledger);
    this.#peak = dec(base.peak);
    this.limits = limits;
  }

  get portfolioId(): string {
    return this.ledger.portfolioId;
  }

  /** Highest equity at the close of a bar, in quote currency. */
  get peak(): string {
    return text(this.#peak);
  }

  apply(fill: Fill): void {
    this.ledger.apply(fill);
  }

  /** Values one symbol at a close; returns whether equity has reached a new peak. */
  mark(symbol: string, close: number, tsEventUs: number): boolean {
    if (!this.ledger.mark(symbol, close, tsEventUs)) return false;
    const equity = this.ledger.equity();
    if (!equity.gt(this.#peak)) return false;
    this.#peak = equity;
    return true;
  }

  /** Checks an order at the mark `price`; `open` is what the portfolio has open in its symbol. */
  check(request: OrderRequest, price: DecimalInput, open: OpenQuantities): OrderCheck {
    return checkOrder(request, this.#checked(request, price, open), this.limits);
  }

  /** The largest quantity of such an order that all limits let pass, as text. */
  largest(request: OrderRequest, price: DecimalInput, open: OpenQuantities): string {
    return text(largestQuantity(request, this.#checked(request, price, open), this.limits));
  }

  #checked({ symbol }: OrderRequest, price: DecimalInput, open: OpenQuantities): CheckedBook {
    const position = {
      quantity: this.ledger.quantity(symbol),
      mark_price: price,
      open_buy_quantity: open.buy,
      open_sell_quantity: open.sell,
    };
    return {
      equity: this.ledger.equity(),
      peak_equity: this.#peak,
      positions: new Map([[symbol, position]]),
    };
  }
}
