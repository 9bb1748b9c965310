// What people ask of the pipeline: sources, subscriptions, books, quality, latency; and the parts that do the work, put together.
import { ConflictError, NotFoundError } from '../../../src/core/errors.ts';
import { newId } from '../../../src/core/ids.ts';
import type { EngineContext } from '../../../src/http/engine.ts';
import { OrderBook } from '../../../src/market/book/order-book.ts';
import { bookRuleOf } from '../../../src/market/book/rules.ts';
import type { Calendar } from '../../../src/market/sessions/calendar.ts';
import type { ImportedQuality } from '../history/import-notes.ts';
import { Arbitration } from './arbitration.ts';
import { BookDesk } from './book-desk.ts';
import { bookOf } from './book-reply.ts';
import { GateStore } from './gate-store.ts';
import { Latencies } from './latency.ts';
import { Listings } from './listings.ts';
import { Pipeline } from './pipeline.ts';
import { type Plan, planOf } from './plan.ts';
import { Publisher } from './publisher.ts';
import { gateOf, QualityDesk, type SavedSeries, type SeriesKey } from './quality-desk.ts';
import { combined } from './quality-view.ts';
import { Routing, streamOf } from './routing.ts';
import type { QuarantineRow, SourceReply, SourcesReply, SourceUpdate } from './schemas.ts';
import { isPresent, type KnownSource, SourceBoard } from './source-board.ts';
import { type Put, Storing } from './storing.ts';
import {
  CHOSEN,
  fittingOf,
  MAX_SUBSCRIPTIONS,
  type Subscription,
  type SubscriptionRequest,
  termsOf,
} from './subscription.ts';
import { SubscriptionStore } from './subscription-store.ts';

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
  readonly #store: SubscriptionStore;
  readonly #listings: Listings;
  readonly #gates: GateStore;
  #saving: Promise<void> | undefined;
  #subscriptions: Subscription[] = [];
  /** Streams of sources that are listened to. */
  #listened: ReadonlySet<string> = new Set();
  #timer: ReturnType<typeof setInterval> | undefined;
  // One change of the list at a time, so that two requests do not both pass a rule that only one may.
  #changing: Promise<unknown> = Promise.resolve();

  constructor(context: EngineContext, parts: PipelineServiceParts) {
    const { bus, clock, log } = context;
    this.#context = context;
    this.#parts = parts;
    this.#store = new SubscriptionStore(context.database);
    this.#listings = new Listings(clock, log);
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
  }

  /** Takes what is stored and begins to listen. */
  async start(): Promise<void> {
    await this.board.start();
    this.#subscriptions = await this.#store.all();
    // Those that are not in the list exist from when they are named.
    for (const { sources } of this.#subscriptions) for (const id of sources) this.board.find(id);
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
    const { source, settings } = this.board.get(id);
    const { capabilities, title } = source.adapter;
    const { limits } = capabilities;
    return {
      id,
      title,
      enabled: settings.enabled,
      priority: settings.priority,
      endpoints: { ...settings.endpoints },
      silent_after_s: settings.silent_after_s,
      requests_per_minute: settings.requests_per_minute,
      health: source.health,
      reason: source.reason,
      since_us: source.sinceUs,
      last_record_us: source.lastRecordUs,
      late: this.latencies.isLate(id),
      capabilities: {
        live: [...(source.adapter.live ? capabilities.live : [])],
        historical: [...(source.adapter.history ? capabilities.historical : [])],
        intervals_us: capabilities.intervalsUs ? [...capabilities.intervalsUs] : null,
        key: capabilities.key,
        requests_per_minute: limits.requestsPerMinute,
        symbols_per_connection: limits.symbolsPerConnection,
        verified: capabilities.verified,
      },
      credentials: capabilities.credentials.map((name) => ({ name, present: isPresent(name) })),
      streams: source.wanted.length,
      counts: { ...source.counts },
      outcomes: { ...this.pipeline.outcomes.get(id) },
      last_garbage: source.lastGarbage,
    };
  }

  /** Throws NotFoundError, InvalidOptionError. */
  async updateSource(id: string, update: SourceUpdate): Promise<SourceReply> {
    await this.#exclusively(() => this.board.update(id, update));
    return this.source(id);
  }

  subscriptions(): Subscription[] {
    return [...this.#subscriptions];
  }

  /** Stores a subscription and begins to listen. Throws InvalidOptionError, ConflictError. */
  async subscribe(request: SubscriptionRequest): Promise<Subscription> {
    // Before its turn: it may wait for sources that answer slowly.
    const listed = request.sources ? [] : await this.#listed(request);
    return this.#exclusively(async () => {
      if (this.#parts.isReplayed?.(request.symbol))
        throw new ConflictError('A replay tells of this symbol: wait for its end or cancel it');
      if (this.#subscriptions.length >= MAX_SUBSCRIPTIONS)
        throw new ConflictError(`All ${MAX_SUBSCRIPTIONS} subscriptions are in use: delete one first`);
      for (const id of request.sources ?? []) this.board.find(id);
      const existing = [...this.#parts.own, ...this.#subscriptions];
      const added: Subscription = {
        ...request,
        subscription_id: newId(),
        ...termsOf(request, this.board.choices(), existing, listed),
        created_us: this.#context.clock.nowUs(),
      };
      await this.#store.add(added);
      this.#subscriptions.push(added);
      this.#apply();
      return added;
    });
  }

  /** Ends a subscription. Throws NotFoundError. */
  unsubscribe(id: string): Promise<Subscription> {
    return this.#exclusively(async () => {
      const found = this.#subscriptions.find((s) => s.subscription_id === id);
      if (!found) throw new NotFoundError('No such subscription');
      await this.#store.remove(id);
      this.#subscriptions = this.#subscriptions.filter((s) => s !== found);
      this.#apply();
      return found;
    });
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
    const source = asked ?? this.routing.activeOf(symbol, 'book') ?? this.books.sourcesOf(symbol)[0];
    const said = source === undefined ? undefined : this.books.said(source, symbol, depth);
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
    return {
      symbol,
      combined: combined(series, imports).map((one) => ({ ...one, flags: { ...one.flags } })),
      series: series.map((one) => ({
        ...one,
        flags: { ...one.flags },
        reasons: [...one.reasons],
        examples: [...one.examples],
        garbage: this.quality.garbageOf(one.source),
      })),
      imports: imports.map((one) => ({ ...one, flags: { ...one.flags }, reasons: [...one.reasons] })),
      quarantine: [...rows],
    };
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

  // What a failure costs is the memory of a restart: the records themselves are on their way.
  async #saveGates(series: readonly SavedSeries[]): Promise<void> {
    const wanted = this.#savedKeys();
    const kept = series.filter((one) => wanted.has(keyOf(one)));
    try {
      await this.#gates.put(kept, this.#context.clock.nowUs());
    } catch (err) {
      const { length } = kept;
      this.#context.log.warn({ err, series: length }, 'what checks of records remember cannot be saved');
    }
  }

  // Without the simulated market, which after a restart may say again what it said.
  #savedKeys(): ReadonlySet<string> {
    return keysOf(this.#plan(this.#subscriptions));
  }

  #plan(subscriptions: readonly Subscription[]): Plan {
    return planOf(subscriptions, new Map(this.board.choices().map((choice) => [choice.id, choice] as const)));
  }

  /** The best sources that have what a request asks for which names none. */
  async #listed(request: SubscriptionRequest): Promise<string[]> {
    const { symbol, native_symbols } = request;
    const places = fittingOf(request, this.board.choices()).map(({ id }) => {
      const { adapter } = this.board.get(id).source;
      return { id, adapter, symbol, nativeSymbol: native_symbols[id] ?? adapter.nativeSymbol(symbol) };
    });
    return (await this.#listings.first(places, CHOSEN)).map(({ id }) => id);
  }

  // By the subscriptions, which are known before their sources listen: gates go on from where they were saved before that.
  #calendarOf({ source, symbol }: SeriesKey): Calendar | null {
    const named = this.#subscriptions.find((one) => one.symbol === symbol && one.native_symbols[source]);
    const nativeSymbol = named?.native_symbols[source];
    return this.board.find(source)?.calendarOf({ symbol, nativeSymbol }) ?? null;
  }

  #apply(): void {
    const plan = this.#plan([...this.#parts.own, ...this.#subscriptions]);
    const listened = keysOf(plan);
    // Who listens again begins anew: what came while nobody did is not missing.
    const added = listened.difference(this.#listened);
    if (added.size > 0) this.quality.forget((series) => added.has(keyOf(series)));
    this.#listened = listened;
    // First, so that the choice is made among streams that have begun.
    this.board.want(plan.wanted);
    this.pipeline.apply(plan);
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#changing.then(work);
    this.#changing = result.catch(() => {});
    return result;
  }
}

function keyOf({ source, symbol, kind }: SeriesKey): string {
  return `${source} ${streamOf(kind)} ${symbol}`;
}

/** The streams of a plan, each of its sources for itself, as {@link keyOf} names them. */
function keysOf({ streams }: Plan): ReadonlySet<string> {
  return new Set(
    streams.flatMap(({ stream, symbol, sources }) =>
      sources.map((source) => `${source} ${stream} ${symbol}`),
    ),
  );
}
