// Hot path: every record of a live source, from the socket to a reader: parsing, latency bookkeeping, quality gate, order book, choice of source,
// text of prices, checked bodies, bus. A regression means a costlier step for each record, or a batch that waits longer.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PipelineService } from '../../engines/marketdata/pipeline/service.ts';
import { PIPELINE_TABLES } from '../../engines/marketdata/pipeline/tables.ts';
import { ScriptedSource } from '../../engines/marketdata/pipeline/test-source.ts';
import { readDepth, readStream } from '../../engines/marketdata/sources/binance/messages.ts';
import { scanNames, scanText } from '../../engines/marketdata/sources/binance/scan.ts';
import { USDM } from '../../engines/marketdata/sources/binance/venue.ts';
import { type Fields, objectOf } from '../../engines/marketdata/sources/net/fields.ts';
import { Scales } from '../../engines/marketdata/sources/scales.ts';
import { Bus } from '../../src/bus/client.ts';
import type { Envelope } from '../../src/bus/envelope.ts';
import { MemoryHub } from '../../src/bus/memory.ts';
import type { Transport, TransportSink } from '../../src/bus/transport.ts';
import { systemClock } from '../../src/core/clock.ts';
import { createLog } from '../../src/core/log.ts';
import type { EngineContext } from '../../src/http/engine.ts';
import type { MarketRecord } from '../../src/market/records.ts';
import { openSqlite } from '../../src/store/sqlite-database.ts';
import { capturePath } from '../../test/support/captures.ts';
import { REDIS_SERVER, TestRedis } from '../../test/support/redis.ts';
import { startHub } from '../bus/hub-process.ts';
import { transportTo } from '../bus/traffic.ts';
import { grouped, isQuick, publish } from '../report.ts';
import { type Measured, Samples } from './latency-samples.ts';

const RATES = [1000, 10_000, 50_000];
const SECONDS = isQuick ? 1 : 8;
const SYMBOL = 'BTCUSDT';

/** Another process of this bench, asked by messages. */
class Helper {
  readonly #child: Bun.Subprocess;
  #answer: (message: never) => void = () => {};
  readonly #ready: Promise<never>;

  constructor(file: string, ...args: string[]) {
    this.#ready = this.#next();
    this.#child = Bun.spawn([process.execPath, join(import.meta.dir, file), ...args], {
      stdout: 'inherit',
      stderr: 'inherit',
      ipc: (message) => this.#answer(message as never),
    });
  }

  ready<T>(): Promise<T> {
    return this.#ready;
  }

  ask<T>(what: string): Promise<T> {
    const answer = this.#next();
    this.#child.send(what);
    return answer;
  }

  async end(): Promise<void> {
    this.#child.kill();
    await this.#child.exited;
  }

  #next(): Promise<never> {
    return new Promise((resolve) => {
      this.#answer = resolve;
    });
  }
}

/** A transport that takes the time of what it was handed. */
class Timed implements Transport {
  readonly handed = new Samples();

  constructor(readonly inner: Transport) {}

  get kind() {
    return this.inner.kind;
  }

  get connected() {
    return this.inner.connected;
  }

  start = (sink: TransportSink) => this.inner.start(sink);
  subscribe = (pattern: string) => this.inner.subscribe(pattern);
  unsubscribe = (pattern: string) => this.inner.unsubscribe(pattern);
  close = () => this.inner.close();

  send(topic: string, batch: readonly Envelope[]): boolean {
    const taken = this.inner.send(topic, batch);
    this.handed.take(batch, systemClock.nowUs());
    return taken;
  }
}

/** Where messages go, and who reads them there. */
interface Place {
  readonly name: string;
  /** Bound of the 99th percentile until a record is handed to the bus. */
  readonly boundUs: number;
  open(): Promise<{ transport: Transport; reader: Reader }>;
}

interface Reader {
  count(): Promise<number>;
  measured(): Promise<Measured>;
  end(): Promise<void>;
}

async function besideUs(): Promise<{ transport: Transport; reader: Reader }> {
  const hub = new MemoryHub();
  const samples = new Samples();
  const bus = new Bus('reader', hub.connect());
  await bus.subscribe('market.*', (batch) => samples.take(batch, systemClock.nowUs()));
  const reader = {
    count: async () => samples.count,
    measured: async () => samples.measured(),
    end: () => bus.close(),
  };
  return { transport: hub.connect(), reader };
}

async function elsewhere(place: string): Promise<{ transport: Transport; reader: Reader }> {
  const helper = new Helper('latency-reader.ts', place);
  await helper.ready();
  const reader = {
    count: async () => (await helper.ask<{ count: number }>('count')).count,
    measured: async () => (await helper.ask<{ measured: Measured }>('measured')).measured,
    end: () => helper.end(),
  };
  return { transport: transportTo(place, 'marketdata'), reader };
}

