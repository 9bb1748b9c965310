// What the Market Data engine does: imports, stores and serves bars, feeds the stream, replays the past.
import { join } from 'node:path';
import { EngineWatch } from '../../src/bus/presence.ts';
import { secret } from '../../src/core/config.ts';
import { systemTimers } from '../../src/core/timers.ts';
import type { EngineContext } from '../../src/http/engine.ts';
import type { JobAccepted } from '../../src/jobs/record.ts';
import type { CorporateAction } from '../../src/market/records.ts';
import { intervalOf, simulatedBars, storedBars } from './bars.ts';
import { MAX_EXPANSION } from './files/formats.ts';
import { FileImports } from './files/imports.ts';
import { ImportMetrics } from './files/metrics.ts';
import { HistoryDesk } from './history/desk.ts';
import type { History } from './history/history.ts';
import { registerHistory } from './history/metrics.ts';
import type { Quarantined } from './history/quarantine.ts';
import type { Format } from './history/replies.ts';
import { LiveFeed } from './live-feed.ts';
import { LongWork } from './long-work.ts';
import { checkIngest, type IngestRequest, ingestJob } from './pipeline/ingest.ts';
import { registerPipeline } from './pipeline/metrics.ts';
import { PipelineService } from './pipeline/service.ts';
import { isSimulated, simulatedSource, simulatedSubscriptions } from './pipeline/simulated-source.ts';
import type { KnownSource } from './pipeline/source-board.ts';
import { checkRange, sourceFinder } from './replay/find-source.ts';
import { MarketReplays } from './replay/market-replays.ts';
import { ReplayStore } from './replay/replay-store.ts';
import { pacedReply } from './replay/schemas.ts';
import { Replays } from './replays.ts';
import { type BarsQuery, type ReplayRequest, replayReply } from './schemas.ts';
import { INSTRUMENTS, SIMULATED } from './simulated.ts';
import { SOURCES, sourceOf } from './sources/index.ts';
import { requiredCredentials } from './sources/net/credentials.ts';
import type { SourceFactory } from './sources/port.ts';
import { Uploads } from './uploads.ts';

/** State and decisions of the Market Data engine. */
export class MarketDataService {
  readonly replays: Replays;
  readonly marketReplays: MarketReplays;
  readonly longWork: LongWork;
  readonly imports: FileImports;
  readonly pipeline: PipelineService;
  readonly #context: EngineContext;
  readonly #feed: LiveFeed;
  readonly #watch: EngineWatch;
  readonly #desk: HistoryDesk;

