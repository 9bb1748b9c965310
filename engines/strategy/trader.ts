// The part of the Strategy engine in the flow of messages: the live desk, and the desk of a replay while one runs.
import type { Envelope } from '../../src/bus/envelope.ts';
import type { Participant, StreamPublisher } from '../../src/bus/stream.ts';
import { type BodyOf, type SessionSpec, topics } from '../../src/bus/topics.ts';
import { ConflictError, InvariantError } from '../../src/core/errors.ts';
import { newId } from '../../src/core/ids.ts';
import type { EngineContext } from '../../src/http/engine.ts';
import { type Limits, limitsSchema } from '../../src/trading/limits.ts';
import type { Strategy } from '../../src/trading/strategies.ts';
import { Book, cashBase, DEFAULT_LIMITS, limitsGiven, valuationBase } from './book.ts';
import { type Deployment, deploymentOf, recordOf } from './deployment.ts';
import { Desk } from './desk.ts';
import { strategyOf } from './kinds.ts';
import { SignalLog } from './signal-log.ts';
import type { StrategyStore } from './store.ts';
import { Outbox, type SignalBody } from './wire.ts';

const LIVE_FEE_BPS = 5;

interface Replay {
  readonly spec: SessionSpec;
  readonly desk: Desk;
}

/** Owns the desks, and everything that they share: store, outbox, limits, signals. */
export class Trader {
  readonly participant: Participant = {
    consumes: [topics.marketLiveData, topics.featureValues, topics.mlPredictions],
    emits: [topics.signals, topics.orders, topics.fills],
    open: (spec) => this.#open(spec),
    begin: (spec, data) => this.#begin(spec, data),
    process: (batch, publisher) => this.#process(batch, publisher),
    close: (spec) => this.#close(spec),
    abort: () => this.#endReplay(),
  };
  readonly signals = new SignalLog();
  readonly #store: StrategyStore;
  readonly #context: EngineContext;
  readonly #outbox = new Outbox();
  readonly #limits = new Map<string, Limits>();
  #live: Desk;
  #replay: Replay | null = null;
  #stopped = false;

  constructor(store: StrategyStore, context: EngineContext) {
    this.#store = store;
    this.#context = context;
    store.cancelLeftOvers();
    for (const { portfolio_id, limits } of store.limits()) this.#takeLimits(portfolio_id, limits);
    this.#live = this.#restore();
  }

  /** The desk of the live market. */
  get live(): Desk {
    return this.#live;
  }

  /** The replay that runs now. */
  get replay(): SessionSpec | null {
    return this.#replay?.spec ?? null;
  }

  /** Follows limits, portfolios and the end of replays that break off. */
  async start(): Promise<void> {
    const { bus } = this.#context;
    await Promise.all([
      bus.subscribe(topics.riskLimits, (batch) => {
        for (const { session, body } of batch) if (session === undefined) this.#onLimits(body as LimitsBody);
      }),
      bus.subscribe(topics.valuations, (batch) => {
        for (const { session, body } of batch)
          if (session === undefined) this.#onValuation(body as ValuationBody);
      }),
    ]);
  }

  /** Takes no message any more, so that the store can be closed. */
  stop(): void {
    this.#stopped = true;
  }

  /** Whether orders of this portfolio can be told apart from an unknown one. */
  knows(portfolioId: string): boolean {
    return this.#live.books.has(portfolioId) || this.#replay?.spec.portfolio_id === portfolioId;
  }

