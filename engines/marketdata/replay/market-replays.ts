// Replays of recordings onto the topics of live data: started, followed, moved, ended. One ends with its engine, which says so afterwards.
import type { Bus } from '../../../src/bus/client.ts';
import type { Clock } from '../../../src/core/clock.ts';
import { ConflictError, NautilusError } from '../../../src/core/errors.ts';
import { newId } from '../../../src/core/ids.ts';
import type { Log } from '../../../src/core/log.ts';
import type { Timers } from '../../../src/core/timers.ts';
import type { MarketRecord } from '../../../src/market/records.ts';
import { Publisher } from '../pipeline/publisher.ts';
import { ReplayOutput, tellGone } from './output.ts';
import { Player } from './player.ts';
import { KEPT, type ReplayStore } from './replay-store.ts';
import type { PacedReply, PacedRequest, ReplayChange } from './schemas.ts';
import { Selection } from './selection.ts';
import type { ReplaySource } from './source.ts';

export interface MarketReplayParts {
  readonly bus: Bus;
  readonly store: ReplayStore<PacedReply>;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  /** Finds what a request wants to replay. Throws NotFoundError, InvalidOptionError. */
  readonly sourceOf: (request: PacedRequest) => Promise<ReplaySource>;
  /** Whether records of a symbol come live. */
  readonly isLive: (symbol: string) => boolean;
  /** Id of a replay of another sort that runs. */
  readonly other: () => string | undefined;
}

interface Run {
  readonly id: string;
  readonly request: PacedRequest;
  readonly player: Player;
  readonly output: ReplayOutput;
  readonly publisher: Publisher;
  readonly selection: Selection;
  readonly source: ReplaySource;
  readonly startedUs: number;
  readonly disconnected: number;
  endedUs: number | undefined;
  error: PacedReply['error'];
  finished: Promise<void>;
}

/** Runs one replay at a time: two would mix their records on the same topics. */
export class MarketReplays {
  readonly #parts: MarketReplayParts;
  readonly #runs = new Map<string, Run>();
  #active: Run | undefined;

  constructor(parts: MarketReplayParts) {
    this.#parts = parts;
  }

  /** Reads the replays of earlier processes. The books of one that was ended with its engine are told to be gone, so that nobody takes them for current ones. */
  async load(): Promise<void> {
    const interrupted = await this.#parts.store.load();
    const { bus, clock } = this.#parts;
    const symbols = interrupted.flatMap(({ books }) => Object.keys(books));
    tellGone(new Publisher({ bus }), symbols, clock.nowUs());
  }

  /** Id of the replay that runs. */
  get active(): string | undefined {
    return this.#active?.id;
  }

  /** Whether the replay that runs tells of a symbol. */
  tells(symbol: string): boolean {
    return this.#active?.selection.has(symbol) ?? false;
  }

