// The ledger of one portfolio: cash, positions, profit and loss in exact decimals. It knows no market and no clock.
import { InvariantError } from '../core/errors.ts';
import { type Decimal, type DecimalInput, dec, MAX_DECIMAL_PLACES, text, ZERO } from './decimal.ts';
import type { Fill } from './orders.ts';

/** One symbol's line in a snapshot; all decimals as strings. `average_price` is null when the position is flat. */
export interface PositionSnapshot {
  readonly symbol: string;
  /** Signed base units: below zero is short. */
  readonly quantity: string;
  /** Average cost per unit, rounded half-even to 18 places (the ledger itself keeps the unrounded cost). */
  readonly average_price: string | null;
  /** Last mark, or the last fill's price before the first mark. */
  readonly mark_price: string;
  /** Signed: quantity x mark. */
  readonly market_value: string;
  readonly unrealised_pnl: string;
  /** Gross of fees. */
  readonly realised_pnl: string;
}

/** The whole portfolio in quote currency; positions in order of symbol, flat ones included once traded. */
export interface LedgerSnapshot {
  readonly cash: string;
  readonly fees: string;
  readonly realised_pnl: string;
  readonly unrealised_pnl: string;
  readonly equity: string;
  readonly positions: readonly PositionSnapshot[];
}

/** A position as the ledger keeps it; `Book.positions` of the limits accepts it as it stands. */
export interface Holding {
  /** Signed base units. */
  readonly quantity: Decimal;
  /** Signed cost of what is open: quantity x average price. */
  readonly cost: Decimal;
  readonly realised: Decimal;
  readonly mark_price: Decimal;
  /** Signed: quantity x mark. */
  readonly value: Decimal;
}

/** Everything that `Ledger.restore` needs; plain JSON. */
export interface LedgerState {
  readonly portfolio_id: string;
  readonly starting_cash: string;
  readonly cash: string;
  readonly fees: string;
  readonly positions: readonly {
    readonly symbol: string;
    readonly quantity: string;
    readonly cost: string;
    readonly realised: string;
    readonly mark_price: string;
    /** -1 while the mark is only the price of a fill. */
    readonly mark_ts_us: number;
  }[];
}

type Line = { -readonly [K in keyof Holding]: Holding[K] } & {
  markTsUs: number;
  markRaw: DecimalInput;
  /** What only a fill changes, as text; undefined until a snapshot asks after one. Its division costs more than the rest. */
  settled: Pick<PositionSnapshot, 'quantity' | 'average_price' | 'realised_pnl'> | undefined;
};

const byText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/**
 * Average-cost ledger. Adding to a position adds to its cost; reducing it releases the cost in proportion (weighted
 * average cost, IAS 2 Inventories, paragraph 27) and realises the difference to the price; a fill larger than the
 * position closes all of it and opens the rest at the fill's price. Fees never enter cost or realised P&L.
 *
 * Law: `equity = starting cash + realised + unrealised - fees`, exactly. The released cost is the only quotient; it is
 * rounded once (24 places, half-even) and used on both sides, so no rounding can leak.
 */
export class Ledger {
  readonly portfolioId: string;
  readonly startingCash: Decimal;
  #cash: Decimal;
  #fees: Decimal = ZERO;
  #realised: Decimal = ZERO;
  /** Sum of all market values, kept up to date by fills and marks so that equity is one addition. */
  #value: Decimal = ZERO;
  readonly #lines = new Map<string, Line>();
  /** The totals that only a fill changes, as text; undefined until a snapshot asks after one. */
  #settled: Pick<LedgerSnapshot, 'cash' | 'fees' | 'realised_pnl'> | undefined;

  /** `startingCash` is in quote currency. Throws NonFiniteInputError. */
  constructor(portfolioId: string, startingCash: DecimalInput) {
    this.portfolioId = portfolioId;
    this.startingCash = dec(startingCash);
    this.#cash = this.startingCash;
  }

  /** Returns the ledger that `state()` was taken from; both then give the same bytes for the same fills. */
  static restore(state: LedgerState): Ledger {
    const ledger = new Ledger(state.portfolio_id, state.starting_cash);
    ledger.#cash = dec(state.cash);
    ledger.#fees = dec(state.fees);
    for (const p of state.positions) {
      const quantity = dec(p.quantity);
      const mark = dec(p.mark_price);
      const value = quantity.times(mark);
      const line = { quantity, cost: dec(p.cost), realised: dec(p.realised), mark_price: mark, value };
      ledger.#lines.set(p.symbol, { ...line, markTsUs: p.mark_ts_us, markRaw: mark, settled: undefined });
      ledger.#realised = ledger.#realised.plus(line.realised);
      ledger.#value = ledger.#value.plus(value);
    }
    return ledger;
  }

