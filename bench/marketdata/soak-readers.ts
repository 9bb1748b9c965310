// Two clients of the websocket engine for the soak: one that reads every record of the market, one that is alive but never reads.
import { connect, type Socket } from 'node:net';
import { textFrame } from '../../test/support/websocket.ts';

const LISTS = ['trades', 'quotes', 'deltas'] as const;
const ALIVE_MS = 10_000;

/** What the websocket engine says of one connection. */
export interface ConnectionCounts {
  readonly connection_id: string;
  readonly messages_sent: number;
  readonly messages_dropped: number;
  readonly messages_conflated: number;
  readonly buffered_bytes: number;
}

/** Reads `market.*` as fast as it comes. */
export class Reader {
  /** Records so far, and messages that the engine says were lost. */
  readonly counts = { records: 0, lost: 0 };
  id = '';
  readonly #socket: WebSocket;

  private constructor(base: string) {
    this.#socket = new WebSocket(`${base.replace('http', 'ws')}/ws`);
  }

  /** Resolves when everything that is published from now on comes here. */
  static open(base: string): Promise<Reader> {
    const reader = new Reader(base);
    const { promise, resolve, reject } = Promise.withResolvers<Reader>();
    reader.#socket.onmessage = ({ data }) => {
      const frame = JSON.parse(String(data));
      if (frame.type === 'welcome') {
        reader.id = frame.connection_id;
        reader.#socket.send(JSON.stringify({ type: 'subscribe', id: '1', topics: ['market.*'] }));
      } else if (frame.type === 'ack') resolve(reader);
      else if (frame.type === 'dropped') reader.counts.lost += frame.count;
      else
        for (const message of frame.messages ?? (frame.type === 'message' ? [frame] : []))
          reader.#take(message);
    };
    reader.#socket.onclose = () =>
      reject(new Error('Expected a connection to the websocket engine, was closed'));
    return promise;
  }

  close(): void {
    this.#socket.onclose = null;
    this.#socket.close();
  }

  #take({ body }: { readonly body: Readonly<Record<string, unknown>> }): void {
    for (const list of LISTS) this.counts.records += (body[list] as unknown[] | undefined)?.length ?? 0;
  }
}

/** Subscribes to `market.*`, and from then on sends a sign of life now and then and reads nothing. */
export class Sleeper {
  readonly #socket: Socket;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(base: string) {
    const { hostname, port, host } = new URL(base);
    this.#socket = connect(Number(port), hostname);
    this.#socket.pause();
    this.#socket.on('error', () => {});
    this.#socket.write(
      `GET /ws HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n`,
    );
    this.#socket.write(textFrame('{"type":"subscribe","id":"1","topics":["market.*"]}'));
    this.#timer = setInterval(() => this.#socket.write(textFrame('{"type":"ping","id":"2"}')), ALIVE_MS);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#socket.destroy();
  }
}
