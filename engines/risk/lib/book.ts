// One portfolio as the Risk engine knows it: its last valuation, its peak, its open orders, and the state of its limits.
import type { BodyOf, topics } from '../../../src/bus/topics.ts';
import { type Book, type BookPosition, checkBook, type LimitState } from '../../../src/trading/checks.ts';
import { type Decimal, dec, text, ZERO } from '../../../src/trading/decimal.ts';
import type { Limits } from '../../../src/trading/limits.ts';

export type Valuation = BodyOf<typeof topics.valuations>;
export type OrderEvent = BodyOf<typeof topics.orders>;
export type RiskStatus = LimitState['status'];

/** A price and its event time. */
export interface Mark {
  readonly tsEventUs: number;
  readonly price: number;
}

/** The state of a book against its limits. */
export interface RiskState {
  readonly status: RiskStatus;
  readonly limits: readonly LimitState[];
  /** Fall of equity below its peak as a fraction of the peak; 1 when the peak is not above zero. */
  readonly drawdown: number;
  /** One less the fullest limit's utilisation, within 0 and 1: 1 is far from every limit, 0 at or beyond one. */
  readonly score: number;
}

type OpenOrder = Pick<OrderEvent, 'symbol' | 'side' | 'quantity'>;

interface Stored {
  readonly peak: string | null;
  readonly tsEventUs: number;
  readonly valuation: Valuation | null;
  readonly open: [string, OpenOrder][];
}

/** The book of one portfolio. Peak equity never falls, except when the portfolio's history is emptied. */
export class PortfolioBook {
  valuation: Valuation | null = null;
  tsEventUs = 0;
  #peak: Decimal | null;
  #equity: Decimal = ZERO;
  #open = new Map<string, OpenOrder>();
  #cache: { limits: Limits; state: RiskState } | undefined;

  /** `startingCash` is the first peak of a portfolio whose history begins now. */
  constructor(startingCash?: string) {
    this.#peak = startingCash === undefined ? null : dec(startingCash);
  }

  /** Returns a book from what `serialise` gave. */
  static restore(stored: string): PortfolioBook {
    const { peak, tsEventUs, valuation, open } = JSON.parse(stored) as Stored;
    const book = new PortfolioBook(peak ?? undefined);
    book.valuation = valuation;
    book.#equity = dec(valuation?.equity ?? ZERO);
    book.tsEventUs = tsEventUs;
    book.#open = new Map(open);
    return book;
  }

  serialise(): string {
    const stored: Stored = {
      peak: this.#peak && text(this.#peak),
      tsEventUs: this.tsEventUs,
      valuation: this.valuation,
      open: [...this.#open],
    };
    return JSON.stringify(stored);
  }

  get peakEquity(): string {
    return text(this.#peak ?? ZERO);
  }

  get openOrders(): number {
    return this.#open.size;
  }

  /**
   * Takes a new valuation. The peak begins at the starting cash, so that a loss on the first bar is a drawdown; it begins
   * again when fills or starting cash tell that the history was emptied.
   */
  value(valuation: Valuation, tsEventUs: number): void {
    const before = this.valuation;
    const emptied =
      before !== null && (valuation.fills < before.fills || valuation.starting_cash !== before.starting_cash);
    if (emptied) this.#open.clear();
    if (this.#peak === null || emptied) this.#peak = dec(valuation.starting_cash);
    this.valuation = valuation;
    this.tsEventUs = tsEventUs;
    // A flat book at the same equity keeps its state: the common case of a quiet strategy.
    if (!emptied && before?.equity === valuation.equity && isFlat(before) && isFlat(valuation)) return;
    this.#cache = undefined;
    this.#equity = dec(valuation.equity);
    if (this.#equity.gt(this.#peak)) this.#peak = this.#equity;
  }

  /** Follows an order from acceptance to its end. */
  order({ order_id, status, symbol, side, quantity }: OrderEvent): void {
    if (status === 'accepted') this.#open.set(order_id, { symbol, side, quantity });
    else this.#open.delete(order_id);
  }

  /** Returns the state of every limit; call only after a valuation. */
  state(limits: Limits): RiskState {
    if (this.#cache?.limits === limits) return this.#cache.state;
    const positions = this.valuation!.positions;
    const states = checkBook(this.#bookWith(new Map(positions.map((p) => [p.symbol, p]))), limits);
    const state = { limits: states, drawdown: this.#drawdown(), ...worst(states) };
    this.#cache = { limits, state };
    return state;
  }

  /**
   * Returns the book that an order in `symbol` is checked against: open orders count, and the newer of the valuation's
   * mark and `mark` is the reference price. Call only after a valuation.
   */
  forOrder(symbol: string, mark: Mark | undefined): Book {
    const held = this.valuation!.positions.find((p) => p.symbol === symbol);
    const newer = mark && (!held || mark.tsEventUs > this.tsEventUs) ? mark.price : held?.mark_price;
    const open = { buy: ZERO, sell: ZERO };
    for (const order of this.#open.values()) {
      if (order.symbol === symbol) open[order.side] = open[order.side].plus(order.quantity);
    }
    const position: BookPosition = {
      quantity: held?.quantity ?? ZERO,
      mark_price: newer ?? null,
      open_buy_quantity: open.buy,
      open_sell_quantity: open.sell,
    };
    return this.#bookWith(new Map([[symbol, position]]));
  }

  #bookWith(positions: Book['positions']): Book {
    return { equity: this.#equity, peak_equity: this.#peak!, positions };
  }

  #drawdown(): number {
    const peak = this.#peak!.toNumber();
    return peak > 0 ? Math.max(0, (peak - this.#equity.toNumber()) / peak) : 1;
  }
}

function isFlat(valuation: Valuation): boolean {
  return valuation.positions.every((p) => p.quantity === '0');
}

/** How close one limit's utilisation is to its end; an unmeasurable one counts as full. */
function worst(states: readonly LimitState[]): Pick<RiskState, 'status' | 'score'> {
  let fullest = 0;
  let status: RiskStatus = 'ok';
  for (const state of states) {
    fullest = Math.max(fullest, state.utilisation ?? 1);
    if (state.status === 'breach' || status === 'ok') status = state.status;
  }
  return { status, score: Math.min(1, Math.max(0, 1 - fullest)) };
}