  /** Runs a change of the live desk that a request asked for: stores it, then publishes what it caused. */
  change<T>(work: (desk: Desk) => T): T {
    let result!: T;
    this.#commit(this.#live, () => {
      result = work(this.#live);
    });
    this.#outbox.drain((topic, body, tsEventUs, correlationId) => {
      this.#context.bus.publish(topic, body, { tsEventUs, correlationId });
    });
    return result;
  }

  /** Stores a deployment and puts it to work on the live desk. */
  deploy(strategy: Strategy, symbol: string, portfolioId: string): Deployment {
    const nowUs = this.#context.clock.nowUs();
    const record = recordOf(newId(), strategy, { symbol, portfolioId, nowUs });
    this.#store.saveDeployment(record);
    const deployment = deploymentOf(record, strategy);
    this.#live.deploy(deployment);
    return deployment;
  }

  #process(batch: readonly Envelope[], publisher: StreamPublisher): void {
    const desk = publisher.spec === undefined ? this.#live : this.#replayDesk(publisher.spec);
    // Steps of a replay that has been broken off may still come.
    if (!desk || this.#stopped) return;
    this.#commit(desk, () => {
      for (const envelope of batch) desk.receive(envelope);
      if (publisher.spec === undefined) desk.savePeaks();
    });
    this.#outbox.drain((topic, body, tsEventUs, correlationId) => {
      if (topic.name === topics.signals.name) this.signals.add(body as SignalBody, tsEventUs);
      publisher.publish(topic, body, tsEventUs, correlationId);
    });
  }

  #replayDesk({ session }: SessionSpec): Desk | null {
    return this.#replay?.spec.session === session ? this.#replay.desk : null;
  }

  // A batch that can't be stored has not happened: its events are dropped, the live desk goes back to what is stored.
  #commit(desk: Desk, work: () => void): void {
    try {
      this.#store.batch(work);
    } catch (error) {
      this.#outbox.clear();
      if (desk === this.#live) this.#live = this.#restore();
      throw error;
    }
  }

  #restore(): Desk {
    const books = new Map<string, Book>();
    for (const { portfolio_id, base } of this.#store.books()) {
      if (portfolio_id === this.#replay?.spec.portfolio_id) continue;
      const book = new Book(base, this.#limits.get(portfolio_id));
      this.#store.eachFill(portfolio_id, (fill) => book.apply(fill));
      books.set(portfolio_id, book);
    }
    const desk = this.#desk(books, LIVE_FEE_BPS, null, { features: true, prediction: true });
    for (const record of this.#store.openOrders()) {
      if (books.has(record.order.portfolio_id)) desk.restore(record);
    }
    for (const record of this.#store.deployments()) {
      try {
        desk.deploy(deploymentOf(record, strategyOf(record.strategy, record.options)));
      } catch (err) {
        const { deployment_id } = record;
        this.#context.log.error({ err, deployment_id }, 'a stored deployment no longer fits its strategy');
      }
    }
    return desk;
  }

  #desk(
    books: Map<string, Book>,
    feeBps: number,
    session: string | null,
    waits: { features: boolean; prediction: boolean },
  ): Desk {
    return new Desk({ feeBps, waits, session, books, store: this.#store, outbox: this.#outbox });
  }

  #open(spec: SessionSpec): void {
    strategyOf(spec.strategy, spec.strategy_options, '/strategy_options');
    const id = spec.portfolio_id;
    const deployed = this.#live.deployments.find((d) => d.portfolioId === id);
    if (deployed) {
      const { strategy, symbol } = deployed;
      throw new ConflictError(
        `${id} trades ${symbol} live by ${strategy.kind}: delete that deployment first`,
      );
    }
    const { orders, fills } = this.#store.history(id);
    if (orders > 0 && !spec.reset) {
      const history = fills > 0 ? `${fills} fills` : `${orders} orders`;
      throw new ConflictError(`${id} already has history (${history}): reset it first (--reset)`);
    }
  }

  #begin(spec: SessionSpec, data: Readonly<Record<string, unknown>>): void {
    this.#endReplay();
    const id = spec.portfolio_id;
    const strategy = strategyOf(spec.strategy, spec.strategy_options, '/strategy_options');
    const limits = limitsGiven(data.risk);
    const base = cashBase(id, spec.starting_cash);
    this.#store.batch(() => {
      this.#live.cancelAll(id);
      this.#store.clearHistory(id);
      this.#store.saveBook(base);
    });
    this.#live.books.delete(id);
    this.signals.forget(id);
    const books = new Map([[id, new Book(base, limits)]]);
    const desk = this.#desk(books, spec.fee_bps, spec.session, {
      features: spec.participants.includes('features'),
      prediction: spec.participants.includes('ml'),
    });
    const at = { symbol: spec.symbol, portfolioId: id, nowUs: this.#context.clock.nowUs() };
    desk.deploy(deploymentOf(recordOf(spec.session, strategy, at), strategy));
    this.#replay = { spec, desk };
  }

  #close(spec: SessionSpec): unknown {
    const desk = this.#replayDesk(spec);
    if (!desk) throw new InvariantError('a replay closes that has not begun');
    this.#endReplay();
    return { ...desk.counts };
  }

  // Open orders can't be told any more, since no step follows; they are on record as cancelled.
  #endReplay(): void {
    const replay = this.#replay;
    if (!replay) return;
    this.#replay = null;
    const { desk, spec } = replay;
    this.#store.batch(() => {
      desk.cancelAll();
      desk.savePeaks();
    });
    const book = desk.books.get(spec.portfolio_id)!;
    book.limits = this.#limits.get(spec.portfolio_id) ?? DEFAULT_LIMITS;
    this.#live.books.set(spec.portfolio_id, book);
  }

  #onLimits({ portfolio_id, limits }: LimitsBody): void {
    const taken = this.#takeLimits(portfolio_id, limits);
    if (!taken) return;
    this.#store.saveLimits(portfolio_id, taken);
    const book = this.#live.books.get(portfolio_id);
    if (book) book.limits = taken;
  }

  #takeLimits(portfolioId: string, limits: unknown): Limits | null {
    const parsed = limitsSchema.safeParse(limits);
    if (parsed.success) {
      this.#limits.set(portfolioId, parsed.data);
      return parsed.data;
    }
    this.#context.log.error(
      { portfolio_id: portfolioId },
      'limits not understood; the ones before stay in force',
    );
    return null;
  }

  #onValuation(valuation: ValuationBody): void {
    const id = valuation.portfolio_id;
    if (this.knows(id)) return;
    const base = valuationBase(valuation);
    this.#store.saveBook(base);
    this.#live.books.set(id, new Book(base, this.#limits.get(id)));
  }
}

type LimitsBody = BodyOf<typeof topics.riskLimits>;
type ValuationBody = BodyOf<typeof topics.valuations>;