  /**
   * Books one fill and returns what it realised, gross of its fee. The caller makes sure that a fill is applied once.
   * Throws NonFiniteInputError, and InvariantError for a fill of another portfolio or a quantity that is not above zero.
   */
  apply(fill: Fill): Decimal {
    if (fill.portfolio_id !== this.portfolioId) throw new InvariantError('fill of another portfolio');
    const size = dec(fill.quantity);
    const price = dec(fill.price);
    const fee = dec(fill.fee);
    if (!size.gt(ZERO)) throw new InvariantError('fill quantity is not above zero');
    const line = this.#lines.get(fill.symbol) ?? open(price);
    const signed = fill.side === 'buy' ? size : size.neg();
    const notional = signed.times(price);

    const realised = book(line, signed, price, notional);
    line.settled = undefined;
    this.#settled = undefined;
    line.realised = line.realised.plus(realised);
    this.#realised = this.#realised.plus(realised);
    this.#cash = this.#cash.minus(notional).minus(fee);
    this.#fees = this.#fees.plus(fee);
    if (line.markTsUs < 0) line.markRaw = line.mark_price = price;
    this.#revalue(line);
    this.#lines.set(fill.symbol, line);
    return realised;
  }

  /**
   * Values one symbol at `price`; returns false, and changes nothing, when the symbol was never traded or `tsUs` is
   * older than its mark. Costs one product for an open position. Throws NonFiniteInputError.
   */
  mark(symbol: string, price: DecimalInput, tsUs: number): boolean {
    const line = this.#lines.get(symbol);
    if (line === undefined || tsUs < line.markTsUs) return false;
    // Quiet markets repeat their price; comparing the raw input spares the conversion.
    if (price !== line.markRaw) {
      line.mark_price = dec(price);
      line.markRaw = price;
      if (!line.quantity.isZero()) this.#revalue(line);
    }
    line.markTsUs = tsUs;
    return true;
  }

  /** Cash plus the market value of all positions. */
  equity(): Decimal {
    return this.#cash.plus(this.#value);
  }

  cash(): Decimal {
    return this.#cash;
  }

  fees(): Decimal {
    return this.#fees;
  }

  /** Gross of fees. */
  realisedPnl(): Decimal {
    return this.#realised;
  }

  /** Signed quantity; zero for a symbol never traded. */
  quantity(symbol: string): Decimal {
    return this.#lines.get(symbol)?.quantity ?? ZERO;
  }

  /** The live positions by symbol (flat ones included); read only, valid until the next fill or mark. */
  holdings(): ReadonlyMap<string, Holding> {
    return this.#lines;
  }

  snapshot(): LedgerSnapshot {
    let unrealised: Decimal = ZERO;
    const positions = this.#sorted().map(([symbol, line]): PositionSnapshot => {
      const gain = line.value.minus(line.cost);
      unrealised = unrealised.plus(gain);
      line.settled ??= settle(line);
      return {
        symbol,
        quantity: line.settled.quantity,
        average_price: line.settled.average_price,
        mark_price: text(line.mark_price),
        market_value: text(line.value),
        unrealised_pnl: text(gain),
        realised_pnl: line.settled.realised_pnl,
      };
    });
    this.#settled ??= {
      cash: text(this.#cash),
      fees: text(this.#fees),
      realised_pnl: text(this.#realised),
    };
    return {
      ...this.#settled,
      // Long decimals are slow to write out, and one position is the usual case.
      unrealised_pnl: positions.length === 1 ? positions[0]!.unrealised_pnl : text(unrealised),
      equity: text(this.equity()),
      positions,
    };
  }

  /** Returns what `restore` needs, as plain JSON, positions in order of symbol. */
  state(): LedgerState {
    return {
      portfolio_id: this.portfolioId,
      starting_cash: text(this.startingCash),
      cash: text(this.#cash),
      fees: text(this.#fees),
      positions: this.#sorted().map(([symbol, line]) => ({
        symbol,
        quantity: text(line.quantity),
        cost: text(line.cost),
        realised: text(line.realised),
        mark_price: text(line.mark_price),
        mark_ts_us: line.markTsUs,
      })),
    };
  }

  /** Returns the state as one text: equal states give equal bytes whatever order the symbols came in. For hashing. */
  canonical(): string {
    return JSON.stringify(this.state());
  }

  #revalue(line: Line): void {
    const value = line.quantity.times(line.mark_price);
    this.#value = this.#value.minus(line.value).plus(value);
    line.value = value;
  }

  #sorted(): [string, Line][] {
    return [...this.#lines].sort(([a], [b]) => byText(a, b));
  }
}

function open(price: Decimal): Line {
  return {
    quantity: ZERO,
    cost: ZERO,
    realised: ZERO,
    mark_price: price,
    value: ZERO,
    markTsUs: -1,
    markRaw: price,
    settled: undefined,
  };
}

function settle({ quantity, cost, realised }: Line) {
  return {
    quantity: text(quantity),
    average_price: quantity.isZero() ? null : text(cost.div(quantity).toDecimalPlaces(18)),
    realised_pnl: text(realised),
  };
}

/** Moves quantity and cost of `line` by one fill and returns the realised P&L. `notional` is `signed x price`. */
function book(line: Line, signed: Decimal, price: Decimal, notional: Decimal): Decimal {
  const before = line.quantity;
  const after = before.plus(signed);
  line.quantity = after;
  if (before.isZero() || before.isNegative() === signed.isNegative()) {
    line.cost = line.cost.plus(notional);
    return ZERO;
  }
  if (after.isZero() || after.isNegative() !== before.isNegative()) {
    const realised = before.times(price).minus(line.cost);
    line.cost = after.times(price);
    return realised;
  }
  const released = line.cost.times(signed).div(before).toDecimalPlaces(MAX_DECIMAL_PLACES);
  line.cost = line.cost.plus(released);
  return released.minus(notional);
}
