// Puts records onto the market topics: those of one source and symbol in one body, everything of one turn of the event loop together.
import type { Bus } from '../../../src/bus/client.ts';
import { MAX_RECORDS_PER_BODY } from '../../../src/bus/market-bodies.ts';
import { type BodyOf, type Topic, topics } from '../../../src/bus/topics.ts';
import { InvalidOptionError } from '../../../src/core/errors.ts';
import type { BookDelta, MarketRecord } from '../../../src/market/records.ts';
import {
  actionRow,
  barRow,
  deltaRow,
  factRow,
  fundingRow,
  instrumentRow,
  liveBar,
  macroRow,
  quoteRow,
  tradeRow,
} from './rows.ts';

export type BookBody = BodyOf<typeof topics.marketBooks>;
export type SourceNews = BodyOf<typeof topics.marketSources>;

/** The book of a symbol as it is told; its number and deltas are added here. */
export type BookSaid = Omit<BookBody, 'number' | 'deltas'>;

export interface PublisherOptions {
  readonly bus: Bus;
  /** Told of each source whose records went out, with the earliest time at which one was received. */
  readonly onPublished?: (source: string, receiveUs: number, nowUs: number) => void;
  /** Told how long it took until the transport had what was published in a turn. */
  readonly onCarried?: (us: number, nowUs: number) => void;
  /** Told of what a schema refused, so that nobody will hear of it. */
  readonly onRefused?: (topic: string, records: number, error: unknown) => void;
}

interface Open {
  readonly key: string;
  readonly topic: Topic<unknown>;
  readonly body: Record<string, unknown>;
  readonly rows: unknown[];
  readonly source: string;
  readonly symbol: string;
  readonly receiveUs: number;
  eventUs: number;
}

interface OpenBook {
  readonly state: BookSaid['state'];
  readonly deltas: BookBody['deltas'];
  anew: boolean;
  /** When the first change came. */
  receiveUs: number | undefined;
  say: () => BookSaid;
}

/** A list of rows by its topic and name in the body. */
interface Shape {
  readonly topic: Topic<unknown>;
  readonly list: string;
  /** What else the body has: other lists of the topic, then empty; unit and length of bars. */
  readonly rest?: Readonly<Record<string, unknown>>;
  /** What tells bodies of one list apart, beside source and symbol. */
  readonly group?: string;
}

/** Longest that a record waits for others of its turn: a burst of a venue can make a turn of many milliseconds. */
const MOST_WAIT_US = 250;

/** One list for all: nobody can change it. */
const NONE = Object.freeze([]);

const SHAPES = {
  trade: { topic: topics.marketTrades, list: 'trades' },
  quote: { topic: topics.marketQuotes, list: 'quotes' },
  instrument: { topic: topics.marketReference, list: 'instruments', rest: { actions: NONE } },
  corporate_action: { topic: topics.marketReference, list: 'actions', rest: { instruments: NONE } },
  funding: { topic: topics.marketFunding, list: 'funding' },
  macro: { topic: topics.marketMacro, list: 'points' },
  fundamental: { topic: topics.marketFundamentals, list: 'facts' },
} as const satisfies Record<string, Shape>;

/** Topics whose bodies have no text of a venue but ids, prices and sizes being made of integers here; their bodies are kept by nobody. */
const OF_INTEGERS: ReadonlySet<unknown> = new Set([
  topics.marketTrades,
  topics.marketQuotes,
  topics.marketBooks,
]);

