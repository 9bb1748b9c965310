// How late records are, by source and hop, and how far the clock of a venue is from ours.
import { HopTimes } from '../../../src/bus/hop-times.ts';
import { QUARANTINE } from '../../../src/market/quality/gate.ts';
import type { MarketRecord } from '../../../src/market/records.ts';

/** Percentiles of the last minute in microseconds; null when nothing came. */
export interface Percentiles {
  readonly count: number;
  readonly p50_us: number | null;
  readonly p95_us: number | null;
  readonly p99_us: number | null;
}

/** One source in the last minute. */
export interface SourceLatency {
  readonly source: string;
  readonly clock: {
    /** The least of `receive - venue` in the last minute: difference of the clocks and fastest way together; null without venue times. */
    readonly offset_us: number | null;
    /** `behind`: ours runs behind the venue's; `ahead`: ours runs ahead, or nothing comes in good time. */
    readonly state: 'agrees' | 'behind' | 'ahead' | 'unknown';
  };
  /** By the clocks as they are: below 0 where ours runs behind. */
  readonly venue_to_receive: Percentiles;
  /** Beyond the fastest record of the last minute: free of the difference of the clocks. */
  readonly above_fastest: Percentiles;
  readonly receive_to_publish: Percentiles;
  /** Whether it is over the bound, by what is known: by the clocks when they agree, else above the fastest. */
  readonly late: boolean;
}

const VENUE = 'venue_receive';
const PUBLISH = 'receive_publish';
const BUS = 'publish_bus';
const ALL = 'all';

const SECOND_US = 1_000_000;
const SLICES = 6;
const SLICE_US = 10_000_000;

/** Clocks that are kept by time services agree within milliseconds; a record of the future is one of a wrong clock. */
const BEHIND_US = -5000;
/** No way on earth takes half a second to its fastest message. */
const AHEAD_US = 500_000;

/** A verdict on fewer records would follow single packets. */
const LEAST_COUNT = 20;
const EASE = 0.8;

/** The least value of the last minute, in slices of ten seconds. */
class RecentMinimum {
  readonly #least = new Float64Array(SLICES).fill(Number.POSITIVE_INFINITY);
  readonly #epochs = new Float64Array(SLICES).fill(Number.NEGATIVE_INFINITY);
  #cached = Number.POSITIVE_INFINITY;
  #epoch = Number.NEGATIVE_INFINITY;

