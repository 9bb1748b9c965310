// What the Portfolio engine does: folds fills into ledgers, values portfolios bar by bar, answers for their state.
import type { Envelope } from '../../src/bus/envelope.ts';
import type { Participant, StreamPublisher } from '../../src/bus/participant.ts';
import { EngineWatch } from '../../src/bus/presence.ts';
import { type BodyOf, type SessionSpec, topics } from '../../src/bus/topics.ts';
import { ConflictError, NotFoundError } from '../../src/core/errors.ts';
import type { EngineContext } from '../../src/http/engine.ts';
import type { Transaction } from '../../src/store/database.ts';
import { dec, text } from '../../src/trading/decimal.ts';
import { Book } from './book.ts';
import { minimumVariance } from './minimum-variance.ts';
import type { MinimumVarianceRequest, NewPortfolio } from './schemas.ts';
import { PortfolioStore } from './store.ts';

type LiveBar = BodyOf<typeof topics.marketLiveData>;
type FillBody = BodyOf<typeof topics.fills>;

/** What one batch changes in the database beside its fills. */
interface Changes {
  readonly marks: Map<Book, Map<string, { price: number; tsUs: number }>>;
  readonly valued: Set<Book>;
}

/** Each portfolio is a few kilobytes of memory for as long as the process lives. */
const MAX_PORTFOLIOS = 10_000;

/** State and decisions of the Portfolio engine. Memory changes inside units of work only. */
export class PortfolioService {
  readonly #store: PortfolioStore;
  readonly #context: EngineContext;
  readonly #watch: EngineWatch;
  #books = new Map<string, Book>();
  /** Portfolios that have fills in a symbol. */
  #holders = new Map<string, Set<Book>>();
  /** The replay under way; its portfolio follows the replay's bars only. */
  #session: SessionSpec | undefined;

  readonly participant: Participant = {
    consumes: [topics.fills, topics.marketLiveData],
    emits: [topics.valuations, topics.positions],
    open: (spec) => this.#open(spec),
    begin: (spec, data) => this.#begin(spec, data),
    process: (batch, publisher) => this.#process(batch, publisher),
    close: (spec) => this.#close(spec),
    abort: () => {
      this.#session = undefined;
    },
  };

  private constructor(store: PortfolioStore, context: EngineContext) {
    this.#store = store;
    this.#context = context;
    this.#watch = new EngineWatch(context.bus, context.clock);
  }

  /** Returns the service with the portfolios of the database. */
  static async create(context: EngineContext): Promise<PortfolioService> {
    const store = await PortfolioStore.open(context.database, context.clock.nowUs());
    const service = new PortfolioService(store, context);
    await service.reload();
    return service;
  }

  /** Takes every portfolio from the database again. A replay goes on: all that it has done is stored. */
  async reload(): Promise<void> {
    const books: Book[] = [];
    for (const row of await this.#store.portfolios()) books.push(await Book.load(row, this.#store));
    this.#books = new Map();
    this.#holders = new Map();
    for (const book of books) this.#adopt(book);
  }

  /** Follows the engines, so that each one that starts hears where every portfolio stands. */
  async start(): Promise<void> {
    await this.#watch.start(({ engine }) => {
      if (engine !== this.#context.bus.source) for (const book of this.#books.values()) this.#announce(book);
    });
  }

