// Replays of stored bars: in lockstep through every engine, or paced onto the live stream.
import { type LockstepOptions, runLockstep } from '../../src/bus/coordinator.ts';
import type { EngineWatch } from '../../src/bus/presence.ts';
import { topics } from '../../src/bus/topics.ts';
import {
  ConflictError,
  DependencyUnavailableError,
  InvalidOptionError,
  NautilusError,
  NotFoundError,
} from '../../src/core/errors.ts';
import { newId } from '../../src/core/ids.ts';
import type { EngineContext } from '../../src/http/engine.ts';
import type { BarHistory } from './history/bars.ts';
import type { LiveFeed } from './live-feed.ts';
import { OutcomeCollector } from './outcome.ts';
import { checkRange } from './replay/find-source.ts';
import { KEPT, type ReplayStore } from './replay/replay-store.ts';
import { readBars, tellBars } from './replay-bars.ts';
import { describe, type Run, specOf } from './replay-run.ts';
import type { ReplayReply, ReplayRequest } from './schemas.ts';

/** The engine whose ledger is a part of the result. */
const LEDGER = 'portfolio';

/** Replays of another sort, of which none may run at the same time. */
export interface OtherReplays {
  /** Id of the one that runs. */
  readonly active: string | undefined;
  idle(): Promise<void>;
}

export interface ReplaysParts {
  readonly context: EngineContext;
  readonly bars: () => Promise<BarHistory>;
  readonly feed: LiveFeed;
  readonly watch: EngineWatch;
  readonly other: OtherReplays;
  readonly store: ReplayStore<ReplayReply>;
  /** Whether records of a symbol come live. */
  readonly isLive: (symbol: string) => boolean;
}

/** Starts, follows and cancels replays. One runs at a time, since it moves every engine. */
export class Replays {
  readonly #runs = new Map<string, Run>();
  #active: Run | undefined;

  readonly #parts: ReplaysParts;

  constructor(parts: ReplaysParts) {
    this.#parts = parts;
  }

  /** Reads the replays of earlier processes. */
  async load(): Promise<void> {
    await this.#parts.store.load();
  }

  /** Whether the replay that runs tells of a symbol among what comes live. */
  tells(symbol: string): boolean {
    const request = this.#active?.request;
    return request?.mode === 'paced' && request.symbol === symbol;
  }

  /**
   * Starts a replay and resolves when every engine is ready for it. Throws what an engine refuses it with, NotFoundError for a symbol without stored bars, ConflictError while another replay runs or
   * when the symbol is live, DependencyUnavailableError when an engine that is asked for is not alive, InvalidOptionError for engines without that of the ledger.
   */
  async start(request: ReplayRequest, intervalUs: number): Promise<ReplayReply> {
    checkRange(request);
    const { feed, other, bars, isLive, store } = this.#parts;
    const running = this.active ?? other.active;
    if (running !== undefined)
      throw new ConflictError(`Replay ${running} is running: wait for its end or cancel it`);
    if (feed.history(request.symbol))
      throw new ConflictError('A symbol of the simulated market cannot be replayed');
    // Messages of a session are apart from live ones; bars at a pace are not.
    if (request.mode === 'paced' && isLive(request.symbol))
      throw new ConflictError(
        `Expected a symbol that does not come live for a replay, was ${request.symbol}: delete its subscriptions first`,
      );
    const history = await bars();
    const { symbol, from_us: fromUs, to_us: toUs } = request;
    // Chosen once: an import meanwhile must not change whose bars they are.
    const source = request.source ?? (await history.sourceOf(symbol, intervalUs));
    const total = await history.count({ symbol, intervalUs, source, fromUs, toUs });
    if (total === 0)
      throw new NotFoundError('No stored bars of this symbol in this range: import some first');
    if (this.busy) throw new ConflictError('Another replay has just started: wait for its end or cancel it');
    const participants = request.mode === 'lockstep' ? this.#participants(request) : [];
    const run: Run = {
      id: newId(),
      request,
      intervalUs,
      source,
      total,
      abort: new AbortController(),
      startedMs: performance.now(),
      state: 'running',
      done: 0,
      endedMs: undefined,
      result: null,
      error: null,
      refused: undefined,
      finished: Promise.resolve(),
    };
    this.#remember(run);
    this.#active = run;
    const opened = Promise.withResolvers<void>();
    run.finished = this.#run(run, history, participants, opened.resolve);
    await Promise.race([opened.promise, run.finished]);
    if (run.refused) {
      this.#runs.delete(run.id);
      throw run.refused;
    }
    const over = run.finished;
    const begun = store.begin(() => describe(run));
    run.finished = begun.then(
      (stored) => over.then(stored),
      () => over,
    );
    try {
      await begun;
    } catch (error) {
      await this.cancel(run.id);
      this.#runs.delete(run.id);
      throw error;
    }
    return describe(run);
  }

