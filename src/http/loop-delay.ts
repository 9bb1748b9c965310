// How late the event loop is, for readers that look at different times.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { monotonicSeconds } from '../core/clock.ts';

const WINDOW_S = 1;

/** Delay of the event loop in seconds. */
export interface LoopDelayReading {
  readonly mean: number;
  readonly max: number;
}

/** Watches the event loop, which costs a timer of 20 ms. */
export class LoopDelay {
  readonly #histogram = monitorEventLoopDelay({ resolution: 20 });
  #sinceS = monotonicSeconds();
  #last: LoopDelayReading = { mean: 0, max: 0 };

  constructor() {
    this.#histogram.enable();
  }

  /** Mean and maximum since the last look, or the same again when that was less than a second ago. */
  read(): LoopDelayReading {
    const now = monotonicSeconds();
    if (now - this.#sinceS >= WINDOW_S) {
      const { mean, max } = this.#histogram;
      this.#last = Number.isFinite(mean) ? { mean: mean / 1e9, max: max / 1e9 } : { mean: 0, max: 0 };
      this.#histogram.reset();
      this.#sinceS = now;
    }
    return this.#last;
  }
}
