// What happens on each joined bar: the venue fills, books are marked, strategies decide, orders are checked and sent.
import type { Envelope } from '../../src/bus/envelope.ts';
import { type BodyOf, topics } from '../../src/bus/topics.ts';
import { InvariantError } from '../../src/core/errors.ts';
import { newId } from '../../src/core/ids.ts';
import type { Transaction } from '../../src/store/database.ts';
import type { OrderCheck } from '../../src/trading/checks.ts';
import type { Decimal } from '../../src/trading/decimal.ts';
import type { Fill, Order, OrderRequest } from '../../src/trading/orders.ts';
import { type OpenQuantities, PaperVenue } from '../../src/trading/paper-venue.ts';
import type { StrategyInput } from '../../src/trading/strategies.ts';
import type { Book } from './book.ts';
import type { Deployment } from './deployment.ts';
import { EventTimeJoin, type Joined, type Partners } from './event-time-join.ts';
import type { StrategyStore } from './store.ts';
import { type OrderRecord, type Out, type SignalBody, tellOrder } from './wire.ts';

type LiveBar = BodyOf<typeof topics.marketLiveData>;
type Features = BodyOf<typeof topics.featureValues>['features'];
type Prediction = BodyOf<typeof topics.mlPredictions>;
type BarEnvelope = Envelope<LiveBar>;

export interface DeskOptions {
  readonly feeBps: number;
  readonly waits: Partners;
  /** The replay that this desk serves; null for the live desk. */
  readonly session: string | null;
  readonly books: Map<string, Book>;
  readonly store: StrategyStore;
  /** Called with each signal and its event time. */
  readonly onSignal: (signal: SignalBody, tsEventUs: number) => void;
}

const MAX_OPEN_ORDERS = 10_000;
/** Reason of an order that is rejected although it keeps all limits. */
export const VENUE_FULL = `The venue holds ${MAX_OPEN_ORDERS} open orders: cancel some first`;

const NO_FEATURES: Features = {};

/**
 * The trading desk of the live market or of one replay. What it does depends on its messages and their event times
 * only. Each change goes into the unit of work (`out`) of the call that made it.
 */
export class Desk {
  /** What it has done since it was made. */
  readonly counts = { signals: 0, orders: 0, fills: 0, rejected: 0, cancelled: 0 };
  readonly join: EventTimeJoin<BarEnvelope, Features, Prediction>;
  readonly books: Map<string, Book>;
  readonly #options: DeskOptions;
  readonly #venue: PaperVenue;
  readonly #open = new Map<string, OrderRecord>();
  readonly #deployments = new Map<string, Deployment[]>();
  readonly #newPeaks = new Set<Book>();
  /** The unit of the message that is being received. */
  #out!: Out;

