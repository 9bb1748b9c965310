// What the Analytics engine does: follows the equity of every portfolio and measures its performance.
import type { Envelope } from '../../src/bus/envelope.ts';
import type { Participant, StreamPublisher } from '../../src/bus/stream.ts';
import { type BodyOf, type SessionSpec, topics } from '../../src/bus/topics.ts';
import { ConflictError, NotFoundError } from '../../src/core/errors.ts';
import { dec, text } from '../../src/trading/decimal.ts';
import { measure } from './measure.ts';
import { type RunningMetrics, RunningPerformance } from './running.ts';
import type { CalculateRequest } from './schemas.ts';
import type { AnalyticsStore, Figures, TrackedRow } from './store.ts';

type Valuation = BodyOf<typeof topics.valuations>;

/** One portfolio in memory: constant size, whatever the length of its curve. */
interface Tracked {
  readonly key: number;
  readonly portfolio_id: string;
  figures: Figures;
  running: RunningPerformance | null;
}

/** Longest curve that one request measures: 32 MB as typed arrays. */
const MAX_POINTS = 2_000_000;
const NONE: RunningMetrics = { total_return: null, sharpe_ratio: null, max_drawdown: null };

/** State and decisions of the Analytics engine. */
export class AnalyticsService {
  readonly #store: AnalyticsStore;
  readonly #tracked = new Map<string, Tracked>();
  #nextKey = 1;
  /** The replay under way; what is said live of its portfolio is left out. */
  #session: SessionSpec | undefined;

  readonly participant: Participant = {
    consumes: [topics.valuations],
    emits: [topics.analyticsMetrics],
    open: (spec) => this.#open(spec),
    begin: (spec) => this.#begin(spec),
    process: (batch, publisher) => this.#process(batch, publisher),
    close: (spec) => this.#close(spec),
    abort: () => {
      this.#session = undefined;
    },
  };

  constructor(store: AnalyticsStore) {
    this.#store = store;
    this.#load();
  }

