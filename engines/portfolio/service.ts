// What the Portfolio engine does: folds fills into ledgers, values portfolios bar by bar, answers for their state.
import type { Bus } from '../../src/bus/client.ts';
import type { Envelope } from '../../src/bus/envelope.ts';
import { EngineWatch } from '../../src/bus/presence.ts';
import type { Participant, StreamPublisher } from '../../src/bus/stream.ts';
import { type BodyOf, type SessionSpec, topics } from '../../src/bus/topics.ts';
import type { Clock } from '../../src/core/clock.ts';
import { ConflictError, NotFoundError } from '../../src/core/errors.ts';
import type { Log } from '../../src/core/log.ts';
import { dec, text } from '../../src/trading/decimal.ts';
import { Book, type Valuation } from './book.ts';
import { minimumVariance } from './minimum-variance.ts';
import type { MinimumVarianceRequest, NewPortfolio } from './schemas.ts';
import type { PortfolioStore } from './store.ts';

type LiveBar = BodyOf<typeof topics.marketLiveData>;
type FillBody = BodyOf<typeof topics.fills>;

/** A valuation that is sent once its batch is on disk. */
interface Outgoing {
  readonly body: Valuation;
  readonly tsEventUs: number;
  readonly correlationId: string;
}

/** What one batch changes on disk beside its fills. */
interface Changes {
  readonly marks: Map<Book, Map<string, { price: number; tsUs: number }>>;
  readonly valued: Set<Book>;
}

export interface PortfolioParts {
  readonly store: PortfolioStore;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Log;
}

/** Each portfolio is a few kilobytes of memory for as long as the process lives. */
const MAX_PORTFOLIOS = 10_000;

/** State and decisions of the Portfolio engine. */
export class PortfolioService {
  readonly #store: PortfolioStore;
  readonly #bus: Bus;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #watch: EngineWatch;
  readonly #books = new Map<string, Book>();
  /** Portfolios that have fills in a symbol. */
  readonly #holders = new Map<string, Set<Book>>();
  /** The replay under way; its portfolio follows the replay's bars only. */
  #session: SessionSpec | undefined;

  readonly participant: Participant = {
    consumes: [topics.fills, topics.marketLiveData],
    emits: [topics.valuations],
    open: (spec) => this.#open(spec),
    begin: (spec) => this.#begin(spec),
    process: (batch, publisher) => this.#process(batch, publisher),
    close: (spec) => this.#close(spec),
    abort: () => {
      this.#session = undefined;
    },
  };

  constructor({ store, bus, clock, log }: PortfolioParts) {
    this.#store = store;
    this.#bus = bus;
    this.#clock = clock;
    this.#log = log;
    this.#watch = new EngineWatch(bus, clock);
    this.#load();
  }

  /** Follows the engines, so that each one that starts hears where every portfolio stands. */
  async start(): Promise<void> {
    await this.#watch.start(({ engine }) => {
      if (engine !== this.#bus.source) for (const book of this.#books.values()) this.#announce(book);
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
    if (this.#books.has(id)) throw new ConflictError('A portfolio of this portfolio_id exists already');
    if (this.#books.size >= MAX_PORTFOLIOS) {
      throw new ConflictError(`Expected at most ${MAX_PORTFOLIOS} portfolios`);
    }
    this.#store.putPortfolio(id, name, starting_cash, this.#clock.nowUs());
    const book = this.#reload(id);
    this.#announce(book, traceId);
    return this.get(id);
  }

  get(id: string) {
    const book = this.#book(id);
    return { name: book.name, ts_event_us: book.valuedUs, ...book.valuation() };
  }

  fills(id: string, limit: number, after: number) {
    this.#book(id);
    const rows = this.#store.fillsAfter(id, after, limit);
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

  #load(): void {
    this.#books.clear();
    this.#holders.clear();
    for (const row of this.#store.portfolios()) this.#adopt(Book.load(row, this.#store));
  }

  #reload(id: string): Book {
    const old = this.#books.get(id);
    if (old) for (const holders of this.#holders.values()) holders.delete(old);
    const row = this.#store.portfolios().find((p) => p.portfolio_id === id)!;
    return this.#adopt(Book.load(row, this.#store));
  }

  #adopt(book: Book): Book {
    this.#books.set(book.id, book);
    for (const symbol of book.ledger.holdings().keys()) this.#hold(symbol, book);
    return book;
  }

  #hold(symbol: string, book: Book): void {
    const holders = this.#holders.get(symbol);
    if (holders) holders.add(book);
    else this.#holders.set(symbol, new Set([book]));
  }

  /** Says again where a portfolio stands. One in a replay is left alone: its story is told by the replay. */
  #announce(book: Book, correlationId?: string): void {
    if (book.id === this.#session?.portfolio_id) return;
    const meta = { tsEventUs: book.asOfUs, ...(correlationId && { correlationId }) };
    this.#bus.publish(topics.valuations, book.valuation(), meta);
  }

  #open(spec: SessionSpec) {
    const id = spec.portfolio_id;
    const fills = this.#store.countFills(id);
    if (!spec.reset && fills > 0) {
      throw new ConflictError(`${id} already has history (${fills} fills): reset it first (--reset)`);
    }
    return { starting_cash: spec.starting_cash };
  }

