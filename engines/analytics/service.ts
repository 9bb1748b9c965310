// What the Analytics engine does: follows the equity of every portfolio and measures its performance.
import type { Envelope } from '../../src/bus/envelope.ts';
import type { Participant, StreamPublisher } from '../../src/bus/participant.ts';
import { type BodyOf, type SessionSpec, topics } from '../../src/bus/topics.ts';
import type { UnitRunner } from '../../src/bus/unit.ts';
import { ALL_WORK, type WorkShare } from '../../src/bus/work-share.ts';
import { ConflictError, NotFoundError } from '../../src/core/errors.ts';
import type { Transaction } from '../../src/store/database.ts';
import { dec, text } from '../../src/trading/decimal.ts';
import { measure } from './measure.ts';
import { type RunningMetrics, RunningPerformance } from './running.ts';
import type { CalculateRequest } from './schemas.ts';
import type { AnalyticsStore, Figures, TrackedRow } from './store.ts';

type Valuation = BodyOf<typeof topics.valuations>;

/** What following one portfolio needs in memory: constant size, whatever the length of its curve. */
interface Tracked {
  readonly key: number;
  readonly portfolio_id: string;
  figures: Figures;
  running: RunningPerformance | null;
}

/** Longest curve that one request measures: 32 MB as typed arrays. */
const MAX_POINTS = 2_000_000;
const NONE: RunningMetrics = { total_return: null, sharpe_ratio: null, max_drawdown: null };

/** Decisions of the Analytics engine. Requests are answered from the database, whichever process follows a portfolio. */
export class AnalyticsService {
  readonly #store: AnalyticsStore;
  readonly #units: UnitRunner;
  readonly #work: WorkShare;
  /** Portfolios that this process follows, each taken from the database when its first message comes. */
  readonly #tracked = new Map<string, Tracked>();
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

  constructor(store: AnalyticsStore, units: UnitRunner, work: WorkShare = ALL_WORK) {
    this.#store = store;
    this.#units = units;
    this.#work = work;
    // Between two units, so that none is left with half of what it needs.
    work.onLost((isLost) => units.run(() => this.forget(isLost)));
  }

