// The live feed of the simulated market: a bar of each instrument at a fixed pace, with a bounded memory of the past.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '../../src/core/clock.ts';
import type { Bar } from '../../src/market/bar.ts';
import { INSTRUMENTS, SimulatedMarket, type SimulatedState, simulatedState } from './simulated.ts';

/** Bars kept for each simulated instrument; they are not stored on disk. */
export const SIMULATED_HISTORY = 3600;

export interface LiveFeedOptions {
  readonly seed: number;
  readonly intervalMs: number;
  /** File that remembers where the market stands. */
  readonly statePath: string;
  /** Told when the file cannot be written; the market goes on, and tries again later. */
  readonly onSaveFailed: (error: unknown) => void;
}

const SAVE_MS = 5000;

/** Tells the bars of the simulated market until it is stopped; it stands still during a lockstep replay. */
export class LiveFeed {
  readonly #clock: Clock;
  readonly #market: SimulatedMarket;
  readonly #intervalMs: number;
  readonly #statePath: string;
  readonly #onSaveFailed: (error: unknown) => void;
  #savedMs = 0;
  readonly #history = new Map<string, Bar[]>(INSTRUMENTS.map((i) => [i.symbol, []]));
  #timer: ReturnType<typeof setInterval> | undefined;
  #paused = false;

  #listener: (bars: readonly Bar[]) => void = () => {};

  constructor(clock: Clock, options: LiveFeedOptions) {
    this.#clock = clock;
    this.#intervalMs = options.intervalMs;
    this.#statePath = options.statePath;
    this.#onSaveFailed = options.onSaveFailed;
    this.#market = new SimulatedMarket(options.seed, options.intervalMs * 1000);
    const saved = readState(options.statePath);
    if (saved) this.#market.restore(saved);
  }

  get running(): boolean {
    return this.#timer !== undefined && !this.#paused;
  }

  get intervalUs(): number {
    return this.#intervalMs * 1000;
  }

  /** Calls `listener`, and nobody else, with the bars of each step from now on. */
  listen(listener: (bars: readonly Bar[]) => void): void {
    this.#listener = listener;
  }

  start(): void {
    mkdirSync(dirname(this.#statePath), { recursive: true });
    this.#timer ??= setInterval(() => this.#tick(), this.#intervalMs);
  }

  stop(): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#save();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
  }

  /** Past bars of a simulated instrument, oldest first; undefined for any other symbol. */
  history(symbol: string): readonly Bar[] | undefined {
    return this.#history.get(symbol);
  }

  #save(): void {
    this.#savedMs = performance.now();
    try {
      writeFileSync(`${this.#statePath}.tmp`, JSON.stringify(this.#market.state));
      renameSync(`${this.#statePath}.tmp`, this.#statePath);
    } catch (error) {
      this.#onSaveFailed(error);
    }
  }

  #tick(): void {
    if (this.#paused) return;
    if (performance.now() - this.#savedMs > SAVE_MS) this.#save();
    const step = this.#intervalMs * 1000;
    const tsUs = Math.floor(this.#clock.nowUs() / step) * step;
    const bars = this.#market.next(tsUs);
    for (const bar of bars) {
      const past = this.#history.get(bar.symbol)!;
      // A late timer may fire twice in one interval; time has to move on for every reader.
      if (past.length > 0 && past.at(-1)!.ts_event_us >= tsUs) return;
      past.push(bar);
      if (past.length > SIMULATED_HISTORY) past.shift();
    }
    this.#listener(bars);
  }
}

// A file that is absent, or of another version, starts the market anew.
function readState(path: string): SimulatedState | undefined {
  try {
    return simulatedState.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return undefined;
  }
}
