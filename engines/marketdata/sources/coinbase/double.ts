// A local Coinbase: the numbered messages of Advanced Trade's WebSocket, and its public REST, as its documentation has them.
import { type PeerSocket, VenueDouble } from '../net/venue-double.ts';

interface Book {
  readonly bid: Map<string, string>;
  readonly offer: Map<string, string>;
}

interface TradeRow {
  readonly trade_id: string;
  readonly product_id: string;
  readonly price: string;
  readonly size: string;
  readonly side: string;
  readonly time: string;
}

export class CoinbaseDouble extends VenueDouble {
  readonly #books = new Map<string, Book>();
  /** Number of the next message of each connection. */
  readonly #numbers = new WeakMap<PeerSocket, number>();
  /** Trades, oldest first; those of the stream are added. */
  readonly trades: TradeRow[] = [];
  candles: { start: string; low: string; high: string; open: string; close: string; volume: string }[] = [];
  products: unknown[] = [];
  /** The newest candles come for every range. */
  repeats = false;
  #beats = 0;

  constructor(nowUs: () => number) {
    super(nowUs);
    this.list('BTC-USD');
  }

  list(product: string): void {
    this.#books.set(product, {
      bid: new Map([
        ['68899.50', '0.75'],
        ['68900.00', '1.5'],
      ]),
      offer: new Map([
        ['68901.00', '0.5'],
        ['68901.50', '1.2'],
      ]),
    });
  }

  /** Changes a level; a `lost` message has its number and is not sent. */
  update(product: string, side: 'bid' | 'offer', price: string, quantity: string, lost = false): void {
    const levels = this.#books.get(product)![side];
    if (Number(quantity) === 0) levels.delete(price);
    else levels.set(price, quantity);
    const updates = [this.#level(side, price, quantity)];
    this.#tell(`level2|${product}`, 'l2_data', [{ type: 'update', product_id: product, updates }], lost);
  }

  /** A trade; `side` is that of the maker. */
  trade(product: string, side: 'BUY' | 'SELL', price: string, size: string): void {
    const trade_id = String(995_098_700 + this.trades.length);
    const row = { trade_id, product_id: product, price, size, side, time: this.iso() };
    this.trades.push(row);
    this.#tell(`market_trades|${product}`, 'market_trades', [{ type: 'update', trades: [row] }]);
  }

  /** Tells the state of a bar of five minutes. */
  candle(product: string, startUs: number, close: string): void {
    const candle = { ...this.#candle(startUs, close), product_id: product };
    this.#tell(`candles|${product}`, 'candles', [{ type: 'update', candles: [candle] }]);
  }

  heartbeat(): void {
    const current_time = this.iso();
    this.#tell('heartbeats|', 'heartbeats', [{ current_time, heartbeat_counter: this.#beats++ }]);
  }

  /** Sends a recorded message's events under its own channel, to all that want it. */
  events(subscription: string, channel: string, events: unknown): void {
    this.#tell(subscription, channel, events);
  }

  iso(us = this.nowUs()): string {
    return new Date(us / 1000).toISOString().replace('Z', `${String(us % 1000).padStart(3, '0')}Z`);
  }

  protected message(socket: PeerSocket, message: Record<string, unknown>): void {
    const { type, channel } = message as { type: string; channel: string };
    const products = (message.product_ids ?? []) as string[];
    const bad = products.find((product) => !this.#books.has(product));
    if (bad !== undefined) {
      this.send(socket, { type: 'error', message: `failure to subscribe: unknown product ${bad}` });
      return;
    }
    for (const name of channel === 'heartbeats' ? [''] : products) {
      if (type === 'subscribe') socket.data.channels.add(`${channel}|${name}`);
      else socket.data.channels.delete(`${channel}|${name}`);
    }
    const subscriptions: Record<string, string[]> = {};
    for (const name of socket.data.channels) {
      const [key, product] = name.split('|') as [string, string];
      subscriptions[key] = [...(subscriptions[key] ?? []), product];
    }
    this.#number(socket, 'subscriptions', [{ subscriptions }]);
    if (type === 'subscribe') for (const product of products) this.#snapshot(socket, channel, product);
  }

  #snapshot(socket: PeerSocket, channel: string, product: string): void {
    if (channel === 'level2') {
      const book = this.#books.get(product)!;
      const updates = (['bid', 'offer'] as const).flatMap((side) =>
        [...book[side]].map(([price, quantity]) => this.#level(side, price, quantity)),
      );
      this.#number(socket, 'l2_data', [{ type: 'snapshot', product_id: product, updates }]);
    } else if (channel === 'market_trades') {
      const trades = this.trades
        .filter((row) => row.product_id === product)
        .slice(-50)
        .reverse();
      this.#number(socket, 'market_trades', [{ type: 'snapshot', trades }]);
    } else if (channel === 'candles') {
      const begin = Math.floor(this.nowUs() / 300e6) * 300e6;
      const candles = [0, 1, 2].map((ago) => ({
        ...this.#candle(begin - ago * 300e6, `${68_900 - ago}`),
        product_id: product,
      }));
      this.#number(socket, 'candles', [{ type: 'snapshot', candles }]);
    }
  }

  #level(side: string, price_level: string, new_quantity: string): object {
    return { side, event_time: this.iso(), price_level, new_quantity };
  }

  #candle(startUs: number, close: string): object {
    return {
      start: String(startUs / 1e6),
      high: '70000',
      low: '60000',
      open: '68900',
      close,
      volume: '42.15',
    };
  }

  #tell(subscription: string, channel: string, events: unknown, lost = false): void {
    for (const socket of this.sockets)
      if (socket.data.channels.has(subscription)) this.#number(socket, channel, events, lost);
  }

  #number(socket: PeerSocket, channel: string, events: unknown, lost = false): void {
    const sequence_num = this.#numbers.get(socket) ?? 0;
    this.#numbers.set(socket, sequence_num + 1);
    if (!lost) this.send(socket, { channel, client_id: '', timestamp: this.iso(), sequence_num, events });
  }

  protected rest(url: URL): unknown {
    const [product, what] = url.pathname.split('/').slice(6);
    const query = Object.fromEntries(url.searchParams);
    if (product === undefined) return { products: this.products, num_products: this.products.length };
    if (!this.#books.has(product))
      return Response.json({ error: 'NOT_FOUND', message: 'valid product_id is required' }, { status: 404 });
    const from = Number(query.start);
    const to = Number(query.end);
    const limit = Number(query.limit);
    if (what === 'candles') {
      const inRange = this.candles.filter(
        (row) => this.repeats || (Number(row.start) >= from && Number(row.start) <= to),
      );
      return { candles: inRange.slice(-limit).reverse() };
    }
    const inRange = this.trades.filter(
      ({ time }) => Date.parse(time) / 1000 >= from && Date.parse(time) / 1000 <= to,
    );
    return { trades: inRange.slice(-limit).reverse(), best_bid: '1', best_ask: '2' };
  }
}
