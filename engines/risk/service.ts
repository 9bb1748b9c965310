// What the Risk engine does: follows books against their limits, answers checks, owns the limits.
import type { ValidationReply, ValidationRequest } from '../../src/bus/decision-bodies.ts';
import type { Envelope } from '../../src/bus/envelope.ts';
import type { Participant, StreamPublisher } from '../../src/bus/participant.ts';
import { type BodyOf, type SessionSpec, topics } from '../../src/bus/topics.ts';
import type { UnitRunner } from '../../src/bus/unit.ts';
import type { Clock } from '../../src/core/clock.ts';
import { NotFoundError } from '../../src/core/errors.ts';
import { checkOrder, type LimitState, largestQuantity } from '../../src/trading/checks.ts';
import { dec, text } from '../../src/trading/decimal.ts';
import type { Limits } from '../../src/trading/limits.ts';
import { bookAccount, postedAccount } from './lib/accounts.ts';
import { type OrderEvent, PortfolioBook, type RiskState, type Valuation } from './lib/book.ts';
import { BreachWatch } from './lib/breach-watch.ts';
import { historiesOf } from './lib/histories.ts';
import { LimitKeeper, type LimitsPatch } from './lib/limit-keeper.ts';
import { Replay } from './lib/replay.ts';
import { type LiveBar, SavedReturns } from './lib/returns.ts';
import type { RiskStore } from './lib/store.ts';
import { validatePredictions } from './lib/validate.ts';
import { valueAtRisk } from './lib/value-at-risk.ts';
import { type CheckRequest, type VarRequest, varRequest } from './schemas.ts';

/** Set once the limits of every portfolio known before there were events have been told. */
const LIMITS_TOLD = 'limits_told';

type RiskUpdate = BodyOf<typeof topics.riskPortfolioUpdates>;
type LimitsEvent = BodyOf<typeof topics.riskLimits>;

interface Page {
  readonly limit: number;
  readonly cursor?: number | undefined;
}

/** State and decisions of the Risk engine. */
export class RiskService {
  readonly #store: RiskStore;
  readonly #units: UnitRunner;
  readonly #clock: Clock;
  readonly #limits: LimitKeeper;
  readonly #breaches: BreachWatch;
  readonly #returns = new SavedReturns();
  #books = new Map<string, PortfolioBook>();
  #replay: Replay | undefined;

