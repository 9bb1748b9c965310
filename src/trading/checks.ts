// The pre-trade library: may this order pass, and how full is each limit of this book. Pure; called in the order path.
import { Decimal, type DecimalInput, dec, ONE, text, ZERO } from './decimal.ts';
import {
  type LimitDefinition,
  type LimitId,
  type Limits,
  limitDefinitions,
  limitIds,
  type OrderContext,
} from './limits.ts';
import type { OrderRequest } from './orders.ts';

/** One symbol's position as the checks see it. Without a mark no order in the symbol passes. */
export interface BookPosition {
  /** Signed base units. */
  readonly quantity: DecimalInput;
  /** Quote currency per unit, above zero; null or absent means unknown. */
  readonly mark_price?: DecimalInput | null | undefined;
  /** Quantity of buy orders approved and not yet filled; they count as if filled. Unsigned, default 0. */
  readonly open_buy_quantity?: DecimalInput | undefined;
  /** The same for sell orders. */
  readonly open_sell_quantity?: DecimalInput | undefined;
}

/** One portfolio at one moment. A symbol to be traded needs an entry for its mark, with quantity 0 when flat. */
export interface Book {
  readonly equity: DecimalInput;
  readonly peak_equity: DecimalInput;
  readonly positions: ReadonlyMap<string, BookPosition>;
}

/** The fields of an order request that decide; the limit price of a market order is absent. */
export type CheckedOrder = Pick<OrderRequest, 'symbol' | 'side' | 'type'> & {
  readonly quantity: DecimalInput;
  readonly limit_price?: DecimalInput | undefined;
};

/** Why one limit refuses an order; decimals as strings. */
export interface Breach {
  /** `reference_price`: the symbol has no usable mark, so nothing could be measured. */
  readonly limit: LimitId | 'reference_price';
  readonly title: string;
  /** What the limit measures once the order is filled; null when it could not be measured. */
  readonly value: string | null;
  readonly threshold: string | null;
  /** Value over threshold: above 1. */
  readonly utilisation: number | null;
  /** Threshold less value: below zero. */
  readonly headroom: string | null;
  /** The largest quantity of the same order that this limit lets pass, rounded down to 8 places. */
  readonly max_quantity: string;
  readonly message: string;
}

/** The answer to one order. */
export interface OrderCheck {
  readonly approved: boolean;
  readonly breaches: readonly Breach[];
}

/** How full one limit is; for position limits `symbol` is the fullest position, null when there is none. */
export interface LimitState {
  readonly limit: LimitId | 'reference_price';
  readonly title: string;
  readonly symbol: string | null;
  readonly value: string | null;
  readonly threshold: string | null;
  readonly utilisation: number | null;
  readonly status: 'ok' | 'warning' | 'breach';
}

/** From this utilisation on a limit that still holds is a warning. */
export const WARNING_UTILISATION = 0.8;

/** One limit that is set, with its threshold read. */
interface SetLimit {
  readonly id: LimitId;
  readonly definition: LimitDefinition;
  readonly threshold: Decimal;
  readonly warning: Decimal;
  readonly asNumber: number;
}

// Limits change rarely and are checked on every bar: each object of limits is read once.
const prepared = new WeakMap<Limits, readonly SetLimit[]>();

function setLimits(limits: Limits): readonly SetLimit[] {
  let all = prepared.get(limits);
  if (all === undefined) {
    all = limitIds.flatMap((id) => {
      const set = limits[id];
      if (set === undefined) return [];
      const threshold = dec(set);
      const warning = threshold.times(WARNING_UTILISATION);
      return { id, definition: limitDefinitions[id], threshold, warning, asNumber: threshold.toNumber() };
    });
    prepared.set(limits, all);
  }
  return all;
}

/**
 * Checks one order against all limits. The order passes when no limit is breached; an order that only reduces the
 * position (open orders on its side included) is never refused by position or drawdown limits, only by its own
 * notional. A value equal to its threshold passes. Fails closed: without a positive reference price nothing passes, and
 * a peak that is not above zero counts as a drawdown of 1. Throws NonFiniteInputError. Costs a few microseconds.
 */
export function checkOrder(order: CheckedOrder, book: Book, limits: Limits): OrderCheck {
  const context = contextOf(order, book);
  if (context === null) return { approved: false, breaches: [noPrice(order.symbol)] };
  const breaches: Breach[] = [];
  for (const { id, definition, threshold, asNumber } of setLimits(limits)) {
    const { value, passes, maxQuantity } = definition.order(context, threshold);
    if (passes) continue;
    const limit = text(threshold);
    const most = text(maxQuantity() ?? ZERO);
    breaches.push({
      limit: id,
      title: definition.title,
      value: text(value),
      threshold: limit,
      utilisation: value.toNumber() / asNumber,
      headroom: text(threshold.minus(value)),
      max_quantity: most,
      message: `${definition.title} would be ${text(value)} ${definition.unit}, above ${limit}; at most ${most} passes`,
    });
  }
  return { approved: breaches.length === 0, breaches };
}

/**
 * Returns the largest quantity of this order that all limits let pass, rounded down to 8 places: zero when nothing
 * passes, whatever the order's own quantity is. Throws NonFiniteInputError.
 */
