// The monitors of the engine: which models are watched, what serving hands them, and what they look for.
import {
  ConflictError,
  InvalidOptionError,
  type NautilusError,
  NotFoundError,
} from '../../../src/core/errors.ts';
import type { EngineContext } from '../../../src/http/engine.ts';
import type { JobDefinition } from '../../../src/jobs/define.ts';
import type { Jobs } from '../../../src/jobs/jobs.ts';
import type { DatasetStore } from '../datasets/store.ts';
import type { ServedCard } from '../model-source.ts';
import type { ModelsService } from '../registry/service.ts';
import type { Training } from '../training/job.ts';
import { ClockWatch } from './clock-watch.ts';
import { MonitorMetrics } from './metrics.ts';
import { Monitor } from './monitor.ts';
import { NEW_STATE, type RaisedAlarm, type Reference, type StoredMonitor } from './records.ts';
import { References, tableOf } from './references.ts';
import { listed, replyOf } from './replies.ts';
import { type RetrainingParts, Retrainings } from './retraining.ts';
import type { Answered } from './rows.ts';
import type { MonitorConfig, Outcomes, RetrainConfig } from './schemas.ts';
import { Serial } from './serial.ts';
import { deleteMonitor, deleteReferences, MonitorQueries, writeMonitor } from './store.ts';
import { HANDED_OVER, horizonOf, Maturing } from './stream-watch.ts';
import { TableReports } from './table-reports.ts';
import { tellRetraining, tellVerdict } from './tell.ts';

/** How often what came is stored: kill -9 costs what came since then. */
export const FLUSH_MS = 2000;
/** Monitors at once. */
export const MAX_MONITORS = 1000;

/** What monitoring needs of the engine around it. */
export interface MonitoringParts {
  readonly models: ModelsService;
  readonly datasets: DatasetStore;
  readonly training: Pick<Training, 'add'>;
  readonly startExperiment: RetrainingParts['startExperiment'];
  /** For tests: a clock that only counts, in microseconds. */
  readonly steadyUs?: () => number;
}

/** One row of the stream that was predicted. */
export interface StreamedRow {
  readonly symbol: string;
  readonly tsUs: number;
  readonly intervalUs: number;
  readonly close: number;
  readonly inputs: Float32Array;
  readonly value: number;
}

interface Watched {
  readonly monitor: Monitor;
  readonly following: Serial;
  readonly maturing: Maturing;
  /** Bars ahead that the watched version looks; null where the stream cannot tell what happened. */
  horizon: number | null;
}

/** Watches models. */
export class Monitoring {
  readonly #context: EngineContext;
  readonly #parts: MonitoringParts;
  readonly #queries: MonitorQueries;
  readonly #watch: ClockWatch;
  readonly #metrics: MonitorMetrics;
  readonly #references: References;
  readonly #retrainings: Retrainings;
  /** Reports on tables. */
  readonly tables: TableReports;
  readonly #watched = new Map<string, Watched>();
  readonly #changes = new Serial();
  #timer: ReturnType<typeof setInterval> | undefined;
  #ticking = false;

