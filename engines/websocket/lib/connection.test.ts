// A client that reads too slowly: what is kept for it, what is dropped, and that its numbers and counts add up.
import { expect, test } from 'bun:test';
import type { ServerWebSocket } from 'bun';
import type { Envelope } from '../../../src/bus/envelope.ts';
import type { SocketData } from '../../../src/http/engine.ts';
import { Connection } from './connection.ts';
import { framesOf, Outgoing } from './views.ts';

const BACKLOG = 1000;

class SlowSocket {
  buffered = 0;
  readonly texts: string[] = [];
  readonly data: SocketData = { id: 'c', keyId: null };
  readonly remoteAddress = '127.0.0.1';

  getBufferedAmount(): number {
    return this.buffered;
  }

  send(text: string): number {
    this.texts.push(text);
    return text.length;
  }
}

function rig() {
  const socket = new SlowSocket();
  const totals = { messages_sent: 0, messages_dropped: 0, messages_conflated: 0 };
  const ws = socket as unknown as ServerWebSocket<SocketData>;
  return { socket, totals, connection: new Connection(ws, 0, 0, BACKLOG, totals) };
}

const message = (topic: string, symbol: string, n: number) =>
  new Outgoing({
    topic,
    ts_event_us: n,
    ts_sent_us: n,
    correlation_id: 'c',
    body: { source: 'kraken', symbol, n },
  } as Envelope);
const quote = (symbol: string, n: number) => message('market.quotes', symbol, n);
const trade = (symbol: string, n: number) => message('market.trades', symbol, n);

interface Frame {
  readonly type: string;
  readonly seq: number;
  readonly count: number;
  readonly body: { readonly n: number };
  readonly messages?: readonly { readonly body: { readonly n: number } }[];
}

test('keeps the newest quote of each symbol for a slow client, drops trades, and says how many', () => {
  const { socket, totals, connection } = rig();
  const deliver = (...all: Outgoing[]) => {
    for (const frame of framesOf(all)) connection.deliver(frame);
  };
  deliver(quote('A', 1));
  socket.buffered = BACKLOG + 1;
  deliver(quote('A', 2), trade('A', 3), quote('B', 4));
  deliver(quote('A', 5), trade('A', 6));
  // Half has to be read first.
  socket.buffered = BACKLOG / 2 + 1;
  connection.catchUp();
  expect(socket.texts).toHaveLength(1);
  socket.buffered = 0;
  deliver(trade('A', 7));
  const frames = socket.texts.map((text) => JSON.parse(text) as Frame);
  // Two trades, and the quote of A that a newer one replaced.
  expect(frames[1]).toEqual({ type: 'dropped', count: 3 } as Frame);
  expect(frames.slice(2).map((f) => f.messages?.map((m) => m.body.n) ?? [f.body.n])).toEqual([[4, 5], [7]]);
  // Numbers 2 to 4 are those of what was dropped.
  expect(frames.map((f) => f.seq)).toEqual([1, undefined as unknown as number, 5, 7]);
  const counts = { messages_sent: 4, messages_dropped: 2, messages_conflated: 1 };
  expect(totals).toEqual(counts);
  expect(connection.stats()).toMatchObject(counts);
});

test('keeps a bounded number of series', () => {
  const { socket, totals, connection } = rig();
  socket.buffered = BACKLOG + 1;
  for (let i = 0; i < 1500; i++) for (const frame of framesOf([quote(`S${i}`, i)])) connection.deliver(frame);
  expect(totals.messages_dropped).toBe(1500 - 1024);
  socket.buffered = 0;
  connection.catchUp();
  expect(totals.messages_sent).toBe(1024);
});
