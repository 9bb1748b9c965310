// A local Kraken: WebSocket v2 with acknowledgements, heartbeats and checksums, and REST, as its documentation has them.
import { crc32 } from 'node:zlib';
import { type PeerSocket, VenueDouble } from '../net/venue-double.ts';
import { restPair } from './messages.ts';

interface Pair {
  readonly price: number;
  readonly size: number;
  readonly bids: Map<number, number>;
  readonly asks: Map<number, number>;
}

export class KrakenDouble extends VenueDouble {
  readonly #pairs = new Map<string, Pair>();
  /** Rows of `OHLC` and `Trades`, oldest first. */
  ohlc: unknown[][] = [];
  trades: [string, string, number, string, string, string, number][] = [];
  /** Rows of the first page come again and again. */
  repeats = false;
  /** Channels that it refuses, as `ohlc|BTC/USD`. */
  readonly refused = new Set<string>();
  /** Trades of the stream, oldest first. */
  readonly #told: { readonly symbol: string }[] = [];
  #nextTrade = 10_218_208;

  constructor(nowUs: () => number) {
    super(nowUs);
    this.list('BTC/USD', 1, 8);
  }

  /** Lists a pair with a small book. */
  list(symbol: string, price: number, size: number): void {
    const bids = new Map(
      Array.from({ length: 12 }, (_, n) => [(1_059_442 - 10 * n) / 10, (136 + 1000 * n) / 1000]),
    );
    const asks = new Map(
      Array.from({ length: 12 }, (_, n) => [(1_059_443 + 10 * n) / 10, (2 + 1000 * n) / 1000]),
    );
    this.#pairs.set(symbol, { price, size, bids, asks });
  }

  /** Tells of another precision of a pair. */
  describe(symbol: string, price: number, size: number): void {
    this.#pairs.set(symbol, { ...this.#pairs.get(symbol)!, price, size });
    const data = { assets: [], pairs: [this.#pair(symbol)] };
    this.publish('instrument|*', { channel: 'instrument', type: 'update', data });
  }

  /** Changes a level; a `lost` update is not sent. */
  update(symbol: string, side: 'bids' | 'asks', price: number, qty: number, lost = false): void {
    const pair = this.#pairs.get(symbol)!;
    if (qty === 0) pair[side].delete(price);
    else pair[side].set(price, qty);
    if (lost) return;
    const levels = [{ price, qty }];
    const data = {
      symbol,
      bids: side === 'bids' ? levels : [],
      asks: side === 'asks' ? levels : [],
      checksum: this.#checksum(pair),
      timestamp: this.#iso(),
    };
    this.publish(`book|${symbol}`, { channel: 'book', type: 'update', data: [data] });
  }

  trade(symbol: string, side: 'buy' | 'sell', price: number, qty: number): void {
    const data = {
      symbol,
      side,
      price,
      qty,
      ord_type: 'limit',
      trade_id: this.#nextTrade++,
      timestamp: this.#iso(),
    };
    this.#told.push(data);
    this.publish(`trade|${symbol}`, { channel: 'trade', type: 'update', data: [data] });
  }

  /** Tells the state of a bar of `minutes`. */
  bar(symbol: string, minutes: number, beginUs: number, close: number): void {
    const row = this.#bar(symbol, minutes, beginUs, close);
    this.publish(`ohlc|${symbol}`, { channel: 'ohlc', type: 'update', data: [row] });
  }

  heartbeat(): void {
    this.say('{"channel":"heartbeat"}');
  }

  protected override opened(socket: PeerSocket): void {
    const data = [{ api_version: 'v2', connection_id: 1, system: 'online', version: '2.0.10' }];
    this.send(socket, { channel: 'status', type: 'update', data });
  }

  protected message(socket: PeerSocket, message: Record<string, unknown>): void {
    const { method, req_id } = message;
    const time = { time_in: this.#iso(), time_out: this.#iso() };
    if (method === 'ping') {
      this.send(socket, { method: 'pong', req_id, ...time });
      return;
    }
    const params = message.params as {
      channel: string;
      symbol?: string[];
      interval?: number;
      depth?: number;
      snapshot?: boolean;
    };
    const { channel } = params;
    for (const symbol of params.symbol ?? ['*']) {
      const unknown = channel !== 'instrument' && !this.#pairs.has(symbol);
      if (unknown || this.refused.has(`${channel}|${symbol}`)) {
        const error = `Currency pair not supported ${symbol}`;
        this.send(socket, { error, method, req_id, success: false, symbol, ...time });
        continue;
      }
      if (method === 'subscribe') socket.data.channels.add(`${channel}|${symbol}`);
      else socket.data.channels.delete(`${channel}|${symbol}`);
      const result = { ...params, symbol };
      this.send(socket, { method, result, success: true, req_id, ...time });
      if (method === 'subscribe' && params.snapshot !== false) this.#snapshot(socket, symbol, params);
    }
  }

  #snapshot(
    socket: PeerSocket,
    symbol: string,
    { channel, interval: minutes = 1, depth }: { channel: string; interval?: number; depth?: number },
  ): void {
    const pair = this.#pairs.get(symbol);
    if (channel === 'instrument') {
      const pairs = [...this.#pairs.keys()].map((name) => this.#pair(name));
      this.send(socket, { channel, type: 'snapshot', data: { assets: [], pairs } });
    } else if (channel === 'book') {
      const { bids, asks } = this.#sorted(pair!);
      const data = {
        symbol,
        bids: bids.slice(0, depth),
        asks: asks.slice(0, depth),
        checksum: this.#checksum(pair!),
      };
      this.send(socket, { channel, type: 'snapshot', data: [data] });
    } else if (channel === 'trade') {
      const data = this.#told.filter((trade) => trade.symbol === symbol).slice(-50);
      this.send(socket, { channel, type: 'snapshot', data });
    } else if (channel === 'ohlc') {
      const begin = Math.floor(this.nowUs() / (minutes * 60e6)) * minutes * 60e6;
      const data = [2, 1, 0].map((ago) =>
        this.#bar(symbol, minutes, begin - ago * minutes * 60e6, 105_940 - ago),
      );
      this.send(socket, { channel, type: 'snapshot', data });
    }
  }

  #pair(symbol: string): object {
    const { price, size } = this.#pairs.get(symbol)!;
    const [base, quote] = symbol.split('/');
    return {
      ...{ symbol, base, quote, status: 'online' },
      ...{
        price_precision: price,
        price_increment: 10 ** -price,
        qty_precision: size,
        qty_increment: 10 ** -size,
      },
    };
  }

  #bar(symbol: string, interval: number, beginUs: number, close: number): object {
    const interval_begin = new Date(beginUs / 1000).toISOString().replace('Z', '000000Z');
    const prices = { open: close, high: close + 1, low: close - 1, close, vwap: close };
    return {
      symbol,
      ...prices,
      trades: 12,
      volume: 30927.68066226,
      interval_begin,
      interval,
      timestamp: this.#iso(),
    };
  }

  #sorted(pair: Pair): { bids: object[]; asks: object[] } {
    const side = (levels: Map<number, number>, sign: number) =>
      [...levels].sort((a, b) => sign * (a[0] - b[0])).map(([price, qty]) => ({ price, qty }));
    return { bids: side(pair.bids, -1), asks: side(pair.asks, 1) };
  }

