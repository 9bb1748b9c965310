// What the Strategy engine does on request: deployments, orders, lists; its health and counters.
import { EngineWatch } from '../../src/bus/presence.ts';
import type { Clock } from '../../src/core/clock.ts';
import { ConflictError, NotFoundError } from '../../src/core/errors.ts';
import { newId } from '../../src/core/ids.ts';
import type { EngineContext } from '../../src/http/engine.ts';
import type { Reader } from '../../src/store/database.ts';
import type { OrderRequest } from '../../src/trading/orders.ts';
import { type Deployment, recordOf } from './deployment.ts';
import { RiskLimitError } from './errors.ts';
import { listStrategies, strategyOf } from './kinds.ts';
import type { DeploymentRequest, OrdersQuery, PageQuery } from './schemas.ts';
import { type Listed, StrategyStore } from './store.ts';
import { Trader } from './trader.ts';
import { type OrderRecord, orderBody } from './wire.ts';

// Presence comes each second; a busy machine may delay it.
const SILENCE_S = 4;
const SEED = { symbol: 'SIM-BTC', portfolioId: 'portfolio_sim', options: { fast: 'ema_12', slow: 'ema_26' } };

/** Requests of the Strategy engine. */
export class StrategyService {
  readonly trader: Trader;
  readonly #store: StrategyStore;
  readonly #watch: EngineWatch;
  readonly #clock: Clock;
  readonly #startedUs: number;

  private constructor(store: StrategyStore, trader: Trader, { bus, clock }: EngineContext) {
    this.#store = store;
    this.#clock = clock;
    this.#startedUs = clock.nowUs();
    this.#watch = new EngineWatch(bus, clock);
    this.trader = trader;
  }

  /** Returns the service with what the database holds; the first time ever, the simulated market gets a deployment. */
  static async create(context: EngineContext): Promise<StrategyService> {
    const { database, config, clock } = context;
    const store = new StrategyStore(database);
    await store.firstUse((tx) => {
      if (config.feed !== 'simulated') return;
      const { symbol, portfolioId } = SEED;
      const at = { symbol, portfolioId, nowUs: clock.nowUs() };
      store.saveDeployment(tx, recordOf(newId(), strategyOf('ma-cross', SEED.options), at));
    });
    return new StrategyService(store, await Trader.create(store, context), context);
  }

