// What the Risk engine does: follows books against their limits, answers checks, owns the limits.
import type { Bus } from '../../src/bus/client.ts';
import type { Envelope } from '../../src/bus/envelope.ts';
import type { Participant, StreamPublisher } from '../../src/bus/stream.ts';
import { type BodyOf, type SessionSpec, topics } from '../../src/bus/topics.ts';
import type { Clock } from '../../src/core/clock.ts';
import { NotFoundError } from '../../src/core/errors.ts';
import { checkOrder, type LimitState, largestQuantity } from '../../src/trading/checks.ts';
import { dec, text } from '../../src/trading/decimal.ts';
import type { Limits } from '../../src/trading/limits.ts';
import { type OrderEvent, PortfolioBook, type RiskState, type Valuation } from './lib/book.ts';
import { LimitKeeper, type LimitsPatch } from './lib/limit-keeper.ts';
import { type LiveBar, ReturnHistory } from './lib/returns.ts';
import { RiskStore } from './lib/store.ts';
import { valueAtRisk } from './lib/value-at-risk.ts';
import { type CheckRequest, type VarRequest, varRequest } from './schemas.ts';

type RiskUpdate = BodyOf<typeof topics.riskPortfolioUpdates>;

/** A replay's own view of its portfolio, so that its outcome depends on its messages alone. */
interface Replay {
  readonly session: string;
  readonly portfolioId: string;
  readonly book: PortfolioBook;
  /** As they were at its begin; a change during the replay counts after it. */
  readonly limits: Limits;
  updates: number;
  warnings: number;
  breaches: number;
  maxDrawdown: number;
}

/** State and decisions of the Risk engine. */
export class RiskService {
  readonly #bus: Bus;
  readonly #store: RiskStore;
  readonly #limits: LimitKeeper;
  readonly #books = new Map<string, PortfolioBook>();
  readonly #returns = new ReturnHistory();
  #replay: Replay | undefined;