  status() {
    return { portfolios: this.#books.size, symbols: this.#holders.size };
  }

  list(limit: number, offset: number) {
    const ids = [...this.#books.keys()].sort();
    const portfolios = ids.slice(offset, offset + limit).map((id) => {
      const { name, startingCash, ledger, fills } = this.#books.get(id)!;
      const equity = text(ledger.equity());
      return { portfolio_id: id, name, starting_cash: startingCash, equity, fills };
    });
    return { portfolios, total: ids.length };
  }

  /** Makes a portfolio and tells the others. Throws ConflictError when the id is taken or there are too many. */
  create({ portfolio_id, name, starting_cash }: NewPortfolio, traceId?: string) {
    const id = portfolio_id ?? `portfolio_${Bun.randomUUIDv7()}`;
    return this.#context.units.run(async (unit) => {
      if (this.#books.has(id)) throw new ConflictError('A portfolio of this portfolio_id exists already');
      if (this.#books.size >= MAX_PORTFOLIOS) {
        throw new ConflictError(`Expected at most ${MAX_PORTFOLIOS} portfolios`);
      }
      const correlation = traceId === undefined ? {} : { correlationId: traceId };
      this.#store.putPortfolio(unit.tx, id, name, starting_cash, this.#context.clock.nowUs());
      const book = new Book(await this.#store.portfolio(id, unit.tx));
      // Fills may have come before their portfolio.
      for await (const fills of this.#store.fills(id, unit.tx)) {
        for (const fill of fills) {
          book.apply(fill);
          unit.publish(topics.positions, book.positionAfter(fill), {
            tsEventUs: fill.ts_event_us,
            ...correlation,
          });
        }
      }
      this.#adopt(book);
      unit.publish(topics.valuations, book.valuation(), { tsEventUs: book.asOfUs, ...correlation });
      return this.get(id);
    });
  }

  get(id: string) {
    const book = this.#book(id);
    return { name: book.name, ts_event_us: book.valuedUs, ...book.valuation() };
  }

  async fills(id: string, limit: number, after: number) {
    this.#book(id);
    const rows = await this.#store.fillsAfter(id, after, limit);
    return { fills: rows, next_after: rows.length === limit ? rows.at(-1)!.seq : null };
  }

  minimumVariance({ symbols, returns }: MinimumVarianceRequest) {
    return minimumVariance(symbols, returns);
  }

  #book(id: string): Book {
    const book = this.#books.get(id);
    if (!book) throw new NotFoundError('No portfolio of this id');
    return book;
  }

  #adopt(book: Book): void {
    const old = this.#books.get(book.id);
    if (old) for (const holders of this.#holders.values()) holders.delete(old);
    this.#books.set(book.id, book);
    for (const symbol of book.ledger.holdings().keys()) this.#hold(symbol, book);
  }

  #hold(symbol: string, book: Book): void {
    const holders = this.#holders.get(symbol);
    if (holders) holders.add(book);
    else this.#holders.set(symbol, new Set([book]));
  }

  /** Says again where a portfolio stands. One in a replay is left alone: its story is told by the replay. */
  #announce(book: Book): void {
    if (book.id === this.#session?.portfolio_id) return;
    this.#context.bus.publish(topics.valuations, book.valuation(), { tsEventUs: book.asOfUs });
  }

