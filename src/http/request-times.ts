// The histogram of request times: counted in arrays here, told to Prometheus when it scrapes.
import type { Metric, Registry } from 'prom-client';
import type { Replies } from './service-watch.ts';

const NAME = 'nautilus_http_request_seconds';
const HELP = 'Time from the arrival of a request to its reply';
const BOUNDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1, 5] as const;

interface Series {
  readonly labels: { readonly method: string; readonly route: string; readonly status: number };
  /** Requests up to each bound and above the bound before it; the last counts those above all bounds. */
  readonly counts: Float64Array;
  sum: number;
}

/**
 * Seconds from the arrival of a request to its reply, by method, route and status. The library's own histogram sorts and
 * joins the labels of every observation, which costs more than answering a small request.
 */
export class RequestTimes {
  readonly #byRoute = new Map<string, Map<string, Map<number, Series>>>();

  constructor(registry: Registry) {
    // The registry asks for no more than these fields, though its type names the library's own classes.
    const metric = { name: NAME, help: HELP, get: () => this.#get() };
    registry.registerMetric(metric as unknown as Metric);
  }

  /** Records one answered request. `route` is the pattern, never the path, so that labels stay few. */
  observe(method: string, route: string, status: number, seconds: number): void {
    const series = this.#byRoute.get(route)?.get(method)?.get(status) ?? this.#add(method, route, status);
    let bucket = 0;
    while (bucket < BOUNDS.length && seconds > BOUNDS[bucket]!) bucket++;
    series.counts[bucket]!++;
    series.sum += seconds;
  }

  /** Requests since the start, those among them that were answered with 500 or above, and the seconds of all. */
  totals(): Replies {
    const sums = { requests: 0, errors: 0, seconds: 0 };
    for (const { labels, counts, sum: seconds } of this.#all()) {
      const count = counts.reduce((sum, n) => sum + n, 0);
      sums.requests += count;
      sums.seconds += seconds;
      if (labels.status >= 500) sums.errors += count;
    }
    return sums;
  }

  #add(method: string, route: string, status: number): Series {
    const series = { labels: { method, route, status }, counts: new Float64Array(BOUNDS.length + 1), sum: 0 };
    const byMethod = this.#byRoute.get(route) ?? new Map<string, Map<number, Series>>();
    const byStatus = byMethod.get(method) ?? new Map<number, Series>();
    this.#byRoute.set(route, byMethod.set(method, byStatus.set(status, series)));
    return series;
  }

  #get() {
    return { name: NAME, help: HELP, type: 'histogram', values: this.#all().flatMap(samplesOf) };
  }

  #all(): Series[] {
    return [...this.#byRoute.values()].flatMap((byMethod) =>
      [...byMethod.values()].flatMap((byStatus) => [...byStatus.values()]),
    );
  }
}

/** Buckets are cumulative in the text format of Prometheus. */
function samplesOf({ labels, counts, sum }: Series) {
  let total = 0;
  const buckets = Array.from(counts, (count, i) => {
    total += count;
    return { metricName: `${NAME}_bucket`, labels: { ...labels, le: BOUNDS[i] ?? '+Inf' }, value: total };
  });
  return [
    ...buckets,
    { metricName: `${NAME}_sum`, labels, value: sum },
    { metricName: `${NAME}_count`, labels, value: total },
  ];
}
