// What `nautilus top` shows: the figures of each engine between two looks at its status.
import type { HopSummary } from '../bus/hop-times.ts';
import { labelOf, type RunFile } from './run-file.ts';

/** The part of `/system/status` that is read. */
export interface EngineStatus {
  readonly status: string;
  readonly pid: number;
  readonly memory_rss_bytes: number;
  readonly bus: Readonly<Record<string, number>>;
  readonly activity: {
    readonly cpu_seconds: number;
    readonly http: { readonly requests: number; readonly errors: number } | null;
    readonly event_loop_delay_ms: { readonly mean: number; readonly max: number } | null;
    readonly hops: readonly HopSummary[] | null;
  };
  /** Null in an engine without durable events. */
  readonly events: { readonly waiting: number; readonly counts: { readonly dead_letters: number } } | null;
}

/** One look at the whole system. `atS` is a monotonic time in seconds; an engine that does not answer has no status. */
export interface Look {
  readonly atS: number;
  readonly engines: readonly {
    readonly engine: RunFile['engines'][number];
    readonly status: EngineStatus | null;
  }[];
}

/** One line of the view. Rates are per second; null is what can't be told (no answer, no second look, metrics off, no events). */
export interface Figures {
  readonly name: string;
  /** `healthy`, `degraded`, or the supervisor's word for an engine that does not answer. */
  readonly status: string;
  readonly pid: number | null;
  /** 100 is one core. */
  readonly cpu_percent: number | null;
  readonly memory_rss_bytes: number | null;
  readonly requests_per_s: number | null;
  /** Replies of 500 and above, handlers that threw, batches that could not be read. */
  readonly errors_per_s: number | null;
  readonly messages_in_per_s: number | null;
  readonly messages_out_per_s: number | null;
  /** Messages lost since the engine started. */
  readonly dropped: number | null;
  /** Durable events that are stored in the engine and not known to be in the log. */
  readonly events_waiting: number | null;
  /** Durable events that were set aside since the engine started. */
  readonly dead_letters: number | null;
  /** Maximum since the look before. */
  readonly event_loop_delay_ms: number | null;
  /** 99th percentile of the slowest hop of the last minute. */
  readonly hop_p99_us: number | null;
  /** That hop as `from topic`. */
  readonly slowest_hop: string | null;
}

type Rates = Pick<
  Figures,
  'cpu_percent' | 'requests_per_s' | 'errors_per_s' | 'messages_in_per_s' | 'messages_out_per_s'
>;

const NO_RATES: Rates = {
  cpu_percent: null,
  requests_per_s: null,
  errors_per_s: null,
  messages_in_per_s: null,
  messages_out_per_s: null,
};

/** Returns a line for each engine process of the look `now`; rates need the look `before`, of the same process. */
export function figures(before: Look | null, now: Look): Figures[] {
  return now.engines.map(({ engine, status }) => {
    const older = before?.engines.find((e) => labelOf(e.engine) === labelOf(engine))?.status;
    const rates =
      status && older?.pid === status.pid ? ratesOf(older, status, now.atS - before!.atS) : NO_RATES;
    const slowest = (status?.activity.hops ?? []).reduce<HopSummary | null>(
      (worst, hop) => (worst && worst.p99_us >= hop.p99_us ? worst : hop),
      null,
    );
    return {
      name: labelOf(engine),
      status: status?.status ?? `${engine.state}, no answer`,
      pid: status?.pid ?? engine.pid,
      ...rates,
      memory_rss_bytes: status?.memory_rss_bytes ?? null,
      dropped:
        status && sumOf(status.bus, 'dropped_slow_handler', 'dropped_transport', 'dropped_disconnected'),
      events_waiting: status?.events?.waiting ?? null,
      dead_letters: status?.events?.counts.dead_letters ?? null,
      event_loop_delay_ms: status?.activity.event_loop_delay_ms?.max ?? null,
      hop_p99_us: slowest?.p99_us ?? null,
      slowest_hop: slowest && `${slowest.from} ${slowest.topic}`,
    };
  });
}

/** Returns the sums of all lines, and the worst of what can't be added up. Its status counts the healthy ones. */
export function total(lines: readonly Figures[]): Figures {
  const of = (key: keyof Figures) => lines.map((line) => line[key]).filter((v): v is number => v !== null);
  const sum = (key: keyof Figures) => (of(key).length > 0 ? of(key).reduce((a, b) => a + b) : null);
  const worst = (key: keyof Figures) => (of(key).length > 0 ? Math.max(...of(key)) : null);
  const healthy = lines.filter((line) => line.status === 'healthy').length;
  const hop_p99_us = worst('hop_p99_us');
  return {
    name: 'total',
    status: `${healthy}/${lines.length} healthy`,
    pid: null,
    cpu_percent: sum('cpu_percent'),
    memory_rss_bytes: sum('memory_rss_bytes'),
    requests_per_s: sum('requests_per_s'),
    errors_per_s: sum('errors_per_s'),
    messages_in_per_s: sum('messages_in_per_s'),
    messages_out_per_s: sum('messages_out_per_s'),
    dropped: sum('dropped'),
    events_waiting: sum('events_waiting'),
    dead_letters: sum('dead_letters'),
    event_loop_delay_ms: worst('event_loop_delay_ms'),
    hop_p99_us,
    slowest_hop: lines.find((line) => line.hop_p99_us === hop_p99_us)?.slowest_hop ?? null,
  };
}

function ratesOf(before: EngineStatus, now: EngineStatus, seconds: number): Rates {
  const rate = (a: number, b: number) => Math.round(((b - a) / seconds) * 10) / 10;
  const failures = (s: EngineStatus) => s.activity.http!.errors + sumOf(s.bus, 'handler_errors', 'poison');
  const [httpBefore, http] = [before.activity.http, now.activity.http];
  return {
    cpu_percent: rate(before.activity.cpu_seconds * 100, now.activity.cpu_seconds * 100),
    requests_per_s: httpBefore && http && rate(httpBefore.requests, http.requests),
    errors_per_s: httpBefore && http && rate(failures(before), failures(now)),
    messages_in_per_s: rate(sumOf(before.bus, 'received'), sumOf(now.bus, 'received')),
    messages_out_per_s: rate(sumOf(before.bus, 'published'), sumOf(now.bus, 'published')),
  };
}

function sumOf(counts: Readonly<Record<string, number>>, ...names: string[]): number {
  return names.reduce((sum, name) => sum + (counts[name] ?? 0), 0);
}
