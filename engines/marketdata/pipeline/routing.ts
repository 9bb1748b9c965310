// Which source is published for each symbol and kind: by priority, health, lateness; with a reason for each change.
import type { MarketKind, MarketRecord } from '../../../src/market/records.ts';
import { Keyed } from './keyed.ts';

/** Kinds that go together: a delta means nothing without its snapshot. */
export type Stream = Exclude<MarketKind, 'book_delta' | 'book_snapshot'> | 'book';

/** Returns the stream that a kind belongs to. */
export function streamOf(kind: MarketKind): Stream {
  return kind === 'book_delta' || kind === 'book_snapshot' ? 'book' : kind;
}

/** Waits of the choice, in microseconds. */
export interface RoutingLimits {
  /** A better source is taken again when it was well for so long. */
  readonly failBackUs: number;
  /** A source is silent that had nothing of a stream for so long, while another one had. */
  readonly staleUs: number;
  /** A choice that was made is kept for so long, unless its source fails. */
  readonly holdUs: number;
}

export const ROUTING_LIMITS: RoutingLimits = {
  failBackUs: 10_000_000,
  staleUs: 30_000_000,
  holdUs: 5_000_000,
};

/** What is known of a source from outside of its streams. */
export interface SourceState {
  /** Null when it is well; else why not: `disconnected`, `silent`, `disabled`. */
  readonly trouble: string | null;
  /** Its records come later than they may. */
  readonly late: boolean;
}

/** Another source is published. */
export interface RouteChange {
  readonly symbol: string;
  readonly stream: Stream;
  readonly from: string | null;
  readonly to: string | null;
  readonly reason: string;
  readonly atUs: number;
}

/** One candidate of a route as others may read it. */
export interface CandidateView {
  readonly source: string;
  readonly active: boolean;
  /** Why it cannot be taken; null when it can. */
  readonly trouble: string | null;
  readonly late: boolean;
  readonly last_record_us: number | null;
}

export interface RouteView {
  readonly symbol: string;
  readonly stream: Stream;
  readonly source: string | null;
  readonly since_us: number;
  readonly reason: string;
  readonly changes: number;
  /** Records that were not published since an earlier source had said as much already. */
  readonly overlapped: number;
  readonly candidates: readonly CandidateView[];
}

interface Candidate {
  readonly source: string;
  /** When it was last heard of this stream; its start counts, so that it gets time to begin. */
  heardUs: number;
  hasRecord: boolean;
  /** Why this stream of it is no good, whatever its source: a broken book, a refused subscription. */
  ownTrouble: string | null;
  trouble: string | null;
  late: boolean;
  wellSinceUs: number;
  /** What it said while another was published, for the moment at which it takes over. */
  readonly waiting: MarketRecord[];
}

interface Route {
  readonly symbol: string;
  readonly stream: Stream;
  readonly candidates: Candidate[];
  active: Candidate | undefined;
  sinceUs: number;
  reason: string;
  changes: number;
  overlapped: number;
  /** Latest time of the market that was published. */
  publishedUs: number;
  /** Set while the active source may repeat what the one before has said. */
  overlapUntilUs: number;
}

/** Trouble of a stream that its source refused. */
export const REFUSED = 'refused';

/** Clocks of venues may be so far ahead of ours and yet be taken at their word. */
const CLOCKS_APART_US = 5_000_000;

/** Records kept of each source that is not published; older ones are given up when it takes over. */
const WAITING = 256;

/** What a record is to be done with. */
export type Verdict = 'publish' | 'standby' | 'overlap';

/** The routes of all symbols. Time is what callers say: nothing here waits. */
export class Routing {
  readonly #routes = new Map<string, Route>();
  /** By source, stream, symbol. */
  readonly #candidates = new Keyed<readonly [Route, Candidate]>();
  readonly #changes: RouteChange[] = [];

  constructor(
    readonly stateOf: (source: string) => SourceState,
    readonly limits: RoutingLimits = ROUTING_LIMITS,
  ) {}

