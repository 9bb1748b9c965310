// Kraken as ccxt speaks with it, for tests: public REST and WebSocket v2 with recorded messages.
import { type PeerSocket, VenueDouble } from '../net/venue-double.ts';

/** What the double answers with. */
export interface Recorded {
  /** Rows of `Trades` and `OHLC` of XBTUSDT, as Kraken sends them. */
  readonly trades: readonly (readonly unknown[])[];
  readonly ohlc: readonly (readonly unknown[])[];
  /** The pair XBTUSDT of `AssetPairs`. */
  readonly pair: Readonly<Record<string, unknown>>;
}

/** A server that speaks like Kraken; most trades in one answer is `page`. */
export class RecordedKraken extends VenueDouble {
  readonly subscribed: string[] = [];
  /** Answers every request when set. */
  failure: { readonly status: number; readonly body: string } | undefined;
  readonly #recorded: Recorded;
  readonly #page: number;

  constructor(recorded: Recorded, page = 500) {
    super(() => 0);
    this.#recorded = recorded;
    this.#page = page;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  protected message(socket: PeerSocket, { method, req_id, params }: Record<string, unknown>): void {
    if (method !== 'subscribe') return;
    const { channel, symbol } = params as { channel: string; symbol: string[] };
    this.subscribed.push(`${channel} ${symbol}`);
    const result = { channel, symbol: symbol[0], snapshot: true };
    this.send(socket, { method, req_id, result, success: true });
  }

  protected rest(url: URL): unknown {
    if (this.failure) return new Response(this.failure.body, { status: this.failure.status });
    const result = this.#result(url);
    return result === null ? { error: ['EQuery:Unknown asset pair'] } : { error: [], result };
  }

  #result({ pathname, searchParams }: URL): unknown {
    const { trades, ohlc, pair } = this.#recorded;
    const { since } = Object.fromEntries(searchParams);
    const first = since === undefined ? 0 : Number(since);
    switch (pathname) {
      case '/0/public/Assets':
        return {
          XXBT: { aclass: 'currency', altname: 'XBT', decimals: 10, display_decimals: 5, status: 'enabled' },
          ZUSD: { aclass: 'currency', altname: 'USD', decimals: 4, display_decimals: 2, status: 'enabled' },
          USDT: { aclass: 'currency', altname: 'USDT', decimals: 8, display_decimals: 4, status: 'enabled' },
        };
      case '/0/public/AssetPairs':
        return {
          XBTUSDT: pair,
          XXBTZUSD: { ...pair, altname: 'XBTUSD', wsname: 'XBT/USD', quote: 'ZUSD' },
        };
      case '/0/public/Trades': {
        if (searchParams.get('pair') !== 'XBTUSDT') return null;
        const rows = trades.filter((row) => Number(row[2]) > first).slice(0, this.#page);
        return { XBTUSDT: rows, last: String(rows.at(-1)?.[2] ?? since) };
      }
      case '/0/public/OHLC':
        return { XBTUSDT: ohlc.filter((row) => Number(row[0]) >= first), last: 0 };
      default:
        return null;
    }
  }
}
