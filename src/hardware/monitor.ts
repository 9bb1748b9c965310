// Shares samples among those who ask: nobody makes the machine be read more often than the interval says.
import type { MachinePart, Sample, Sampler } from './sampler.ts';

/** Long enough for twenty ticks of the kernel's clock, short enough for somebody who waits. */
const SHORT_MS = 200;

export interface MonitorOptions {
  /** Makes the sampler, when it is first needed. */
  readonly sampler: () => Promise<Sampler>;
  readonly intervalMs: number;
  readonly nowUs: () => number;
  /** What another process on this machine read last. */
  readonly shared?: () => MachinePart | undefined;
}

/** Takes samples at most once in an interval. */
export class Monitor {
  readonly #options: MonitorOptions;
  #sampler: Sampler | undefined;
  #pending: Promise<Sample> | undefined;
  #last: Sample | undefined;

  constructor(options: MonitorOptions) {
    this.#options = options;
  }

  /** The last sample; undefined before the first. */
  get last(): Sample | undefined {
    return this.#last;
  }

  /** Returns the last sample when it is younger than the interval, else a new one. */
  read(): Promise<Sample> {
    const { intervalMs, nowUs } = this.#options;
    const last = this.#last;
    if (last && nowUs() - last.sampled_at_us < intervalMs * 1000) return Promise.resolve(last);
    return this.take();
  }

  /** Takes a new sample; those who ask meanwhile get the same. */
  take(): Promise<Sample> {
    this.#pending ??= this.#take().finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  // A difference over a long time would tell of the past: after one, a short interval of its own is measured.
  async #take(): Promise<Sample> {
    const { intervalMs, nowUs, shared } = this.#options;
    const first = this.#sampler === undefined;
    this.#sampler ??= await this.#options.sampler();
    const sampler = this.#sampler;
    if (first || sampler.age > 2 * intervalMs) {
      sampler.begin();
      await Bun.sleep(SHORT_MS);
    }
    const part = shared?.();
    const fresh = part && nowUs() - part.read_at_us < intervalMs * 1000 ? part : undefined;
    this.#last = await sampler.sample(fresh);
    return this.#last;
  }
}