  status() {
    return { portfolios_followed: this.#tracked.size };
  }

  /** Drops portfolios from memory: all, or those that another process follows now. Their next message brings them back. */
  forget(isGone: (portfolioId: string) => boolean = () => true): void {
    for (const id of this.#tracked.keys()) if (isGone(id)) this.#tracked.delete(id);
  }

  async list(limit: number, offset: number) {
    const { rows, total } = await this.#store.list(limit, offset);
    const portfolios = rows.map(({ portfolio_id, figures, running }) => ({
      portfolio_id,
      equity: figures.equity,
      observations: running?.now.points ?? 0,
      ts_event_us: running?.tsUs ?? null,
    }));
    return { portfolios, total };
  }

  /** All measures of one portfolio. Throws NotFoundError, and ConflictError for a curve too long for one request. */
  async calculate(id: string, request: CalculateRequest) {
    const started = performance.now();
    for (;;) {
      const row = await this.#get(id);
      // Points that come while the curve is read are left out, so that it belongs to the figures.
      const span = { fromUs: request.from_us ?? 0, toUs: row.running?.tsUs ?? 0 };
      const points = await this.#store.countPoints(row.key, span);
      if (points > MAX_POINTS) {
        throw new ConflictError(`Expected a curve of at most ${MAX_POINTS} points: give a later from_us`, {
          observations: points,
        });
      }
      const curve = await this.#store.curve(row, span, points);
      if (!curve) continue;
      const { starting_cash, realised_pnl, unrealised_pnl, fees, equity } = row.figures;
      return {
        portfolio_id: id,
        realised_pnl,
        unrealised_pnl,
        total_pnl: text(dec(equity).minus(dec(starting_cash))),
        fees,
        equity,
        starting_cash,
        ...measure(curve, request),
        processing_time_ms: Math.round((performance.now() - started) * 1000) / 1000,
        hardware_used: 'cpu',
        backend: 'typescript',
      };
    }
  }

  async equity(id: string, limit: number, fromUs: number) {
    const { key } = await this.#get(id);
    const found = await this.#store.points(key, { fromUs, toUs: Number.MAX_SAFE_INTEGER }, limit + 1);
    const points = found.slice(0, limit).map(({ ts_us, equity }) => ({ ts_event_us: ts_us, equity }));
    return { portfolio_id: id, points, next_from_us: found[limit]?.ts_us ?? null };
  }

  async #get(id: string): Promise<TrackedRow> {
    const row = await this.#store.get(id);
    if (!row) throw new NotFoundError('No valuation of this portfolio has arrived');
    return row;
  }

  async #open({ portfolio_id, reset }: SessionSpec): Promise<void> {
    checkEmpty(await this.#store.get(portfolio_id), reset);
  }

  async #begin(spec: SessionSpec): Promise<void> {
    await this.#units.run(async ({ tx }) => {
      await this.#work.require(tx, spec.portfolio_id);
      const known = await this.#store.get(spec.portfolio_id, tx);
      checkEmpty(known, spec.reset);
      const cash = text(dec(spec.starting_cash));
      const none = { fees: '0', realised_pnl: '0', unrealised_pnl: '0', fills: 0 };
      const figures = { starting_cash: cash, cash, equity: cash, ...none };
      const key = known?.key ?? (await this.#store.add(tx, spec.portfolio_id, figures));
      if (known) {
        this.#store.emptyCurve(tx, key);
        this.#store.put(tx, { key, figures, running: null });
      }
      this.#tracked.set(spec.portfolio_id, { key, portfolio_id: spec.portfolio_id, figures, running: null });
    });
    this.#session = spec;
  }

  async #close(spec: SessionSpec) {
    this.#session = undefined;
    const { running } = await this.#get(spec.portfolio_id);
    return {
      observations: running?.now.points ?? 0,
      ...(running ? new RunningPerformance(running).metrics() : NONE),
    };
  }

  #process(batch: readonly Envelope[], publisher: StreamPublisher): void | Promise<void> {
    const valuations = batch as readonly Envelope<Valuation>[];
    const unknown = valuations.filter(({ body }) => !this.#tracked.has(body.portfolio_id));
    if (unknown.length === 0) return this.#follow(valuations, publisher);
    return this.#load(unknown, publisher.tx).then(() => this.#follow(valuations, publisher));
  }

  /** Takes portfolios from the database into memory; stores those that are new. */
  async #load(valuations: readonly Envelope<Valuation>[], tx: Transaction): Promise<void> {
    for (const { body } of valuations) {
      const id = body.portfolio_id;
      if (this.#tracked.has(id)) continue;
      const row = await this.#store.get(id, tx);
      const figures = row?.figures ?? figuresOf(body);
      this.#tracked.set(id, {
        key: row?.key ?? (await this.#store.add(tx, id, figures)),
        portfolio_id: id,
        figures,
        running: row?.running ? new RunningPerformance(row.running) : null,
      });
    }
  }

  #follow(batch: readonly Envelope<Valuation>[], publisher: StreamPublisher): void {
    const live = publisher.spec === undefined;
    const changed = new Set<Tracked>();
    for (const { body, ts_event_us, correlation_id } of batch) {
      if (live && body.portfolio_id === this.#session?.portfolio_id) continue;
      const tracked = this.#tracked.get(body.portfolio_id)!;
      this.#take(tracked, body, ts_event_us, publisher);
      changed.add(tracked);
      publisher.publish(topics.analyticsMetrics, metricsOf(tracked), ts_event_us, correlation_id);
    }
    for (const { key, figures, running } of changed) {
      this.#store.put(publisher.tx, { key, figures, running: running?.state() ?? null });
    }
  }

  /**
   * Notes a valuation. One that is older than the newest changes nothing, and one of the same event time takes its
   * place, so that what is told twice counts once. A live one without fills is a portfolio that never traded: no point.
   */
  #take(tracked: Tracked, valuation: Valuation, tsUs: number, { spec, tx }: StreamPublisher): void {
    const { running } = tracked;
    if (running && tsUs < running.tsUs) return;
    const isPoint = spec !== undefined || valuation.fills > 0;
    if (running && !isPoint) return;
    tracked.figures = figuresOf(valuation);
    if (!isPoint) return;
    const equity = Number(valuation.equity);
    if (running) running.add(tsUs, equity);
    else tracked.running = RunningPerformance.startingAt(tsUs, equity);
    this.#store.putPoint(tx, tracked.key, tsUs, equity);
  }
}

/** A curve without a single fill is the rest of a portfolio that never traded: no history worth keeping. */
function checkEmpty(row: TrackedRow | null, reset: boolean): void {
  if (reset || !row?.running || row.figures.fills === 0) return;
  const { portfolio_id, running } = row;
  throw new ConflictError(
    `${portfolio_id} already has history (${running.now.points} valuations): reset it first (--reset)`,
  );
}

function figuresOf(valuation: Valuation): Figures {
  const { starting_cash, cash, fees, realised_pnl, unrealised_pnl, equity, fills } = valuation;
  return { starting_cash, cash, fees, realised_pnl, unrealised_pnl, equity, fills };
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
