// A simulated exchange that fills orders from bars, never with knowledge of the bar that caused them.
import { ConflictError } from '../core/errors.ts';
import type { Bar } from '../market/bar.ts';
import { Decimal, type DecimalInput, dec, text, ZERO } from './decimal.ts';
import type { Fill, Order } from './orders.ts';

/** Fees are in basis points of notional; `fillId` makes the id of an order's only fill, `<order_id>:1` by default. */
export interface PaperVenueOptions {
  readonly feeBps: DecimalInput;
  readonly fillId?: (order: Order) => string;
}

/** Places to which a fee is rounded, half-even. */
const FEE_PLACES = 8;

/** What one portfolio has open in one symbol, in base units, unsigned; `market*` is the part of market orders. */
export interface OpenQuantities {
  readonly buy: Decimal;
  readonly sell: Decimal;
  readonly marketBuy: Decimal;
  readonly marketSell: Decimal;
}

const NOTHING_OPEN: OpenQuantities = { buy: ZERO, sell: ZERO, marketBuy: ZERO, marketSell: ZERO };

interface Resting {
  readonly order: Order;
  readonly quantity: Decimal;
  readonly limit: Decimal | null;
}

/**
 * Fills whole orders at bar prices. A market order fills at the open of the first bar of its symbol that is later than
 * the order; a limit order when such a bar trades at its price or better: a buy when low <= limit, at min(open, limit),
 * a sell when high >= limit, at max(open, limit). No slippage, queue or partial fill is simulated. Fills come in the
 * order of submission and only from `onBar`, so the same calls give the same fills.
 */
export class PaperVenue {
  readonly #feeRate: Decimal;
  readonly #fillId: (order: Order) => string;
  /** Open orders by symbol, in order of submission (a Map keeps it). */
  readonly #open = new Map<string, Map<string, Resting>>();
  readonly #symbols = new Map<string, string>();
  /** Sums of open quantities by symbol and portfolio: a check must not cost more the more is open. */
  readonly #sums = new Map<string, Map<string, OpenQuantities>>();

  /** Throws NonFiniteInputError. */
  constructor({ feeBps, fillId = (order) => `${order.order_id}:1` }: PaperVenueOptions) {
    this.#feeRate = dec(feeBps).times('0.0001');
    this.#fillId = fillId;
  }

  /** Takes an accepted order. Throws ConflictError when it is open already or its status is not `accepted`. */
  submit(order: Order): void {
    if (order.status !== 'accepted')
      throw new ConflictError(`Expected an accepted order, was ${order.status}`);
    if (this.#symbols.has(order.order_id)) throw new ConflictError(`Order ${order.order_id} is open already`);
    const limit = order.limit_price === undefined ? null : dec(order.limit_price);
    const book = this.#open.get(order.symbol) ?? new Map<string, Resting>();
    this.#open.set(order.symbol, book);
    const quantity = dec(order.quantity);
    book.set(order.order_id, { order, quantity, limit });
    this.#symbols.set(order.order_id, order.symbol);
    this.#add(order, quantity);
  }

  /** Returns the order as cancelled, or null when it is not open (filled, cancelled or never submitted). */
  cancel(orderId: string): Order | null {
    const symbol = this.#symbols.get(orderId);
    const resting = symbol === undefined ? undefined : this.#open.get(symbol)?.get(orderId);
    if (resting === undefined) return null;
    this.#remove(resting);
    return { ...resting.order, status: 'cancelled' };
  }

  /** What a portfolio has open in a symbol: exact sums of the quantities of its open orders. */
  openQuantities(portfolioId: string, symbol: string): OpenQuantities {
    return this.#sums.get(symbol)?.get(portfolioId) ?? NOTHING_OPEN;
  }

  /** Open orders in order of submission, of one symbol or of all (then symbol by symbol). */
  openOrders(symbol?: string): Order[] {
    const books = symbol === undefined ? [...this.#open.values()] : [this.#open.get(symbol) ?? new Map()];
    return books.flatMap((book: Map<string, Resting>) => [...book.values()].map((resting) => resting.order));
  }

  /**
   * Returns the fills that this bar causes, each with the bar's own time. An order is touched only by bars whose
   * `ts_event_us` is above its own, whatever the order of the calls: the bar on which a decision was made can't fill it.
   */
  onBar(bar: Bar): Fill[] {
    const book = this.#open.get(bar.symbol);
    if (book === undefined) return [];
    const fills: Fill[] = [];
    for (const resting of book.values()) {
      const { order, quantity, limit } = resting;
      if (order.ts_event_us >= bar.ts_event_us) continue;
      const price = fillPrice(order, limit, bar);
      if (price === null) continue;
      this.#remove(resting);
      fills.push({
        fill_id: this.#fillId(order),
        order_id: order.order_id,
        portfolio_id: order.portfolio_id,
        symbol: order.symbol,
        side: order.side,
        quantity: order.quantity,
        price: text(price),
        fee: text(
          quantity.times(price).times(this.#feeRate).toDecimalPlaces(FEE_PLACES, Decimal.ROUND_HALF_EVEN),
        ),
        ts_event_us: bar.ts_event_us,
      });
    }
    return fills;
  }

  #remove({ order, quantity }: Resting): void {
    this.#symbols.delete(order.order_id);
    const book = this.#open.get(order.symbol);
    book?.delete(order.order_id);
    if (book?.size === 0) {
      this.#open.delete(order.symbol);
      this.#sums.delete(order.symbol);
    } else {
      this.#add(order, quantity.negated());
    }
  }

  #add({ symbol, portfolio_id, side, type }: Order, quantity: Decimal): void {
    const sums = this.#sums.get(symbol) ?? new Map<string, OpenQuantities>();
    this.#sums.set(symbol, sums);
    const { buy, sell, marketBuy, marketSell } = sums.get(portfolio_id) ?? NOTHING_OPEN;
    const market = type === 'market';
    sums.set(
      portfolio_id,
      side === 'buy'
        ? {
            buy: buy.plus(quantity),
            sell,
            marketBuy: market ? marketBuy.plus(quantity) : marketBuy,
            marketSell,
          }
        : {
            buy,
            sell: sell.plus(quantity),
            marketBuy,
            marketSell: market ? marketSell.plus(quantity) : marketSell,
          },
    );
  }
}

function fillPrice(order: Order, limit: Decimal | null, bar: Bar): Decimal | null {
  const open = dec(bar.open);
  if (limit === null) return open;
  if (order.side === 'buy') return limit.gte(bar.low) ? Decimal.min(open, limit) : null;
  return limit.lte(bar.high) ? Decimal.max(open, limit) : null;
}