/** Returns what reads a message of the venue as its live source does, the time of sending being that of the venue. */
function messageReader() {
  const reading = { venue: USDM, scales: new Scales(), symbolOf: () => SYMBOL };
  const names = scanNames(reading);
  const parsed = (text: string, receivedUs: number): readonly MarketRecord[] => {
    const message = JSON.parse(text) as Fields;
    if (message.lastUpdateId !== undefined) return [readDepth(message, SYMBOL, reading, receivedUs)];
    return readStream(objectOf(message.data), reading, receivedUs);
  };
  return (text: string, receivedUs: number): readonly MarketRecord[] => {
    const space = text.indexOf(' ');
    const message = text.slice(space + 1);
    const scanned = scanText(message, receivedUs, names);
    const records = scanned === null ? parsed(message, receivedUs) : [scanned];
    const sentUs = Number(text.slice(0, space));
    for (const record of records) (record as { tsEventUs: number }).tsEventUs = sentUs;
    return records;
  };
}

async function measure(venue: string, place: Place, rate: number, count: number, folder: string) {
  const { transport, reader } = await place.open();
  const timed = new Timed(transport);
  const bus = new Bus('marketdata', timed);
  while (!bus.connected) await Bun.sleep(2);
  const source = new ScriptedSource(USDM.id);
  const database = openSqlite(join(folder, `${Bun.randomUUIDv7()}.sqlite`), { engine: PIPELINE_TABLES });
  const log = createLog('bench', 'silent');
  const context = { bus, clock: systemClock, log, database } as unknown as EngineContext;
  const known = [{ id: USDM.id, factory: source.factory }];
  const service = new PipelineService(context, { known, own: [] });
  await service.start();
  await service.subscribe({
    symbol: SYMBOL,
    kinds: ['trades', 'quotes', 'book'],
    sources: [USDM.id],
    native_symbols: {},
    interval_us: 60_000_000,
    store: false,
  });
  const read = messageReader();
  let given = 0;
  const cpu = process.cpuUsage();
  await new Promise<void>((resolve) => {
    const socket = new WebSocket(venue);
    socket.onopen = () => socket.send(JSON.stringify({ rate, count }));
    socket.onmessage = ({ data }) => {
      source.say(...read(data as string, systemClock.nowUs()));
      if (++given < count) return;
      socket.close();
      resolve();
    };
  });
  const { user, system } = process.cpuUsage(cpu);
  const { published } = service.pipeline.outcomes.get(USDM.id)!;
  service.publisher.flush();
  const endUs = systemClock.nowUs() + 5e6;
  while ((await reader.count()) < published && systemClock.nowUs() < endUs) await Bun.sleep(5);
  const measured = await reader.measured();
  await service.stop();
  await bus.close();
  await reader.end();
  await database.close();
  return { published, handed: timed.handed.measured(), measured, cpuUs: (user + system) / given };
}

if (capturePath('futures') === null) {
  console.log('The recorded captures are not on this machine: nothing measured');
  process.exit(0);
}
const folder = mkdtempSync(join(tmpdir(), 'nautilus-bench-'));
const hub = startHub(folder);
const link = await hub.connect('bench');
await link.close();
const redis = REDIS_SERVER ? await TestRedis.start() : undefined;
const places: readonly Place[] = [
  { name: 'memory', boundUs: 1000, open: besideUs },
  { name: 'hub', boundUs: 1000, open: () => elsewhere(join(folder, 'hub.sock')) },
  ...(redis ? [{ name: 'Redis', boundUs: 5000, open: () => elsewhere(redis.url) }] : []),
];
const venue = new Helper('latency-venue.ts');
const { port, messages } = await venue.ready<{ port: number; messages: number }>();
const rows: string[][] = [];
for (const place of places) {
  for (const rate of RATES) {
    const count = Math.min(messages, rate * SECONDS);
    const result = await measure(`ws://127.0.0.1:${port}`, place, rate, count, folder);
    const { published, handed, measured, cpuUs } = result;
    const us = ({ p50, p99 }: Measured['sent']) => `${grouped(p50)} / ${grouped(p99)} us`;
    rows.push([
      place.name,
      `${grouped(rate)}/s`,
      `${grouped(measured.count)} of ${grouped(published)}`,
      `${cpuUs.toFixed(1)} us`,
      us(handed.received),
      us(measured.received),
      us(measured.sent),
      `below ${place.boundUs / 1000} ms: ${handed.received.p99 < place.boundUs ? 'held' : 'missed'}`,
    ]);
  }
}
publish({
  title: 'From a venue to a reader',
  note: 'Messages of the recorded futures (trades, best quotes, changes of the book), which another process sends over a WebSocket, read and taken through the pipeline; the reader of market.* is in this process (memory) or in one of its own. p50 / p99 of the second half of the time. "cpu": of this process, for each record. The reach is that of the way to the bus.',
  columns: [
    'bus',
    'rate',
    'read',
    'cpu',
    'received to handed on',
    'received to reader',
    'sent to reader',
    'reach',
  ],
  rows,
});
await Promise.all([venue.end(), hub.stop(), redis?.stop()]);
rmSync(folder, { recursive: true, force: true });
process.exit(0);
