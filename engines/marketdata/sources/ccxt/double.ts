// Kraken as ccxt speaks with it, for tests: public REST and WebSocket v2 with recorded messages.
import type { ServerWebSocket } from 'bun';

/** What the double answers with. */
export interface Recorded {
  /** Rows of `Trades` and `OHLC` of XBTUSDT, as Kraken sends them. */
  readonly trades: readonly (readonly unknown[])[];
  readonly ohlc: readonly (readonly unknown[])[];
  /** The pair XBTUSDT of `AssetPairs`. */
  readonly pair: Readonly<Record<string, unknown>>;
}

/** A server that speaks like Kraken; most trades in one answer is `page`. */
export class KrakenDouble {
  readonly paths: string[] = [];
  readonly subscribed: string[] = [];
  /** Answers every request when set. */
  failure: { readonly status: number; readonly body: string } | undefined;
  readonly #server: Bun.Server<undefined>;
  readonly #sockets = new Set<ServerWebSocket<undefined>>();

  constructor(recorded: Recorded, page = 500) {
    this.#server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: (request, server) => {
        if (server.upgrade(request)) return undefined;
        const url = new URL(request.url);
        this.paths.push(url.pathname);
        if (this.failure) return new Response(this.failure.body, { status: this.failure.status });
        const result = answer(url, recorded, page);
        return Response.json(
          result === null ? { error: ['EQuery:Unknown asset pair'] } : { error: [], result },
        );
      },
      websocket: {
        open: (socket) => void this.#sockets.add(socket),
        close: (socket) => void this.#sockets.delete(socket),
        message: (socket, message) => this.#heard(socket, JSON.parse(String(message))),
      },
    });
  }

  get rest(): string {
    return `http://127.0.0.1:${this.#server.port}`;
  }

  get stream(): string {
    return `ws://127.0.0.1:${this.#server.port}`;
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#sockets.size;
  }

  /** Sends a message to all who listen. */
  send(message: string): void {
    for (const socket of this.#sockets) socket.send(message);
  }

  /** Ends all connections, as a venue does that restarts. */
  drop(): void {
    for (const socket of this.#sockets) socket.terminate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop(true);
  }

  #heard(
    socket: ServerWebSocket<undefined>,
    message: { method?: string; req_id?: number; params?: { channel: string; symbol: string[] } },
  ): void {
    if (message.method !== 'subscribe') return;
    const { channel, symbol } = message.params!;
    this.subscribed.push(`${channel} ${symbol}`);
    const result = { channel, symbol: symbol[0], snapshot: true };
    socket.send(JSON.stringify({ method: 'subscribe', req_id: message.req_id, result, success: true }));
  }
}

function answer(url: URL, recorded: Recorded, page: number): unknown {
  const { since } = Object.fromEntries(url.searchParams);
  const first = since === undefined ? 0 : Number(since);
  switch (url.pathname) {
    case '/0/public/Assets':
      return {
        XXBT: { aclass: 'currency', altname: 'XBT', decimals: 10, display_decimals: 5, status: 'enabled' },
        ZUSD: { aclass: 'currency', altname: 'USD', decimals: 4, display_decimals: 2, status: 'enabled' },
        USDT: { aclass: 'currency', altname: 'USDT', decimals: 8, display_decimals: 4, status: 'enabled' },
      };
    case '/0/public/AssetPairs':
      return {
        XBTUSDT: recorded.pair,
        XXBTZUSD: { ...recorded.pair, altname: 'XBTUSD', wsname: 'XBT/USD', quote: 'ZUSD' },
      };
    case '/0/public/Trades': {
      if (url.searchParams.get('pair') !== 'XBTUSDT') return null;
      const rows = recorded.trades.filter((row) => Number(row[2]) > first).slice(0, page);
      return { XBTUSDT: rows, last: String(rows.at(-1)?.[2] ?? since) };
    }
    case '/0/public/OHLC':
      return { XBTUSDT: recorded.ohlc.filter((row) => Number(row[0]) >= first), last: 0 };
    default:
      return null;
  }
}
