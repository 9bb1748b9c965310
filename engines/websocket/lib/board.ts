// The newest state of the system as a page needs it at load: bars, portfolios, signals, orders, fills, the replay.
import type { Envelope } from '../../../src/bus/envelope.ts';
import { type BodyOf, type SessionSpec, topics } from '../../../src/bus/topics.ts';
import { BarRing, ThinnedCurve } from './series.ts';
import { type Stamped, stamped } from './stamped.ts';

type LiveBar = BodyOf<typeof topics.marketLiveData>;
type Valuation = BodyOf<typeof topics.valuations>;
type Metrics = BodyOf<typeof topics.analyticsMetrics>;
type Risk = BodyOf<typeof topics.riskPortfolioUpdates>;
type Signal = BodyOf<typeof topics.signals>;
type Order = BodyOf<typeof topics.orders>;
type Fill = BodyOf<typeof topics.fills>;

/** How much the board keeps; everything beyond is left to the stream. */
export const BOARD_LIMITS = { symbols: 64, bars: 600, portfolios: 64, curve: 600, events: 100 } as const;

interface Portfolio {
  valuation: Envelope<Valuation> | undefined;
  metrics: Envelope<Metrics> | undefined;
  risk: Envelope<Risk> | undefined;
  readonly curve: ThinnedCurve<number>;
}

/** The replay that runs, or ran last. */
export interface ReplayState {
  readonly session: string;
  readonly state: 'running' | 'finished' | 'aborted';
  readonly symbol: string;
  readonly portfolio_id: string;
  readonly strategy: string;
  /** Bars of the replay that came by. */
  readonly bars: number;
}

/** Follows the stream. Per message it stores a reference or six numbers, whether or not anybody watches. */
export class Board {
  readonly #bars = new Map<string, BarRing>();
  readonly #portfolios = new Map<string, Portfolio>();
  #signals: Stamped<Signal>[] = [];
  readonly #orders = new Map<string, Stamped<Order>>();
  #fills: Stamped<Fill>[] = [];
  #replay: ReplayState | null = null;
  #replayBars = 0;
  #omitted = 0;

