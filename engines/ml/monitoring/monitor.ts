// One watched model: takes in what serving answered, fills windows, matches outcomes, and says what drifted.
import type { Unit, UnitRunner } from '../../../src/bus/unit.ts';
import { turn } from '../../../src/core/turn.ts';
import { TableSketch } from '../../../src/learning/drift/index.ts';
import type { Database } from '../../../src/store/database.ts';
import { raise } from './alarms.ts';
import type { ClockWatch } from './clock-watch.ts';
import { Intake } from './intake.ts';
import { MIN_ROWS } from './judge.ts';
import { type Matched, takeOutcomes } from './matching.ts';
import { newVersion } from './outcomes.ts';
import type {
  Matures,
  MonitorState,
  RaisedAlarm,
  Reference,
  StoredMonitor,
  WaitingAnswers,
} from './records.ts';
import { type Answered, decisionsOf, type WatchedCard } from './rows.ts';
import type { MonitorConfig, Outcomes, WindowReport } from './schemas.ts';
import { Serial } from './serial.ts';
import {
  closeWindow,
  MonitorQueries,
  writeAnswers,
  writeReference,
  writeState,
  writeWindow,
} from './store.ts';
import { firstReference, judge, type LiveReference, type Watching } from './verdict.ts';
import { Window } from './window.ts';

/** Numbers that are looked at before others have a turn. */
const AT_ONCE = 262_144;

/** What a monitor works with. */
export interface MonitorParts {
  readonly database: Database;
  readonly units: UnitRunner;
  readonly watch: ClockWatch;
  /** Says what a verdict found, in the unit that stores it. */
  readonly tell: (unit: Unit, monitor: Monitor, report: WindowReport, raised: readonly RaisedAlarm[]) => void;
  /** Hears of verdicts, and of alarms, once they are stored. */
  readonly judged: (report: WindowReport) => void;
  readonly raised: (monitor: Monitor, alarms: readonly RaisedAlarm[]) => void;
  readonly failed: (monitor: Monitor, error: unknown) => void;
}

/** A monitor. Everything that changes it runs one after the other. */
export class Monitor {
  readonly id: string;
  readonly createdUs: number;
  readonly #parts: MonitorParts;
  readonly #queries: MonitorQueries;
  readonly #serial = new Serial();
  readonly #intake = new Intake();
  #config: MonitorConfig;
  #state: MonitorState;
  #updatedUs: number;
  #card: WatchedCard | null = null;
  #reference: LiveReference | null = null;
  /** Whether its reference is being made: windows stay open meanwhile. */
  #isPreparing = false;
  #isEnded = false;
  /** Whether a verdict could not be stored a moment ago. */
  #cannotStore = false;
  #window: Window;
  #answers: WaitingAnswers[] = [];
  #answeredRows = 0;
  /** Number of the newest row that waits for its outcome. */
  #seq = 0;
  /** Jumps of the clock that a window knows of. */
  #jumps: number;
  #draining = false;
  #otherVersions = 0;
  /** Why its first window is the reference although another one was asked for. */
  #why: string | null = null;

  constructor(stored: StoredMonitor, parts: MonitorParts) {
    this.id = stored.model_id;
    this.createdUs = stored.created_us;
    this.#updatedUs = stored.updated_us;
    this.#config = stored.config;
    this.#state = stored.state;
    this.#parts = parts;
    this.#queries = new MonitorQueries(parts.database);
    this.#jumps = parts.watch.jumps.jumps;
    this.#window = this.#open(1, '');
  }

  get config(): MonitorConfig {
    return this.#config;
  }

  get state(): MonitorState {
    return this.#state;
  }

  get updatedUs(): number {
    return this.#updatedUs;
  }