  #begin(spec: SessionSpec): void {
    this.#open(spec);
    const id = spec.portfolio_id;
    this.#store.transaction(() => {
      this.#store.emptyHistory(id);
      this.#store.putPortfolio(id, id, text(dec(spec.starting_cash)), this.#clock.nowUs());
    });
    this.#reload(id);
    this.#session = spec;
  }

  #close(spec: SessionSpec) {
    this.#session = undefined;
    const book = this.#book(spec.portfolio_id);
    return { ledger: book.ledger.snapshot(), fills: book.fills };
  }

  #process(batch: readonly Envelope[], publisher: StreamPublisher): void {
    const outgoing: Outgoing[] = [];
    try {
      this.#store.transaction(() => {
        const changes: Changes = { marks: new Map(), valued: new Set() };
        if (publisher.spec) this.#replay(batch, this.#book(publisher.spec.portfolio_id), changes, outgoing);
        else this.#live(batch, changes, outgoing);
        this.#write(changes);
      });
    } catch (error) {
      // The disk has forgotten the batch, so memory has to as well.
      this.#load();
      throw error;
    }
    for (const { body, tsEventUs, correlationId } of outgoing) {
      publisher.publish(topics.valuations, body, tsEventUs, correlationId);
    }
  }

  /** One valuation for each bar: those who read it join by event time and never wait in vain. */
  #replay(batch: readonly Envelope[], book: Book, changes: Changes, outgoing: Outgoing[]): void {
    for (const envelope of batch) {
      if (envelope.topic === topics.fills.name) this.#applyFill(envelope.body as FillBody);
      else {
        const bar = envelope.body as LiveBar;
        mark(book, bar, envelope.ts_event_us, changes);
        outgoing.push(value(book, envelope, changes));
      }
    }
  }

  #live(batch: readonly Envelope[], changes: Changes, outgoing: Outgoing[]): void {
    /** Newest fill of the portfolios that no bar has valued since. */
    const unvalued = new Map<Book, Envelope>();
    for (const envelope of batch) {
      if (envelope.topic === topics.fills.name) {
        const fill = envelope.body as FillBody;
        const known = this.#books.get(fill.portfolio_id);
        const earlier = known && unvalued.get(known);
        // Each chain that a fill belongs to is told to its end.
        if (earlier && earlier.correlation_id !== envelope.correlation_id) {
          outgoing.push(value(known, earlier, changes));
        }
        const book = this.#applyFill(fill);
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
        outgoing.push({ ...value(book, envelope, changes), correlationId: correlation_id });
        unvalued.delete(book);
      }
    }
    for (const [book, envelope] of unvalued) outgoing.push(value(book, envelope, changes));
  }

  /** Returns the portfolio that the fill changed; undefined when it was known or its portfolio is not. */
  #applyFill(fill: FillBody): Book | undefined {
    if (!this.#store.addFill(fill)) return undefined;
    const book = this.#books.get(fill.portfolio_id);
    if (!book) {
      // Executions are facts: it stays on disk and counts once the portfolio is made.
      this.#log.warn({ portfolio_id: fill.portfolio_id }, 'fill of a portfolio that does not exist');
      return undefined;
    }
    book.ledger.apply(fill);
    book.fills++;
    this.#hold(fill.symbol, book);
    return book;
  }

  #write({ marks, valued }: Changes): void {
    for (const [book, bySymbol] of marks) {
      for (const [symbol, { price, tsUs }] of bySymbol)
        this.#store.putMark(book.id, symbol, text(dec(price)), tsUs);
    }
    for (const book of valued) this.#store.setValued(book.id, book.valuedUs!);
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
function value(book: Book, envelope: Envelope, { valued }: Changes): Outgoing {
  book.valuedUs = Math.max(book.valuedUs ?? 0, envelope.ts_event_us);
  valued.add(book);
  return {
    body: book.valuation(),
    tsEventUs: book.valuedUs,
    correlationId: envelope.correlation_id,
  };
}
