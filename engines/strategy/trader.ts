// The part of the Strategy engine in the flow of messages: the live desk, and the desk of a replay while one runs.
import type { Envelope } from '../../src/bus/envelope.ts';
import type { Participant, StreamPublisher } from '../../src/bus/participant.ts';
import { type BodyOf, type SessionSpec, topics } from '../../src/bus/topics.ts';
import { ConflictError, InvalidOptionError, InvariantError } from '../../src/core/errors.ts';
import { newId } from '../../src/core/ids.ts';
import type { EngineContext } from '../../src/http/engine.ts';
import type { Transaction } from '../../src/store/database.ts';
import { type Limits, limitsSchema } from '../../src/trading/limits.ts';
import type { Strategy } from '../../src/trading/strategies.ts';
import { Book, cashBase, DEFAULT_LIMITS, limitsGiven, valuationBase } from './book.ts';
import { type Deployment, deploymentOf, recordOf } from './deployment.ts';
import { Desk } from './desk.ts';
import { strategyOf } from './kinds.ts';
import { readBook, readLive } from './live-state.ts';
import { SignalLog } from './signal-log.ts';
import type { StrategyStore } from './store.ts';
import { type Out, outOf } from './wire.ts';

const LIVE_FEE_BPS = 5;

interface Replay {
  readonly spec: SessionSpec;
  readonly desk: Desk;
  /** A unit of work has failed since it began: its desk may be ahead of what is stored. */
  inDoubt: boolean;
}

/** Owns the desks, and everything that they share: store, limits, signals. Memory changes inside units of work only. */
export class Trader {
  readonly participant: Participant = {
    consumes: [topics.marketLiveData, topics.featureValues, topics.mlPredictions],
    emits: [topics.signals, topics.orders, topics.fills],
    follows: [topics.riskLimits],
    open: (spec) => this.#open(spec),
    begin: (spec, data) => this.#begin(spec, data),
    process: (batch, publisher) => this.#process(batch, publisher),
    close: (spec) => this.#close(spec),
    abort: () => this.#abort(),
  };
  readonly signals = new SignalLog();
  readonly #store: StrategyStore;
  readonly #context: EngineContext;
  #limits = new Map<string, Limits>();
  #live: Desk;
  /** The replay that has been opened; its portfolio takes nothing from elsewhere. */
  #held: SessionSpec | null = null;
  #replay: Replay | null = null;

  private constructor(store: StrategyStore, context: EngineContext) {
    this.#store = store;
    this.#context = context;
    this.#live = this.#liveDesk(new Map());
  }

  /** Returns a trader that stands where the database says. */
  static async create(store: StrategyStore, context: EngineContext): Promise<Trader> {
    await context.database.transaction((tx) => store.cancelLeftOvers(tx));
    const trader = new Trader(store, context);
    await trader.reload();
    return trader;
  }

  /** The desk of the live market. */
  get live(): Desk {
    return this.#live;
  }

  /** The replay that has been opened and has not ended. */
  get replay(): SessionSpec | null {
    return this.#held;
  }