  async start(): Promise<void> {
    await Promise.all([this.#watch.start(), this.trader.start()]);
  }

  /** What live deployments wait for in vain: `features`, `ml`, or `portfolio` while it has not told of theirs. */
  missing(): string[] {
    const { live } = this.trader;
    const upS = (this.#clock.nowUs() - this.#startedUs) / 1e6;
    if (live.deployments.length === 0 || upS < SILENCE_S) return [];
    const heard = new Set(
      this.#watch
        .all()
        .filter(({ presence, silentS }) => silentS < SILENCE_S && presence.status !== 'stopping')
        .map(({ presence }) => presence.engine),
    );
    const missing = ['features', 'ml'].filter((engine) => !heard.has(engine));
    const homeless = live.deployments.some(({ portfolioId }) => !this.trader.knows(portfolioId));
    return homeless ? [...missing, 'portfolio'] : missing;
  }

  status(): Record<string, unknown> {
    const { live } = this.trader;
    return {
      deployments: live.deployments.length,
      portfolios: live.books.size,
      open_orders: live.openOrders,
      ...this.counts(),
    };
  }

  /** Counters of live running since the start. */
  counts(): Record<string, number> {
    const { counts, join } = this.trader.live;
    return { ...counts, ...join.counts };
  }

  strategies() {
    return { strategies: listStrategies() };
  }

  deployments() {
    return { deployments: this.trader.live.deployments.map(deploymentReply) };
  }

  /** Throws NotFoundError, InvalidOptionError, and ConflictError when the portfolio trades the symbol already. */
  async deploy({ strategy: name, symbol, portfolio_id, options }: DeploymentRequest) {
    const strategy = strategyOf(name, options, '/options');
    const deployment = await this.trader.change((live, { tx }) => {
      this.#checkPortfolio(portfolio_id);
      const other = live.deployments.find((d) => d.portfolioId === portfolio_id && d.symbol === symbol);
      if (other) {
        const message = `The portfolio trades this symbol by ${other.strategy.kind} already; two strategies would share one position`;
        throw new ConflictError(message, { deployment_id: other.id });
      }
      return this.trader.deploy(tx, strategy, symbol, portfolio_id);
    });
    return deploymentReply(deployment);
  }

  /** Throws NotFoundError. */
  async withdraw(id: string) {
    const withdrawn = await this.trader.change((live, { tx }) => {
      const deployment = live.deployments.find((d) => d.id === id);
      if (!deployment) throw new NotFoundError('No deployment of this id');
      this.#store.removeDeployment(tx, id);
      live.withdraw(deployment);
      return deployment;
    });
    return deploymentReply(withdrawn);
  }

  /**
   * Checks an order and sends it to the venue. Throws NotFoundError for an unknown portfolio or symbol, ConflictError
   * while a replay holds the portfolio or the venue is full, RiskLimitError when a limit refuses it (then it is on record).
   * `traceId`, or else the order's id, is the correlation of its events.
   */
  async placeOrder(request: OrderRequest, traceId?: string) {
    const started = performance.now();
    const { record, check, largest } = await this.trader.change((live, out) => {
      this.#checkPortfolio(request.portfolio_id);
      const bar = live.join.newest(request.symbol)?.body;
      if (!bar) throw new NotFoundError('Unknown symbol: no bar of it has arrived yet');
      const origin = { ...(traceId && { correlationId: traceId }) };
      const submitted = live.submit(out, request, bar.close, bar.ts_event_us, origin);
      const passes = submitted.check.approved;
      return { ...submitted, largest: passes ? null : live.largest(request, bar.close) };
    });
    const { order } = record;
    // The refusal is stored by now.
    if (largest !== null) throw new RiskLimitError(order.order_id, check.breaches, largest);
    if (order.status === 'rejected') throw new ConflictError(order.reasons.join('; '));
    return timed(orderReply(record), started);
  }

  /** Throws NotFoundError. */
  async order(id: string) {
    const started = performance.now();
    return timed(orderReply(await this.#order(id)), started);
  }

  /** Throws NotFoundError, and ConflictError when the order is not open or belongs to a replay that runs. */
  async cancelOrder(id: string) {
    const started = performance.now();
    const cancelled = await this.trader.change(async (live, out) => {
      const { order } = await this.#order(id, out.tx);
      this.#checkNotReplayed(order.portfolio_id);
      const record = live.cancel(out, id);
      if (!record) throw new ConflictError(`Expected an open order, was ${order.status}`);
      return record;
    });
    return timed(orderReply(cancelled), started);
  }

  async orders({ portfolio_id, status, limit, cursor }: OrdersQuery) {
    this.#checkKnown(portfolio_id);
    const rows = await this.#store.listOrders({ portfolioId: portfolio_id, status, limit, before: cursor });
    return { orders: rows.map(({ item }) => orderReply(item)), next_cursor: nextCursor(rows, limit) };
  }

  async fills({ portfolio_id, limit, cursor }: PageQuery) {
    this.#checkKnown(portfolio_id);
    const rows = await this.#store.listFills({ portfolioId: portfolio_id, limit, before: cursor });
    return { fills: rows.map(({ item }) => item), next_cursor: nextCursor(rows, limit) };
  }

  signals({ portfolio_id, limit, cursor }: PageQuery) {
    this.#checkKnown(portfolio_id);
    const rows = this.trader.signals.list(portfolio_id, limit, cursor);
    const signals = rows.map(({ item }) => ({ ...item.signal, ts_event_us: item.tsEventUs }));
    return { signals, next_cursor: nextCursor(rows, limit) };
  }

  async #order(id: string, db?: Reader): Promise<OrderRecord> {
    const record = await this.#store.order(id, db);
    if (!record) throw new NotFoundError('No order of this id');
    return record;
  }

  #checkPortfolio(portfolioId: string): void {
    this.#checkKnown(portfolioId);
    this.#checkNotReplayed(portfolioId);
  }

  #checkKnown(portfolioId: string | undefined): void {
    if (portfolioId !== undefined && !this.trader.knows(portfolioId)) {
      throw new NotFoundError('Unknown portfolio');
    }
  }

  #checkNotReplayed(portfolioId: string): void {
    if (this.trader.replay?.portfolio_id === portfolioId) {
      throw new ConflictError('A replay runs on this portfolio: wait until it ends');
    }
  }
}

function deploymentReply(d: Deployment) {
  return {
    deployment_id: d.id,
    strategy: d.strategy.kind,
    symbol: d.symbol,
    portfolio_id: d.portfolioId,
    options: { ...d.strategy.options },
    target: d.state.target,
    bars: d.bars,
    last_bar_ts_us: d.lastBarTsUs,
    created_ts_us: d.createdTsUs,
  };
}

function orderReply({ order }: OrderRecord) {
  return { ...orderBody(order), ts_event_us: order.ts_event_us };
}

function timed<T extends object>(reply: T, started: number) {
  return { ...reply, processing_time_ms: Math.round((performance.now() - started) * 1000) / 1000 };
}

function nextCursor(rows: readonly Listed<unknown>[], limit: number): number | null {
  return rows.length === limit ? rows.at(-1)!.seq : null;
}