  readonly participant: Participant = {
    consumes: [topics.orders, topics.valuations, topics.marketLiveData],
    emits: [topics.riskPortfolioUpdates],
    open: (spec: SessionSpec) => ({ limits: this.#limits.of(spec.portfolio_id) }),
    begin: (spec) => this.#begin(spec),
    process: (batch, publisher) => this.#process(batch, publisher),
    close: () => this.#close(),
  };

  constructor(bus: Bus, clock: Clock, databasePath: string) {
    this.#bus = bus;
    this.#store = new RiskStore(databasePath);
    this.#limits = new LimitKeeper(this.#store, clock);
    for (const { portfolioId, book } of this.#store.books())
      this.#books.set(portfolioId, PortfolioBook.restore(book));
    this.#returns.restore(this.#store.returns());
  }

  /** Publishes the limits of every known portfolio. */
  announce(): void {
    for (const id of new Set([...this.#books.keys(), ...this.#limits.portfolios()])) this.#publishLimits(id);
  }

  status() {
    const openOrders = [...this.#books.values()].reduce((sum, book) => sum + book.openOrders, 0);
    return { portfolios: this.#books.size, open_orders: openOrders, symbols: this.#returns.symbols };
  }

  /** Checks the book, or an order against it. Throws NotFoundError for a portfolio that was never valued. */
  check(portfolioId: string, request: CheckRequest | undefined) {
    const started = performance.now();
    const book = this.#valued(portfolioId);
    const limits = this.#limits.of(portfolioId);
    const state = book.state(limits);
    const asked = request && checkAgainst(book, limits, request.order, this.#returns);
    return {
      portfolio_id: portfolioId,
      status: state.status,
      approved: asked ? asked.approved : state.status !== 'breach',
      ts_event_us: book.tsEventUs,
      equity: book.valuation!.equity,
      peak_equity: book.peakEquity,
      drawdown: state.drawdown,
      limits: state.limits.map((limit) => ({ ...limit, headroom: headroom(limit) })),
      risk_score: state.score,
      ...(asked && { breaches: [...asked.breaches], max_quantity: asked.max_quantity }),
      processing_time_ms: milliseconds(started),
      hardware_used: 'cpu',
      backend: 'typescript',
    };
  }

  /** VaR and CVaR of the book, or of posted positions; see `valueAtRisk` for its errors. */
  valueAtRisk(portfolioId: string, request: VarRequest = varRequest.parse({})) {
    const started = performance.now();
    const book = this.#valued(portfolioId);
    const positions =
      request.positions ??
      book.valuation!.positions.map((p) => ({ symbol: p.symbol, market_value: Number(p.market_value) }));
    const { rank, ...result } = valueAtRisk(request, positions, this.#returns);
    return {
      portfolio_id: portfolioId,
      source: request.positions ? ('request' as const) : ('book' as const),
      ...result,
      rank,
      positions: positions.length,
      processing_time_ms: milliseconds(started),
    };
  }

  limits(portfolioId: string) {
    this.#known(portfolioId);
    const limits = { ...this.#limits.of(portfolioId) };
    return { portfolio_id: portfolioId, limits, stored: this.#limits.isStored(portfolioId) };
  }

  /** Stores and publishes changed limits; a patch that changes nothing does neither. */
  changeLimits(portfolioId: string, patch: LimitsPatch, traceId?: string) {
    this.#known(portfolioId);
    if (this.#limits.change(portfolioId, patch)) this.#publishLimits(portfolioId, traceId);
    return this.limits(portfolioId);
  }

  limitChanges(portfolioId: string, { limit, cursor }: { limit: number; cursor?: number | undefined }) {
    this.#known(portfolioId);
    return { portfolio_id: portfolioId, ...this.#limits.changes(portfolioId, limit, cursor) };
  }

  /** Writes what waits and closes the database. */
  stop(): void {
    this.#store.save([], this.#returns.takeUnsaved(true));
    this.#store.close();
  }

  #begin(spec: SessionSpec): void {
    const id = spec.portfolio_id;
    const known = this.#books.get(id);
    const fresh = spec.reset || !known?.valuation || known.valuation.fills === 0;
    const book = fresh ? new PortfolioBook(spec.starting_cash) : PortfolioBook.restore(known.serialise());
    this.#books.set(id, book);
    this.#store.save([[id, book.serialise()]], []);
    this.#returns.forget(spec.symbol);
    this.#store.dropReturns(spec.symbol);
    const tally = { updates: 0, warnings: 0, breaches: 0, maxDrawdown: 0 };
    this.#replay = { session: spec.session, portfolioId: id, book, limits: this.#limits.of(id), ...tally };
  }

  #process(batch: readonly Envelope[], publisher: StreamPublisher): void {
    const replay =
      publisher.spec && this.#replay?.session === publisher.spec.session ? this.#replay : undefined;
    const changed = new Map<string, PortfolioBook>();
    const updates: [RiskUpdate, Envelope][] = [];
    for (const envelope of batch) {
      if (envelope.topic === topics.marketLiveData.name) {
        this.#returns.update(envelope.body as LiveBar, envelope.ts_event_us);
        continue;
      }
      const body = envelope.body as OrderEvent | Valuation;
      const own = body.portfolio_id === replay?.portfolioId ? replay : undefined;
      const book = this.#bookOf(body.portfolio_id, own);
      changed.set(body.portfolio_id, book);
      if ('order_id' in body) {
        book.order(body);
        continue;
      }
      book.value(body, envelope.ts_event_us);
      const state = book.state(own?.limits ?? this.#limits.of(body.portfolio_id));
      if (own) count(own, state);
      updates.push([updateOf(body, state), envelope]);
    }
    // On disk before anyone hears of it: a peak that was published is never forgotten.
    this.#store.save(serialised(changed), this.#returns.takeUnsaved());
    for (const [update, { ts_event_us, correlation_id }] of updates) {
      publisher.publish(topics.riskPortfolioUpdates, update, ts_event_us, correlation_id);
    }
  }

  /** The book that a message is about. Live messages never touch the book of a replay, and the other way round. */
  #bookOf(portfolioId: string, own: Replay | undefined): PortfolioBook {
    const known = this.#books.get(portfolioId);
    if (own) {
      if (known !== own.book) this.#books.set(portfolioId, own.book);
      return own.book;
    }
    if (known && known !== this.#replay?.book) return known;
    const book = known ? PortfolioBook.restore(known.serialise()) : new PortfolioBook();
    this.#books.set(portfolioId, book);
    if (!known) this.#publishLimits(portfolioId);
    return book;
  }

  #close() {
    const replay = this.#replay!;
    this.#replay = undefined;
    const { portfolioId, updates, warnings, breaches, maxDrawdown, book, limits } = replay;
    return {
      portfolio_id: portfolioId,
      updates,
      warnings,
      breaches,
      max_drawdown: maxDrawdown,
      peak_equity: book.peakEquity,
      status: book.valuation ? book.state(limits).status : null,
    };
  }

  #publishLimits(portfolioId: string, correlationId?: string): void {
    const limits = { ...this.#limits.of(portfolioId) };
    this.#bus.publish(
      topics.riskLimits,
      { portfolio_id: portfolioId, limits },
      { ...(correlationId && { correlationId }) },
    );
  }

  #known(portfolioId: string): PortfolioBook {
    const book = this.#books.get(portfolioId);
    if (!book) throw new NotFoundError('Expected a portfolio that has been valued');
    return book;
  }

  #valued(portfolioId: string): PortfolioBook {
    const book = this.#known(portfolioId);
    if (!book.valuation) throw new NotFoundError('Expected a portfolio that has been valued');
    return book;
  }
}

function checkAgainst(
  book: PortfolioBook,
  limits: Limits,
  { symbol, side, quantity, limit_price, type = limit_price ? 'limit' : 'market' }: CheckRequest['order'],
  returns: ReturnHistory,
) {
  const order = { symbol, side, quantity, type, limit_price };
  const against = book.forOrder(symbol, returns.mark(symbol));
  return {
    ...checkOrder(order, against, limits),
    max_quantity: text(largestQuantity(order, against, limits)),
  };
}

function updateOf(valuation: Valuation, { status, drawdown, limits }: RiskState): RiskUpdate {
  return {
    portfolio_id: valuation.portfolio_id,
    status,
    equity: valuation.equity,
    drawdown,
    limits: [...limits],
  };
}

function count(replay: Replay, { status, drawdown }: RiskState): void {
  replay.updates++;
  if (status === 'breach') replay.breaches++;
  else if (status === 'warning') replay.warnings++;
  if (drawdown > replay.maxDrawdown) replay.maxDrawdown = drawdown;
}

function* serialised(books: ReadonlyMap<string, PortfolioBook>): Iterable<[string, string]> {
  for (const [id, book] of books) yield [id, book.serialise()];
}

function headroom({ value, threshold }: LimitState): string | null {
  return value === null || threshold === null ? null : text(dec(threshold).minus(value));
}

function milliseconds(started: number): number {
  return Math.round((performance.now() - started) * 1000) / 1000;
}
