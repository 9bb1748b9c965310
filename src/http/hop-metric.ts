// The histogram of hop latencies as Prometheus reads it; counted by src/bus/hop-times.ts.
import type { Metric, Registry } from 'prom-client';
import type { HopTimes, HopTotals } from '../bus/hop-times.ts';

const NAME = 'nautilus_hop_latency_seconds';
const HELP = 'Time of a message from the hand-over to the bus by its publisher to its arrival at this engine';
// Octaves of microseconds from 8 us to 16.8 s; shorter ones count in the first bucket, longer ones in the last.
const FIRST = 3;
const LAST = 24;

/** How a histogram of hops is called, and which labels one of them has. */
export interface HopMetric {
  readonly name: string;
  readonly help: string;
  readonly labels: (hop: Pick<HopTotals, 'from' | 'topic'>) => Readonly<Record<string, string>>;
}

const MESSAGES: HopMetric = { name: NAME, help: HELP, labels: ({ from, topic }) => ({ from, topic }) };

/** Adds a histogram of hops to `registry`: `nautilus_hop_latency_seconds`, by publisher (`from`) and topic, when not told otherwise. */
export function registerHops(registry: Registry, hops: HopTimes, metric: HopMetric = MESSAGES): void {
  const { name, help } = metric;
  const get = () => ({
    name,
    help,
    type: 'histogram',
    values: hops.totals().flatMap((hop) => samplesOf(hop, metric)),
  });
  // The registry asks for no more than these fields, though its type names the library's own classes.
  registry.registerMetric({ name, help, get } as unknown as Metric);
}

/** Buckets are cumulative in the text format of Prometheus. */
function samplesOf(hop: HopTotals, { name, labels: labelsOf }: HopMetric) {
  const { counts, sumUs } = hop;
  const labels = labelsOf(hop);
  let total = 0;
  const buckets = [];
  for (const [k, count] of counts.entries()) {
    total += count;
    const octave = k + 1;
    if (octave < FIRST || octave > LAST) continue;
    buckets.push({
      metricName: `${name}_bucket`,
      labels: { ...labels, le: 2 ** octave / 1e6 },
      value: total,
    });
  }
  return [
    ...buckets,
    { metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: total },
    { metricName: `${name}_sum`, labels, value: sumUs / 1e6 },
    { metricName: `${name}_count`, labels, value: total },
  ];
}
