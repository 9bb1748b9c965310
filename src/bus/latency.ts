// Latencies of one stream of messages, kept exactly and summarised once at the end.

/** Percentiles in microseconds; null when nothing was recorded. */
export interface LatencySummary {
  readonly count: number;
  readonly p50: number | null;
  readonly p99: number | null;
}

/** Collects latencies in microseconds. 8 bytes each: a replay of a million bars costs 8 MB per hop. */
export class LatencyRecorder {
  #values = new Float64Array(1024);
  #count = 0;

  record(us: number): void {
    if (this.#count === this.#values.length) {
      const grown = new Float64Array(this.#count * 2);
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values[this.#count++] = us;
  }

  /** Nearest-rank percentiles of everything recorded. */
  summary(): LatencySummary {
    const n = this.#count;
    if (n === 0) return { count: 0, p50: null, p99: null };
    const sorted = this.#values.slice(0, n).sort();
    const at = (q: number) => Math.round(sorted[Math.min(n - 1, Math.ceil(q * n) - 1)]! * 10) / 10;
    return { count: n, p50: at(0.5), p99: at(0.99) };
  }
}
