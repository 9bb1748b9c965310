// The metrics of /metrics as OpenTelemetry has them: the same names, labels and numbers, read when they are exported.
import type { Attributes, HrTime } from '@opentelemetry/api';
import { hrTime, timeInputToHrTime } from '@opentelemetry/core';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  type CollectionResult,
  type DataPoint,
  DataPointType,
  type Histogram,
  type MetricData,
  type MetricProducer,
} from '@opentelemetry/sdk-metrics';
import type { Registry } from './prom.ts';

/** One metric as the registry tells it. */
interface Sampled {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly values: readonly Sample[];
}

interface Sample {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number>>;
  /** Of a histogram: the name with `_bucket`, `_sum` or `_count`. */
  readonly metricName?: string;
}

// ValueType.DOUBLE of the API, which is an enum that its users cannot import as a value and a type at once.
const DOUBLE = 1;

/** Reads `registry` for the SDK. Counters and histograms count from `sinceMs`, in milliseconds since the epoch. */
export class RegistryProducer implements MetricProducer {
  readonly #registry: Registry;
  readonly #since: HrTime;

  constructor(registry: Registry, sinceMs: number) {
    this.#registry = registry;
    this.#since = timeInputToHrTime(sinceMs);
  }

  async collect(): Promise<CollectionResult> {
    const sampled = (await this.#registry.getMetricsAsJSON()) as unknown as readonly Sampled[];
    const times = { startTime: this.#since, endTime: hrTime() };
    const metrics = sampled.flatMap((metric) => metricOf(metric, times) ?? []);
    const scopeMetrics = [{ scope: { name: 'nautilus' }, metrics }];
    return { resourceMetrics: { resource: resourceFromAttributes({}), scopeMetrics }, errors: [] };
  }
}

interface Times {
  readonly startTime: HrTime;
  readonly endTime: HrTime;
}

/** A metric without samples is left out, as one of a type that engines do not use (summary). */
function metricOf({ name, help, type, values }: Sampled, times: Times): MetricData | undefined {
  if (values.length === 0) return undefined;
  const unit = /_seconds(_total)?$/.test(name) ? 's' : /_bytes(_total)?$/.test(name) ? 'By' : '';
  const common = {
    descriptor: { name, description: help, unit, valueType: DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
  const points = (): DataPoint<number>[] =>
    values.map(({ value, labels }) => ({ ...times, attributes: labels, value }));
  if (type === 'counter') {
    return { ...common, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints: points() };
  }
  if (type === 'gauge') return { ...common, dataPointType: DataPointType.GAUGE, dataPoints: points() };
  if (type !== 'histogram') return undefined;
  return { ...common, dataPointType: DataPointType.HISTOGRAM, dataPoints: histograms(values, times) };
}

/** Prometheus tells buckets cumulatively and in ascending order, one sample each; OpenTelemetry has one point with all. */
function histograms(values: readonly Sample[], times: Times): DataPoint<Histogram>[] {
  const series = new Map<string, { attributes: Attributes; value: Histogram; cumulated: number }>();
  for (const { value, labels, metricName } of values) {
    const { le, ...attributes } = labels;
    const key = JSON.stringify(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)));
    let entry = series.get(key);
    if (!entry) {
      const empty = { buckets: { boundaries: [], counts: [] }, sum: 0, count: 0 };
      entry = { attributes, value: empty, cumulated: 0 };
      series.set(key, entry);
    }
    const { buckets } = entry.value;
    if (le !== undefined) {
      if (le !== '+Inf') buckets.boundaries.push(Number(le));
      buckets.counts.push(value - entry.cumulated);
      entry.cumulated = value;
    } else if (metricName?.endsWith('_sum')) entry.value.sum = value;
    else entry.value.count = value;
  }
  return [...series.values()].map(({ attributes, value }) => ({ ...times, attributes, value }));
}
