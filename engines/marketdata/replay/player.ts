// Plays a recording at market time: at a speed, as fast as possible, paused, from any place.
import type { Clock } from '../../../src/core/clock.ts';
import type { Timers } from '../../../src/core/timers.ts';
import type { MarketRecord } from '../../../src/market/records.ts';
import { MarketClock } from './market-clock.ts';
import type { ReplayOutput } from './output.ts';
import type { ReplaySource } from './source.ts';

export type PlayerState = 'seeking' | 'running' | 'paused' | 'done' | 'failed' | 'cancelled';

/** What to do with a record: publish it, show it to its book only, or leave it out. */
export type Use = 'publish' | 'book' | 'leave';

export interface PlayerOptions {
  readonly source: ReplaySource;
  readonly output: ReplayOutput;
  readonly clock: Clock;
  readonly timers: Timers;
  /** First and last time, inclusive; null: all there is. */
  readonly fromUs: number | null;
  readonly toUs: number | null;
  /** Market seconds in one second; null: as fast as possible. */
  readonly speed: number | null;
  readonly paused: boolean;
  /** Says what to do with a record; throws to end the replay. */
  readonly use: (record: MarketRecord) => Use;
}

/** Records between two turns of the event loop, so that requests are answered at any speed. */
const RECORDS_PER_TURN = 256;
/** Longest timer; what is due later is looked at again then. */
const LONGEST_WAIT_MS = 60_000;

/** One replay from its start to its end. */
export class Player {
  /** Records left out because nobody asked for them. */
  left = 0;
  /** Most that a record was late, in milliseconds. */
  maxLagMs = 0;
  readonly #options: PlayerOptions;
  readonly #market: MarketClock;
  #paused: boolean;
  #state: PlayerState = 'seeking';
  #pass = new AbortController();
  // Where to go on, when the pass under way ends for a seek.
  #target: { readonly us: number } | undefined;
  #cancelled = false;
  // Time of the record whose turn is next, and of the last one that had it.
  #nextUs: number | null = null;
  #lastUs: number | null = null;
  #fromUs: number | null;
  #wake: () => void = () => {};

  constructor(options: PlayerOptions) {
    this.#options = options;
    this.#paused = options.paused;
    this.#fromUs = options.fromUs;
    this.#market = new MarketClock(options.clock, options.speed, false);
  }

  get state(): PlayerState {
    return this.#state === 'running' && this.#paused ? 'paused' : this.#state;
  }

  get speed(): number | null {
    return this.#market.speed;
  }