  constructor(context: EngineContext) {
    const { bus, clock, config } = context;
    this.#context = context;
    this.#desk = new HistoryDesk(context);
    this.#feed = new LiveFeed(clock, {
      seed: config.feedSeed,
      intervalMs: config.feedIntervalMs,
      statePath: join(config.dataDir, 'simulated-market.json'),
      onSaveFailed: (err) => context.log.warn({ err }, 'where the simulated market stands cannot be saved'),
    });
    this.#watch = new EngineWatch(bus, clock);
    const store = async () => (await this.history()).bars;
    const isLive = (symbol: string) =>
      this.#feed.history(symbol) !== undefined ||
      this.pipeline.subscriptions().some((subscription) => subscription.symbol === symbol);
    this.marketReplays = this.#makeReplays(isLive);
    this.replays = new Replays({
      context,
      bars: store,
      feed: this.#feed,
      watch: this.#watch,
      other: this.marketReplays,
      store: new ReplayStore(context, 'lockstep', replayReply),
      isLive,
    });
    const replay = (request: ReplayRequest) => this.replay(request);
    this.pipeline = new PipelineService(context, {
      known: [this.#simulated(), ...Object.entries(SOURCES).map(([id, factory]) => real(id, factory))],
      find: (id) => {
        const factory = sourceOf(id);
        return factory && real(id, factory);
      },
      own: config.feed === 'simulated' ? simulatedSubscriptions(this.#feed.intervalUs) : [],
      put: async (records) => (await this.history()).put(records),
      imported: async (symbol) => (await this.history()).importedQuality(symbol),
      isReplayed: (symbol) => this.marketReplays.tells(symbol) || this.replays.tells(symbol),
      quarantine: async (symbol) => quarantineRows(await (await this.history()).quarantine({ symbol })),
    });
    if (context.metrics.enabled) registerPipeline(context.metrics.registry, this.pipeline);
    if (context.metrics.enabled) registerHistory(context.metrics.registry, this.#desk);
    const ingests = ingestJob({
      database: context.database,
      clock,
      adapter: (source) => this.pipeline.board.get(source).source.adapter,
      put: async (records) => (await this.history()).put(records),
      actions: async (symbol) => {
        const actions: CorporateAction[] = [];
        const history = await this.history();
        for await (const batch of history.records({ kind: 'corporate_action', symbol }))
          actions.push(...batch);
        return actions;
      },
      learned: (action) => this.pipeline.quality.know(action),
      newest: async (kind, { intervalUs, ...of }) => {
        const bars = intervalUs === undefined ? {} : { unit: 'time', interval: intervalUs };
        const found = await (await this.history()).recordAt({ kind, view: 'raw', ...of, ...bars });
        return found?.tsEventUs ?? null;
      },
    });
    const uploads = new Uploads(config.dataDir, config.durability === 'power');
    this.imports = new FileImports({
      config,
      uploads,
      history: () => this.history(),
      jobs: () => this.longWork.jobs,
      metrics: context.metrics.enabled ? new ImportMetrics(context.metrics.registry) : undefined,
    });
    const more = [ingests, this.imports.job, this.imports.barsJob];
    this.longWork = new LongWork(context, { uploads, replays: this.replays, replay, more });
  }

  /** Adds the reading of a source's history as a job. Throws NotFoundError for a source, InvalidOptionError for what it has no history of, and for a key that is missing. */
  async ingest(source: string, request: IngestRequest): Promise<JobAccepted> {
    const { adapter } = this.pipeline.board.get(source).source;
    checkIngest(adapter, request);
    const { key, credentials } = adapter.capabilities;
    if (key === 'required') requiredCredentials({ credential: secret }, adapter.title, credentials);
    return this.longWork.jobs.add('ingest', { ...request, source });
  }

  /** The history of the market, opened on first use. Throws StorageUnavailableError. */
  history(): Promise<History> {
    return this.#desk.open();
  }

  async start(): Promise<void> {
    await this.#watch.start();
    await this.marketReplays.load();
    await this.replays.load();
    await this.pipeline.start();
    this.#desk.start();
    await this.longWork.start();
  }

  async stop(): Promise<void> {
    await this.marketReplays.stop();
    await this.pipeline.stop();
    await this.longWork.stop();
    await this.replays.stop();
    await this.#desk.stop();
  }

  status() {
    const jobs = this.longWork.jobs.stats();
    return {
      feed: this.#context.config.feed,
      feed_running: this.#feed.running,
      jobs,
      ...this.#desk.status(),
    };
  }

  async series() {
    return { series: await (await this.#bars()).series(), simulated: INSTRUMENTS.map((i) => i.symbol) };
  }

  /** Answers a request for bars. Throws NotFoundError, InvalidOptionError, StorageUnavailableError. */
  async bars(symbol: string, query: BarsQuery, format: Format, signal: AbortSignal): Promise<Response> {
    const bars = this.#feed.history(symbol);
    if (bars) return simulatedBars({ bars, intervalUs: this.#feed.intervalUs }, symbol, query, format);
    return storedBars(await this.history(), symbol, query, format, signal);
  }

  async replay(request: ReplayRequest) {
    return this.replays.start(request, intervalOf(await this.#bars(), request.symbol, request.interval_us));
  }

  /** Adds a replay that waits until no other runs. Throws as a replay does that finds no bars. */
  async queueReplay(request: ReplayRequest): Promise<JobAccepted> {
    checkRange(request);
    intervalOf(await this.#bars(), request.symbol, request.interval_us);
    return this.longWork.jobs.add('replay', request);
  }

  #makeReplays(isLive: (symbol: string) => boolean): MarketReplays {
    const { bus, clock, log, config } = this.#context;
    return new MarketReplays({
      bus,
      clock,
      timers: systemTimers,
      log,
      sourceOf: sourceFinder({
        importDir: config.importDir,
        maxBytes: config.maxImportBytes * MAX_EXPANSION,
        history: () => this.history(),
      }),
      store: new ReplayStore(this.#context, 'paced', pacedReply),
      isLive,
      other: () => this.replays.active,
    });
  }

  // It stands still for as long as a replay lasts: its silence says nothing.
  #simulated(): KnownSource {
    const { feed } = this.#context.config;
    return {
      id: SIMULATED,
      factory: simulatedSource(this.#feed),
      enabled: feed === 'simulated',
      silentAfterS: 86_400,
      has: isSimulated,
    };
  }

  async #bars() {
    return (await this.history()).bars;
  }
}

// Nobody else has an invented instrument.
function real(id: string, factory: SourceFactory): KnownSource {
  return { id, factory, has: (symbol) => !isSimulated(symbol) };
}

function quarantineRows(rows: readonly Quarantined[]) {
  return rows.map(({ kind, source, ts_event_us, ts_receive_us, reasons, content }) => ({
    kind,
    source,
    ts_event_us,
    ts_receive_us,
    reasons: [...reasons],
    content,
  }));
}
