// What people ask of the pipeline: sources, subscriptions, books, quality, latency; and the parts that do the work, put together.
import { NotFoundError } from '../../../src/core/errors.ts';
import type { EngineContext } from '../../../src/http/engine.ts';
import { OrderBook } from '../../../src/market/book/order-book.ts';
import { bookRuleOf } from '../../../src/market/book/rules.ts';
import type { Calendar } from '../../../src/market/sessions/calendar.ts';
import type { ImportedQuality } from '../history/import-notes.ts';
import { Arbitration } from './arbitration.ts';
import { BookDesk } from './book-desk.ts';
import { bookOf, unheard } from './book-reply.ts';
import { GateStore } from './gate-store.ts';
import { gateOf, type SeriesKey } from './gates.ts';
import { Latencies } from './latency.ts';
import { Pipeline } from './pipeline.ts';
import { keyOf, keysOf, type Plan, planOf } from './plan.ts';
import { Publisher } from './publisher.ts';
import { QualityDesk, type SavedSeries } from './quality-desk.ts';
import { qualityReply } from './quality-view.ts';
import { Routing } from './routing.ts';
import type { QuarantineRow, SourceReply, SourcesReply, SourceUpdate } from './schemas.ts';
import { type KnownSource, SourceBoard } from './source-board.ts';
import { sourceReply } from './source-view.ts';
import { type Put, Storing } from './storing.ts';
import type { Subscription, SubscriptionRequest } from './subscription.ts';
import { SubscriptionDesk } from './subscription-desk.ts';

export interface PipelineServiceParts {
  readonly known: readonly KnownSource[];
  readonly find?: (id: string) => KnownSource | undefined;
  /** What is listened to without anybody asking. */
  readonly own: readonly Subscription[];
  /** Where records are kept; absent: nowhere. */
  readonly put?: Put;
  /** Records that may wait for being stored. */
  readonly storeCapacity?: number;
  /** The newest records of a symbol in the quarantine of the history. */
  readonly quarantine?: (symbol: string) => Promise<readonly QuarantineRow[]>;
  /** What imports of files said of the series of a symbol. */
  readonly imported?: (symbol: string) => Promise<readonly ImportedQuality[]>;
  /** Whether a replay tells of a symbol, so that it cannot come live as well. */
  readonly isReplayed?: (symbol: string) => boolean;
  /** For the jitter of waits. */
  readonly random?: () => number;
  /** Milliseconds between two looks at what time changes. */
  readonly tickMs?: number;
}

const TICK_MS = 1000;