  /** Takes in one message of any topic; those that no snapshot shows are ignored. */
  take(envelope: Envelope): void {
    switch (envelope.topic) {
      case topics.marketLiveData.name:
        if (envelope.session !== undefined) this.#replayBars++;
        this.#ring((envelope.body as LiveBar).symbol)?.push(envelope.body as LiveBar);
        break;
      case topics.valuations.name:
        this.#takeValuation(envelope as Envelope<Valuation>);
        break;
      case topics.analyticsMetrics.name: {
        const portfolio = this.#portfolio((envelope.body as Metrics).portfolio_id);
        if (portfolio) portfolio.metrics = envelope as Envelope<Metrics>;
        break;
      }
      case topics.riskPortfolioUpdates.name: {
        const portfolio = this.#portfolio((envelope.body as Risk).portfolio_id);
        if (portfolio) portfolio.risk = envelope as Envelope<Risk>;
        break;
      }
      case topics.signals.name:
        // Decisions to do nothing come with every bar and would push all others out.
        if ((envelope.body as Signal).signal !== 'HOLD')
          keep(this.#signals, stamped(envelope as Envelope<Signal>));
        break;
      case topics.orders.name:
        this.#takeOrder(stamped(envelope as Envelope<Order>));
        break;
      case topics.fills.name:
        keep(this.#fills, envelope.body as Fill);
        break;
    }
  }

  /** Forgets what the replay is about to tell anew. */
  beginReplay(spec: SessionSpec): void {
    if (this.#bars.size >= BOARD_LIMITS.symbols && !this.#bars.has(spec.symbol)) dropFirst(this.#bars);
    this.#bars.delete(spec.symbol);
    this.#portfolios.delete(spec.portfolio_id);
    const others = (event: { readonly portfolio_id: string }) => event.portfolio_id !== spec.portfolio_id;
    this.#signals = this.#signals.filter(others);
    this.#fills = this.#fills.filter(others);
    for (const [id, order] of this.#orders) if (!others(order)) this.#orders.delete(id);
    this.#replayBars = 0;
    this.#replay = {
      session: spec.session,
      state: 'running',
      symbol: spec.symbol,
      portfolio_id: spec.portfolio_id,
      strategy: spec.strategy,
      bars: 0,
    };
  }

  /** Ends the replay; false when it is not the one that runs. */
  endReplay(session: string, state: 'finished' | 'aborted'): boolean {
    if (this.#replay?.session !== session || this.#replay.state !== 'running') return false;
    this.#replay = { ...this.#replay, state, bars: this.#replayBars };
    return true;
  }

  get replay(): ReplayState | null {
    return this.#replay?.state === 'running' ? { ...this.#replay, bars: this.#replayBars } : this.#replay;
  }

  /** Everything kept; `bars` is the most bars of each symbol. Lists have the newest first, series the oldest. */
  snapshot(bars: number) {
    return {
      replay: this.replay,
      symbols: [...this.#bars]
        .map(([symbol, ring]) => ({
          symbol,
          source: ring.source,
          interval_us: ring.intervalUs,
          bars: ring.columns(bars),
        }))
        .sort((a, b) => (a.symbol < b.symbol ? -1 : 1)),
      symbols_omitted: this.#omitted,
      portfolios: [...this.#portfolios]
        .map(([portfolio_id, { valuation, metrics, risk, curve }]) => ({
          portfolio_id,
          valuation: valuation ? stamped(valuation) : null,
          metrics: metrics ? stamped(metrics) : null,
          risk: risk ? stamped(risk) : null,
          equity: equityOf(curve),
        }))
        .sort((a, b) => (a.portfolio_id < b.portfolio_id ? -1 : 1)),
      signals: newestFirst(this.#signals),
      orders: [...this.#orders.values()].reverse(),
      fills: newestFirst(this.#fills),
    };
  }

  #ring(symbol: string): BarRing | undefined {
    const known = this.#bars.get(symbol);
    if (known) return known;
    if (this.#bars.size >= BOARD_LIMITS.symbols) {
      this.#omitted++;
      return undefined;
    }
    const ring = new BarRing(BOARD_LIMITS.bars);
    this.#bars.set(symbol, ring);
    return ring;
  }

  #portfolio(id: string): Portfolio | undefined {
    const known = this.#portfolios.get(id);
    if (known) return known;
    if (this.#portfolios.size >= BOARD_LIMITS.portfolios) return undefined;
    const made: Portfolio = {
      valuation: undefined,
      metrics: undefined,
      risk: undefined,
      curve: new ThinnedCurve(BOARD_LIMITS.curve),
    };
    this.#portfolios.set(id, made);
    return made;
  }

  #takeValuation(envelope: Envelope<Valuation>): void {
    const portfolio = this.#portfolio(envelope.body.portfolio_id);
    if (!portfolio) return;
    portfolio.valuation = envelope;
    portfolio.curve.push(envelope.ts_event_us, Number(envelope.body.equity));
  }

  #takeOrder(order: Stamped<Order>): void {
    // Taken out first, so that a changed order counts as the newest.
    this.#orders.delete(order.order_id);
    this.#orders.set(order.order_id, order);
    if (this.#orders.size > BOARD_LIMITS.events) dropFirst(this.#orders);
  }
}

function equityOf(curve: ThinnedCurve<number>) {
  const { at, values, stride } = curve.points();
  return { ts_us: at, value: values, stride };
}

// Lists grow to twice their limit before they are cut, so that a message rarely pays for the cut.
function keep<T>(list: T[], item: T): void {
  list.push(item);
  if (list.length >= 2 * BOARD_LIMITS.events) list.splice(0, list.length - BOARD_LIMITS.events);
}

function newestFirst<T>(list: readonly T[]): T[] {
  return list.slice(-BOARD_LIMITS.events).reverse();
}

function dropFirst(map: Map<string, unknown>): void {
  const first = map.keys().next();
  if (!first.done) map.delete(first.value);
}
