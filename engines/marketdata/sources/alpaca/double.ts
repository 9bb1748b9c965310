// Alpaca as its SDK speaks with it, for tests: REST with page tokens, and the msgpack WebSocket of stocks.
import { decode, ExtData, encode, encodeTimeSpecToTimestamp } from '@msgpack/msgpack';
import type { ServerWebSocket } from 'bun';

/** Pages of an answer by path; the token of a page is its place. */
export type Pages = Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>;

/** A server that takes one pair of keys. */
export class AlpacaDouble {
  readonly requests: { readonly url: URL; readonly headers: Headers }[] = [];
  /** What was subscribed to and given up, in order. */
  readonly subscribed: string[] = [];
  /** Symbols of one channel that a connection may have; a subscription beyond it is refused as a whole. */
  symbolLimit = 30;
  readonly #server: Bun.Server<undefined>;
  /** Connections with what each is sent, by channel. */
  readonly #sockets = new Map<ServerWebSocket<undefined>, Map<string, Set<string>>>();
  readonly #keys: readonly [string, string];

  constructor(keys: readonly [string, string], pages: Pages) {
    this.#keys = keys;
    this.#server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: (request, server) => {
        if (server.upgrade(request)) return undefined;
        const url = new URL(request.url);
        this.requests.push({ url, headers: request.headers });
        return this.#answer(url, request.headers, pages);
      },
      websocket: {
        open: (socket) => {
          this.#sockets.set(socket, new Map());
          this.#say(socket, [{ T: 'success', msg: 'connected' }]);
        },
        close: (socket) => void this.#sockets.delete(socket),
        message: (socket, message) => this.#heard(socket, message as Buffer),
      },
    });
  }

  get rest(): string {
    return `http://127.0.0.1:${this.#server.port}`;
  }

  get stream(): string {
    return `ws://127.0.0.1:${this.#server.port}`;
  }

  /** Sends frames to all who listen. */
  send(frames: readonly Record<string, unknown>[]): void {
    for (const socket of this.#sockets.keys()) this.#say(socket, frames);
  }

  /** Ends all connections. */
  drop(): void {
    for (const socket of this.#sockets.keys()) socket.terminate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop(true);
  }

  #answer(url: URL, headers: Headers, pages: Pages): Response {
    const keys = [headers.get('apca-api-key-id'), headers.get('apca-api-secret-key')];
    if (keys.join() !== this.#keys.join())
      return Response.json({ message: `forbidden for ${keys.join()}` }, { status: 403 });
    const all = pages[url.pathname];
    if (!all) return Response.json({ message: 'endpoint not found' }, { status: 404 });
    const at = Number(url.searchParams.get('page_token') ?? 0);
    return Response.json({ ...all[at], next_page_token: at + 1 < all.length ? String(at + 1) : null });
  }

  #heard(socket: ServerWebSocket<undefined>, message: Buffer): void {
    const { action, key, secret, ...channels } = decode(message) as Record<string, unknown>;
    if (action === 'auth') {
      const right = [key, secret].join() === this.#keys.join();
      this.#say(socket, [
        right ? { T: 'success', msg: 'authenticated' } : { T: 'error', code: 402, msg: 'auth failed' },
      ]);
      return;
    }
    const sent = this.#sockets.get(socket)!;
    for (const [channel, symbols] of Object.entries(channels) as [string, string[]][]) {
      this.subscribed.push(`${action} ${channel} ${symbols}`);
      const now = new Set(sent.get(channel));
      for (const symbol of symbols) {
        if (action === 'subscribe') now.add(symbol);
        else now.delete(symbol);
      }
      if (now.size > this.symbolLimit) {
        this.#say(socket, [{ T: 'error', code: 405, msg: 'symbol limit exceeded' }]);
        return;
      }
      sent.set(channel, now);
    }
    const lists = ['trades', 'quotes', 'bars'].map((channel) => [channel, [...(sent.get(channel) ?? [])]]);
    this.#say(socket, [{ T: 'subscription', ...Object.fromEntries(lists) }]);
  }

  #say(socket: ServerWebSocket<undefined>, frames: readonly Record<string, unknown>[]): void {
    socket.send(encode(frames));
  }
}

/** A time as Alpaca writes it in its stream: the timestamp of msgpack, with nanoseconds. */
export function streamTime(seconds: number, nanos: number): ExtData {
  return new ExtData(-1, encodeTimeSpecToTimestamp({ sec: seconds, nsec: nanos }));
}
