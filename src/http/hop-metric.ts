// The histogram of hop latencies as Prometheus reads it; counted by src/bus/hop-times.ts.
import type { Metric, Registry } from 'prom-client';
import type { HopTimes, HopTotals } from '../bus/hop-times.ts';

const NAME = 'nautilus_hop_latency_seconds';
const HELP = 'Time of a message from the hand-over to the bus by its publisher to its arrival at this engine';
// Octaves of microseconds from 8 us to 16.8 s; shorter ones count in the first bucket, longer ones in the last.
const FIRST = 3;
const LAST = 24;

/** Adds `nautilus_hop_latency_seconds`, by publisher (`from`) and topic, to `registry`. */
export function registerHops(registry: Registry, hops: HopTimes): void {
  const get = () => ({ name: NAME, help: HELP, type: 'histogram', values: hops.totals().flatMap(samplesOf) });
  // The registry asks for no more than these fields, though its type names the library's own classes.
  registry.registerMetric({ name: NAME, help: HELP, get } as unknown as Metric);
}

/** Buckets are cumulative in the text format of Prometheus. */
function samplesOf({ from, topic, counts, sumUs }: HopTotals) {
  const labels = { from, topic };
  let total = 0;
  const buckets = [];
  for (const [k, count] of counts.entries()) {
    total += count;
    const octave = k + 1;
    if (octave < FIRST || octave > LAST) continue;
    buckets.push({
      metricName: `${NAME}_bucket`,
      labels: { ...labels, le: 2 ** octave / 1e6 },
      value: total,
    });
  }
  return [
    ...buckets,
    { metricName: `${NAME}_bucket`, labels: { ...labels, le: '+Inf' }, value: total },
    { metricName: `${NAME}_sum`, labels, value: sumUs / 1e6 },
    { metricName: `${NAME}_count`, labels, value: total },
  ];
}