  status() {
    return { portfolios: this.#tracked.size };
  }

  list(limit: number, offset: number) {
    const ids = [...this.#tracked.keys()].sort();
    const portfolios = ids.slice(offset, offset + limit).map((id) => {
      const { figures, running } = this.#tracked.get(id)!;
      return {
        portfolio_id: id,
        equity: figures.equity,
        observations: running?.points ?? 0,
        ts_event_us: running?.tsUs ?? null,
      };
    });
    return { portfolios, total: ids.length };
  }

  /** All measures of one portfolio. Throws NotFoundError, and ConflictError for a curve too long for one request. */
  calculate(id: string, request: CalculateRequest) {
    const started = performance.now();
    const { key, figures } = this.#get(id);
    const fromUs = request.from_us ?? 0;
    const points = this.#store.countPoints(key, fromUs);
    if (points > MAX_POINTS) {
      throw new ConflictError(`Expected a curve of at most ${MAX_POINTS} points: give a later from_us`, {
        observations: points,
      });
    }
    const { starting_cash, realised_pnl, unrealised_pnl, fees, equity } = figures;
    return {
      portfolio_id: id,
      realised_pnl,
      unrealised_pnl,
      total_pnl: text(dec(equity).minus(dec(starting_cash))),
      fees,
      equity,
      starting_cash,
      ...measure(this.#store.curve(key, fromUs, MAX_POINTS), request),
      processing_time_ms: Math.round((performance.now() - started) * 1000) / 1000,
      hardware_used: 'cpu',
      backend: 'typescript',
    };
  }

  equity(id: string, limit: number, fromUs: number) {
    const { key } = this.#get(id);
    const { timestampsUs, equity } = this.#store.curve(key, fromUs, limit + 1);
    const points = Array.from(equity.subarray(0, limit), (value, i) => ({
      ts_event_us: timestampsUs[i]!,
      equity: value,
    }));
    return { portfolio_id: id, points, next_from_us: timestampsUs[limit] ?? null };
  }

  #get(id: string): Tracked {
    const tracked = this.#tracked.get(id);
    if (!tracked) throw new NotFoundError('No valuation of this portfolio has arrived');
    return tracked;
  }

  #load(): void {
    this.#tracked.clear();
    for (const { key, portfolio_id, figures, running } of this.#store.tracked()) {
      this.#tracked.set(portfolio_id, {
        key,
        portfolio_id,
        figures,
        running: running && new RunningPerformance(running),
      });
      this.#nextKey = Math.max(this.#nextKey, key + 1);
    }
  }

  /** A curve without a single fill is the rest of a portfolio that never traded: no history worth keeping. */
  #open(spec: SessionSpec): void {
    const tracked = this.#tracked.get(spec.portfolio_id);
    if (spec.reset || !tracked?.running || tracked.figures.fills === 0) return;
    throw new ConflictError(
      `${spec.portfolio_id} already has history (${tracked.running.points} valuations): reset it first (--reset)`,
    );
  }

  #begin(spec: SessionSpec): void {
    this.#open(spec);
    const cash = text(dec(spec.starting_cash));
    const none = { fees: '0', realised_pnl: '0', unrealised_pnl: '0', fills: 0 };
    const tracked = this.#track(spec.portfolio_id, {
      starting_cash: cash,
      cash,
      equity: cash,
      ...none,
    });
    tracked.running = null;
    this.#store.transaction(() => {
      this.#store.emptyCurve(tracked.key);
      this.#store.putTracked(rowOf(tracked));
    });
    this.#session = spec;
  }

  #close(spec: SessionSpec) {
    this.#session = undefined;
    const { running } = this.#get(spec.portfolio_id);
    return { observations: running?.points ?? 0, ...(running?.metrics() ?? NONE) };
  }

  #process(batch: readonly Envelope[], publisher: StreamPublisher): void {
    const live = publisher.spec === undefined;
    const told: { metrics: BodyOf<typeof topics.analyticsMetrics>; envelope: Envelope }[] = [];
    try {
      this.#store.transaction(() => {
        const changed = new Set<Tracked>();
        for (const envelope of batch as readonly Envelope<Valuation>[]) {
          const valuation = envelope.body;
          if (live && valuation.portfolio_id === this.#session?.portfolio_id) continue;
          const tracked = this.#take(valuation, envelope.ts_event_us, live);
          changed.add(tracked);
          told.push({ metrics: metricsOf(tracked), envelope });
        }
        for (const tracked of changed) this.#store.putTracked(rowOf(tracked));
      });
    } catch (error) {
      // The disk has forgotten the batch, so memory has to as well.
      this.#load();
      throw error;
    }
    for (const { metrics, envelope } of told) {
      publisher.publish(topics.analyticsMetrics, metrics, envelope.ts_event_us, envelope.correlation_id);
    }
  }

  /**
   * Notes a valuation. One that is older than the newest changes nothing, and one of the same event time takes its
   * place, so that what is told twice counts once. A live one without fills is a portfolio that never traded: no point.
   */
  #take(valuation: Valuation, tsUs: number, live: boolean): Tracked {
    const known = this.#tracked.get(valuation.portfolio_id);
    if (known?.running && tsUs < known.running.tsUs) return known;
    const isPoint = !live || valuation.fills > 0;
    if (known?.running && !isPoint) return known;
    const tracked = this.#track(valuation.portfolio_id, figuresOf(valuation));
    if (!isPoint) return tracked;
    const equity = Number(valuation.equity);
    if (tracked.running) tracked.running.add(tsUs, equity);
    else tracked.running = RunningPerformance.startingAt(tsUs, equity);
    this.#store.putPoint(tracked.key, tsUs, equity);
    return tracked;
  }

  #track(id: string, figures: Figures): Tracked {
    const known = this.#tracked.get(id);
    if (known) {
      known.figures = figures;
      return known;
    }
    const tracked: Tracked = { key: this.#nextKey++, portfolio_id: id, figures, running: null };
    this.#tracked.set(id, tracked);
    return tracked;
  }
}

function figuresOf(valuation: Valuation): Figures {
  const { starting_cash, cash, fees, realised_pnl, unrealised_pnl, equity, fills } = valuation;
  return { starting_cash, cash, fees, realised_pnl, unrealised_pnl, equity, fills };
}

function rowOf({ key, portfolio_id, figures, running }: Tracked): TrackedRow {
  return { key, portfolio_id, figures, running: running?.state() ?? null };
}

function metricsOf({ portfolio_id, figures, running }: Tracked): BodyOf<typeof topics.analyticsMetrics> {
  const { realised_pnl, unrealised_pnl, equity } = figures;
  return {
    portfolio_id,
    observations: running?.points ?? 0,
    realised_pnl,
    unrealised_pnl,
    equity,
    ...(running?.metrics() ?? NONE),
  };
}