  constructor(options: DeskOptions) {
    this.#options = options;
    this.books = options.books;
    this.#venue = new PaperVenue({ feeBps: options.feeBps });
    this.join = new EventTimeJoin(options.waits, (joined) => this.#onJoined(joined));
  }

  get deployments(): Deployment[] {
    return [...this.#deployments.values()].flat();
  }

  get openOrders(): number {
    return this.#open.size;
  }

  deploy(deployment: Deployment): void {
    const others = this.#deployments.get(deployment.symbol) ?? [];
    this.#deployments.set(deployment.symbol, [...others, deployment]);
  }

  withdraw(deployment: Deployment): void {
    const left = (this.#deployments.get(deployment.symbol) ?? []).filter((d) => d !== deployment);
    if (left.length > 0) this.#deployments.set(deployment.symbol, left);
    else this.#deployments.delete(deployment.symbol);
  }

  /** Puts an order that was accepted before back to the venue. */
  restore(record: OrderRecord): void {
    this.#venue.submit(record.order);
    this.#open.set(record.order.order_id, record);
  }

  /** Takes the open orders of a portfolio from the venue, so that no bar fills them; they stay open. */
  hold(portfolioId: string): void {
    for (const { order } of this.#open.values()) {
      if (order.portfolio_id === portfolioId) this.#venue.cancel(order.order_id);
    }
  }

  /** Puts what {@link hold} took back to the venue. */
  release(portfolioId: string): void {
    for (const record of this.#open.values()) {
      if (record.order.portfolio_id === portfolioId) this.restore(record);
    }
  }

  /** Takes one message of the three streams. */
  receive(envelope: Envelope, out: Out): void {
    this.#out = out;
    const { ts_event_us: time } = envelope;
    if (envelope.topic === topics.marketLiveData.name) {
      const bar = envelope as BarEnvelope;
      this.join.onBar(bar.body.symbol, time, bar);
    } else if (envelope.topic === topics.featureValues.name) {
      const { symbol, features } = envelope.body as BodyOf<typeof topics.featureValues>;
      this.join.onFeatures(symbol, time, features);
    } else {
      const prediction = envelope.body as Prediction;
      this.join.onPrediction(prediction.symbol, time, prediction);
    }
  }

  /**
   * Checks an order at the mark `price` and, when it passes, sends it to the venue; records it either way. An order is
   * filled by bars later than `tsEventUs` only. A venue that is full rejects it, whatever the check says.
   */
  submit(
    out: Out,
    request: OrderRequest,
    price: number,
    tsEventUs: number,
    origin: { readonly strategy?: string; readonly correlationId?: string } = {},
  ): { record: OrderRecord; check: OrderCheck } {
    const full = this.#open.size >= MAX_OPEN_ORDERS;
    const check = this.#book(request.portfolio_id).check(request, price, this.#openOf(request));
    const reasons = check.breaches.map((breach) => breach.message);
    if (full) reasons.push(VENUE_FULL);
    const accepted = reasons.length === 0;
    const { limit_price, ...rest } = request;
    const order: Order = {
      ...rest,
      ...(limit_price === undefined ? {} : { limit_price }),
      order_id: newId(),
      status: accepted ? 'accepted' : 'rejected',
      reasons,
      ts_event_us: tsEventUs,
      ...(origin.strategy === undefined ? {} : { strategy_id: origin.strategy }),
    };
    const record = { order, correlationId: origin.correlationId ?? order.order_id };
    this.counts.orders++;
    if (!accepted) this.counts.rejected++;
    this.#options.store.saveOrder(out.tx, record, this.#options.session);
    if (accepted) this.restore(record);
    tellOrder(out, record);
    return { record, check };
  }

  /** The largest quantity of such an order that passes now. */
  largest(request: OrderRequest, price: number): string {
    return this.#book(request.portfolio_id).largest(request, price, this.#openOf(request));
  }

  /** Cancels an open order, says so and returns it; null when it is not open. */
  cancel(out: Out, orderId: string): OrderRecord | null {
    const open = this.#open.get(orderId);
    if (!open) return null;
    this.#venue.cancel(orderId);
    this.#open.delete(orderId);
    this.counts.cancelled++;
    this.#options.store.setOrderStatus(out.tx, orderId, 'cancelled');
    const order = { ...open.order, status: 'cancelled' as const };
    const record = { ...open, order };
    const newest = this.join.newest(order.symbol)?.ts_event_us ?? 0;
    tellOrder(out, record, Math.max(order.ts_event_us, newest));
    return record;
  }

  /** Cancels all open orders of a portfolio. */
  cancelAll(out: Out, portfolioId: string): void {
    for (const { order } of [...this.#open.values()]) {
      if (order.portfolio_id === portfolioId) this.cancel(out, order.order_id);
    }
  }

  /** Counts whatever is open as cancelled, without saying so: no step of the replay could tell it. */
  closeAll(): void {
    this.counts.cancelled += this.#open.size;
    this.#open.clear();
  }

  /** Stores the peaks of equity that have been reached since the last call. */
  savePeaks(tx: Transaction): void {
    for (const book of this.#newPeaks) this.#options.store.savePeak(tx, book.portfolioId, book.peak);
    this.#newPeaks.clear();
  }

  #onJoined({ bar: envelope, features, prediction }: Joined<BarEnvelope, Features, Prediction>): void {
    const bar = envelope.body;
    for (const fill of this.#venue.onBar(bar)) this.#onFill(fill);
    for (const book of this.books.values()) {
      if (book.mark(bar.symbol, bar.close, bar.ts_event_us)) this.#newPeaks.add(book);
    }
    const deployments = this.#deployments.get(bar.symbol);
    if (!deployments) return;
    const probability = prediction?.prediction ?? null;
    const input: StrategyInput = {
      bar,
      features: features ?? NO_FEATURES,
      prediction:
        probability === null ? null : { prediction: probability, confidence: prediction!.confidence },
    };
    for (const deployment of deployments) this.#decide(deployment, input, envelope.correlation_id);
  }

  #onFill(fill: Fill): void {
    const { store } = this.#options;
    const out = this.#out;
    const open = this.#open.get(fill.order_id);
    if (!open) throw new InvariantError('fill of an order that is not open');
    this.#open.delete(fill.order_id);
    this.counts.fills++;
    this.#book(fill.portfolio_id).apply(fill);
    store.saveFill(out.tx, fill);
    store.setOrderStatus(out.tx, fill.order_id, 'filled');
    tellOrder(out, { ...open, order: { ...open.order, status: 'filled' } }, fill.ts_event_us);
    out.publish(topics.fills, fill, fill.ts_event_us, open.correlationId);
  }

  #decide(deployment: Deployment, input: StrategyInput, correlationId: string): void {
    const { bar } = input;
    const { portfolioId, strategy } = deployment;
    deployment.bars++;
    deployment.lastBarTsUs = bar.ts_event_us;
    const book = this.books.get(portfolioId);
    // A live deployment may be older than the first word of its portfolio.
    if (!book) return;
    const signal = strategy.decide(deployment.state, input);
    if (!signal) return;
    const { session, store, onSignal } = this.#options;
    const out = this.#out;
    deployment.state = { target: signal.target };
    if (session === null) store.setTarget(out.tx, deployment.id, signal.target);
    this.counts.signals++;
    const body = {
      portfolio_id: portfolioId,
      strategy: strategy.kind,
      symbol: bar.symbol,
      signal: signal.target === 'long' ? ('BUY' as const) : ('SELL' as const),
      price: bar.close,
      reason: signal.reason,
    };
    onSignal(body, bar.ts_event_us);
    out.publish(topics.signals, body, bar.ts_event_us, correlationId);
    const request = strategy.orderFor(portfolioId, signal, this.#expected(book, bar.symbol), bar);
    if (request) {
      this.submit(out, request, bar.close, bar.ts_event_us, { strategy: strategy.kind, correlationId });
    }
  }

  /** The position once the market orders under way are filled, which the next bar does for certain. */
  #expected(book: Book, symbol: string): Decimal {
    const { marketBuy, marketSell } = this.#venue.openQuantities(book.portfolioId, symbol);
    return book.ledger.quantity(symbol).plus(marketBuy).minus(marketSell);
  }

  #openOf({ portfolio_id, symbol }: OrderRequest): OpenQuantities {
    return this.#venue.openQuantities(portfolio_id, symbol);
  }

  #book(portfolioId: string): Book {
    const book = this.books.get(portfolioId);
    if (!book) throw new InvariantError('order of a portfolio without a book');
    return book;
  }
}