  async #open(spec: SessionSpec) {
    await this.#context.units.run(({ tx }) => this.#checkHistory(spec, tx));
    return { starting_cash: spec.starting_cash };
  }

  async #checkHistory({ portfolio_id: id, reset }: SessionSpec, tx: Transaction): Promise<void> {
    const fills = await this.#store.countFills(id, tx);
    if (!reset && fills > 0) {
      throw new ConflictError(`${id} already has history (${fills} fills): reset it first (--reset)`);
    }
  }

  async #begin(spec: SessionSpec, data: Readonly<Record<string, unknown>>): Promise<void> {
    const id = spec.portfolio_id;
    const { units, clock, bus } = this.#context;
    // Fills of the history that goes may still be on their way, until long after the replay.
    const { live_until_us = bus.nowUs() } = (data.strategy ?? {}) as { live_until_us?: number };
    await units.run(async (unit) => {
      await this.#checkHistory(spec, unit.tx);
      this.#store.putPortfolio(unit.tx, id, id, text(dec(spec.starting_cash)), clock.nowUs());
      this.#store.emptyHistory(unit.tx, id, live_until_us);
      this.#adopt(new Book(await this.#store.portfolio(id, unit.tx)));
      this.#session = spec;
    });
  }

  #close(spec: SessionSpec) {
    this.#session = undefined;
    const book = this.#book(spec.portfolio_id);
    return { ledger: book.ledger.snapshot(), fills: book.fills };
  }

  async #process(batch: readonly Envelope[], publisher: StreamPublisher): Promise<void> {
    const changes: Changes = { marks: new Map(), valued: new Set() };
    if (publisher.spec)
      await this.#replay(batch, this.#book(publisher.spec.portfolio_id), changes, publisher);
    else await this.#live(batch, changes, publisher);
    this.#write(publisher.tx, changes);
  }

  /** One valuation for each bar: those who read it join by event time and never wait in vain. */
  async #replay(
    batch: readonly Envelope[],
    book: Book,
    changes: Changes,
    publisher: StreamPublisher,
  ): Promise<void> {
    for (const envelope of batch) {
      if (envelope.topic === topics.fills.name) await this.#applyFill(envelope, publisher);
      else {
        mark(book, envelope.body as LiveBar, envelope.ts_event_us, changes);
        value(book, envelope, changes, publisher);
      }
    }
  }

  async #live(batch: readonly Envelope[], changes: Changes, publisher: StreamPublisher): Promise<void> {
    /** Newest fill of the portfolios that no bar has valued since. */
    const unvalued = new Map<Book, Envelope>();
    for (const envelope of batch) {
      if (envelope.topic === topics.fills.name) {
        const known = this.#books.get((envelope.body as FillBody).portfolio_id);
        const earlier = known && unvalued.get(known);
        // Each chain that a fill belongs to is told to its end.
        if (earlier && earlier.correlation_id !== envelope.correlation_id) {
          value(known, earlier, changes, publisher);
        }
        const book = await this.#applyFill(envelope, publisher);
        if (book) unvalued.set(book, envelope);
        continue;
      }
      const bar = envelope.body as LiveBar;
      for (const book of this.#holders.get(bar.symbol) ?? []) {
        if (book.id === this.#session?.portfolio_id) continue;
        // A bar older than the mark changes nothing.
        if (!mark(book, bar, envelope.ts_event_us, changes)) continue;
        // The bar tells of the fill too: who follows the order finds it by the order's correlation.
        const { correlation_id } = unvalued.get(book) ?? envelope;
        value(book, envelope, changes, publisher, correlation_id);
        unvalued.delete(book);
      }
    }
    for (const [book, envelope] of unvalued) value(book, envelope, changes, publisher);
  }

  /** Returns the portfolio that the fill changed; undefined when it was known, is of a history that is gone, or its portfolio is not known. */
  async #applyFill(envelope: Envelope, publisher: StreamPublisher): Promise<Book | undefined> {
    const fill = envelope.body as FillBody;
    const book = this.#books.get(fill.portfolio_id);
    const isLive = publisher.spec === undefined;
    if (isLive && book && envelope.ts_sent_us <= book.liveAfterUs) {
      const { fill_id, portfolio_id } = fill;
      this.#context.log.info({ fill_id, portfolio_id }, 'a fill of a history that was reset is passed over');
      return undefined;
    }
    if (!(await this.#store.addFill(publisher.tx, fill))) return undefined;
    if (!book) {
      // Executions are facts: it stays on disk and counts once the portfolio is made.
      this.#context.log.warn({ portfolio_id: fill.portfolio_id }, 'fill of a portfolio that does not exist');
      return undefined;
    }
    book.apply(fill);
    this.#hold(fill.symbol, book);
    if (isLive) {
      const { correlation_id } = envelope;
      publisher.publish(topics.positions, book.positionAfter(fill), fill.ts_event_us, correlation_id);
    }
    return book;
  }

  #write(tx: Transaction, { marks, valued }: Changes): void {
    for (const [book, bySymbol] of marks) {
      for (const [symbol, { price, tsUs }] of bySymbol)
        this.#store.putMark(tx, book.id, symbol, text(dec(price)), tsUs);
    }
    for (const book of valued) this.#store.setValued(tx, book.id, book.valuedUs!);
  }
}

function mark(book: Book, bar: LiveBar, tsUs: number, { marks }: Changes): boolean {
  if (!book.ledger.mark(bar.symbol, bar.close, tsUs)) return false;
  const own = marks.get(book);
  if (own) own.set(bar.symbol, { price: bar.close, tsUs });
  else marks.set(book, new Map([[bar.symbol, { price: bar.close, tsUs }]]));
  return true;
}

/** Event times of valuations never run backwards: a fill may be told after the bar that followed it. */
function value(
  book: Book,
  envelope: Envelope,
  { valued }: Changes,
  publisher: StreamPublisher,
  correlationId = envelope.correlation_id,
): void {
  book.valuedUs = Math.max(book.valuedUs ?? 0, envelope.ts_event_us);
  valued.add(book);
  publisher.publish(topics.valuations, book.valuation(), book.valuedUs, correlationId);
}