  /** CRC32 of the ten best asks and bids, digits without point and leading zeros (the venue's guide to books). */
  #checksum(pair: Pair): number {
    const { bids, asks } = this.#sorted(pair);
    const digits = (value: number, decimals: number) =>
      value.toFixed(decimals).replace('.', '').replace(/^0+/, '');
    const text = [...asks.slice(0, 10), ...bids.slice(0, 10)].map((level) => {
      const { price, qty } = level as { price: number; qty: number };
      return digits(price, pair.price) + digits(qty, pair.size);
    });
    return crc32(text.join(''));
  }

  protected rest(url: URL): unknown {
    const query = Object.fromEntries(url.searchParams);
    const path = url.pathname.split('/').at(-1);
    if (path === 'AssetPairs') {
      const entries = [...this.#pairs].map(([symbol, { price, size }]) => [
        restPair(symbol),
        {
          altname: restPair(symbol),
          wsname: symbol.replace('BTC', 'XBT'),
          pair_decimals: price,
          lot_decimals: size,
          tick_size: '0.1',
          status: 'online',
        },
      ]);
      return { error: [], result: Object.fromEntries(entries) };
    }
    const pair = [...this.#pairs.keys()].find((symbol) => restPair(symbol) === query.pair);
    if (pair === undefined) return { error: ['EQuery:Unknown asset pair'] };
    if (path === 'OHLC') {
      const rows = this.ohlc.filter(([time]) => (time as number) > Number(query.since ?? 0)).slice(-720);
      return { error: [], result: { [query.pair!]: rows, last: rows.at(-2)?.[0] ?? 0 } };
    }
    const since = this.repeats ? 0n : BigInt(query.since ?? 0);
    const ns = (seconds: number) => BigInt(Math.round(seconds * 1e6)) * 1000n;
    const rows = this.trades.filter((row) => ns(row[2]) > since).slice(0, Number(query.count ?? 1000));
    const last = rows.length > 0 ? String(ns(rows.at(-1)![2])) : String(since);
    return { error: [], result: { [query.pair!]: rows, last } };
  }

  #iso(): string {
    const us = this.nowUs();
    return new Date(us / 1000).toISOString().replace('Z', `${String(us % 1000).padStart(3, '0')}Z`);
  }
}
