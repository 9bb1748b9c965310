// Replies as streams to a client that reads slowly: the server makes no more than fits on the way.
import { expect, test } from 'bun:test';
import { connect } from 'node:net';
import { Elysia } from 'elysia';
import { OUTPUT } from './output.ts';
import type { Batch } from './reader.ts';
import { streamReply } from './replies.ts';

const ROWS = 2048;
const numbers = (value: (i: number) => number) => Float64Array.from({ length: ROWS }, (_, i) => value(i));
const texts = (text: string | null) => new Array<string | null>(ROWS).fill(text);
const BATCH: Batch = {
  rows: ROWS,
  columns: {
    ts_event_us: numbers((i) => 1_723_075_200_000_000 + i),
    ts_receive_us: numbers((i) => 1_723_075_200_000_250 + i),
    source: texts('binance'),
    sequence: numbers((i) => i),
    flags: numbers(() => 0),
    bid: numbers((i) => 6_180_000 + i),
    bid_size: numbers(() => 1000),
    ask: numbers((i) => 6_180_001 + i),
    ask_size: numbers(() => 1000),
    price_decimals: numbers(() => 2),
    size_decimals: numbers(() => 8),
    ts_event_text: texts(null),
    ts_receive_text: texts(null),
  },
};
const BATCHES = 400;
const MIB = 2 ** 20;

test('a client that reads the first MiB and then waits lets the server wait too, and has all of it in the end', async () => {
  let made = 0;
  async function* batches() {
    for (; made < BATCHES; made++) yield BATCH;
  }
  const reply = () => streamReply('arrow', OUTPUT.quote, batches(), {}, new AbortController());
  const app = new Elysia()
    .get('/range', reply)
    .get('/made', () => made)
    .listen({ port: 0, hostname: '127.0.0.1' });
  const { port } = app.server!;
  const [enough, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let read = 0;
  const socket = connect(port!, '127.0.0.1', () => {
    socket.write('GET /range HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n');
  });
  socket.on('error', end.reject);
  socket.on('data', (bytes: Buffer) => {
    const before = read;
    read += bytes.length;
    if (before < MIB && read >= MIB) {
      socket.pause();
      enough.resolve();
    }
  });
  socket.on('close', () => end.resolve());
  await enough.promise;
  // Turns enough to make everything, if nothing kept the server from it.
  for (let turn = 0; turn < 100; turn++) await (await fetch(`http://127.0.0.1:${port}/made`)).text();
  const waiting = made;
  socket.resume();
  await end.promise;
  await app.stop(true);
  expect(made).toBe(BATCHES);
  expect(read).toBeGreaterThan(48 * MIB);
  // What the two ends of the socket hold (8 MiB where 4 MiB are the most for the sender), and a part or two; all of it are 68 MiB.
  expect(waiting).toBeLessThan(BATCHES / 2);
}, 60_000);
