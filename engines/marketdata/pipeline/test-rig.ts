// The pipeline in a test: scripted sources, a clock that is moved by hand, what was published and stored in lists.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Bus } from '../../../src/bus/client.ts';
import type { Envelope } from '../../../src/bus/envelope.ts';
import { MemoryHub } from '../../../src/bus/memory.ts';
import { type BodyOf, type Topic, topics } from '../../../src/bus/topics.ts';
import type { Transport } from '../../../src/bus/transport.ts';
import { ManualClock } from '../../../src/core/clock.ts';
import { createLog } from '../../../src/core/log.ts';
import type { EngineContext } from '../../../src/http/engine.ts';
import { EngineMetrics } from '../../../src/http/metrics.ts';
import type { MarketRecord } from '../../../src/market/records.ts';
import type { Database } from '../../../src/store/database.ts';
import { openSqlite } from '../../../src/store/sqlite-database.ts';
import { PipelineService, type PipelineServiceParts } from './service.ts';
import type { SubscriptionRequest } from './subscription.ts';
import { PIPELINE_TABLES } from './tables.ts';
import { ScriptedSource } from './test-source.ts';

export const START_US = 1_700_000_000_000_000;
export const SYMBOL = 'BTC-USD';

function memory(): () => Transport {
  const hub = new MemoryHub();
  return () => hub.connect();
}

/** A pipeline without an engine around it. */
export class Rig {
  readonly clock = new ManualClock(START_US);
  readonly stored: MarketRecord[] = [];
  readonly database: Database;
  readonly metrics: EngineMetrics;
  service!: PipelineService;
  putError: Error | undefined;
  readonly #folder = mkdtempSync(join(tmpdir(), 'pipeline-'));
  readonly #bus: Bus;
  readonly #reader: Bus;
  #received: Envelope[] = [];

  private constructor(
    readonly sources: readonly ScriptedSource[],
    readonly over: Partial<PipelineServiceParts>,
    connect: (name: string) => Transport,
  ) {
    this.#bus = new Bus('marketdata', connect('marketdata'), { clock: this.clock });
    this.#reader = new Bus('test', connect('test'));
    this.database = openSqlite(join(this.#folder, 'state.sqlite'), { engine: PIPELINE_TABLES });
    this.metrics = new EngineMetrics('marketdata', this.#bus);
  }

  static async start(
    sources: readonly ScriptedSource[],
    over: Partial<PipelineServiceParts> = {},
    connect: (name: string) => Transport = memory(),
  ): Promise<Rig> {
    const rig = new Rig(sources, over, connect);
    await rig.#reader.subscribe('market.*', (batch) => void rig.#received.push(...batch));
    await rig.restart();
    return rig;
  }

  /** A pipeline with the sources `a` and `b`. */
  static async two() {
    const [a, b] = [new ScriptedSource('a'), new ScriptedSource('b')];
    return { rig: await Rig.start([a, b]), a, b };
  }

  /** Ends the pipeline, if there is one, and begins another on the same database. */
  async restart(): Promise<void> {
    await this.service?.stop();
    const { clock, database, metrics } = this;
    const log = createLog('marketdata', 'silent');
    const context = { bus: this.#bus, clock, log, metrics: { ...metrics, enabled: false }, database };
    this.service = new PipelineService(context as unknown as EngineContext, {
      known: this.sources.map(({ id, factory }) => ({ id, factory })),
      own: [],
      put: async (records) => {
        if (this.putError) throw this.putError;
        this.stored.push(...records);
      },
      // Tests say when time has passed.
      tickMs: 2 ** 30,
      ...this.over,
    });
    await this.service.start();
  }

  subscribe(request: Partial<SubscriptionRequest> = {}) {
    const { kinds = ['trades'], ...rest } = request;
    return this.service.subscribe({
      symbol: SYMBOL,
      native_symbols: {},
      store: true,
      kinds,
      ...rest,
    });
  }

  /** Whether both ends of the bus are there; those in this process are at once. */
  get connected(): boolean {
    return this.#bus.connected && this.#reader.connected;
  }

  /** Time now, for records that have just happened. */
  get nowUs(): number {
    return this.clock.nowUs();
  }

  /** Lets time pass, with a look at what it changes each second. */
  pass(seconds: number, each: () => void = () => {}): void {
    for (let i = 0; i < seconds; i++) {
      this.clock.advance(1e6);
      each();
      // The end of its turn: what waited for it until the next second would be late.
      this.service.publisher.flush();
      this.service.tick();
    }
  }

  /** Bodies of a topic so far. */
  async said<T extends Topic<unknown>>(topic: T): Promise<BodyOf<T>[]> {
    this.service.publisher.flush();
    this.#bus.flush();
    await null;
    const bodies = this.#received.filter((e) => e.topic === topic.name).map((e) => e.body as BodyOf<T>);
    // Bodies are sent as they were made: they must have the keys of their schema and no others.
    const other = bodies.findIndex((body) => !Bun.deepEquals(topic.schema.parse(body), body, true));
    if (other >= 0) throw new Error(`Body ${other} of ${topic.name} has other keys than its schema`);
    return bodies;
  }

  /** Prices of all trades that were published, by source. */
  async trades(): Promise<[string, string][]> {
    const bodies = await this.said(topics.marketTrades);
    return bodies.flatMap(({ source, trades }) => trades.map((t): [string, string] => [source, t.price]));
  }

  async news(event: string) {
    return (await this.said(topics.marketSources)).filter((body) => body.event === event);
  }

  async stop(): Promise<void> {
    await this.service.stop();
    await this.#bus.close();
    await this.#reader.close();
    await this.database.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