  /** Starts a replay. Throws ConflictError while another runs or when a symbol of it comes live, NotFoundError, InvalidOptionError. */
  async start(request: PacedRequest): Promise<PacedReply> {
    this.#refuseSecond();
    for (const symbol of request.symbols ?? []) this.#refuseLive(symbol);
    const source = await this.#parts.sourceOf(request);
    this.#refuseSecond();
    const { bus, clock, timers, log } = this.#parts;
    const selection = new Selection(request, (symbol) => this.#refuseLive(symbol));
    const publisher = new Publisher({
      bus,
      onRefused: (topic, records, err) =>
        log.warn({ err, topic, records }, 'records of a replay cannot be published'),
    });
    // Flags of a record depend on those before it, which a seek in the history passes over: what was judged stays so.
    const makeGate = source.judged ? () => ({ check: (record: MarketRecord) => record.flags }) : undefined;
    const output = new ReplayOutput({ publisher, makeGate });
    const player = new Player({
      source,
      output,
      clock,
      timers,
      fromUs: request.from_us ?? null,
      toUs: request.to_us ?? null,
      speed: request.speed === 'max' ? null : request.speed,
      paused: request.paused,
      use: (record) => selection.use(record),
    });
    const run: Run = {
      id: newId(),
      request,
      player,
      output,
      publisher,
      selection,
      source,
      startedUs: clock.nowUs(),
      disconnected: bus.stats().dropped_disconnected,
      endedUs: undefined,
      error: null,
      finished: Promise.resolve(),
    };
    this.#remember(run);
    this.#active = run;
    const begun = this.#parts.store.begin(() => this.#describe(run));
    // Whoever cancels it or waits for its end may come before it is stored.
    run.finished = begun.then(
      (stored) => this.#run(run, stored),
      () => {
        this.#runs.delete(run.id);
        this.#active = undefined;
      },
    );
    await begun;
    return this.#describe(run);
  }

  /** Undefined where there is none of this id. */
  find(id: string): PacedReply | undefined {
    const run = this.#runs.get(id);
    return run ? this.#describe(run) : this.#parts.store.past.find((reply) => reply.replay_id === id);
  }

  list(): PacedReply[] {
    const own = [...this.#runs.values()].reverse().map((run) => this.#describe(run));
    return [...own, ...this.#parts.store.past].slice(0, KEPT);
  }

  /** Moves, stops or goes on. Throws NotFoundError, ConflictError for one that has ended. */
  change(id: string, { seek_us, speed, paused }: ReplayChange): PacedReply {
    const run = this.#runs.get(id);
    if (!run) this.#parts.store.pastOf(id);
    if (!run || run.player.isOver) throw new ConflictError('The replay has ended: start another');
    const { player } = run;
    if (speed !== undefined) player.setSpeed(speed === 'max' ? null : speed);
    if (paused !== undefined) {
      if (paused) player.pause();
      else player.resume();
    }
    if (seek_us !== undefined) player.seek(seek_us);
    return this.#describe(run);
  }

  /** Ends a replay and resolves when it has stopped; one that has ended stays as it is. Throws NotFoundError. */
  async cancel(id: string): Promise<PacedReply> {
    const run = this.#runs.get(id);
    if (!run) return this.#parts.store.pastOf(id);
    if (!run.player.isOver) run.player.cancel();
    await run.finished;
    return this.#describe(run);
  }

  /** Resolves when none runs. */
  async idle(): Promise<void> {
    while (this.#active) await this.#active.finished;
  }

  async stop(): Promise<void> {
    this.#active?.player.cancel();
    await this.#active?.finished;
  }

  async #run(run: Run, stored: () => Promise<void>): Promise<void> {
    try {
      await run.player.run();
    } catch (error) {
      const known = error instanceof NautilusError && error.slug !== 'internal';
      run.error = known
        ? { type: `/problems/${error.slug}`, detail: error.message }
        : { type: '/problems/internal', detail: 'An internal error occurred; it is in the log' };
      if (!known) this.#parts.log.error({ err: error, replay: run.id }, 'replay failed');
    } finally {
      run.endedUs = this.#parts.clock.nowUs();
      await stored();
      this.#active = undefined;
    }
  }

  #refuseSecond(): void {
    const id = this.#active?.id ?? this.#parts.other();
    if (id !== undefined) throw new ConflictError(`Replay ${id} is running: wait for its end or cancel it`);
  }

  #refuseLive(symbol: string): void {
    if (this.#parts.isLive(symbol))
      throw new ConflictError(
        `Expected symbols that do not come live for a replay, was ${symbol}: it is of the simulated market, or has subscriptions to be deleted first`,
      );
  }

  #remember(run: Run): void {
    this.#runs.set(run.id, run);
    const oldest = this.#runs.keys().next().value;
    if (this.#runs.size > KEPT && oldest !== undefined) this.#runs.delete(oldest);
  }

  #describe(run: Run): PacedReply {
    const { player, output, selection, request } = run;
    const { bus, clock } = this.#parts;
    return {
      replay_id: run.id,
      mode: 'paced',
      state: player.state,
      capture: request.capture ?? null,
      symbols: selection.symbols(),
      kinds: request.kinds ?? null,
      speed: player.speed ?? 'max',
      from_us: request.from_us ?? null,
      to_us: request.to_us ?? null,
      position_us: player.positionUs,
      lag_ms: rounded(player.lagMs),
      max_lag_ms: rounded(player.maxLagMs),
      published: { ...output.byKind },
      records: {
        ...output.counts,
        left: player.left,
        other_source: selection.otherSource,
        unpublishable: run.publisher.counts.refused,
        not_connected: bus.stats().dropped_disconnected - run.disconnected,
      },
      unreadable: { ...run.source.unreadable() },
      books: output.books(),
      elapsed_s: rounded(((run.endedUs ?? clock.nowUs()) - run.startedUs) / 1e6),
      progress_url: `/replay/${run.id}`,
      error: run.error,
    };
  }
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
