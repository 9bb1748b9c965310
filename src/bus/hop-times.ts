// Latencies of hops (who sent, on which topic): counted in arrays on arrival, read by metrics and status.
import type { Envelope } from './envelope.ts';

// Four buckets in each octave of microseconds: a percentile is at most a quarter above the truth.
const PER_OCTAVE = 4;
const OCTAVES = 26;
const BUCKETS = PER_OCTAVE * OCTAVES;
const SLICES = 6;
const SLICE_US = 10_000_000;
const OTHER = 'other';

/** A hop in the last minute. Latencies are microseconds from the hand-over to the bus to the arrival here. */
export interface HopSummary {
  readonly from: string;
  readonly topic: string;
  /** Messages of the last minute (50 to 60 s). */
  readonly count: number;
  readonly p50_us: number;
  readonly p95_us: number;
  readonly p99_us: number;
}

/** A hop since the start. */
export interface HopTotals {
  readonly from: string;
  readonly topic: string;
  /** By octave: the messages of `counts[k]` took more than 2^k and at most 2^(k+1) us; the first and last are open. */
  readonly counts: Float64Array;
  /** Sum of all latencies, in microseconds. */
  readonly sumUs: number;
}

interface Hop {
  readonly from: string;
  readonly topic: string;
  /** What has left the slices. */
  readonly older: Float64Array;
  /** One row for each ten seconds of the last minute. */
  readonly slices: Uint32Array;
  /** Which ten seconds each slice holds. */
  readonly epochs: Float64Array;
  sumUs: number;
}

/**
 * Histograms of the time that messages take from their publisher to this client, by source and topic. Latencies above
 * 67 s count as 67 s, and a clock that is behind its publisher's as 1 us. At most `maxHops` hops are told apart; what
 * comes after is counted as from `other`.
 */
export class HopTimes {
  readonly #byTopic = new Map<string, Map<string, Hop>>();
  readonly #maxHops: number;
  #count = 0;

  constructor(maxHops = 1000) {
    this.#maxHops = maxHops;
  }

  /** Records the arrival of a batch of one topic at `nowUs`. */
  record(topic: string, batch: readonly Envelope[], nowUs: number): void {
    const epoch = Math.floor(nowUs / SLICE_US);
    const row = (epoch % SLICES) * BUCKETS;
    let source: string | undefined;
    let hop!: Hop;
    for (const envelope of batch) {
      if (envelope.source !== source) {
        source = envelope.source;
        hop = this.#hop(topic, source);
        turn(hop, epoch);
      }
      const us = nowUs - envelope.ts_sent_us;
      hop.slices[row + bucketOf(us)]!++;
      hop.sumUs += Math.max(us, 1);
    }
  }

  /** Records one latency of a hop that is no message of the bus: `topic` and `from` are names of the caller's own. */
  add(topic: string, from: string, us: number, nowUs: number): void {
    const epoch = Math.floor(nowUs / SLICE_US);
    const hop = this.#hop(topic, from);
    turn(hop, epoch);
    hop.slices[(epoch % SLICES) * BUCKETS + bucketOf(us)]!++;
    hop.sumUs += Math.max(us, 1);
  }

  /** The hops that carried messages in the last minute, by topic and source. */
  lastMinute(nowUs: number): HopSummary[] {
    const epoch = Math.floor(nowUs / SLICE_US);
    return this.#all().flatMap(({ from, topic, slices, epochs }) => {
      const counts = new Float64Array(BUCKETS);
      for (let slice = 0; slice < SLICES; slice++) {
        if (epochs[slice]! > epoch - SLICES) addTo(counts, slices, slice * BUCKETS);
      }
      const count = counts.reduce((sum, n) => sum + n, 0);
      if (count === 0) return [];
      const at = (q: number) => boundOf(counts, Math.ceil(q * count));
      return [{ from, topic, count, p50_us: at(0.5), p95_us: at(0.95), p99_us: at(0.99) }];
    });
  }

  /** Every hop since the start. */
  totals(): HopTotals[] {
    return this.#all().map(({ from, topic, older, slices, sumUs }) => {
      const fine = older.slice();
      for (let slice = 0; slice < SLICES; slice++) addTo(fine, slices, slice * BUCKETS);
      const counts = new Float64Array(OCTAVES);
      for (let i = 0; i < BUCKETS; i++) counts[Math.floor(i / PER_OCTAVE)]! += fine[i]!;
      return { from, topic, counts, sumUs };
    });
  }

  #all(): Hop[] {
    return [...this.#byTopic.values()].flatMap((bySource) => [...bySource.values()]);
  }

  #hop(topic: string, from: string): Hop {
    return this.#byTopic.get(topic)?.get(from) ?? this.#add(topic, from);
  }

  #add(topic: string, from: string): Hop {
    if (this.#count >= this.#maxHops && from !== OTHER) return this.#hop(OTHER, OTHER);
    const hop: Hop = {
      from,
      topic,
      older: new Float64Array(BUCKETS),
      slices: new Uint32Array(SLICES * BUCKETS),
      epochs: new Float64Array(SLICES).fill(Number.NEGATIVE_INFINITY),
      sumUs: 0,
    };
    const bySource = this.#byTopic.get(topic) ?? new Map<string, Hop>();
    this.#byTopic.set(topic, bySource.set(from, hop));
    this.#count++;
    return hop;
  }
}

// Empties the slice of this epoch when it still holds an older one.
function turn(hop: Hop, epoch: number): void {
  const slice = epoch % SLICES;
  if (hop.epochs[slice] === epoch) return;
  addTo(hop.older, hop.slices, slice * BUCKETS);
  hop.slices.fill(0, slice * BUCKETS, (slice + 1) * BUCKETS);
  hop.epochs[slice] = epoch;
}

function addTo(sum: Float64Array, counts: Uint32Array, from: number): void {
  for (let i = 0; i < BUCKETS; i++) sum[i]! += counts[from + i]!;
}

// Bounds are inclusive above, as Prometheus wants them, so that the bits of us - 1 choose the bucket.
function bucketOf(us: number): number {
  const below = us > 1 ? Math.min(us - 1, 2 ** OCTAVES - 1) | 0 : 0;
  const octave = 31 - Math.clz32(below | 1);
  const quarter = octave < 2 ? (below << (2 - octave)) & 3 : (below >> (octave - 2)) & 3;
  return octave * PER_OCTAVE + quarter;
}

/** The upper bound, in microseconds, of the bucket in which the message of this rank lies. */
function boundOf(counts: Float64Array, rank: number): number {
  let seen = 0;
  for (let i = 0; i < BUCKETS; i++) {
    seen += counts[i]!;
    if (seen >= rank)
      return Math.ceil(2 ** Math.floor(i / PER_OCTAVE) * (1 + ((i % PER_OCTAVE) + 1) / PER_OCTAVE));
  }
  return 2 ** OCTAVES;
}
