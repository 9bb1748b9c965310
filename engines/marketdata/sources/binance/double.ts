// A local Binance: subscriptions, books with numbered updates, trades, bars, mark prices, and REST, as its documentation has them.
import { type PeerSocket, VenueDouble } from '../net/venue-double.ts';
import { SPOT, type Venue } from './venue.ts';

type Side = 'b' | 'a';

/** A book of text levels and the number of its last update. */
interface Book {
  last: number;
  readonly b: Map<string, string>;
  readonly a: Map<string, string>;
}

/** Rows that a page of REST history is cut from. */
export interface HistoryRows {
  klines: unknown[][];
  trades: { id: number; time: number; price: string; qty: string; isBuyerMaker: boolean }[];
  funding: { symbol: string; fundingRate: string; fundingTime: number; markPrice: string }[];
}

/** Speaks for one market. Methods are what happens at the exchange. */
export class BinanceDouble extends VenueDouble {
  readonly #venue: Venue;
  readonly #books = new Map<string, Book>();
  readonly history: HistoryRows = { klines: [], trades: [], funding: [] };
  symbols: unknown[] = [];
  /** Streams that it refuses. */
  readonly refused = new Set<string>();
  /** Requests that are not answered; those in `unheard` are not even heard. */
  unanswered = 0;
  unheard = 0;
  /** Rows of the first page come again and again. */
  repeats = false;
  usedWeight = 1;
  #nextTrade = 1000;

  constructor(nowUs: () => number, venue: Venue = SPOT) {
    super(nowUs);
    this.#venue = venue;
  }

  book(symbol: string): Book {
    let book = this.#books.get(symbol);
    if (!book) {
      book = { last: 100, b: new Map([['100.00', '1.5']]), a: new Map([['100.10', '2']]) };
      this.#books.set(symbol, book);
    }
    return book;
  }

  /** Changes levels of a book; `lost` updates are not sent. */
  update(symbol: string, side: Side, levels: readonly [string, string][], lost = false): void {
    const book = this.book(symbol);
    const previous = book.last;
    book.last += levels.length;
    for (const [price, size] of levels)
      Number(size) === 0 ? book[side].delete(price) : book[side].set(price, size);
    if (lost) return;
    const ms = this.#ms();
    this.#stream(`${symbol.toLowerCase()}@depth@100ms`, {
      e: 'depthUpdate',
      E: ms,
      ...(this.#venue.futures ? { T: ms, pu: previous } : {}),
      s: symbol,
      U: previous + 1,
      u: book.last,
      b: side === 'b' ? levels : [],
      a: side === 'a' ? levels : [],
    });
  }

  trade(symbol: string, price: string, size: string, buyerWaited: boolean): void {
    const ms = this.#ms();
    const id = this.#nextTrade++;
    const shared = { E: ms, s: symbol, p: price, q: size, T: ms, m: buyerWaited };
    this.#stream(`${symbol.toLowerCase()}@trade`, { e: 'trade', t: id, ...shared });
    this.#stream(`${symbol.toLowerCase()}@aggTrade`, { e: 'aggTrade', a: id, f: id, l: id, ...shared });
  }

  /** Says that it is about to end all connections. */
  shutDown(): void {
    const data = { e: 'serverShutdown', E: this.#ms() };
    this.say(JSON.stringify({ stream: '!serverShutdown', data }));
  }

  /** Sends a message of a stream as recorded. */
  stream(name: string, data: unknown): void {
    this.#stream(name, data);
  }

  protected message(socket: PeerSocket, message: Record<string, unknown>): void {
    const { method, id } = message;
    if (this.unheard > 0) {
      this.unheard--;
      return;
    }
    const params = (message.params ?? []) as string[];
    const bad = params.find((name) => this.refused.has(name) || !/^[a-z0-9_]+@/.test(name));
    if (method === 'LIST_SUBSCRIPTIONS') this.send(socket, { result: [...socket.data.channels], id });
    else if (bad !== undefined) {
      const error = { code: 2, msg: `Invalid request: unknown stream ${bad}` };
      this.send(socket, this.#venue.futures ? { ...error, id } : { error, id });
    } else {
      for (const name of params) {
        if (method === 'SUBSCRIBE') socket.data.channels.add(name);
        else socket.data.channels.delete(name);
      }
      if (this.unanswered > 0) this.unanswered--;
      else this.send(socket, { result: null, id });
    }
  }

  protected rest(url: URL): unknown {
    const path = url.pathname.slice(this.#venue.api.length + 1);
    const query = Object.fromEntries(url.searchParams);
    const body = this.#body(path, query);
    if (body === undefined) return Response.json({ code: -1121, msg: 'Invalid symbol.' }, { status: 400 });
    return Response.json(body, { headers: { 'x-mbx-used-weight-1m': String(this.usedWeight) } });
  }

  #body(path: string, query: Record<string, string>): unknown {
    if (path === 'exchangeInfo')
      return { timezone: 'UTC', serverTime: this.#ms(), rateLimits: [], symbols: this.symbols };
    if (path === 'depth') return this.#depth(query.symbol!);
    const limit = Number(query.limit ?? 500);
    const from = this.repeats ? 0 : Number(query.startTime ?? 0);
    const to = Number(query.endTime ?? Number.MAX_SAFE_INTEGER);
    const fromId = this.repeats ? 0 : Number(query.fromId ?? 0);
    const { klines, trades, funding } = this.history;
    const inTime = (ms: number) => ms >= from && ms <= to;
    switch (path) {
      case 'klines':
        return klines.filter(([start]) => inTime(start as number)).slice(0, limit);
      case 'fundingRate':
        return funding.filter((row) => inTime(row.fundingTime)).slice(0, limit);
      case 'historicalTrades':
        return trades.filter((row) => row.id >= fromId).slice(0, limit);
      case 'aggTrades':
        return trades
          .filter((row) => row.id >= fromId && inTime(row.time))
          .slice(0, limit)
          .map(({ id, price, qty, time, isBuyerMaker }) => ({
            a: id,
            p: price,
            q: qty,
            f: id,
            l: id,
            T: time,
            m: isBuyerMaker,
          }));
      default:
        return undefined;
    }
  }

  #depth(symbol: string): unknown {
    const book = this.#books.get(symbol);
    if (!book) return undefined;
    const sorted = (side: Side, sign: number) =>
      [...book[side]].sort((x, y) => sign * (Number(x[0]) - Number(y[0])));
    const ms = this.#ms();
    return {
      lastUpdateId: book.last,
      ...(this.#venue.futures ? { E: ms, T: ms } : {}),
      bids: sorted('b', -1),
      asks: sorted('a', 1),
    };
  }

  #stream(name: string, data: unknown): void {
    this.publish(name, { stream: name, data });
  }

  #ms(): number {
    return Math.floor(this.nowUs() / 1000);
  }
}