/** Publishes at the end of the turn in which something was added, in a turn that takes longer after {@link MOST_WAIT_US}, or at {@link flush}. */
export class Publisher {
  /** Records that went out, and those that a schema refused. */
  readonly counts = { published: 0, refused: 0 };
  readonly #options: PublisherOptions;
  readonly #open = new Map<string, Open>();
  /** The newest of each group: mostly that of the next record as well. */
  readonly #newest = new Map<string, Open>();
  readonly #books = new Map<string, OpenBook>();
  readonly #bookNumbers = new Map<string, number>();
  #scheduled = false;
  readonly #endTurn = () => {
    this.#scheduled = false;
    this.flush();
  };
  /** When the first of what is open was added. */
  #openUs: number | undefined;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Adds a record; books go by {@link book}. `source` is what others are told as its source. */
  add(record: MarketRecord, source = record.source): void {
    switch (record.kind) {
      case 'trade':
        this.#row(SHAPES.trade, record, source, tradeRow(record));
        break;
      case 'quote':
        this.#row(SHAPES.quote, record, source, quoteRow(record));
        break;
      case 'bar':
        this.#bar(record, source);
        break;
      case 'funding':
        this.#row(SHAPES.funding, record, source, fundingRow(record));
        break;
      case 'macro':
        this.#row(SHAPES.macro, record, source, macroRow(record));
        break;
      case 'fundamental':
        this.#row(SHAPES.fundamental, record, source, factRow(record));
        break;
      case 'corporate_action':
        this.#row(SHAPES.corporate_action, record, source, actionRow(record));
        break;
      case 'instrument':
        this.#row(SHAPES.instrument, record, source, instrumentRow(record));
        break;
      default:
        throw new Error(`Invariant: ${record.kind} is published as a book`);
    }
    this.#flushLate();
  }

  /**
   * Adds a book that is there to be told, and what changed it; several changes in one turn become one body. `say` is asked for its levels when
   * the body is made: reading them for each change would cost more than everything else. `anew`: changes that are not told are in it.
   */
  book(
    of: Pick<BookSaid, 'source' | 'symbol' | 'state'>,
    say: () => BookSaid,
    { delta, anew = false }: { readonly delta?: BookDelta; readonly anew?: boolean } = {},
  ): void {
    const { source, symbol, state } = of;
    const key = `${source} ${symbol}`;
    let open = this.#books.get(key);
    if (open && open.deltas.length >= MAX_RECORDS_PER_BODY) {
      this.#sendBook(key, open);
      open = undefined;
    }
    if (open && open.state !== state) {
      // Asked now, a book that was live says that it no longer is: what changed before goes out with the state that it has.
      const isTold = open.say().state === state;
      this.#sendBook(key, open);
      if (isTold) return;
      open = undefined;
    }
    if (!open) {
      open = { state, deltas: [], anew: false, say, receiveUs: undefined };
      this.#books.set(key, open);
    }
    open.say = state === 'live' ? say : always(say());
    open.anew ||= anew;
    open.receiveUs ??= delta?.tsReceiveUs;
    if (delta) open.deltas.push(deltaRow(delta));
    this.#schedule();
    this.#flushLate();
  }

  /** Tells of a source at once. */
  news(body: SourceNews): void {
    this.#publish(topics.marketSources, body, undefined, 1);
  }

  /** Publishes everything that was added, and hands it to the transport. */
  flush(): void {
    this.#openUs = undefined;
    if (this.#open.size === 0 && this.#books.size === 0) return;
    const { bus, onCarried } = this.#options;
    const startUs = bus.nowUs();
    for (const open of this.#open.values()) this.#send(open, startUs);
    this.#open.clear();
    this.#newest.clear();
    for (const [key, open] of this.#books) this.#sendBook(key, open);
    // Now, since the end of this turn has come already.
    bus.flush();
    const nowUs = bus.nowUs();
    onCarried?.(nowUs - startUs, nowUs);
  }

  #row(shape: Shape, record: MarketRecord, source: string, row: unknown): void {
    const { list, group = list } = shape;
    const { symbol, tsEventUs } = record;
    let open = this.#newest.get(group);
    if (open?.source !== source || open.symbol !== symbol) {
      const key = `${group} ${source} ${symbol}`;
      open = this.#open.get(key) ?? this.#begin(key, shape, record, source);
      this.#newest.set(group, open);
    }
    open.rows.push(row);
    if (tsEventUs > open.eventUs) open.eventUs = tsEventUs;
    if (open.rows.length >= MAX_RECORDS_PER_BODY) {
      this.#open.delete(open.key);
      this.#newest.delete(group);
      this.#send(open, this.#options.bus.nowUs());
    }
  }

  #begin(key: string, { topic, list, rest }: Shape, record: MarketRecord, source: string): Open {
    const rows: unknown[] = [];
    const { symbol, tsReceiveUs, tsEventUs } = record;
    const body = { symbol, source, ...rest, [list]: rows };
    const open = { key, topic, rows, source, symbol, body, receiveUs: tsReceiveUs, eventUs: tsEventUs };
    this.#open.set(key, open);
    this.#schedule();
    return open;
  }

  #bar(record: Extract<MarketRecord, { kind: 'bar' }>, source: string): void {
    if (record.unit === 'time') {
      this.#publish(topics.marketLiveData, liveBar(record, source), record.tsEventUs, 1);
      this.#options.onPublished?.(source, record.tsReceiveUs, this.#options.bus.nowUs());
      return;
    }
    const { unit, interval } = record;
    const group = `${unit} ${interval}`;
    const shape = { topic: topics.marketBars, list: 'bars', rest: { unit, interval }, group };
    this.#row(shape, record, source, barRow(record));
  }

  #schedule(): void {
    this.#openUs ??= this.#options.bus.nowUs();
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#endTurn);
  }

  #flushLate(): void {
    if (this.#openUs !== undefined && this.#options.bus.nowUs() - this.#openUs > MOST_WAIT_US) this.flush();
  }

  #send({ topic, body, rows, source, receiveUs, eventUs }: Open, nowUs: number): void {
    this.#publish(topic, body, eventUs, rows.length);
    this.#options.onPublished?.(source, receiveUs, nowUs);
  }

  #sendBook(key: string, { say, deltas, anew, receiveUs }: OpenBook): void {
    this.#books.delete(key);
    const last = this.#bookNumbers.get(key) ?? 0;
    // A number is left out where whoever keeps levels from the changes has to take the whole book.
    const number = last + (anew && last > 0 ? 2 : 1);
    this.#bookNumbers.set(key, number);
    const said = say();
    const records = Math.max(deltas.length, 1);
    this.#publish(topics.marketBooks, { ...said, number, deltas }, said.ts_event_us, records);
    const { onPublished, bus } = this.#options;
    onPublished?.(said.source, receiveUs ?? said.ts_receive_us, bus.nowUs());
  }

  // What a schema refuses (a bar at a price below 0) must not take the rest of its batch along.
  #publish<Body>(topic: Topic<Body>, body: Body, tsEventUs: number | undefined, records: number): void {
    try {
      const own = OF_INTEGERS.has(topic);
      this.#options.bus.publish(topic, body, tsEventUs === undefined ? { own } : { tsEventUs, own });
      this.counts.published += records;
    } catch (error) {
      if (!(error instanceof InvalidOptionError)) throw error;
      this.counts.refused += records;
      this.#options.onRefused?.(topic.name, records, error);
    }
  }
}

function always<T>(value: T): () => T {
  return () => value;
}