  /**
   * Sets the sources of a stream, the best first; none ends it. A source that stays keeps what is known of it.
   * A new one has `trouble` until {@link trouble} says otherwise. Returns the change that follows, if any.
   */
  set(
    symbol: string,
    stream: Stream,
    sources: readonly string[],
    nowUs: number,
    trouble: string | null = null,
  ): RouteChange | null {
    const key = keyOf(symbol, stream);
    const known = this.#routes.get(key);
    for (const { source } of known?.candidates ?? []) this.#candidates.delete(source, stream, symbol);
    if (sources.length === 0) {
      this.#routes.delete(key);
      return null;
    }
    const candidates = sources.map(
      (source) => known?.candidates.find((c) => c.source === source) ?? newCandidate(source, nowUs, trouble),
    );
    const route: Route = {
      symbol,
      stream,
      candidates,
      active: candidates.find((c) => c === known?.active),
      sinceUs: known?.sinceUs ?? nowUs,
      reason: known?.reason ?? 'no source is well yet',
      changes: known?.changes ?? 0,
      overlapped: known?.overlapped ?? 0,
      publishedUs: known?.publishedUs ?? Number.NEGATIVE_INFINITY,
      overlapUntilUs: known?.overlapUntilUs ?? Number.NEGATIVE_INFINITY,
    };
    this.#routes.set(key, route);
    for (const candidate of candidates)
      this.#candidates.set(candidate.source, stream, symbol, [route, candidate]);
    return this.#choose(route, nowUs);
  }

  /**
   * Says what to do with a record of a source: publish it, keep it in case its source takes over, or neither, since an earlier source
   * has been published up to its time.
   */
  take(record: MarketRecord, nowUs: number): Verdict {
    const stream = streamOf(record.kind);
    const found = this.#candidates.get(record.source, stream, record.symbol);
    if (!found) return 'standby';
    const [route, candidate] = found;
    candidate.heardUs = nowUs;
    candidate.hasRecord = true;
    // What comes was not refused after all.
    if (candidate.ownTrouble === REFUSED) candidate.ownTrouble = null;
    if (route.active !== candidate) {
      if (isKept(stream)) {
        candidate.waiting.push(record);
        if (candidate.waiting.length > WAITING) candidate.waiting.shift();
      }
      return 'standby';
    }
    if (record.tsEventUs <= route.overlapUntilUs && isKept(stream)) {
      route.overlapped++;
      return 'overlap';
    }
    if (record.tsEventUs > route.publishedUs) route.publishedUs = record.tsEventUs;
    return 'publish';
  }

  /** Marks a stream of a source as no good, or good again (null). Returns the change that follows. */
  trouble(
    source: string,
    symbol: string,
    stream: Stream,
    why: string | null,
    nowUs: number,
  ): RouteChange | null {
    const found = this.#candidates.get(source, stream, symbol);
    if (!found) return null;
    const [route, candidate] = found;
    if (candidate.ownTrouble === why) return null;
    candidate.ownTrouble = why;
    return this.#choose(route, nowUs);
  }

