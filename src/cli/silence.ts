// How long a process has been silent, in seconds of its supervisor.

/** After how many seconds silence is too long; 0 = never. */
export interface SilenceLimits {
  readonly runningS: number;
  /** Between the start of a process and its first word. */
  readonly startingS: number;
}

/**
 * Counts the supervisor's own ticks, one a second, rather than time: a machine that slept, or a supervisor that was paused or
 * busy, must not take its own absence for the silence of others.
 */
export class Silence {
  readonly #limits: SilenceLimits;
  #ticks = 0;

  constructor(limits: SilenceLimits) {
    this.#limits = limits;
  }

  /** The process has said something, or was just started. */
  heard(): void {
    this.#ticks = 0;
  }

  /** Counts a second; returns how many seconds it has been silent when that is too long, once for each silence, else null. */
  tick(running: boolean): number | null {
    const limit = running ? this.#limits.runningS : this.#limits.startingS;
    this.#ticks++;
    // The first tick may come just after the last word.
    return limit > 0 && this.#ticks === limit + 1 ? limit : null;
  }
}