/** The pipeline of this engine. */
export class PipelineService {
  readonly publisher: Publisher;
  readonly routing: Routing;
  readonly arbitration = new Arbitration();
  readonly latencies = new Latencies();
  readonly quality: QualityDesk;
  readonly books: BookDesk;
  readonly storing: Storing;
  readonly board: SourceBoard;
  readonly pipeline: Pipeline;
  readonly #context: EngineContext;
  readonly #parts: PipelineServiceParts;
  readonly #subscriptions: SubscriptionDesk;
  readonly #gates: GateStore;
  #saving: Promise<void> | undefined;
  /** Streams of sources that are listened to. */
  #listened: ReadonlySet<string> = new Set();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(context: EngineContext, parts: PipelineServiceParts) {
    const { bus, clock, log } = context;
    this.#context = context;
    this.#parts = parts;
    this.#gates = new GateStore(context.database);
    this.publisher = new Publisher({
      bus,
      onPublished: (source, receiveUs, nowUs) => this.latencies.published(source, receiveUs, nowUs),
      onCarried: (us, nowUs) => this.latencies.carried(us, nowUs),
      onRefused: (topic, records, err) => log.warn({ err, topic, records }, 'records cannot be published'),
    });
    this.routing = new Routing((source) => ({
      trouble: this.board.find(source)?.trouble ?? null,
      late: this.latencies.isLate(source),
    }));
    this.quality = new QualityDesk((series, saved) => gateOf(series, this.#calendarOf(series), saved));
    this.books = new BookDesk({
      makeBook: (source, _symbol, levels) =>
        new OrderBook({ rule: bookRuleOf(source), ...(levels === undefined ? {} : { levels }) }),
      levelsOf: (source, wished) => this.board.find(source)?.adapter.bookLevels?.(wished),
      resync: (source, symbol) => this.board.find(source)?.resync(symbol),
    });
    this.storing = new Storing({
      put: parts.put ?? (async () => {}),
      ...(parts.storeCapacity === undefined ? {} : { capacity: parts.storeCapacity }),
      onLost: (records, reason, err) => {
        log.error({ err, records, reason }, 'records were not stored');
        this.pipeline.lost('store', records, reason);
      },
    });
    this.pipeline = new Pipeline({
      nowUs: () => clock.nowUs(),
      routing: this.routing,
      arbitration: this.arbitration,
      latencies: this.latencies,
      publisher: this.publisher,
      quality: this.quality,
      books: this.books,
      storing: this.storing,
    });
    this.board = new SourceBoard({
      context,
      known: parts.known,
      ...(parts.find ? { find: parts.find } : {}),
      listener: this.pipeline,
      ...(parts.random ? { random: parts.random } : {}),
    });
    this.#subscriptions = new SubscriptionDesk({
      context,
      board: this.board,
      own: parts.own,
      isReplayed: parts.isReplayed ?? (() => false),
      changed: () => this.#apply(),
    });
  }

  /** Takes what is stored and begins to listen. */
  async start(): Promise<void> {
    await this.board.start();
    await this.#subscriptions.load();
    await this.#restoreGates();
    this.#listened = this.#savedKeys();
    this.#apply();
    this.#timer = setInterval(() => this.tick(), this.#parts.tickMs ?? TICK_MS);
  }

  /** Looks at everything that time alone changes. */
  tick(): void {
    const nowUs = this.#context.clock.nowUs();
    this.board.check(nowUs);
    this.pipeline.tick();
    if (this.#saving) return;
    const series = this.quality.unsaved(nowUs);
    if (series.length === 0) return;
    this.#saving = this.#saveGates(series).finally(() => {
      this.#saving = undefined;
    });
  }

  /** Ends all streams, and resolves when everything that was heard is published and stored. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.board.stop();
    this.publisher.flush();
    await this.storing.idle();
    await this.#saving;
    await this.#saveGates(this.quality.unsaved(this.#context.clock.nowUs(), { all: true }));
  }

  sources(): SourcesReply {
    return {
      sources: this.board.all().map(({ source }) => this.source(source.id)),
      routes: this.routing.views(),
      changes: this.routing.changes.map(({ atUs, ...change }) => ({ ...change, at_us: atUs })),
      divergence: this.arbitration.views(),
      lost: this.lost(),
    } as SourcesReply;
  }

  /** Records that were lost in this engine, by place. */
  lost(): Record<string, number> {
    const { full, failed } = this.storing.counts;
    return { store_full: full, store_failed: failed, unpublishable: this.publisher.counts.refused };
  }

  /** Throws NotFoundError. */
  source(id: string): SourceReply {
    const found = this.board.get(id);
    return sourceReply(found, { late: this.latencies.isLate(id), outcomes: this.pipeline.outcomes.get(id) });
  }

  /** Throws NotFoundError, InvalidOptionError. */
  async updateSource(id: string, update: SourceUpdate): Promise<SourceReply> {
    await this.#subscriptions.exclusively(() => this.board.update(id, update));
    return this.source(id);
  }

  subscriptions(): Subscription[] {
    return this.#subscriptions.all();
  }

  /** Stores a subscription and begins to listen. Throws InvalidOptionError, ConflictError. */
  subscribe(request: SubscriptionRequest): Promise<Subscription> {
    return this.#subscriptions.add(request);
  }

  /** Ends a subscription. Throws NotFoundError. */
  unsubscribe(id: string): Promise<Subscription> {
    return this.#subscriptions.remove(id);
  }

  latency() {
    const nowUs = this.#context.clock.nowUs();
    return {
      bound_us: this.latencies.boundUs,
      sources: this.latencies.report(nowUs),
      publish_to_bus: this.latencies.bus(nowUs),
    };
  }

  /** The book of a symbol. Throws NotFoundError where there is none. */
  book(symbol: string, { source: asked, depth }: { source?: string | undefined; depth: number }) {
    const listened = this.routing.candidatesOf(symbol, 'book');
    const source =
      asked ?? this.routing.activeOf(symbol, 'book') ?? this.books.sourcesOf(symbol)[0] ?? listened[0];
    const said = source === undefined ? undefined : this.books.said(source, symbol, depth);
    if (source !== undefined && !said && listened.includes(source))
      return bookOf(unheard(source, symbol), {});
    if (source === undefined || !said)
      throw new NotFoundError(
        'No book of this symbol: subscribe to it with the kind book first, or ask for a stored one with at_us',
      );
    return bookOf(said, this.books.countsOf(source, symbol));
  }

  /** What is wrong with the records of a symbol, by source and kind, live and imported. Throws NotFoundError where none were judged. */
  async qualityOf(symbol: string) {
    const series = this.quality.of(symbol, this.#context.clock.nowUs());
    const rows = (await this.#parts.quarantine?.(symbol)) ?? [];
    const imports = (await this.#parts.imported?.(symbol)) ?? [];
    if (series.length === 0 && rows.length === 0 && imports.length === 0)
      throw new NotFoundError(
        'Nothing was judged of this symbol: subscribe to it, or import a file of it by POST /import',
      );
    return qualityReply({ symbol, series, imports, quarantine: rows }, (source) =>
      this.quality.garbageOf(source),
    );
  }

  /** Gates of series that are still listened to go on where they were; what was saved of others goes. */
  async #restoreGates(): Promise<void> {
    const wanted = this.#savedKeys();
    const gone: SavedSeries[] = [];
    for (const saved of await this.#gates.all()) {
      if (wanted.has(keyOf(saved))) this.quality.restore(saved);
      else gone.push(saved);
    }
    await this.#gates.remove(gone);
  }

  // What a failure costs is the memory of a restart until the next try: the records themselves are on their way.
  async #saveGates(series: readonly SavedSeries[]): Promise<void> {
    const wanted = this.#savedKeys();
    const kept = series.filter((one) => wanted.has(keyOf(one)));
    try {
      await this.#gates.put(kept, this.#context.clock.nowUs());
      this.quality.saved(series);
    } catch (err) {
      const { length } = kept;
      this.#context.log.warn({ err, series: length }, 'what checks of records remember cannot be saved');
    }
  }

  // Without the simulated market, which after a restart may say again what it said.
  #savedKeys(): ReadonlySet<string> {
    return keysOf(this.#plan(this.subscriptions()));
  }

  #plan(subscriptions: readonly Subscription[]): Plan {
    return planOf(subscriptions, new Map(this.board.choices().map((choice) => [choice.id, choice] as const)));
  }

  // By the subscriptions, which are known before their sources listen: gates go on from where they were saved before that.
  #calendarOf({ source, symbol }: SeriesKey): Calendar | null {
    const named = this.subscriptions().find((one) => one.symbol === symbol && one.native_symbols[source]);
    const nativeSymbol = named?.native_symbols[source];
    return this.board.find(source)?.calendarOf({ symbol, nativeSymbol }) ?? null;
  }

  #apply(): void {
    const plan = this.#plan([...this.#parts.own, ...this.subscriptions()]);
    const listened = keysOf(plan);
    // Who listens again begins anew: what came while nobody did is not missing.
    const added = listened.difference(this.#listened);
    if (added.size > 0) this.quality.forget((series) => added.has(keyOf(series)));
    this.#listened = listened;
    // First, so that the choice is made among streams that have begun.
    this.board.want(plan.wanted);
    this.pipeline.apply(plan);
  }
}