  /** Looks at all routes again. Returns the changes. */
  review(nowUs: number): RouteChange[] {
    return [...this.#routes.values()].flatMap((route) => this.#choose(route, nowUs) ?? []);
  }

  /** What the source of a change said while another was published and which is not yet said, oldest first. */
  caughtUp({ symbol, stream, to }: RouteChange): MarketRecord[] {
    const route = this.#routes.get(keyOf(symbol, stream));
    const candidate = route?.candidates.find((c) => c.source === to);
    if (!route || !candidate) return [];
    const fresh = candidate.waiting.filter((r) => r.tsEventUs > route.overlapUntilUs);
    candidate.waiting.length = 0;
    for (const { tsEventUs } of fresh) if (tsEventUs > route.publishedUs) route.publishedUs = tsEventUs;
    return fresh;
  }

  /** The source that is published beside a candidate, which may be the same; null without one, and beside what is no candidate. */
  activeBeside(source: string, symbol: string, stream: Stream): string | null {
    return this.#candidates.get(source, stream, symbol)?.[0].active?.source ?? null;
  }

  /** The source that is published; null without one. */
  activeOf(symbol: string, stream: Stream): string | null {
    return this.#routes.get(keyOf(symbol, stream))?.active?.source ?? null;
  }

  /** Sources that are listened to for a stream of a symbol, the best first. */
  candidatesOf(symbol: string, stream: Stream): string[] {
    return this.#routes.get(keyOf(symbol, stream))?.candidates.map((c) => c.source) ?? [];
  }

  /** The newest changes, newest first. */
  get changes(): readonly RouteChange[] {
    return this.#changes;
  }

  views(): RouteView[] {
    return [...this.#routes.values()].map((route) => ({
      symbol: route.symbol,
      stream: route.stream,
      source: route.active?.source ?? null,
      since_us: route.sinceUs,
      reason: route.reason,
      changes: route.changes,
      overlapped: route.overlapped,
      candidates: route.candidates.map((c) => ({
        source: c.source,
        active: c === route.active,
        trouble: c.trouble,
        late: c.late,
        last_record_us: c.hasRecord ? c.heardUs : null,
      })),
    }));
  }

  #choose(route: Route, nowUs: number): RouteChange | null {
    this.#examine(route, nowUs);
    const { candidates, active } = route;
    const well = candidates.filter((c) => c.trouble === null);
    // A late source is better than none, and worse than any that is in time.
    const best = well.find((c) => !c.late) ?? well[0];
    if (!best || best === active) return null;
    if (active === undefined)
      return this.#switch(route, best, `first of ${candidates.length} that is well`, nowUs);
    if (active.trouble !== null)
      return this.#switch(route, best, `${active.source}: ${active.trouble}`, nowUs);
    if (nowUs - route.sinceUs < this.limits.holdUs) return null;
    if (active.late && !best.late) return this.#switch(route, best, `${active.source}: late`, nowUs);
    // Both are well: the better one comes back once it has proved itself.
    if (nowUs - best.wellSinceUs < this.limits.failBackUs) return null;
    return this.#switch(route, best, `${best.source}: well again, and of higher priority`, nowUs);
  }

  #examine({ stream, candidates }: Route, nowUs: number): void {
    const newest = Math.max(...candidates.map((c) => (c.hasRecord ? c.heardUs : Number.NEGATIVE_INFINITY)));
    for (const c of candidates) {
      const { trouble, late } = this.stateOf(c.source);
      const behind = nowUs - c.heardUs > this.limits.staleUs && newest - c.heardUs > this.limits.staleUs;
      // Nobody is stale for a quiet market: only beside another source that has something to say.
      const stale = behind && candidates.length > 1 ? `nothing of ${stream} for too long` : null;
      const now = trouble ?? c.ownTrouble ?? stale;
      if (now !== null) c.wellSinceUs = Number.POSITIVE_INFINITY;
      else if (c.wellSinceUs === Number.POSITIVE_INFINITY) c.wellSinceUs = nowUs;
      c.trouble = now;
      c.late = late;
    }
  }

  #switch(route: Route, to: Candidate, reason: string, nowUs: number): RouteChange {
    const change: RouteChange = {
      symbol: route.symbol,
      stream: route.stream,
      from: route.active?.source ?? null,
      to: to.source,
      reason,
      atUs: nowUs,
    };
    route.active = to;
    route.sinceUs = nowUs;
    route.reason = reason;
    if (change.from !== null) route.changes++;
    // What the source before has told up to here is not told again; of trades a clock that ran ahead must not silence its successor.
    const latestUs = route.stream === 'trade' ? nowUs + CLOCKS_APART_US : Number.POSITIVE_INFINITY;
    route.overlapUntilUs = Math.min(route.publishedUs, latestUs);
    this.#changes.unshift(change);
    if (this.#changes.length > 100) this.#changes.pop();
    return change;
  }
}

// Of quotes and books only the newest counts, and series of the past are revised: only these have to go on without hole or repetition.
function isKept(stream: Stream): boolean {
  return stream === 'trade' || stream === 'bar';
}

function keyOf(symbol: string, stream: Stream): string {
  return `${stream} ${symbol}`;
}

function newCandidate(source: string, nowUs: number, trouble: string | null): Candidate {
  return {
    source,
    heardUs: nowUs,
    hasRecord: false,
    ownTrouble: trouble,
    trouble,
    late: false,
    wellSinceUs: nowUs,
    waiting: [],
  };
}
