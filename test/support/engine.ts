// Runs one engine in a test: a real port, the memory bus, a data folder of its own, no logs.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Bus } from '../../src/bus/client.ts';
import type { LockstepOptions } from '../../src/bus/coordinator.ts';
import { runLockstep } from '../../src/bus/coordinator.ts';
import type { Envelope, PublishMeta } from '../../src/bus/envelope.ts';
import { MemoryHub } from '../../src/bus/memory.ts';
import { partitionOf } from '../../src/bus/partition.ts';
import { type SessionSpec, type Topic, topics } from '../../src/bus/topics.ts';
import { systemClock } from '../../src/core/clock.ts';
import { type Config, loadConfig } from '../../src/core/config.ts';
import { createLog } from '../../src/core/log.ts';
import type { EngineDefinition, EngineHost } from '../../src/http/engine.ts';
import { EngineMetrics } from '../../src/http/metrics.ts';
import { startTelemetry } from '../../src/http/otel-start.ts';
import { type RunningEngine, startEngine } from '../../src/http/server.ts';
import type { Bar } from '../../src/market/bar.ts';
import { eventually } from './eventually.ts';

/** What a reply was: status, media type, parsed body. */
export interface Reply {
  readonly status: number;
  readonly type: string;
  // Tests look into replies of many shapes.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  readonly body: any;
}

/** An engine under test, with a bus of its own to talk to it. */
export class TestEngine {
  readonly hub = new MemoryHub();
  readonly dataDir = mkdtempSync(join(tmpdir(), 'engine-'));
  readonly bus = new Bus('test', this.hub.connect());
  /** What the running engine was given. */
  context!: EngineHost;
  readonly #log = this.hub.connectLog();
  readonly #store = storeSettings();
  #engine: RunningEngine | undefined;
  #received: Envelope[] = [];

  static async start(definition: EngineDefinition, env: Record<string, string> = {}): Promise<TestEngine> {
    const test = new TestEngine();
    await test.bus.subscribe('*', (batch) => void test.#received.push(...batch));
    await test.restart(definition, env);
    return test;
  }

  /** Starts the engine (again) on the same data folder. */
  async restart(definition: EngineDefinition, env: Record<string, string> = {}): Promise<void> {
    await this.#engine?.stop(200);
    const config: Config = loadConfig({
      NAUTILUS_DATA_DIR: this.dataDir,
      NAUTILUS_FEED: 'none',
      LOG_LEVEL: 'silent',
      ...this.#store,
      ...env,
    });
    const errors: unknown[] = [];
    const bus = new Bus(definition.name, this.hub.connect(), {
      onHandlerError: (error) => errors.push(error),
    });
    const log = createLog(definition.name, config.logLevel);
    const metrics = new EngineMetrics(definition.name, bus, config.metricsEnabled);
    const telemetry = await startTelemetry(definition.name, config.otel, log, metrics, bus);
    const eventLog = this.hub.connectLog();
    this.context = {
      bus,
      clock: systemClock,
      config,
      log,
      metrics,
      telemetry,
      eventLog,
      leases: this.hub.leases,
    };
    this.#engine = await startEngine(definition, this.context, 0);
  }

  get url(): string {
    return `http://127.0.0.1:${this.#engine!.port}`;
  }

  async get(path: string, headers: Record<string, string> = {}): Promise<Reply> {
    return reply(await fetch(this.url + path, { headers }));
  }

  async post(path: string, body?: unknown): Promise<Reply> {
    return this.send('POST', path, body);
  }

  async send(method: string, path: string, body?: unknown): Promise<Reply> {
    const json =
      body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    return reply(await fetch(this.url + path, { method, ...json }));
  }

  /** Puts an event of a durable topic into the log and on the bus, as its owner does, and returns it. */
  async append<Body>(topic: Topic<Body>, body: Body, meta: PublishMeta = {}): Promise<Envelope<Body>> {
    const envelope = this.bus.seal(topic, body, meta);
    const stream = { topic: topic.name, partition: partitionOf(topic.keyOf(body)) };
    const { last } = await this.#log.bounds(stream);
    await this.#log.append(stream, 'test', last + 1, [JSON.stringify(envelope)]);
    this.bus.send(envelope);
    return envelope;
  }

  /** Messages of one topic that the engine (or the test) has published so far. */
  messages<Body>(topic: Topic<Body>): Envelope<Body>[] {
    return this.#received.filter((e) => e.topic === topic.name) as Envelope<Body>[];
  }

  /** Waits until `count` messages of a topic have been seen and returns them. */
  async received<Body>(topic: Topic<Body>, count: number): Promise<Envelope<Body>[]> {
    await eventually(() => this.messages(topic).length >= count, `${count} messages on ${topic.name}`);
    return this.messages(topic);
  }

  async stop(): Promise<void> {
    await this.#engine?.stop(200);
    await this.bus.close();
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}

/** With TEST_DATABASE_URL engines keep their state in that Postgres, each test in schemas of its own. */
function storeSettings(): Record<string, string> {
  const url = process.env.TEST_DATABASE_URL;
  if (!url) return {};
  const unique = Bun.randomUUIDv7().replaceAll('-', '').slice(-16);
  return { DATABASE_URL: url, NAUTILUS_DATABASE_SCHEMA_PREFIX: `t${unique}_` };
}

async function reply(response: Response): Promise<Reply> {
  const type = response.headers.get('content-type') ?? '';
  return {
    status: response.status,
    type,
    body: type.includes('json') ? await response.json() : await response.text(),
  };
}

/** Returns `count` bars of one minute whose close follows a seeded walk; prices are positive and consistent. */
export function walkBars(symbol: string, count: number, startUs = 1_640_991_660_000_000): Bar[] {
  let close = 100;
  let state = 12_345;
  return Array.from({ length: count }, (_, i) => {
    const open = close;
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    close = Math.round(open * (1 + (state / 2 ** 32 - 0.5) * 0.02) * 100) / 100;
    const bar = { symbol, ts_event_us: startUs + i * 60_000_000, interval_us: 60_000_000, open, close };
    return { ...bar, high: Math.max(open, close) + 0.1, low: Math.min(open, close) - 0.1, volume: 10 };
  });
}

/** The description of a replay for tests; `participants` are the coordinator (`test`) and the engine under test. */
export function testSpec(engine: string, over: Partial<SessionSpec> = {}): SessionSpec {
  return {
    session: 'session-1',
    symbol: 'BTC-PERP',
    interval_us: 60_000_000,
    portfolio_id: 'portfolio_001',
    strategy: 'ma-cross',
    strategy_options: {},
    starting_cash: '1000000',
    fee_bps: 5,
    reset: false,
    participants: ['test', engine],
    ...over,
  };
}

export { type LockstepOptions, runLockstep, topics };