  constructor(context: EngineContext, parts: MonitoringParts) {
    const { models, datasets, training, startExperiment } = parts;
    this.#context = context;
    this.#parts = parts;
    this.#queries = new MonitorQueries(context.database);
    this.#watch = new ClockWatch(context.clock, parts.steadyUs);
    this.#metrics = new MonitorMetrics(context.metrics.registry, () =>
      [...this.#watched.values()].reduce((sum, { monitor }) => sum + monitor.window.skipped, 0),
    );
    this.#references = new References({
      ...{ context, models },
      made: (id, version, reference, why) => this.#made(id, version, reference, why),
    });
    this.#retrainings = new Retrainings({
      ...{ context, models, datasets, training, startExperiment },
      tell: (unit, retraining) => {
        tellRetraining(unit, retraining, context.clock.nowUs());
        if (retraining.state !== 'running') this.#metrics.retrained(retraining.model_id, retraining.state);
      },
    });
    this.tables = new TableReports({
      ...{ models, datasets, references: this.#references },
      stored: (id, version) => this.#queries.reference(id, version),
    });
  }

  get definitions(): readonly JobDefinition[] {
    return [this.#references, this.#retrainings, ...this.tables.kinds].map(({ definition }) => definition);
  }

  bind(jobs: Jobs): void {
    this.#references.bind(jobs);
    this.#retrainings.bind(jobs);
    this.tables.bind(jobs);
  }

  /** Takes up the monitors that are stored; jobs run already. */
  async start(): Promise<void> {
    const stored = await this.#queries.monitors();
    for (const monitor of stored) await this.#take(monitor);
    await this.#retrainings.start(stored);
    this.#timer = setInterval(() => {
      if (!this.#ticking) void this.tick();
    }, FLUSH_MS);
    this.#timer.unref();
  }

  /** Stores what is only in memory. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.tick();
  }

  /** Stores what came since the last time, and ends windows whose time is over. Never throws. */
  async tick(): Promise<void> {
    this.#ticking = true;
    for (const watched of [...this.#watched.values()]) {
      try {
        await this.#mature(watched);
        await watched.monitor.tick();
      } catch (error) {
        this.#failed(watched.monitor, error);
      }
    }
    this.#ticking = false;
  }

  /** Hands an answer to the monitor of its model; returns the id that its outcome can name. Undefined where nobody watches. */
  observe(card: ServedCard, answered: Answered, ms: number, key: string | null): string | undefined {
    return this.#watched.get(card.model_id)?.monitor.observe(card, answered, ms, key);
  }

  /** Whether anybody watches a model. */
  watches(id: string): boolean {
    return this.#watched.has(id);
  }

  /** Hands rows of the stream over; what each became tell the bars that follow. */
  streamed(card: ServedCard, rows: readonly StreamedRow[], msEach: number): void {
    const watched = this.#watched.get(card.model_id);
    if (!watched) return;
    for (const { symbol, tsUs, intervalUs, close, inputs, value } of rows) {
      const answered = { values: inputs, output: Float32Array.of(value), rows: 1, width: 1 };
      const due = watched.horizon === null ? null : tsUs + watched.horizon * intervalUs;
      const matures = due === null ? null : { symbol, due_us: due, close };
      const id = watched.monitor.observe(card, answered, msEach, `${symbol}@${tsUs}`, matures);
      if (id && matures) watched.maturing.add(id, matures);
    }
  }

  /** Takes bars of the stream, oldest first. */
  bars(bars: readonly { readonly symbol: string; readonly tsUs: number; readonly close: number }[]): void {
    for (const watched of this.#watched.values()) {
      const { monitor, maturing, horizon } = watched;
      if (horizon === null) continue;
      for (const { symbol, tsUs, close } of bars) maturing.bar(symbol, tsUs, close);
      if (maturing.ready >= HANDED_OVER) this.#mature(watched).catch((error) => this.#failed(monitor, error));
    }
  }

  /** A reference to this model may lead to another version now. */
  changed(id: string): void {
    const watched = this.#watched.get(id);
    if (watched) void this.#follow(watched).catch((error) => this.#failed(watched.monitor, error));
  }

  /** Watches a model, or changes what is looked for. Throws NotFoundError (model, table), ConflictError, InvalidOptionError. */
  put(id: string, config: MonitorConfig) {
    return this.#changes.run(async () => {
      const card = await this.#checked(id, config);
      const known = this.#watched.get(id);
      if (!known && this.#watched.size >= MAX_MONITORS)
        throw new ConflictError(`Expected fewer than ${MAX_MONITORS} monitors: delete one`);
      const now = this.#context.clock.nowUs();
      const { monitor } = known ?? {};
      const stored: StoredMonitor = {
        ...{ model_id: id, config, state: monitor?.state ?? NEW_STATE },
        ...{ created_us: monitor?.createdUs ?? now, updated_us: now },
      };
      const before = monitor && JSON.stringify(monitor.config.reference);
      const isOther = before !== undefined && before !== JSON.stringify(config.reference);
      await this.#context.units.run(({ tx }) => {
        writeMonitor(tx, stored);
        if (isOther) deleteReferences(tx, id);
      });
      if (monitor) await monitor.configure(stored);
      else await this.#take(stored);
      const watched = this.#watched.get(id)!;
      if (isOther && card) await this.#prepare(watched, card);
      return this.reply(id);
    });
  }

  /** Throws NotFoundError. */
  async reply(id: string) {
    return replyOf(this.#of(id).monitor, this.#queries);
  }

  async list(limit: number, after: string | undefined) {
    const ids = [...this.#watched.keys()].filter((id) => id > (after ?? '')).sort();
    const page = ids.slice(0, limit);
    return {
      monitors: page.map((id) => listed(this.#watched.get(id)!.monitor)),
      next_cursor: ids.length > limit ? page.at(-1)! : null,
    };
  }

  /** Throws NotFoundError. */
  delete(id: string): Promise<void> {
    return this.#changes.run(async () => {
      const { monitor } = this.#of(id);
      await monitor.end(() => this.#context.units.run(({ tx }) => deleteMonitor(tx, id)));
      this.#watched.delete(id);
      this.#metrics.forget(id);
    });
  }

  /** Throws NotFoundError. */
  outcomes(id: string, outcomes: Outcomes) {
    return this.#of(id).monitor.outcomes(outcomes);
  }

  /** Judges what there is now. Throws NotFoundError, and ConflictError while no version serves. */
  async check(id: string) {
    const watched = this.#of(id);
    await this.#mature(watched);
    return this.#given(await watched.monitor.check());
  }

  /** The report of the newest window that ended, with the newest verdict on outcomes; of the open one before that. Throws as {@link check}. */
  async drift(id: string) {
    const { monitor } = this.#of(id);
    const newest = await this.#queries.newestReport(id);
    const { watched } = monitor.state;
    if (!newest) return this.#given(monitor.report());
    const accuracy = watched?.version === newest.version ? watched.accuracy : null;
    return accuracy ? { ...newest, accuracy } : newest;
  }

  /** Windows that ended, newest first. Throws NotFoundError. */
  async history(id: string, limit: number, before?: number) {
    this.#of(id);
    return this.#queries.summaries(id, limit, before);
  }

  status() {
    const all = [...this.#watched.values()].map(({ monitor }) => monitor);
    return {
      monitors: all.length,
      preparing: all.filter(({ isPreparing }) => isPreparing).length,
      idle: all.filter(({ card }) => card === null).length,
      open_window_rows: all.reduce((sum, { window }) => sum + window.rows, 0),
      clock_jumps: this.#watch.jumps.jumps,
    };
  }

  /** Has what bars told matched with the predictions; what cannot be stored waits. */
  async #mature({ monitor, maturing }: Watched): Promise<void> {
    if (maturing.ready === 0) return;
    const outcomes = maturing.take();
    try {
      await monitor.outcomes(outcomes);
    } catch (error) {
      maturing.giveBack(outcomes);
      throw error;
    }
  }

  #given<T>(report: T | null): T {
    if (report) return report;
    throw new ConflictError('Expected a model with a version that serves: deploy one');
  }

  #of(id: string): Watched {
    const watched = this.#watched.get(id);
    if (watched) return watched;
    throw new NotFoundError('Expected the id of a model that is watched');
  }

  /** The version in production; null where none serves, or one that reads texts. Throws NotFoundError for a model that there is not. */
  async #checked(
    id: string,
    { reference, retrain, drift, baseline }: MonitorConfig,
  ): Promise<ServedCard | null> {
    await this.#parts.models.model(id);
    const card = await this.#production(id);
    if (card?.text) throw refused('/model_id', 'a model that reads numbers, not texts');
    if (drift.measure === 'cramers_v')
      throw refused('/drift/measure', 'psi, ks, js or wasserstein: served columns are numbers');
    if (typeof reference === 'object') {
      const { columns } = await this.#parts.datasets.get(reference.dataset_id);
      const names = new Set(columns.map(({ name }) => name));
      const absent = card?.inputs.find(({ name }) => !names.has(name));
      if (absent) throw refused('/reference/dataset_id', `a table with the column ${absent.name}`);
    }
    if (baseline.accuracy !== undefined && baseline.mean_absolute_error !== undefined)
      throw refused('/baseline', 'accuracy of a classifier or mean_absolute_error of a regression');
    if (retrain) {
      await this.#parts.models.change(id, async () => undefined);
      await this.#checkTable(retrain);
    }
    return card;
  }

  async #checkTable({ dataset, auto_deploy: _ }: RetrainConfig): Promise<void> {
    if ('dataset_id' in dataset) await this.#parts.datasets.get(dataset.dataset_id);
  }

  async #production(id: string): Promise<ServedCard | null> {
    try {
      const { card } = await this.#parts.models.source.find(id);
      return card;
    } catch (error) {
      if (error instanceof NotFoundError || error instanceof ConflictError) return null;
      throw error;
    }
  }

  async #take(stored: StoredMonitor): Promise<void> {
    const monitor = new Monitor(stored, {
      ...{ database: this.#context.database, units: this.#context.units, watch: this.#watch },
      tell: (unit, { config }, report, raised) => {
        tellVerdict(unit, report, raised, config, this.#context.clock.nowUs());
      },
      judged: (report) => this.#metrics.judged(report),
      raised: (which, alarms) => this.#raised(which, alarms),
      failed: (which, error) => this.#failed(which, error),
    });
    const watched: Watched = { monitor, following: new Serial(), maturing: new Maturing(), horizon: null };
    await watched.following.run(async () => {
      const card = await this.#production(stored.model_id);
      const reference = card && (await this.#queries.reference(stored.model_id, card.version));
      watched.horizon = card && horizonOf(card);
      await monitor.restore(card, reference);
      watched.maturing.restore(await this.#queries.maturing(stored.model_id));
      this.#watched.set(stored.model_id, watched);
      if (card && !reference) await this.#prepare(watched, card);
    });
    // Nobody could tell it of a deployment before it was there.
    await this.#follow(watched);
  }

  /** Watches the version that serves now. */
  #follow(watched: Watched): Promise<void> {
    return watched.following.run(async () => {
      const { monitor } = watched;
      const card = await this.#production(monitor.id);
      if (card?.version === monitor.card?.version) return;
      const reference = card && (await this.#queries.reference(monitor.id, card.version));
      watched.horizon = card && horizonOf(card);
      await monitor.follow(card, reference);
      if (card && !reference) await this.#prepare(watched, card);
    });
  }

  async #prepare({ monitor }: Watched, { version }: ServedCard): Promise<void> {
    const table = tableOf(monitor.config);
    if (table === undefined) return monitor.refer(version, null);
    monitor.prepare(version);
    await this.#references.ask(monitor.id, version, table);
  }

  #made(id: string, version: string, reference: Reference | null, why: string | null): void {
    const watched = this.#watched.get(id);
    watched?.monitor.refer(version, reference, why).catch((error) => this.#failed(watched.monitor, error));
  }

  #raised(monitor: Monitor, alarms: readonly RaisedAlarm[]): void {
    this.#metrics.raised(monitor.id, alarms);
    const { retrain, thresholds } = monitor.config;
    const alarm = alarms.find(({ reason }) => (retrain?.on as readonly string[])?.includes(reason));
    if (!retrain || !alarm || !monitor.card) return;
    this.#retrainings
      .begin(monitor.id, monitor.card.version, alarm.reason, retrain, thresholds.significance)
      .catch((error) => this.#failed(monitor, error));
  }

  #failed({ id }: Monitor, err: unknown): void {
    this.#context.log.warn({ err, model_id: id }, 'a monitor could not do its work yet');
  }
}

function refused(pointer: string, expected: string): NautilusError {
  return new InvalidOptionError(`Expected ${expected} for ${pointer}`, [{ pointer, expected }]);
}
