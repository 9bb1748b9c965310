// Watches how an engine serves: its replies between two looks, and the share of the time in which it takes work.
import type { ServiceLevel } from '../hardware/index.ts';
import { Gauge, type Registry } from './prom.ts';

/** Replies since the start of the process. */
export interface Replies {
  readonly requests: number;
  /** Those of them that were answered with 500 or above. */
  readonly errors: number;
  /** Seconds that they took together. */
  readonly seconds: number;
}

export interface ServiceWatchOptions {
  /** Returns the replies so far; null where they are not counted. */
  readonly replies: () => Replies | null;
  /** Looks are at least so far apart. */
  readonly intervalMs: number;
  /** Milliseconds on a clock that never goes back. */
  readonly nowMs: () => number;
}

const NONE: Replies = { requests: 0, errors: 0, seconds: 0 };

/** Makes figures of counters. */
export class ServiceWatch {
  readonly #options: ServiceWatchOptions;
  #seen = NONE;
  #lookedMs: number;
  #last: ServiceLevel | undefined;
  #notedMs: number | null = null;
  #upMs = 0;
  #knownMs = 0;
  #isUp = false;

  constructor(options: ServiceWatchOptions) {
    this.#options = options;
    this.#lookedMs = options.nowMs();
  }

  /** Takes down whether the engine takes work. The time since the last note counts as the answer was then; what comes before it was first ready does not. */
  note(isUp: boolean): void {
    const now = this.#options.nowMs();
    if (this.#notedMs === null && !isUp) return;
    const passed = this.#notedMs === null ? 0 : now - this.#notedMs;
    this.#knownMs += passed;
    if (this.#isUp) this.#upMs += passed;
    this.#notedMs = now;
    this.#isUp = isUp;
  }

  /** Returns the figures since the last look, or those of that look when it is younger than the interval. */
  read(): ServiceLevel {
    const now = this.#options.nowMs();
    if (this.#last && now - this.#lookedMs < this.#options.intervalMs) return this.#last;
    return this.look();
  }

  /** Returns the figures since the last look. */
  look(): ServiceLevel {
    const now = this.#options.nowMs();
    const replies = this.#options.replies();
    const windowS = (now - this.#lookedMs) / 1000;
    const { requests, errors, seconds } = minus(replies ?? NONE, this.#seen);
    this.#seen = replies ?? NONE;
    this.#lookedMs = now;
    const per = (value: number, of: number) => (replies && of > 0 ? value / of : null);
    const figures = {
      response_time_ms: per(seconds * 1000, requests),
      throughput_rps: per(requests, windowS),
      error_rate: per(errors, requests),
      availability: this.#availability(),
    };
    const why = replies ? 'nothing was answered since the look before' : 'METRICS_ENABLED is off';
    this.#last = { ...figures, window_s: windowS, reasons: reasonsOf(figures, why) };
    return this.#last;
  }

  #availability(): number | null {
    if (this.#notedMs === null) return null;
    return this.#knownMs === 0 ? 1 : this.#upMs / this.#knownMs;
  }
}

function reasonsOf(figures: Readonly<Record<string, number | null>>, why: string): Record<string, string> {
  const absent = Object.entries(figures).filter(([, value]) => value === null);
  return Object.fromEntries(absent.map(([name]) => [name, name === 'availability' ? 'not ready yet' : why]));
}

function minus(now: Replies, before: Replies): Replies {
  return {
    requests: now.requests - before.requests,
    errors: now.errors - before.errors,
    seconds: now.seconds - before.seconds,
  };
}

const GAUGES = [
  [
    'nautilus_service_response_seconds',
    'Mean time from a request to its reply, between two looks',
    'response_time_ms',
    1e-3,
  ],
  ['nautilus_service_requests_per_second', 'Replies a second, between two looks', 'throughput_rps', 1],
  [
    'nautilus_service_error_ratio',
    'Share of the replies that were 500 or above, between two looks',
    'error_rate',
    1,
  ],
  [
    'nautilus_service_availability_ratio',
    'Share of the seconds since the engine was first ready in which it took work',
    'availability',
    1,
  ],
] as const;

/** Adds the figures to `registry`; what is not known has no sample. */
export function registerService(registry: Registry, watch: Pick<ServiceWatch, 'read'>): void {
  for (const [name, help, field, factor] of GAUGES) {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.remove();
        const value = watch.read()[field];
        if (value !== null) this.set(value * factor);
      },
    });
  }
}