  /** Ends it: nothing is stored any more but by `work`. */
  async end(work: () => Promise<void>): Promise<void> {
    await this.#run(async () => {
      await work();
      this.#isEnded = true;
      this.#card = null;
      this.#intake.take();
    });
  }

  /** The version that it watches; null while none serves. */
  get card(): WatchedCard | null {
    return this.#card;
  }

  get reference(): LiveReference | null {
    return this.#reference;
  }

  get isPreparing(): boolean {
    return this.#isPreparing;
  }

  get window(): Window {
    return this.#window;
  }

  get otherVersions(): number {
    return this.#state.otherVersions + this.#otherVersions;
  }

  /**
   * Keeps an answer to be looked at later and returns the id that its outcome can name; undefined for a version that is not watched,
   * and where more came than can be kept. Takes microseconds.
   */
  observe(
    card: WatchedCard,
    answered: Answered,
    ms: number,
    key: string | null = null,
    matures: Matures | null = null,
  ): string | undefined {
    if (card.version !== this.#card?.version) {
      this.#otherVersions += answered.rows;
      return undefined;
    }
    const id = this.#intake.add({ card, answered, ms, key, matures });
    if (!this.#draining) {
      this.#draining = true;
      setImmediate(
        () => void this.#run(() => this.#drain()).catch((error) => this.#parts.failed(this, error)),
      );
    }
    return id;
  }

  /** Takes up what was stored: what is known of the version, where it is the same, and its open window, where there is one. */
  async restore(card: WatchedCard | null, reference: Reference | null): Promise<void> {
    await this.#run(async () => {
      this.#seq = (await this.#queries.waitingRows(this.id)).newest;
      const newest = await this.#queries.newestSeq(this.id);
      const open = await this.#queries.openWindow(this.id);
      this.#window = this.#open(newest + 1, card?.version ?? '');
      if (this.#state.watched?.version !== card?.version) return this.#watch(card, reference);
      this.#card = card;
      this.#refer(reference);
      // None is stored when a process ends in the moment after a window did.
      if (open?.seq === newest && open.version === card?.version) {
        this.#window = this.#open(open.seq, open.version, open.opened_us);
        this.#window.restore(open.sketch);
      }
    });
  }

  /** Watches another version, or none, from now on; what the open window holds is kept as a report without alarms. */
  async follow(card: WatchedCard | null, reference: Reference | null): Promise<void> {
    await this.#run(async () => {
      if (card?.version === this.#card?.version) return;
      await this.#drain();
      if (this.#card && this.#window.rows > 0)
        await this.#judge({ closes: true, withLosses: false, silent: true });
      this.#watch(card, reference);
      await this.#flush();
    });
  }

  /** Tells that the reference of a version is being made. */
  prepare(version: string): void {
    if (version === this.#card?.version) this.#isPreparing = true;
  }

  /** Takes what the watched version is compared with; null: what its first window holds. */
  async refer(version: string, reference: Reference | null, why: string | null = null): Promise<void> {
    await this.#run(async () => {
      if (version !== this.#card?.version) return;
      this.#isPreparing = false;
      this.#why = why;
      this.#refer(reference);
      await this.#closeWhatIsFull();
    });
  }

  /** Changes what it looks for; the open window goes on. */
  async configure({ config, updated_us }: StoredMonitor): Promise<void> {
    await this.#run(async () => {
      this.#config = config;
      this.#updatedUs = updated_us;
    });
  }

  /** Stores what came since it was last stored, and ends a window whose time is over. */
  async tick(): Promise<void> {
    await this.#run(async () => {
      this.#cannotStore = false;
      await this.#drain();
      await this.#closeWhatIsFull();
      const { window_s } = this.#config;
      const isOver =
        window_s !== null && this.#parts.watch.steadyUs() - this.#window.steadyUs >= window_s * 1e6;
      if (isOver && this.#card && this.#window.rows > 0 && !this.#isPreparing)
        await this.#judge({ closes: true, withLosses: false });
      await this.#flush();
    });
  }

  /** Judges what there is now; a window with enough rows ends with it. */
  async check(): Promise<WindowReport | null> {
    return this.#run(async () => {
      await this.#drain();
      const closes = !this.#isPreparing && this.#window.rows >= MIN_ROWS;
      const report = await this.#judge({ closes, withLosses: true });
      await this.#flush();
      return report;
    });
  }

  /** What the open window would give if it ended now; null while no version serves. */
  report(): WindowReport | null {
    const watching = this.#watching();
    return watching && judge(watching, null, false).report;
  }

  /** Matches outcomes with the predictions that wait for them. Stored when it resolves; the same outcome counts once. */
  async outcomes(given: Outcomes): Promise<Matched> {
    return this.#run(async () => {
      await this.#drain();
      await this.#flush();
      const { counts, state } = await this.#parts.units.run((unit) =>
        takeOutcomes(unit, this.id, given, {
          card: this.#card,
          state: this.#state,
          config: this.#config,
          reference: this.#reference,
        }),
      );
      this.#state = state;
      const { watched } = state;
      const alarming = watched?.found.some((name) => (this.#config.detectors as string[]).includes(name));
      if (watched && (alarming || watched.losses.rows >= this.#config.outcome_rows))
        await this.#judge({ closes: false, withLosses: true });
      return counts;
    });
  }

  /** Whether windows stay open although they are full. */
  get #isHeld(): boolean {
    return this.#isPreparing || this.#cannotStore;
  }

  #run<T>(work: () => Promise<T>): Promise<T> {
    return this.#serial.run(work);
  }

  #open(seq: number, version: string, openedUs = this.#parts.watch.nowUs()): Window {
    return new Window(seq, version, openedUs, this.#parts.watch.steadyUs());
  }

  #watch(card: WatchedCard | null, reference: Reference | null): void {
    this.#card = card;
    // What is still made is of the version before.
    this.#isPreparing = false;
    this.#window = this.#open(this.#window.seq, card?.version ?? '');
    this.#state = { ...this.#state, watched: card && newVersion(card.version) };
    this.#refer(reference);
    this.#window.isDirty = true;
  }

  #refer(reference: Reference | null): void {
    const sketch = (json: unknown) => (json === null ? null : TableSketch.fromJSON(json));
    this.#reference = reference && {
      ...reference,
      inputs: sketch(reference.inputs),
      outputs: sketch(reference.outputs),
    };
  }

  /** The time. The open window learns of jumps, whoever of the process saw them first. */
  #now(): number {
    const { watch } = this.#parts;
    const nowUs = watch.nowUs();
    this.#window.jumps += watch.jumps.jumps - this.#jumps;
    this.#jumps = watch.jumps.jumps;
    return nowUs;
  }

  async #drain(): Promise<void> {
    this.#draining = false;
    const { items, skipped } = this.#intake.take();
    this.#window.skipped += skipped;
    const tsUs = this.#now();
    for (const { card, answered, ms, key, matures, predictionId } of items) {
      if (card.version !== this.#card?.version) {
        this.#otherVersions += answered.rows;
        continue;
      }
      this.#window.request(ms);
      const { rows, values } = answered;
      const most = Math.max(1, Math.floor((AT_ONCE * rows) / Math.max(1, values.length)));
      for (let from = 0; from < rows; ) {
        const room = this.#isHeld ? most : Math.max(1, this.#config.window_rows - this.#window.rows);
        const to = Math.min(rows, from + Math.min(most, room));
        this.#window.take(card, answered, from, to);
        from = to;
        await this.#closeWhatIsFull();
        if (from < rows) await turn();
      }
      const answers = decisionsOf(card, answered);
      if (answers && rows <= this.#config.keep_predictions)
        this.#keep({
          prediction_id: predictionId,
          ...{ key, version: card.version, ts_us: tsUs, answers, matures },
        });
    }
  }

  async #closeWhatIsFull(): Promise<void> {
    if (this.#isHeld || this.#window.rows < this.#config.window_rows) return;
    try {
      await this.#judge({ closes: true, withLosses: false });
    } catch (error) {
      // It stays open until the database is back: nothing of it is lost.
      this.#cannotStore = true;
      this.#parts.failed(this, error);
    }
  }

  #watching(): Watching | null {
    const { watched } = this.#state;
    if (!this.#card || !watched) return null;
    return {
      card: this.#card,
      config: this.#config,
      window: this.#window,
      watched,
      reference: this.#reference,
    };
  }

  /** Makes a verdict and stores it with what it says; null while no version serves. */
  async #judge({ closes, withLosses, silent = false }: JudgeOptions): Promise<WindowReport | null> {
    const watching = this.#watching();
    if (!watching) return null;
    const nowUs = this.#now();
    const { report, alarms, watched } = judge(watching, closes ? nowUs : null, withLosses);
    const { raised, all } = raise(
      this.#state.alarms,
      silent ? new Map() : alarms,
      nowUs,
      this.#config.cooldown_s,
    );
    const state = { ...this.#remembered(), watched, alarms: all };
    const first =
      closes && !this.#reference ? firstReference(this.#window, report, this.#config, this.#why) : null;
    await this.#parts.units.run((unit) => {
      writeState(unit.tx, this.id, state);
      if (closes) closeWindow(unit.tx, this.id, report);
      if (first) writeReference(unit.tx, this.id, first);
      if (!silent) this.#parts.tell(unit, this, report, raised);
    });
    this.#remember(state);
    if (first) this.#refer(first);
    if (closes) {
      this.#window = this.#open(report.seq + 1, report.version);
      this.#window.isDirty = true;
    }
    if (!silent) this.#parts.judged(report);
    if (raised.length > 0) this.#parts.raised(this, raised);
    return report;
  }

  #remembered(): MonitorState {
    return { ...this.#state, otherVersions: this.otherVersions, clock: this.#parts.watch.jumps };
  }

  /** Stores what is only in memory. */
  async #flush(): Promise<void> {
    const window = this.#window;
    const answers = this.#answers;
    if (this.#isEnded || (!window.isDirty && answers.length === 0)) return;
    const state = this.#remembered();
    const stored = window.stored();
    const seq = await this.#parts.units.run(({ tx }) => {
      writeState(tx, this.id, state);
      writeWindow(tx, this.id, window, stored);
      return writeAnswers(tx, this.id, answers, this.#seq, this.#config.keep_predictions);
    });
    this.#remember(state);
    this.#seq = seq;
    this.#answers = [];
    this.#answeredRows = 0;
    window.isDirty = false;
  }

  #remember(state: MonitorState): void {
    this.#otherVersions -= state.otherVersions - this.#state.otherVersions;
    this.#state = state;
  }

  #keep(answers: WaitingAnswers): void {
    this.#answers.push(answers);
    this.#answeredRows += answers.answers.length;
    // More than this is not kept once it is stored; while it cannot be stored, memory has the same bound.
    while (this.#answeredRows > this.#config.keep_predictions)
      this.#answeredRows -= this.#answers.shift()!.answers.length;
  }
}

interface JudgeOptions {
  /** Whether the window ends. */
  readonly closes: boolean;
  /** Whether the losses since the last verdict are judged, however few. */
  readonly withLosses: boolean;
  /** Nobody hears of it. */
  readonly silent?: boolean;
}