  get(id: string): ReplayReply {
    const run = this.#runs.get(id);
    return run ? describe(run) : this.#parts.store.pastOf(id);
  }

  list(): ReplayReply[] {
    return [...[...this.#runs.values()].reverse().map(describe), ...this.#parts.store.past].slice(0, KEPT);
  }

  /** Cancels a running replay and resolves when it has stopped; a finished one stays as it is. */
  async cancel(id: string): Promise<ReplayReply> {
    const run = this.#runs.get(id);
    if (!run) return this.#parts.store.pastOf(id);
    run.abort.abort();
    await run.finished;
    return describe(run);
  }

  /** Id of the replay that runs. */
  get active(): string | undefined {
    return this.#active?.id;
  }

  /** Whether one runs, of whatever sort. */
  get busy(): boolean {
    return this.#active !== undefined || this.#parts.other.active !== undefined;
  }

  /** Resolves when none runs, of whatever sort. */
  async idle(): Promise<void> {
    while (this.busy) {
      await this.#active?.finished;
      await this.#parts.other.idle();
    }
  }

  /** Resolves when a replay has ended, however it did. */
  async ended(id: string): Promise<ReplayReply> {
    await this.#runs.get(id)?.finished;
    return this.get(id);
  }

  async stop(): Promise<void> {
    this.#active?.abort.abort();
    // One that has ended may not be stored yet.
    await Promise.all([...this.#runs.values()].map(({ finished }) => finished));
  }

  #participants({ engines }: ReplayRequest): string[] {
    const { watch, context } = this.#parts;
    const alive = watch
      .alive()
      .filter((p) => p.lockstep)
      .map((p) => p.engine);
    const wanted = engines?.filter((e) => e !== context.bus.source) ?? alive;
    // Nobody else knows the ledger, which is a part of the result.
    const needed = engines ? wanted : [...wanted, LEDGER];
    const missing = needed.filter((e) => !alive.includes(e));
    if (missing.length > 0) {
      throw new DependencyUnavailableError(
        `Expected running engines for the replay: ${missing.join(', ')} missing`,
      );
    }
    if (!wanted.includes(LEDGER)) {
      const expected = `a list with ${LEDGER} (its ledger is a part of the result)`;
      throw new InvalidOptionError(`Expected ${expected} for /engines`, [{ pointer: '/engines', expected }]);
    }
    return [context.bus.source, ...wanted];
  }

  async #run(run: Run, store: BarHistory, participants: string[], onOpen: () => void): Promise<void> {
    let open = false;
    const opened = () => {
      open = true;
      onOpen();
    };
    try {
      if (run.request.mode === 'lockstep') await this.#lockstep(run, store, participants, opened);
      else {
        opened();
        await tellBars(this.#parts.context, store, run);
      }
      run.state = run.abort.signal.aborted ? 'cancelled' : 'done';
    } catch (error) {
      run.state = run.abort.signal.aborted ? 'cancelled' : 'failed';
      const known = error instanceof NautilusError && error.slug !== 'internal';
      if (!open) run.refused = error;
      run.error = known
        ? { type: `/problems/${error.slug}`, detail: error.message }
        : { type: '/problems/internal', detail: 'An internal error occurred; it is in the log' };
      if (!known) this.#parts.context.log.error({ err: error, replay: run.id }, 'replay failed');
    } finally {
      run.endedMs = performance.now();
      this.#active = undefined;
    }
  }

  async #lockstep(run: Run, store: BarHistory, participants: string[], onOpen: () => void): Promise<void> {
    const { context, feed } = this.#parts;
    const { bus } = context;
    const spec = specOf(run, participants);
    const collector = new OutcomeCollector(spec);
    const options: LockstepOptions = {
      barrierEvents: run.request.barrier_bars,
      inFlight: run.request.in_flight,
      timeoutMs: run.request.timeout_ms,
      signal: run.abort.signal,
      onOpen,
      onProgress: (done) => {
        run.done = done;
      },
    };
    await collector.listen(bus);
    feed.pause();
    try {
      const outcome = await runLockstep(bus, spec, topics.marketLiveData, readBars(store, run), options);
      run.result = collector.result(outcome);
    } finally {
      feed.resume();
      await collector.end();
    }
  }

  #remember(run: Run): void {
    this.#runs.set(run.id, run);
    const oldest = this.#runs.keys().next().value;
    if (this.#runs.size > KEPT && oldest !== undefined) this.#runs.delete(oldest);
  }
}