  /** Follows portfolios. */
  async start(): Promise<void> {
    await this.#context.bus.subscribe(topics.valuations, async (batch) => {
      for (const { session, body } of batch)
        if (session === undefined) await this.#onValuation(body as ValuationBody);
    });
  }

  /** Whether orders of this portfolio can be told apart from an unknown one. */
  knows(portfolioId: string): boolean {
    return this.#live.books.has(portfolioId) || this.#held?.portfolio_id === portfolioId;
  }

  /** Runs a change of the live desk that a request asked for as one unit. */
  change<T>(work: (desk: Desk, out: Out) => T | Promise<T>): Promise<T> {
    return this.#context.units.run((unit) => work(this.#live, outOf(unit)));
  }

  /** Stores a deployment and puts it to work on the live desk. */
  deploy(tx: Transaction, strategy: Strategy, symbol: string, portfolioId: string): Deployment {
    const nowUs = this.#context.clock.nowUs();
    const record = recordOf(newId(), strategy, { symbol, portfolioId, nowUs });
    this.#store.saveDeployment(tx, record);
    const deployment = deploymentOf(record, strategy);
    this.#live.deploy(deployment);
    return deployment;
  }

  /** Puts the live desk where the database says. A replay goes on: its stream ends it when its own unit failed. */
  async reload(): Promise<void> {
    const replayed = this.#replay?.spec.portfolio_id;
    const state = await readLive(this.#store, this.#context.log, replayed);
    const desk = this.#liveDesk(state.books);
    for (const record of state.orders) desk.restore(record);
    for (const deployment of state.deployments) desk.deploy(deployment);
    if (this.#held && !this.#replay) desk.hold(this.#held.portfolio_id);
    if (this.#replay) this.#replay.inDoubt = true;
    desk.join.rememberNewest(this.#live.join);
    this.signals.clear();
    this.#limits = state.limits;
    this.#live = desk;
  }

  #process(batch: readonly Envelope[], publisher: StreamPublisher): void {
    // What is followed comes in calls of its own.
    if (batch[0]?.topic === topics.riskLimits.name) {
      this.#onLimits(batch as readonly Envelope<LimitsBody>[], publisher.tx);
      return;
    }
    const desk = publisher.spec === undefined ? this.#live : this.#replayDesk(publisher.spec);
    // Steps of a replay that has been broken off may still come.
    if (!desk) return;
    for (const envelope of batch) desk.receive(envelope, publisher);
    if (publisher.spec === undefined) desk.savePeaks(publisher.tx);
  }

  #replayDesk({ session }: SessionSpec): Desk | null {
    return this.#replay?.spec.session === session ? this.#replay.desk : null;
  }

  #liveDesk(books: Map<string, Book>): Desk {
    return this.#desk(books, LIVE_FEE_BPS, null, { features: true, prediction: true });
  }

  #desk(
    books: Map<string, Book>,
    feeBps: number,
    session: string | null,
    waits: { features: boolean; prediction: boolean },
  ): Desk {
    return new Desk({
      feeBps,
      waits,
      session,
      books,
      store: this.#store,
      onSignal: (signal, tsEventUs) => this.signals.add(signal, tsEventUs),
    });
  }

  /**
   * Checks a replay and holds its portfolio: nothing of it fills until the replay ends. `live_until_us`: every live fill of the
   * portfolio before the replay was sent until then, every one after it later, by the clock of this engine's bus.
   */
  async #open(spec: SessionSpec): Promise<{ live_until_us: number }> {
    strategyOf(spec.strategy, spec.strategy_options, '/strategy_options');
    const id = spec.portfolio_id;
    const { units, bus } = this.#context;
    try {
      return await units.run(async ({ tx }) => {
        const deployed = this.#live.deployments.find((d) => d.portfolioId === id);
        if (deployed) {
          const { strategy, symbol } = deployed;
          throw new ConflictError(
            `${id} trades ${symbol} live by ${strategy.kind}: delete that deployment first`,
          );
        }
        const { orders, fills } = await this.#store.history(id, tx);
        if (orders > 0 && !spec.reset) {
          const history = fills > 0 ? `${fills} fills` : `${orders} orders`;
          throw new ConflictError(`${id} already has history (${history}): reset it first (--reset)`);
        }
        this.#held = spec;
        this.#live.hold(id);
        return { live_until_us: bus.nowUs() };
      });
    } catch (error) {
      this.#release();
      throw error;
    }
  }

  #release(): void {
    if (this.#held) this.#live.release(this.#held.portfolio_id);
    this.#held = null;
  }

  async #begin(spec: SessionSpec, data: Readonly<Record<string, unknown>>): Promise<void> {
    const id = spec.portfolio_id;
    const strategy = strategyOf(spec.strategy, spec.strategy_options, '/strategy_options');
    const limits = limitsGiven(data.risk);
    const base = cashBase(id, spec.starting_cash);
    await this.#context.units.run((unit) => {
      this.#live.cancelAll(outOf(unit), id);
      this.#store.clearHistory(unit.tx, id);
      this.#store.saveBook(unit.tx, base);
      this.#live.books.delete(id);
      this.signals.forget(id);
      const books = new Map([[id, new Book(base, limits)]]);
      const desk = this.#desk(books, spec.fee_bps, spec.session, {
        features: spec.participants.includes('features'),
        prediction: spec.participants.includes('ml'),
      });
      const at = { symbol: spec.symbol, portfolioId: id, nowUs: this.#context.clock.nowUs() };
      desk.deploy(deploymentOf(recordOf(spec.session, strategy, at), strategy));
      this.#held = spec;
      this.#replay = { spec, desk, inDoubt: false };
    });
  }

  async #close(spec: SessionSpec): Promise<unknown> {
    const replay = this.#replay;
    if (replay?.spec.session !== spec.session) {
      throw new InvariantError('a replay closes that has not begun');
    }
    await this.#context.units.run(({ tx }) => this.#keep(replay, tx));
    return { ...replay.desk.counts };
  }

  async #abort(): Promise<void> {
    const replay = this.#replay;
    if (!replay) return this.#release();
    await this.#context.units.run(({ tx }) =>
      replay.inDoubt ? this.#readBack(replay, tx) : this.#keep(replay, tx),
    );
  }

  /** Ends a replay: its portfolio goes on live as it is. Open orders are on record as cancelled. */
  #keep({ desk, spec }: Replay, tx: Transaction): void {
    desk.closeAll();
    this.#store.cancelLeftOvers(tx, spec.session);
    const book = desk.books.get(spec.portfolio_id)!;
    this.#store.savePeak(tx, spec.portfolio_id, book.peak);
    book.limits = this.#limits.get(spec.portfolio_id) ?? DEFAULT_LIMITS;
    this.#live.books.set(spec.portfolio_id, book);
    this.#held = null;
    this.#replay = null;
  }

  /** Ends a replay whose desk may know more than was stored. */
  async #readBack({ spec }: Replay, tx: Transaction): Promise<void> {
    const id = spec.portfolio_id;
    this.#store.cancelLeftOvers(tx, spec.session);
    const stored = await this.#store.book(id, tx);
    if (stored) {
      this.#live.books.set(id, await readBook(this.#store, stored.base, this.#limits.get(id), tx));
      // A reset that was not stored has left its orders open.
      for (const record of await this.#store.liveOrders(tx)) {
        if (record.order.portfolio_id === id) this.#live.restore(record);
      }
    }
    this.#held = null;
    this.#replay = null;
  }

  #onLimits(batch: readonly Envelope<LimitsBody>[], tx: Transaction): void {
    const taken = batch.map(({ body: { portfolio_id, limits } }) => {
      const parsed = limitsSchema.safeParse(limits);
      if (!parsed.success) throw new InvalidOptionError(`Expected known limits for ${portfolio_id}`);
      return [portfolio_id, parsed.data] as const;
    });
    for (const [portfolioId, limits] of taken) {
      this.#store.saveLimits(tx, portfolioId, limits);
      this.#limits.set(portfolioId, limits);
      const book = this.#live.books.get(portfolioId);
      if (book) book.limits = limits;
    }
  }

  async #onValuation(valuation: ValuationBody): Promise<void> {
    const id = valuation.portfolio_id;
    if (this.knows(id)) return;
    await this.#context.units.run(({ tx }) => {
      if (this.knows(id)) return;
      const base = valuationBase(valuation);
      this.#store.saveBook(tx, base);
      this.#live.books.set(id, new Book(base, this.#limits.get(id)));
    });
  }
}

type LimitsBody = BodyOf<typeof topics.riskLimits>;
type ValuationBody = BodyOf<typeof topics.valuations>;
