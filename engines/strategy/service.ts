// What the Strategy engine does on request: deployments, orders, lists; its health and counters.
import { EngineWatch } from '../../src/bus/presence.ts';
import type { Clock } from '../../src/core/clock.ts';
import { ConflictError, NotFoundError } from '../../src/core/errors.ts';
import type { EngineContext } from '../../src/http/engine.ts';
import type { OrderRequest } from '../../src/trading/orders.ts';
import type { Deployment } from './deployment.ts';
import { RiskLimitError } from './errors.ts';
import { listStrategies, strategyOf } from './kinds.ts';
import type { DeploymentRequest, OrdersQuery, PageQuery } from './schemas.ts';
import type { Listed, StrategyStore } from './store.ts';
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

  constructor(store: StrategyStore, context: EngineContext) {
    this.#store = store;
    this.#clock = context.clock;
    this.#startedUs = context.clock.nowUs();
    this.#watch = new EngineWatch(context.bus, context.clock);
    this.trader = new Trader(store, context);
    store.firstUse(() => {
      if (context.config.feed !== 'simulated') return;
      this.trader.deploy(strategyOf('ma-cross', SEED.options), SEED.symbol, SEED.portfolioId);
    });
  }

  async start(): Promise<void> {
    await Promise.all([this.#watch.start(), this.trader.start()]);
  }

  stop(): void {
    this.trader.stop();
    this.#store.close();
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
  deploy({ strategy: name, symbol, portfolio_id, options }: DeploymentRequest) {
    const strategy = strategyOf(name, options, '/options');
    this.#checkPortfolio(portfolio_id);
    const { live } = this.trader;
    const other = live.deployments.find((d) => d.portfolioId === portfolio_id && d.symbol === symbol);
    if (other) {
      const message = `The portfolio trades this symbol by ${other.strategy.kind} already; two strategies would share one position`;
      throw new ConflictError(message, { deployment_id: other.id });
    }
    return deploymentReply(this.trader.deploy(strategy, symbol, portfolio_id));
  }

  /** Throws NotFoundError. */
  withdraw(id: string) {
    const deployment = this.trader.live.deployments.find((d) => d.id === id);
    if (!deployment) throw new NotFoundError('No deployment of this id');
    this.#store.removeDeployment(id);
    this.trader.live.withdraw(deployment);
    return deploymentReply(deployment);
  }

  /**
   * Checks an order and sends it to the venue. Throws NotFoundError for an unknown portfolio or symbol, ConflictError
   * while a replay holds the portfolio or the venue is full, RiskLimitError when a limit refuses it (then it is on record).
   * `traceId`, or else the order's id, is the correlation of its events.
   */
  placeOrder(request: OrderRequest, traceId?: string) {
    const started = performance.now();
    this.#checkPortfolio(request.portfolio_id);
    const bar = this.trader.live.join.newest(request.symbol)?.body;
    if (!bar) throw new NotFoundError('Unknown symbol: no bar of it has arrived yet');
    const { record, check } = this.trader.change((desk) =>
      desk.submit(request, bar.close, bar.ts_event_us, { ...(traceId && { correlationId: traceId }) }),
    );
    const { order } = record;
    if (!check.approved) {
      const largest = this.trader.live.largest(request, bar.close);
      throw new RiskLimitError(order.order_id, check.breaches, largest);
    }
    if (order.status === 'rejected') throw new ConflictError(order.reasons.join('; '));
    return timed(orderReply(record), started);
  }

  /** Throws NotFoundError. */
  order(id: string) {
    const started = performance.now();
    return timed(orderReply(this.#order(id)), started);
  }

  /** Throws NotFoundError, and ConflictError when the order is not open or belongs to a replay that runs. */
  cancelOrder(id: string) {
    const started = performance.now();
    const { order } = this.#order(id);
    this.#checkNotReplayed(order.portfolio_id);
    const cancelled = this.trader.change((desk) => desk.cancel(id, true));
    if (!cancelled) throw new ConflictError(`Expected an open order, was ${order.status}`);
    return timed(orderReply(cancelled), started);
  }

  orders({ portfolio_id, status, limit, cursor }: OrdersQuery) {
    this.#checkKnown(portfolio_id);
    const rows = this.#store.listOrders({ portfolioId: portfolio_id, status, limit, before: cursor });
    return { orders: rows.map(({ item }) => orderReply(item)), next_cursor: nextCursor(rows, limit) };
  }

  fills({ portfolio_id, limit, cursor }: PageQuery) {
    this.#checkKnown(portfolio_id);
    const rows = this.#store.listFills({ portfolioId: portfolio_id, limit, before: cursor });
    return { fills: rows.map(({ item }) => item), next_cursor: nextCursor(rows, limit) };
  }

  signals({ portfolio_id, limit, cursor }: PageQuery) {
    this.#checkKnown(portfolio_id);
    const rows = this.trader.signals.list(portfolio_id, limit, cursor);
    const signals = rows.map(({ item }) => ({ ...item.signal, ts_event_us: item.tsEventUs }));
    return { signals, next_cursor: nextCursor(rows, limit) };
  }

  #order(id: string): OrderRecord {
    const record = this.#store.order(id);
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