  readonly participant: Participant = {
    consumes: [topics.orders, topics.valuations, topics.marketLiveData],
    emits: [topics.riskPortfolioUpdates],
    open: (spec: SessionSpec) => ({ limits: this.#limits.of(spec.portfolio_id) }),
    begin: (spec) => this.#begin(spec),
    process: (batch, publisher) => this.#process(batch, publisher),
    close: () => this.#close(),
    abort: () => {
      this.#replay = undefined;
    },
  };

  private constructor(store: RiskStore, units: UnitRunner, clock: Clock) {
    this.#store = store;
    this.#units = units;
    this.#clock = clock;
    this.#limits = new LimitKeeper(store, clock);
    this.#breaches = new BreachWatch(store);
  }

  /** Returns a service with what is stored. */
  static async open(store: RiskStore, units: UnitRunner, clock: Clock): Promise<RiskService> {
    const service = new RiskService(store, units, clock);
    await service.reload();
    service.#returns.restore(await store.returns());
    return service;
  }

  /** Tells the limits of portfolios from before there were events, once in the life of a database. */
  async start(): Promise<void> {
    if (await this.#store.happened(LIMITS_TOLD)) return;
    await this.#units.run((unit) => {
      for (const id of this.#books.keys()) unit.publish(topics.riskLimits, this.#limitsEvent(id));
      this.#store.noteOnce(unit.tx, LIMITS_TOLD);
    });
  }

  /** Takes limits, books and breaches from the database again. Returns only grow, and stay. */
  async reload(): Promise<void> {
    await Promise.all([this.#limits.load(), this.#breaches.load()]);
    const books = await this.#store.books();
    this.#books = new Map(
      books.map(({ portfolioId, book }) => [portfolioId, PortfolioBook.restore(book)] as const),
    );
    this.#returns.putBack();
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

  /**
   * Returns the risk score of predictions; see `validatePredictions`. Throws NotFoundError for a portfolio that was never valued,
   * ConflictError for one without equity, ShapeMismatchError for posted returns of unequal length.
   */
  validatePredictions(request: ValidationRequest): ValidationReply {
    const started = performance.now();
    const id = request.portfolio_id;
    const account =
      id === undefined
        ? postedAccount(request)
        : bookAccount(id, { book: this.#valued(id), limits: this.#limits.of(id) }, this.#returns);
    const reply = validatePredictions(request, account, historiesOf(request, this.#returns));
    return { ...reply, processing_time_ms: milliseconds(started) };
  }

  limits(portfolioId: string) {
    this.#known(portfolioId);
    const limits = { ...this.#limits.of(portfolioId) };
    return { portfolio_id: portfolioId, limits, stored: this.#limits.isStored(portfolioId) };
  }

  /** Stores and publishes changed limits, and what they put in breach; a patch that changes nothing does neither. */
  async changeLimits(portfolioId: string, patch: LimitsPatch, traceId?: string) {
    await this.#units.run((unit) => {
      const book = this.#known(portfolioId);
      if (!this.#limits.change(unit.tx, portfolioId, patch)) return;
      const meta = { tsEventUs: this.#clock.nowUs(), ...(traceId && { correlationId: traceId }) };
      unit.publish(topics.riskLimits, this.#limitsEvent(portfolioId), meta);
      if (!book.valuation || portfolioId === this.#replay?.portfolioId) return;
      const { limits } = book.state(this.#limits.of(portfolioId));
      for (const breach of this.#breaches.observe(unit.tx, { ...meta, ...book.valuation, limits })) {
        unit.publish(topics.breaches, breach, meta);
      }
    });
    return this.limits(portfolioId);
  }

  async limitChanges(portfolioId: string, { limit, cursor }: Page) {
    this.#known(portfolioId);
    return { portfolio_id: portfolioId, ...(await this.#limits.changes(portfolioId, limit, cursor)) };
  }

  /** One page of breaches, newest first; `cursor` is the id below which it begins. */
  async breaches(portfolioId: string, { limit, cursor = Number.MAX_SAFE_INTEGER }: Page) {
    this.#known(portfolioId);
    const found = await this.#store.breaches(portfolioId, cursor, limit + 1);
    const breaches = found.slice(0, limit);
    const next = found.length > limit ? breaches.at(-1)!.id : null;
    return { portfolio_id: portfolioId, breaches, next_cursor: next };
  }

  /** Stores what waits. */
  async stop(): Promise<void> {
    await this.#units.run(({ tx }) => {
      for (const returns of this.#returns.takeUnsaved(true)) this.#store.saveReturns(tx, returns);
    });
  }

  async #begin(spec: SessionSpec): Promise<void> {
    const id = spec.portfolio_id;
    const book = await this.#units.run((unit) => {
      const known = this.#books.get(id);
      const fresh = spec.reset || !known?.valuation || known.valuation.fills === 0;
      const begun = fresh ? new PortfolioBook(spec.starting_cash) : PortfolioBook.restore(known.serialise());
      this.#books.set(id, begun);
      this.#store.saveBook(unit.tx, id, begun.serialise());
      this.#store.dropReturns(unit.tx, spec.symbol);
      if (!known) unit.publish(topics.riskLimits, this.#limitsEvent(id));
      return begun;
    });
    this.#returns.forget(spec.symbol);
    this.#replay = new Replay(spec, book, this.#limits.of(id));
  }

  #process(batch: readonly Envelope[], publisher: StreamPublisher): void {
    const replay =
      publisher.spec && this.#replay?.session === publisher.spec.session ? this.#replay : undefined;
    const { tx } = publisher;
    const changed = new Map<string, PortfolioBook>();
    for (const envelope of batch) {
      const { ts_event_us, correlation_id } = envelope;
      if (envelope.topic === topics.marketLiveData.name) {
        this.#returns.update(envelope.body as LiveBar, ts_event_us);
        continue;
      }
      const body = envelope.body as OrderEvent | Valuation;
      const id = body.portfolio_id;
      const own = id === replay?.portfolioId ? replay : undefined;
      const book = this.#bookOf(id, own, (limits) =>
        publisher.publish(topics.riskLimits, limits, ts_event_us, correlation_id),
      );
      changed.set(id, book);
      if ('order_id' in body) {
        book.order(body);
        continue;
      }
      book.value(body, ts_event_us);
      const state = book.state(own?.limits ?? this.#limits.of(id));
      own?.count(state);
      publisher.publish(topics.riskPortfolioUpdates, updateOf(body, state), ts_event_us, correlation_id);
      if (publisher.spec || id === this.#replay?.portfolioId) continue;
      const observed = { ...body, limits: state.limits, tsEventUs: ts_event_us };
      for (const breach of this.#breaches.observe(tx, observed)) {
        publisher.publish(topics.breaches, breach, ts_event_us, correlation_id);
      }
    }
    for (const [id, book] of changed) this.#store.saveBook(tx, id, book.serialise());
    for (const returns of this.#returns.takeUnsaved()) this.#store.saveReturns(tx, returns);
  }

  /** The book that a message is about. Live messages never touch the book of a replay, and the other way round. */
  #bookOf(portfolioId: string, own: Replay | undefined, tell: (limits: LimitsEvent) => void): PortfolioBook {
    const known = this.#books.get(portfolioId);
    if (own) {
      if (known !== own.book) this.#books.set(portfolioId, own.book);
      return own.book;
    }
    if (known && known !== this.#replay?.book) return known;
    const book = known ? PortfolioBook.restore(known.serialise()) : new PortfolioBook();
    this.#books.set(portfolioId, book);
    if (!known) tell(this.#limitsEvent(portfolioId));
    return book;
  }

  #close() {
    const summary = this.#replay!.summary();
    this.#replay = undefined;
    return summary;
  }

  #limitsEvent(portfolioId: string): LimitsEvent {
    return { portfolio_id: portfolioId, limits: { ...this.#limits.of(portfolioId) } };
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
  returns: SavedReturns,
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

function headroom({ value, threshold }: LimitState): string | null {
  return value === null || threshold === null ? null : text(dec(threshold).minus(value));
}

function milliseconds(started: number): number {
  return Math.round((performance.now() - started) * 1000) / 1000;
}
