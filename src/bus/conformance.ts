// What every transport has to do, as one suite: each transport's test file calls it.
import { afterEach, describe, expect, test } from 'bun:test';
import { eventually } from '../../test/support/eventually.ts';
import { InvalidOptionError } from '../core/errors.ts';
import { Bus, type BusOptions } from './client.ts';
import { runLockstep } from './coordinator.ts';
import type { Envelope } from './envelope.ts';
import { EngineStream } from './stream.ts';
import { type SessionSpec, topics } from './topics.ts';
import type { Transport } from './transport.ts';

/** A meeting point that the suite can connect clients to. */
export interface Cluster {
  connect(name: string): Transport;
  close(): Promise<void> | void;
}

const prediction = (symbol: string, value: number | null = 0.5) => ({
  symbol,
  model_id: 'm',
  timestamp: 1,
  prediction: value,
  confidence: 0.5,
  model_version: '1',
  hardware_used: 'cpu',
});

const symbolOf = (e: Envelope) => (e.body as { symbol: string }).symbol;

/** Runs the suite against the clusters that `start` makes. */
export function busConformance(transport: string, start: () => Promise<Cluster>): void {
  describe(`${transport} transport`, () => {
    const open: { buses: Bus[]; clusters: Cluster[] } = { buses: [], clusters: [] };

    async function cluster(): Promise<(name: string, options?: BusOptions) => Promise<Bus>> {
      const made = await start();
      open.clusters.push(made);
      return async (name, options) => {
        const bus = new Bus(name, made.connect(name), options);
        open.buses.push(bus);
        await eventually(() => bus.connected, `${name} connected`);
        return bus;
      };
    }

    afterEach(async () => {
      await Promise.all(open.buses.splice(0).map((b) => b.close()));
      for (const c of open.clusters.splice(0)) await c.close();
    });

    test('delivers to every subscriber, the publisher included, and to nobody else', async () => {
      const connect = await cluster();
      const [a, b, c] = [await connect('a'), await connect('b'), await connect('c')];
      const got: Record<string, string[]> = { a: [], b: [], c: [] };
      for (const bus of [a, b]) {
        await bus.subscribe(
          topics.mlPredictions,
          (batch) => void got[bus.source]!.push(...batch.map(symbolOf)),
        );
      }
      await c.subscribe(topics.fills, (batch) => void got.c!.push(...batch.map(symbolOf)));
      a.publish(topics.mlPredictions, prediction('BTC'));
      await eventually(() => got.a!.length === 1 && got.b!.length === 1, 'both subscribers got it');
      expect(got).toEqual({ a: ['BTC'], b: ['BTC'], c: [] });
    });

    test('keeps the order of one publisher over 20,000 messages', async () => {
      const connect = await cluster();
      const [publisher, reader] = [await connect('p'), await connect('r')];
      const got: number[] = [];
      await reader.subscribe('ml.*', (batch) => void got.push(...batch.map((e) => e.ts_event_us)));
      for (let i = 0; i < 20_000; i++) {
        publisher.publish(topics.mlPredictions, prediction('X'), { tsEventUs: i });
        if (i % 777 === 0) publisher.flush();
        if (i % 5000 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      await eventually(() => got.length === 20_000, 'all messages');
      expect(got.every((v, i) => v === i)).toBe(true);
    });

    test('matches patterns as Redis globs and delivers once however many patterns match a subscription', async () => {
      const connect = await cluster();
      const bus = await connect('a');
      const hits: string[] = [];
      for (const pattern of ['ml.*', 'ml.predictions', 'm?.predictions', '*', 'ml.p', 'x*']) {
        await bus.subscribe(pattern, (batch) => void hits.push(...batch.map(() => pattern)));
      }
      bus.publish(topics.mlPredictions, prediction('BTC'));
      await eventually(() => hits.length >= 4, 'four matching subscriptions');
      expect(hits.sort()).toEqual(['*', 'm?.predictions', 'ml.*', 'ml.predictions'].sort());
    });

    test('carries the envelope with its times, ids and session, and a body equal to what was published', async () => {
      const connect = await cluster();
      const [a, b] = [await connect('a'), await connect('b')];
      let got: Envelope | undefined;
      await b.subscribe(topics.mlPredictions, (batch) => {
        got = batch[0];
      });
      const meta = { tsEventUs: 1_640_991_660_000_000, correlationId: 'bar-1', session: 's', step: 7 };
      const sent = a.publish(topics.mlPredictions, prediction('é漢🦑', null), meta);
      await eventually(() => got !== undefined, 'the message');
      expect(JSON.parse(JSON.stringify(got))).toEqual(JSON.parse(JSON.stringify(sent)));
      expect(sent).toMatchObject({
        topic: 'ml.predictions',
        version: 1,
        source: 'a',
        step: 7,
        correlation_id: 'bar-1',
      });
      expect(Number.isInteger(sent.ts_sent_us)).toBe(true);
    });

    test('refuses a body that breaks its schema before anything is sent', async () => {
      const connect = await cluster();
      const bus = await connect('a');
      let count = 0;
      await bus.subscribe('*', (batch) => {
        count += batch.length;
      });
      expect(() => bus.publish(topics.mlPredictions, { ...prediction('B'), confidence: Number.NaN })).toThrow(
        InvalidOptionError,
      );
      bus.publish(topics.mlPredictions, prediction('B'));
      await eventually(() => count > 0, 'the good message');
      expect(count).toBe(1);
    });

    test('stops delivering after unsubscribe while other subscriptions to the pattern go on', async () => {
      const connect = await cluster();
      const bus = await connect('a');
      const got: string[] = [];
      const first = await bus.subscribe('ml.*', () => void got.push('first'));
      await bus.subscribe('ml.*', () => void got.push('second'));
      await first.unsubscribe();
      bus.publish(topics.mlPredictions, prediction('B'));
      await eventually(() => got.length > 0, 'the second subscription');
      expect(got).toEqual(['second']);
    });

    test('bounds a slow handler: the oldest go, the rest arrives in order, every loss is counted', async () => {
      const connect = await cluster();
      const losses: number[] = [];
      const [a, b] = [await connect('a'), await connect('b', { onDropped: (n) => void losses.push(n) })];
      let release: () => void = () => {};
      const gate = new Promise<void>((resolve) => {
        release = resolve;
      });
      const got: number[] = [];
      const slow = await b.subscribe(
        topics.mlPredictions,
        async (batch) => {
          await gate;
          got.push(...batch.map((e) => e.ts_event_us));
        },
        { capacity: 100, maxBatch: 10 },
      );
      for (let i = 0; i < 1000; i++) {
        a.publish(topics.mlPredictions, prediction('B'), { tsEventUs: i });
        if (i % 10 === 9) a.flush();
      }
      await eventually(() => b.stats().received === 1000, 'all received by the client');
      release();
      await eventually(() => got.length + slow.dropped === 1000, 'each message delivered or counted');
      expect(slow.dropped).toBeGreaterThanOrEqual(880);
      expect(got.at(-1)).toBe(999);
      expect(got).toEqual([...got].sort((x, y) => x - y));
      expect(b.stats().dropped_slow_handler).toBe(slow.dropped);
      expect(losses.reduce((x, y) => x + y, 0)).toBe(slow.dropped);
    });

    test('reports a handler that throws and goes on with the next batch', async () => {
      const connect = await cluster();
      const errors: string[] = [];
      const bus = await connect('a', { onHandlerError: (error) => void errors.push(String(error)) });
      const got: string[] = [];
      await bus.subscribe(topics.mlPredictions, (batch) => {
        if (symbolOf(batch[0]!) === 'BAD') throw new Error('bad batch');
        got.push(...batch.map(symbolOf));
      });
      bus.publish(topics.mlPredictions, prediction('BAD'));
      bus.flush();
      await eventually(() => errors.length === 1, 'the error');
      bus.publish(topics.mlPredictions, prediction('GOOD'));
      await eventually(() => got.length === 1, 'the next batch');
      expect(bus.stats().handler_errors).toBe(1);
    });

    test('counts what is published after the transport has closed', async () => {
      const connect = await cluster();
      const bus = await connect('a');
      await bus.close();
      bus.publish(topics.mlPredictions, prediction('B'));
      bus.flush();
      expect(bus.stats().dropped_disconnected).toBe(1);
    });

    for (const [barrierEvents, inFlight] of [
      [1, 1],
      [7, 3],
      [64, 4],
    ] as const) {
      test(`passes the counted barrier through a chain of engines (${barrierEvents} events, ${inFlight} under way)`, async () => {
        const connect = await cluster();
        const seen = await lockstepChain(connect, { barrierEvents, inFlight });
        expect(seen).toEqual(
          Array.from({ length: 500 }, (_, i) => `${i}:bar,${i}:prediction`)
            .join()
            .split(','),
        );
      });
    }
  });
}

// marketdata feeds bars; ml answers every bar; strategy joins both in event-time order.
async function lockstepChain(
  connect: (name: string) => Promise<Bus>,
  options: { barrierEvents: number; inFlight: number },
): Promise<string[]> {
  const [feed, ml, strategy] = [await connect('marketdata'), await connect('ml'), await connect('strategy')];
  const seen: string[] = [];
  const streams = [
    new EngineStream(ml, 'ml', {
      consumes: [topics.marketLiveData],
      emits: [topics.mlPredictions],
      process(batch, publisher) {
        for (const e of batch) {
          publisher.publish(topics.mlPredictions, prediction(symbolOf(e)), e.ts_event_us, e.correlation_id);
        }
      },
    }),
    new EngineStream(strategy, 'strategy', {
      consumes: [topics.marketLiveData, topics.mlPredictions],
      emits: [],
      process(batch) {
        for (const e of batch)
          seen.push(`${e.ts_event_us}:${e.topic === 'market.live_data' ? 'bar' : 'prediction'}`);
      },
      close: () => ({ seen: seen.length }),
    }),
  ];
  await Promise.all(streams.map((s) => s.start()));
  const spec: SessionSpec = {
    session: 's1',
    symbol: 'BTC',
    interval_us: 1,
    portfolio_id: 'p',
    strategy: 'ma-cross',
    strategy_options: {},
    starting_cash: '0',
    fee_bps: 0,
    reset: false,
    participants: ['marketdata', 'ml', 'strategy'],
  };
  const bar = {
    symbol: 'BTC',
    ts_event_us: 0,
    interval_us: 1,
    open: 1,
    high: 1,
    low: 1,
    close: 1,
    volume: 0,
    source: 'replay',
  };
  const items = Array.from({ length: 500 }, (_, i) => ({ body: { ...bar, ts_event_us: i }, tsEventUs: i }));
  let progress = 0;
  const outcome = await runLockstep(feed, spec, topics.marketLiveData, items, {
    ...options,
    onProgress: (done) => {
      progress = done;
    },
  });
  expect(outcome.events).toBe(500);
  expect(progress).toBe(500);
  expect(outcome.summaries).toEqual({ ml: null, strategy: { seen: 1000 } });
  expect(Object.values(outcome.latency).every((l) => l.count === 500 && l.p50 !== null && l.p50 >= 0)).toBe(
    true,
  );
  return seen;
}