  /** Takes a value in and returns the least of the last minute. */
  add(value: number, nowUs: number): number {
    const epoch = Math.floor(nowUs / SLICE_US);
    if (epoch !== this.#epoch) {
      this.#epoch = epoch;
      const slice = epoch % SLICES;
      this.#epochs[slice] = epoch;
      this.#least[slice] = value;
      this.#cached = this.at(nowUs);
    } else if (value < this.#cached) {
      this.#least[epoch % SLICES] = value;
      this.#cached = value;
    } else {
      const slice = epoch % SLICES;
      if (value < this.#least[slice]!) this.#least[slice] = value;
    }
    return this.#cached;
  }

  /** Infinity when nothing came in the last minute. */
  at(nowUs: number): number {
    const epoch = Math.floor(nowUs / SLICE_US);
    let least = Number.POSITIVE_INFINITY;
    for (let slice = 0; slice < SLICES; slice++) {
      if (this.#epochs[slice]! > epoch - SLICES) least = Math.min(least, this.#least[slice]!);
    }
    return least;
  }
}

/** Latencies of all sources: histograms of the last minute, of a size that does not depend on the traffic. */
export class Latencies {
  readonly times = new HopTimes();
  readonly #least = new Map<string, RecentMinimum>();
  readonly #late = new Set<string>();

  /** `boundUs`: what may not be exceeded by the 99th percentile. */
  constructor(readonly boundUs = 50_000) {}

  /**
   * Takes in records of one source as they come, with their flags. Only kinds that a venue stamps as it sends them say how late they are, and of
   * those only what is not in quarantine: one impossible time would be the fastest way of a whole minute, and what is said again is old.
   */
  received(source: string, batch: readonly MarketRecord[], nowUs: number): void {
    let least: RecentMinimum | undefined;
    for (const record of batch) {
      const { kind, tsEventUs, tsReceiveUs, flags } = record;
      if (kind !== 'trade' && kind !== 'quote' && kind !== 'book_delta') continue;
      // Stamped here, since the venue said no time.
      if (tsEventUs === tsReceiveUs || (flags & QUARANTINE) !== 0) continue;
      // Of whole seconds: all times of some venues, few of the others.
      if (tsEventUs % SECOND_US === 0) continue;
      least ??= this.#leastOf(source);
      const us = tsReceiveUs - tsEventUs;
      this.times.add(VENUE, source, us - least.add(us, nowUs), nowUs);
    }
  }

  /** A record that was received at `receiveUs` is handed to the bus now. */
  published(source: string, receiveUs: number, nowUs: number): void {
    this.times.add(PUBLISH, source, nowUs - receiveUs, nowUs);
  }

  /** What was published has been taken by the transport of the bus. */
  carried(us: number, nowUs: number): void {
    this.times.add(BUS, ALL, us, nowUs);
  }

  /** Whether a source was late at the last {@link report}. */
  isLate(source: string): boolean {
    return this.#late.has(source);
  }

  /** From the hand-over to the bus until its transport has taken it. */
  bus(nowUs: number): Percentiles {
    return percentiles(this.times.lastMinute(nowUs).find((hop) => hop.topic === BUS));
  }

  /** Sources of which something was recorded in the last minute, by name. */
  report(nowUs: number): SourceLatency[] {
    const hops = this.times.lastMinute(nowUs);
    const names = [...new Set(hops.filter((hop) => hop.topic !== BUS).map((hop) => hop.from))].sort();
    return names.map((source) => {
      const of = (topic: string) => hops.find((hop) => hop.from === source && hop.topic === topic);
      const above = percentiles(of(VENUE));
      const publish = percentiles(of(PUBLISH));
      const offset = this.#least.get(source)?.at(nowUs) ?? Number.POSITIVE_INFINITY;
      const known = Number.isFinite(offset);
      const state = !known ? 'unknown' : stateOf(offset);
      const naive = known ? shifted(above, offset) : percentiles(undefined);
      const late = this.#judge(source, state === 'agrees' ? naive : above, publish);
      return {
        source,
        clock: { offset_us: known ? offset : null, state },
        venue_to_receive: naive,
        above_fastest: above,
        receive_to_publish: publish,
        late,
      };
    });
  }

  // Late until it is well below the bound again, so that one at the bound does not come and go.
  #judge(source: string, venue: Percentiles, publish: Percentiles): boolean {
    const bound = this.#late.has(source) ? this.boundUs * EASE : this.boundUs;
    const over = ({ count, p99_us }: Percentiles) => count >= LEAST_COUNT && (p99_us ?? 0) > bound;
    const late = over(venue) || over(publish);
    if (late) this.#late.add(source);
    else this.#late.delete(source);
    return late;
  }

  #leastOf(source: string): RecentMinimum {
    let least = this.#least.get(source);
    if (!least) {
      least = new RecentMinimum();
      this.#least.set(source, least);
    }
    return least;
  }
}

function stateOf(offsetUs: number): 'agrees' | 'behind' | 'ahead' {
  if (offsetUs < BEHIND_US) return 'behind';
  return offsetUs > AHEAD_US ? 'ahead' : 'agrees';
}

function percentiles(
  hop: { readonly count: number; p50_us: number; p95_us: number; p99_us: number } | undefined,
): Percentiles {
  if (!hop) return { count: 0, p50_us: null, p95_us: null, p99_us: null };
  const { count, p50_us, p95_us, p99_us } = hop;
  return { count, p50_us, p95_us, p99_us };
}

function shifted({ count, p50_us, p95_us, p99_us }: Percentiles, us: number): Percentiles {
  const by = (value: number | null) => (value === null ? null : value + us);
  return { count, p50_us: by(p50_us), p95_us: by(p95_us), p99_us: by(p99_us) };
}