  /** Market time: where it stands; null before the first record is known. Never beyond what was published. */
  get positionUs(): number | null {
    if (this.#state === 'seeking') return this.#target?.us ?? this.#fromUs;
    if (this.#nextUs === null) return this.#lastUs;
    return Math.round(Math.min(this.#market.nowUs(), this.#nextUs));
  }

  /** Time of the last record that had its turn. */
  get lastUs(): number | null {
    return this.#lastUs;
  }

  /** Milliseconds that the next record is late; 0 while the machine keeps up. */
  get lagMs(): number {
    return this.#nextUs === null || !this.#market.running
      ? 0
      : Math.max(0, -this.#market.untilMs(this.#nextUs));
  }

  get isOver(): boolean {
    return this.#state === 'done' || this.#state === 'failed' || this.#state === 'cancelled';
  }

  /** Plays to the end, or until it is cancelled. Throws what the source and `use` throw. */
  async run(): Promise<void> {
    const { output } = this.#options;
    try {
      for (;;) {
        await this.#play(this.#fromUs, this.#pass.signal);
        if (this.#cancelled || !this.#target) break;
        this.#fromUs = this.#target.us;
        this.#target = undefined;
        this.#pass = new AbortController();
        output.reset('seek', this.#fromUs);
      }
      this.#state = this.#cancelled ? 'cancelled' : 'done';
    } catch (error) {
      this.#state = 'failed';
      throw error;
    } finally {
      output.reset('replay ended', this.#lastUs ?? 0);
    }
  }

  pause(): void {
    this.#change(true, this.speed);
  }

  resume(): void {
    this.#change(false, this.speed);
  }

  setSpeed(speed: number | null): void {
    this.#change(this.#paused, speed);
  }

  /** Goes to another place: what is before it rebuilds the books without being published. */
  seek(us: number): void {
    if (this.isOver) return;
    this.#target = { us };
    this.#state = 'seeking';
    this.#pass.abort();
    this.#wake();
  }

  cancel(): void {
    this.#cancelled = true;
    this.#pass.abort();
    this.#wake();
  }

  #change(paused: boolean, speed: number | null): void {
    if (this.isOver) return;
    // What it is behind by is given up: it goes on from the place where it is.
    const positionUs = this.positionUs ?? 0;
    this.#paused = paused;
    // A pass that has not come to its place yet starts the time there itself.
    this.#market.set(positionUs, { speed, running: this.#state === 'running' && !paused });
    this.#wake();
  }

  async #play(fromUs: number | null, signal: AbortSignal): Promise<void> {
    const { source, output, use, toUs } = this.#options;
    this.#state = 'seeking';
    this.#nextUs = null;
    this.#lastUs = null;
    this.#market.set(fromUs ?? 0, { running: false });
    let inTurn = 0;
    let timeUs = Number.NEGATIVE_INFINITY;
    for await (const batch of source.read(fromUs, signal)) {
      if (signal.aborted) return;
      for (const record of batch) {
        // Clocks of venues go back at times; the order of the recording is what counts.
        timeUs = Math.max(timeUs, source.timeOf(record));
        if (toUs !== null && timeUs > toUs) {
          if (this.#state === 'seeking') this.#arrive(fromUs ?? toUs);
          return;
        }
        const what = use(record);
        if (fromUs !== null && timeUs < fromUs) {
          if (what !== 'leave') output.rebuild(record, timeUs);
        } else {
          if (this.#state === 'seeking') this.#arrive(fromUs ?? timeUs);
          if (what === 'leave') {
            this.left++;
            continue;
          }
          this.#nextUs = timeUs;
          if (!this.#isDue(timeUs)) {
            await this.#until(timeUs, signal);
            inTurn = 0;
          }
          if (signal.aborted) return;
          this.maxLagMs = Math.max(this.maxLagMs, this.lagMs);
          output.take(record, timeUs, what === 'book');
          this.#lastUs = timeUs;
        }
        if (++inTurn < RECORDS_PER_TURN) continue;
        inTurn = 0;
        await this.#turn();
        if (signal.aborted) return;
      }
    }
    // A source that was ended on its way has not come to the place.
    if (signal.aborted) return;
    if (this.#state === 'seeking') this.#arrive(fromUs ?? 0);
    this.#nextUs = null;
  }

  #arrive(us: number): void {
    this.#state = 'running';
    this.#lastUs = us;
    this.#market.set(us, { running: !this.#paused });
    this.#options.output.tellBooks();
  }

  #isDue(timeUs: number): boolean {
    return this.#market.running && this.#market.untilMs(timeUs) <= 0;
  }

  async #until(timeUs: number, signal: AbortSignal): Promise<void> {
    const { output, timers } = this.#options;
    // What had its turn goes out before the wait.
    output.flush();
    while (!this.#isDue(timeUs) && !signal.aborted) {
      const ms = this.#market.running ? this.#market.untilMs(timeUs) : Number.POSITIVE_INFINITY;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      // Whole milliseconds, as timers have them: what is due within one goes out together.
      const stop = Number.isFinite(ms)
        ? timers.after(Math.min(Math.ceil(ms), LONGEST_WAIT_MS), resolve)
        : () => {};
      await promise;
      stop();
    }
    this.#wake = () => {};
  }

  async #turn(): Promise<void> {
    this.#options.output.flush();
    await new Promise((resolve) => setImmediate(resolve));
  }
}
