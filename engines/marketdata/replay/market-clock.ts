// Market time of a replay: runs at a speed against a clock, stands still, or jumps.
import type { Clock } from '../../../src/core/clock.ts';

/** Time in the market's own past; stands still until it is set and run. */
export class MarketClock {
  readonly #clock: Clock;
  #speed: number | null;
  #running: boolean;
  #marketUs = 0;
  #wallUs: number;

  /** `speed` is market seconds in one second; null: as fast as possible. */
  constructor(clock: Clock, speed: number | null, running: boolean) {
    this.#clock = clock;
    this.#speed = speed;
    this.#running = running;
    this.#wallUs = clock.nowUs();
  }

  get speed(): number | null {
    return this.#speed;
  }

  get running(): boolean {
    return this.#running;
  }

  /** Market time now; infinite while it runs without a speed. */
  nowUs(): number {
    if (!this.#running) return this.#marketUs;
    if (this.#speed === null) return Number.POSITIVE_INFINITY;
    return this.#marketUs + (this.#clock.nowUs() - this.#wallUs) * this.#speed;
  }

  /** Goes on from `marketUs`, with another speed or stopped where that is said. */
  set(marketUs: number, change: { speed?: number | null; running?: boolean } = {}): void {
    this.#marketUs = marketUs;
    this.#wallUs = this.#clock.nowUs();
    if (change.speed !== undefined) this.#speed = change.speed;
    if (change.running !== undefined) this.#running = change.running;
  }

  /** Milliseconds of the real clock until `marketUs`: 0 when it has come, negative when it is late, infinite while stopped. */
  untilMs(marketUs: number): number {
    if (!this.#running) return marketUs <= this.#marketUs ? 0 : Number.POSITIVE_INFINITY;
    if (this.#speed === null) return 0;
    return (marketUs - this.nowUs()) / this.#speed / 1000;
  }
}
