// Hot path: every message between engines over the hub. What publishing to eight subscribers costs beside a bare Unix-socket server
// that sends the bytes that it gets to eight clients. A regression means a costlier frame, route or write queue.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Socket } from 'bun';
import { Bus } from '../../src/bus/client.ts';
import type { Envelope } from '../../src/bus/envelope.ts';
import { encodeFrame, FrameType } from '../../src/bus/frame.ts';
import { HubTransport } from '../../src/bus/hub-client.ts';
import { HubServer } from '../../src/bus/hub-server.ts';
import { MemoryHub } from '../../src/bus/memory.ts';
import { comparePairs, formatNs } from '../pairs.ts';
import { isQuick, publish } from '../report.ts';
import { publishBar } from './traffic.ts';

const SUBSCRIBERS = 8;
const BATCH = 50;
// Batches under way at once in one sample.
const BURST = 20;
const PAIRS = isQuick ? 15 : 41;
const REACH = 1.5;
const TOPIC = 'market.live_data';

/** Clients that only count bytes, so that both sides read alike. */
class Readers {
  #left = 0;
  #done: () => void = () => {};

  async connect(path: string, hello: readonly Buffer[]): Promise<void> {
    for (let i = 0; i < SUBSCRIBERS; i++) {
      const socket = await Bun.connect({
        unix: path,
        socket: { data: (_, chunk) => this.#got(chunk.length) },
      });
      for (const frame of hello) socket.write(frame);
    }
    // What the hub confirms is no part of a sample.
    await Bun.sleep(200);
  }

  /** Resolves when every client has `bytes` more. */
  expect(bytes: number): Promise<void> {
    this.#left = bytes * SUBSCRIBERS;
    return new Promise((resolve) => {
      this.#done = resolve;
    });
  }

  #got(bytes: number): void {
    this.#left -= bytes;
    if (this.#left === 0) this.#done();
  }
}

/** Sends to every other client what it gets from one, and keeps what a client cannot take yet. */
function serveEcho(path: string): void {
  interface Client {
    waiting: Buffer[];
  }
  const clients = new Set<Socket<Client>>();
  const flush = (socket: Socket<Client>) => {
    const { waiting } = socket.data;
    while (waiting.length > 0) {
      const written = socket.write(waiting[0]!);
      if (written === waiting[0]!.length) waiting.shift();
      else {
        waiting[0] = waiting[0]!.subarray(Math.max(0, written));
        return;
      }
    }
  };
  Bun.listen<Client>({
    unix: path,
    socket: {
      open: (socket) => {
        socket.data = { waiting: [] };
        clients.add(socket);
      },
      data: (from, chunk) => {
        const copy = Buffer.from(chunk);
        for (const client of clients) {
          if (client === from) continue;
          client.data.waiting.push(copy);
          flush(client);
        }
      },
      drain: flush,
      close: (socket) => void clients.delete(socket),
    },
  });
}

async function start(kind: 'serve-hub' | 'serve-echo', path: string) {
  const stdio: ['ignore', 'ignore', 'inherit'] = ['ignore', 'ignore', 'inherit'];
  const child = Bun.spawn([process.execPath, import.meta.path, kind, path], { stdio, ipc: () => {} });
  while (
    !(await Bun.file(path)
      .stat()
      .catch(() => null))
  )
    await Bun.sleep(5);
  return child;
}

async function envelopes(): Promise<readonly Envelope[]> {
  const bus = new Bus('marketdata', new MemoryHub().connect());
  const got: Envelope[] = [];
  await bus.subscribe('*', (batch) => void got.push(...batch));
  for (let i = 0; i < BATCH; i++) publishBar(bus, i);
  bus.flush();
  await bus.close();
  return got;
}

/** The least that carrying the same messages costs: one text for each batch, written to a socket. */
async function bareSide(path: string, batch: readonly Envelope[]) {
  const readers = new Readers();
  await readers.connect(path, []);
  let waiting: Buffer[] = [];
  const socket = await Bun.connect({ unix: path, socket: { data() {}, drain: () => flush() } });
  const flush = () => {
    while (waiting.length > 0) {
      const written = socket.write(waiting[0]!);
      if (written < waiting[0]!.length) {
        waiting[0] = waiting[0]!.subarray(Math.max(0, written));
        return;
      }
      waiting = waiting.slice(1);
    }
  };
  const bytes = Buffer.byteLength(JSON.stringify(batch));
  return async () => {
    const all = readers.expect(bytes * BURST);
    for (let i = 0; i < BURST; i++) waiting.push(Buffer.from(JSON.stringify(batch)));
    flush();
    await all;
  };
}

async function hubSide(path: string, batch: readonly Envelope[]) {
  const readers = new Readers();
  await readers.connect(path, [
    encodeFrame(FrameType.Hello, 1, 'reader'),
    encodeFrame(FrameType.Subscribe, 1, TOPIC),
  ]);
  const transport = new HubTransport({ socketPath: path, name: 'writer' });
  transport.start({ onBatch() {}, onDropped() {}, onPoison() {} });
  while (!transport.connected) await Bun.sleep(2);
  const bytes = encodeFrame(FrameType.Batch, BATCH, TOPIC, JSON.stringify(batch)).length;
  return async () => {
    const all = readers.expect(bytes * BURST);
    for (let i = 0; i < BURST; i++) transport.send(TOPIC, batch);
    await all;
  };
}

if (process.argv[2] === 'serve-hub') {
  new HubServer({ socketPath: process.argv[3]!, maxQueuedBytes: 2 ** 28 }).listen();
  process.on('disconnect', () => process.exit(0));
} else if (process.argv[2] === 'serve-echo') {
  serveEcho(process.argv[3]!);
  process.on('disconnect', () => process.exit(0));
} else {
  const folder = mkdtempSync(join(tmpdir(), 'nautilus-bench-'));
  const paths = { hub: join(folder, 'hub.sock'), echo: join(folder, 'echo.sock') };
  const children = [await start('serve-hub', paths.hub), await start('serve-echo', paths.echo)];
  const batch = await envelopes();
  const result = await comparePairs({
    name: 'publish',
    a: await hubSide(paths.hub, batch),
    b: await bareSide(paths.echo, batch),
    pairs: PAIRS,
    minSampleMs: 20,
  });
  const perMessage = (ns: number) => formatNs(ns / (BURST * BATCH));
  publish({
    title: 'Hub publish to eight subscribers beside a bare Unix-socket server',
    note: `Bars in batches of ${BATCH}, from the envelopes to the last byte at each of ${SUBSCRIBERS} clients that count bytes; the server of each side is a process of its own, the clients share one. ${PAIRS} pairs that take turns; below 1 we are faster.`,
    columns: ['ours / bare', 'quartiles', 'ours, a message', 'bare, a message', 'reach'],
    rows: [
      [
        `${(1 / result.median).toFixed(2)}x`,
        `${(1 / result.q3).toFixed(2)} to ${(1 / result.q1).toFixed(2)}`,
        perMessage(result.aNs),
        perMessage(result.bNs),
        `${REACH}x: ${1 / result.median <= REACH ? 'held' : 'missed'}`,
      ],
    ],
  });
  for (const child of children) child.kill();
  rmSync(folder, { recursive: true, force: true });
  process.exit(0);
}
