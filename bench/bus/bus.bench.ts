// Hot path: every message between engines. Messages a second from publish to the handlers of all subscribers, and the
// round trip of one message, over memory, the hub and Redis (each subscriber its own process). A regression means a
// costlier check, envelope, encoding or copy, or a batch that is cut smaller than it was sent.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Bus } from '../../src/bus/client.ts';
import { HubServer } from '../../src/bus/hub-server.ts';
import { MemoryHub } from '../../src/bus/memory.ts';
import { topics } from '../../src/bus/topics.ts';
import { REDIS_SERVER, TestRedis } from '../../test/support/redis.ts';
import { loadNow } from '../machine.ts';
import { quantile } from '../pairs.ts';
import { grouped, isQuick, publish, range } from '../report.ts';
import { attachSubscriber, PING_SESSION, publishBar, transportTo } from './traffic.ts';

// A multiple of 64, so that both sizes of flush end on it.
const MESSAGES = isQuick ? 20_480 : 102_400;
const ROUNDS = isQuick ? 2 : 5;
const PINGS = isQuick ? 500 : 3000;
// Messages under way at once: enough to keep every process busy, far below any queue's bound.
const WINDOW = 4096;

interface Stage {
  readonly publisher: Bus;
  /** Messages received by each subscriber since the start. */
  readonly received: number[];
  readonly close: () => Promise<void>;
}

/** Lets somebody wait for the next change of the counts. */
class Progress {
  #wake: () => void = () => {};

  changed(): void {
    this.#wake();
  }

  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

async function memoryStage(subscribers: number, progress: Progress): Promise<Stage> {
  const hub = new MemoryHub();
  const received: number[] = Array(subscribers).fill(0);
  const buses = received.map((_, i) => new Bus(`subscriber-${i}`, hub.connect()));
  await Promise.all(
    buses.map((bus, i) =>
      attachSubscriber(bus, bus.source, (count) => {
        received[i] = count;
        progress.changed();
      }),
    ),
  );
  const publisher = new Bus('publisher', hub.connect());
  return { publisher, received, close: async () => void (await Promise.all(buses.map((b) => b.close()))) };
}

interface Word {
  readonly received?: number;
  readonly ready?: true;
}

/** Starts a process of this bench and resolves when it is ready. */
function spawn(args: string[], onMessage: (message: Word) => void): Promise<Bun.Subprocess> {
  return new Promise((resolve, reject) => {
    const child: Bun.Subprocess = Bun.spawn([process.execPath, ...args], {
      stdout: 'ignore',
      stderr: 'inherit',
      ipc: (message: Word) => {
        if (message.ready) resolve(child);
        else onMessage(message);
      },
      onExit: (_, code) => reject(new Error(`${args[0]} ended with ${code}`)),
    });
  });
}

/** A stage whose subscribers are processes that meet at `place`. */
async function processStage(
  place: string,
  subscribers: number,
  progress: Progress,
  close: () => unknown,
): Promise<Stage> {
  const received: number[] = Array(subscribers).fill(0);
  const children = await Promise.all(
    received.map((_, i) =>
      spawn([join(import.meta.dir, 'subscriber.ts'), place, `subscriber-${i}`], (message) => {
        received[i] = message.received ?? 0;
        progress.changed();
      }),
    ),
  );
  const publisher = new Bus('publisher', transportTo(place, 'publisher'));
  while (!publisher.connected) await Bun.sleep(2);
  return {
    publisher,
    received,
    close: async () => {
      for (const child of children) child.kill();
      await close();
    },
  };
}

/** The hub runs in a process of its own, as it does under the supervisor; so does each subscriber. */
async function hubStage(subscribers: number, progress: Progress): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'nautilus-bench-'));
  const socketPath = join(folder, 'hub.sock');
  const hub = await spawn([import.meta.path, 'serve-hub', socketPath], () => {});
  return processStage(socketPath, subscribers, progress, () => {
    hub.kill();
    rmSync(folder, { recursive: true, force: true });
  });
}