export function largestQuantity(order: CheckedOrder, book: Book, limits: Limits): Decimal {
  const context = contextOf(order, book);
  if (context === null) return ZERO;
  const all = setLimits(limits).flatMap(
    ({ definition, threshold }) => definition.order(context, threshold).maxQuantity() ?? [],
  );
  return Decimal.min(...all);
}

/** How full one limit would be once an order is filled; decimals as strings. */
export interface LimitUse {
  readonly limit: LimitId;
  readonly value: string;
  readonly threshold: string;
  /** Value over threshold. 0 where the order only reduces a position and the limit therefore never refuses it. */
  readonly utilisation: number;
  /** Threshold less value. */
  readonly headroom: string;
}

/**
 * Returns how full each limit would be once an order is filled, open orders on its side included; null without a positive mark.
 * A larger order on the same side never fills a limit less. Throws NonFiniteInputError.
 */
export function limitUses(order: CheckedOrder, book: Book, limits: Limits): LimitUse[] | null {
  const context = contextOf(order, book);
  if (context === null) return null;
  const reduces = context.size.lte(context.closable);
  return setLimits(limits).map(({ id, definition, threshold, asNumber }) => {
    const { value } = definition.order(context, threshold);
    const isSpared = reduces && (definition.position ?? definition.portfolio) !== undefined;
    return {
      limit: id,
      value: text(value),
      threshold: text(threshold),
      utilisation: isSpared ? 0 : value.toNumber() / asNumber,
      headroom: text(threshold.minus(value)),
    };
  });
}

/**
 * Returns the state of each limit that a book can fill (order limits have none), in the order of the definitions. A
 * position without a positive mark adds a `reference_price` breach. Throws NonFiniteInputError.
 */
export function checkBook(book: Book, limits: Limits): LimitState[] {
  const drawdown = drawdownOf(book);
  const positions = [...book.positions].map(([symbol, p]) => ({
    symbol,
    quantity: dec(p.quantity),
    mark: markOf(p),
  }));
  const states: LimitState[] = [];
  for (const { id, definition, threshold, warning, asNumber } of setLimits(limits)) {
    if (!definition.position && !definition.portfolio) continue;
    let value = definition.portfolio?.(drawdown) ?? ZERO;
    let symbol: string | null = null;
    for (const p of definition.position ? positions : []) {
      const one = definition.position?.(p.quantity, p.mark);
      if (one && !one.isZero() && one.gte(value)) [value, symbol] = [one, p.symbol];
    }
    const utilisation = value.toNumber() / asNumber;
    const status = value.gt(threshold) ? 'breach' : value.gte(warning) ? 'warning' : 'ok';
    const { title } = definition;
    states.push({
      limit: id,
      title,
      symbol,
      value: text(value),
      threshold: text(threshold),
      utilisation,
      status,
    });
  }
  for (const { symbol, quantity, mark } of positions) {
    if (mark !== null || quantity.isZero()) continue;
    const { limit, title } = noPrice(symbol);
    states.push({ limit, title, symbol, value: null, threshold: null, utilisation: null, status: 'breach' });
  }
  return states;
}

function contextOf(order: CheckedOrder, book: Book): OrderContext | null {
  const position = book.positions.get(order.symbol);
  const mark = position ? markOf(position) : null;
  if (position === undefined || mark === null) return null;
  const buys = order.side === 'buy';
  const open = dec((buys ? position.open_buy_quantity : position.open_sell_quantity) ?? ZERO);
  const signed = dec(position.quantity).plus(buys ? open : open.neg());
  const adds = signed.isZero() || signed.isPositive() === buys;
  const limit = order.type === 'limit' && order.limit_price !== undefined ? dec(order.limit_price) : mark;
  return {
    size: dec(order.quantity),
    price: Decimal.max(mark, limit),
    closable: adds ? ZERO : signed.abs(),
    held: adds ? signed.abs() : ZERO,
    drawdown: drawdownOf(book),
  };
}

function markOf(position: BookPosition): Decimal | null {
  if (position.mark_price === null || position.mark_price === undefined) return null;
  if (typeof position.mark_price === 'number' && !Number.isFinite(position.mark_price)) return null;
  const mark = dec(position.mark_price);
  return mark.gt(ZERO) ? mark : null;
}

// Enough for 18 places of any ratio that a book can have, at half the price of the full precision.
const Quotient = Decimal.clone({ precision: 42 });

/** Zero at or above the peak; rounded to 18 places. */
function drawdownOf(book: Book): Decimal {
  const equity = dec(book.equity);
  const peak = dec(book.peak_equity);
  if (!peak.gt(ZERO)) return ONE;
  return equity.gte(peak) ? ZERO : ONE.minus(Quotient.div(equity, peak).toDecimalPlaces(18));
}

function noPrice(symbol: string): Breach {
  const message = `No reference price for ${symbol}, so its exposure can't be measured`;
  const unknown = { value: null, threshold: null, utilisation: null, headroom: null };
  return { limit: 'reference_price', title: 'Reference price', ...unknown, max_quantity: '0', message };
}
