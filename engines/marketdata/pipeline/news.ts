// Bodies of the news about sources: what is told when their records come late, their clocks are off, or two of them differ.
import type { DivergenceView } from './arbitration.ts';
import type { Latencies } from './latency.ts';
import type { Publisher } from './publisher.ts';

type News = Parameters<Publisher['news']>[0];

/** Returns the body of a piece of news; what it does not say is null. */
export function news(body: Pick<News, 'source' | 'event' | 'state'> & Partial<News>): News {
  return { symbol: null, kind: null, previous: null, reason: null, value: null, threshold: null, ...body };
}

/** Returns that two sources of a symbol differ, or agree again. */
export function divergenceNews(view: DivergenceView): News {
  const { symbol, stream, source, against, state, last_bps, threshold_bps } = view;
  return news({
    source,
    event: 'divergence',
    symbol,
    kind: stream,
    state,
    previous: state === 'diverges' ? 'agrees' : 'diverges',
    reason: `against ${against}`,
    value: last_bps,
    threshold: threshold_bps,
  });
}

/** What changed with lateness and clocks of sources. */
export class LatenessNews {
  readonly #latencies: Latencies;
  readonly #late = new Set<string>();
  readonly #clocks = new Map<string, string>();

  constructor(latencies: Latencies) {
    this.#latencies = latencies;
  }

  /** Returns what is another than at the call before. */
  since(nowUs: number): News[] {
    const told: News[] = [];
    for (const report of this.#latencies.report(nowUs)) {
      const { source, late, clock } = report;
      if (late !== this.#late.has(source)) {
        if (late) this.#late.add(source);
        else this.#late.delete(source);
        const by = clock.state === 'agrees' ? report.venue_to_receive : report.above_fastest;
        const worst = Math.max(by.p99_us ?? 0, report.receive_to_publish.p99_us ?? 0);
        told.push(
          news({
            source,
            event: 'latency',
            state: late ? 'late' : 'in_time',
            previous: late ? 'in_time' : 'late',
            reason: '99th percentile of the last minute in milliseconds',
            value: worst / 1000,
            threshold: this.#latencies.boundUs / 1000,
          }),
        );
      }
      const known = this.#clocks.get(source) ?? 'agrees';
      if (clock.state === 'unknown' || clock.state === known) continue;
      this.#clocks.set(source, clock.state);
      told.push(
        news({
          source,
          event: 'clock',
          state: clock.state,
          previous: known,
          reason: 'least of receive time and venue time in the last minute, in milliseconds',
          value: (clock.offset_us ?? 0) / 1000,
        }),
      );
    }
    return told;
  }
}