async function redisStage(subscribers: number, progress: Progress): Promise<Stage> {
  const redis = await TestRedis.start();
  return processStage(redis.url, subscribers, progress, () => redis.stop());
}

const STAGES = { memory: memoryStage, hub: hubStage, redis: redisStage } as const;

/** Returns messages published a second, each of them delivered to every subscriber. */
async function throughput(stage: Stage, batch: number, progress: Progress): Promise<number> {
  const base = stage.received[0]!;
  const start = Bun.nanoseconds();
  let sent = 0;
  const delivered = () => Math.min(...stage.received) - base;
  while (delivered() < MESSAGES) {
    while (sent < MESSAGES && sent - delivered() < WINDOW) {
      for (let i = 0; i < batch; i++) publishBar(stage.publisher, sent++);
      stage.publisher.flush();
    }
    if (delivered() < MESSAGES) await progress.next();
  }
  return (sent * 1e9) / (Bun.nanoseconds() - start);
}

/** Returns the microseconds from the publish of one bar to the pongs of all subscribers, one at a time. */
async function roundTrips(stage: Stage): Promise<number[]> {
  let pongs = 0;
  let done: () => void = () => {};
  const subscription = await stage.publisher.subscribe(topics.lifecycle, (batch) => {
    pongs += batch.length;
    if (pongs === stage.received.length) done();
  });
  const times: number[] = [];
  for (let i = 0; i < PINGS; i++) {
    pongs = 0;
    const all = new Promise<void>((resolve) => {
      done = resolve;
    });
    const start = Bun.nanoseconds();
    publishBar(stage.publisher, i, PING_SESSION);
    stage.publisher.flush();
    await all;
    times.push((Bun.nanoseconds() - start) / 1e3);
  }
  await subscription.unsubscribe();
  // The first tenth runs before the compiler has seen the path.
  return times.slice(PINGS / 10);
}

async function measure(kind: keyof typeof STAGES, subscribers: number): Promise<string[][]> {
  const progress = new Progress();
  const stage = await STAGES[kind](subscribers, progress);
  try {
    const trips = await roundTrips(stage);
    const trip = `${quantile(trips, 0.5).toFixed(1)} / ${quantile(trips, 0.99).toFixed(1)} us`;
    const rows: string[][] = [];
    for (const batch of [1, 64]) {
      const rates: number[] = [];
      await throughput(stage, batch, progress);
      for (let round = 0; round < ROUNDS; round++) rates.push(await throughput(stage, batch, progress));
      const rate = grouped(quantile(rates, 0.5));
      rows.push([
        kind,
        String(subscribers),
        String(batch),
        rate,
        range(rates, 0),
        batch === 1 ? trip : '',
        loadNow(),
      ]);
    }
    return rows;
  } finally {
    await stage.publisher.close();
    await stage.close();
  }
}

if (process.argv[2] === 'serve-hub') {
  new HubServer({ socketPath: process.argv[3]!, maxQueuedBytes: 2 ** 26 }).listen();
  process.on('disconnect', () => process.exit(0));
  process.send?.({ ready: true });
} else {
  const rows: string[][] = [];
  for (const kind of ['memory', 'hub', ...(REDIS_SERVER ? (['redis'] as const) : [])] as const) {
    for (const subscribers of [1, 8]) rows.push(...(await measure(kind, subscribers)));
  }
  publish({
    title: 'Bus',
    note: `Bars of \`market.live_data\`, checked against their schema; ${grouped(MESSAGES)} messages a round, median of ${ROUNDS}. A message counts when every subscriber's handler has it; the round trip ends with the last subscriber's answer (${grouped(PINGS)} one after the other). Over the hub and Redis publisher, server and each subscriber are processes.`,
    columns: [
      'transport',
      'subscribers',
      'messages in a flush',
      'messages/s',
      'range',
      'round trip p50 / p99',
      'load average',
    ],
    rows,
  });
  process.exit(0);
}
