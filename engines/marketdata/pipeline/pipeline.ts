// The way of a record from its source to everybody else: stamped, checked, put into its book, chosen among sources, published, stored.

import { QUARANTINE } from '../../../src/market/quality/gate.ts';
import type { BarRecord, BookDelta, BookSnapshot, MarketRecord } from '../../../src/market/records.ts';
import { numberOf } from '../../../src/market/scale.ts';
import type { SourceEvent } from '../sources/port.ts';
import type { Arbitration } from './arbitration.ts';
import { BarMaker } from './bar-maker.ts';
import { type BookChange, type BookDesk, beginsAnew } from './book-desk.ts';
import { flagged } from './flagged.ts';
import type { Latencies } from './latency.ts';
import { divergenceNews, LatenessNews, news } from './news.ts';
import type { Plan } from './plan.ts';
import type { Publisher } from './publisher.ts';
import type { QualityDesk } from './quality-desk.ts';
import { REFUSED, type RouteChange, type Routing, type Stream, streamOf } from './routing.ts';
import type { Health, Source, SourceListener } from './source.ts';
import type { Storing } from './storing.ts';

/** What became of the records of a source. */
export interface Outcomes {
  published: number;
  /** Kept for comparison, and for the moment at which its source takes over. */
  standby: number;
  /** Said before by the source that was published until then. */
  overlap: number;
  quarantined: number;
  /** Changes of books that could not be applied, or not yet. */
  unused: number;
}

export interface PipelineParts {
  readonly nowUs: () => number;
  readonly routing: Routing;
  readonly arbitration: Arbitration;
  readonly latencies: Latencies;
  readonly publisher: Publisher;
  readonly quality: QualityDesk;
  readonly books: BookDesk;
  readonly storing: Storing;
}

/** A book that is not there yet is no reason to leave one that is. */
const NO_BOOK = 'no snapshot yet';
const NO_STREAMS: ReadonlySet<string> = new Set();

/** Takes in what sources say. Synchronous: what a call brings is with the publisher when it returns. */
export class Pipeline implements SourceListener {
  readonly outcomes = new Map<string, Outcomes>();
  readonly #parts: PipelineParts;
  readonly #lateness: LatenessNews;
  readonly #bars: BarMaker;
  #stored = new Map<Stream, ReadonlySet<string>>();
  #planned: Plan['streams'] = [];

  constructor(parts: PipelineParts) {
    this.#parts = parts;
    this.#bars = new BarMaker((bar, store) => this.#made(bar, store), parts.nowUs);
    this.#lateness = new LatenessNews(parts.latencies);
  }

  /** Goes by another plan from now on. */
  apply(plan: Plan): void {
    const { routing, arbitration, books } = this.#parts;
    const nowUs = this.#parts.nowUs();
    const stored = new Map<Stream, Set<string>>();
    for (const { symbol, stream, store } of plan.streams) {
      if (store) stored.set(stream, (stored.get(stream) ?? new Set()).add(symbol));
    }
    this.#stored = stored;
    const kept = new Set(plan.streams.map(({ symbol, stream }) => `${stream} ${symbol}`));
    for (const { symbol, stream } of this.#planned) {
      if (kept.has(`${stream} ${symbol}`)) continue;
      routing.set(symbol, stream, [], nowUs);
      arbitration.forget(symbol, stream);
      if (stream === 'book') books.plan(symbol, [], undefined, nowUs);
    }
    this.#planned = plan.streams;
    this.#bars.set(plan.bars);
    for (const { symbol, stream, sources, bookLevels } of plan.streams) {
      if (stream === 'book')
        for (const change of books.plan(symbol, sources, bookLevels, nowUs)) this.#bookChanged(change);
      this.#changed(routing.set(symbol, stream, sources, nowUs, stream === 'book' ? NO_BOOK : null));
    }
  }

  records(source: string, batch: readonly MarketRecord[]): void {
    const { latencies, quality } = this.#parts;
    const nowUs = this.#parts.nowUs();
    const outcomes = this.#outcomesOf(source);
    const judged: MarketRecord[] = [];
    for (const said of batch) {
      const flags = quality.check(said, nowUs);
      const record = flagged(said, flags);
      judged.push(record);
      // A book has rules of its own: one change taken away would break it, and a wrong time does not make its levels wrong.
      if (record.kind === 'book_delta' || record.kind === 'book_snapshot')
        this.#book(record, outcomes, nowUs);
      else if ((flags & QUARANTINE) !== 0) {
        outcomes.quarantined++;
        this.#store(record);
      } else this.#record(record, outcomes, nowUs);
    }
    latencies.received(source, judged, nowUs);
  }

  health(source: Source, previous: Health): void {
    const { publisher, books } = this.#parts;
    const { id, health, reason } = source;
    publisher.news(news({ source: id, event: 'health', state: health, previous, reason }));
    // A connection that is new begins its books anew.
    if (health === 'disconnected' || health === 'failed' || health === 'disabled' || health === 'idle')
      for (const change of books.reset(id, health, this.#parts.nowUs())) this.#bookChanged(change);
    this.#review();
  }

  refused(source: string, { symbol, kind, reason }: Extract<SourceEvent, { event: 'refused' }>): void {
    const { publisher, routing } = this.#parts;
    publisher.news(news({ source, event: 'refused', symbol, kind, state: 'refused', reason }));
    this.#changed(routing.trouble(source, symbol, streamOf(kind), REFUSED, this.#parts.nowUs()));
  }

  garbage(source: string): void {
    this.#parts.quality.malformed(source);
  }

  /** Looks at everything that time alone changes; to be called about once a second. */
  tick(): void {
    const { publisher, books, quality } = this.#parts;
    const nowUs = this.#parts.nowUs();
    this.#bars.advance(nowUs);
    for (const change of books.check(nowUs)) this.#bookChanged(change);
    for (const told of this.#lateness.since(nowUs)) publisher.news(told);
    for (const { source, symbol, kind, count, reason } of quality.news()) {
      publisher.news(
        news({ source, event: 'quality', symbol, kind, state: 'quarantined', reason, value: count }),
      );
    }
    this.#review();
  }

  /** Tells of records that were lost at a place of this engine. */
  lost(place: string, records: number, reason: string): void {
    this.#parts.publisher.news(
      news({ source: 'marketdata', event: 'dropped', state: place, reason, value: records }),
    );
  }

  #record(record: Exclude<MarketRecord, BookDelta | BookSnapshot>, outcomes: Outcomes, nowUs: number): void {
    const { routing, publisher } = this.#parts;
    const verdict = routing.take(record, nowUs);
    this.#compare(record, nowUs);
    if (record.kind === 'quote') {
      const change = this.#parts.books.quote(record, nowUs);
      if (change && !this.#bookChanged(change)) {
        if (beginsAnew(change)) this.#bookAnew(change);
        else if (change.state === 'live') this.#tellBook(change);
      }
    }
    if (verdict !== 'publish') {
      outcomes[verdict]++;
      return;
    }
    outcomes.published++;
    publisher.add(record);
    if (record.kind === 'trade') this.#bars.trade(record);
    else if (record.kind === 'corporate_action') this.#parts.quality.know(record);
    this.#store(record);
  }

  #book(record: BookDelta | BookSnapshot, outcomes: Outcomes, nowUs: number): void {
    const { books, routing, publisher, quality } = this.#parts;
    const { symbol, source } = record;
    const step = books.take(record, nowUs);
    if (step.flags !== 0) quality.add(record, step.flags);
    const told = step.change !== null && this.#bookChanged(step.change);
    // What the book has refused, or had already, is nobody else's.
    if (!step.applied) {
      outcomes.unused++;
      return;
    }
    const verdict = routing.take(record, nowUs);
    if (step.mid !== null) this.#note(symbol, 'book', source, step.mid, nowUs);
    if (verdict !== 'publish') {
      outcomes[verdict]++;
      return;
    }
    outcomes.published++;
    // The source was chosen for what this record made of its book: all of it has been told.
    if (told) return;
    if (step.anew) {
      this.#bookAnew(record, record);
      return;
    }
    const of = { source, symbol, state: step.state };
    publisher.book(of, step.said, { delta: record as BookDelta });
    this.#store(record);
  }

  /**
   * Publishes and stores the whole book of the source that is published: one that has just become live or taken the place of another holds
   * changes that nobody was told of, and those to come would be of no use without it. A snapshot by which it is as it is stands for itself.
   */
  #bookAnew(
    { source, symbol }: { readonly source: string; readonly symbol: string },
    by?: BookDelta | BookSnapshot,
  ): void {
    const { books, publisher, routing } = this.#parts;
    if (routing.activeOf(symbol, 'book') !== source) return;
    const said = books.said(source, symbol);
    if (said) publisher.book(said, () => said, { anew: true });
    const itself = by?.kind === 'book_snapshot' && by.sequence === said?.sequence;
    const snapshot = itself ? by : books.snapshot(source, symbol);
    if (snapshot) this.#store(snapshot);
  }

  /** Publishes the state of a book as it is, where its source is the one that is published. */
  #tellBook({ source, symbol }: { readonly source: string; readonly symbol: string }): void {
    const { books, publisher, routing } = this.#parts;
    if (routing.activeOf(symbol, 'book') !== source) return;
    const said = books.said(source, symbol);
    if (said) publisher.book(said, () => said);
  }

  #made(bar: BarRecord, store: boolean): void {
    this.#parts.publisher.add(bar);
    if (store) this.#parts.storing.add(bar);
  }

  #compare(record: MarketRecord, nowUs: number): void {
    const { kind, symbol, source } = record;
    if (kind === 'trade')
      this.#note(symbol, 'trade', source, numberOf(record.price, record.scale.price), nowUs);
    else if (kind === 'quote' && record.bid !== 0 && record.ask !== 0) {
      const mid = numberOf(record.bid + record.ask, record.scale.price) / 2;
      this.#note(symbol, 'quote', source, mid, nowUs);
    } else if (kind === 'bar') this.#note(symbol, 'bar', source, record.close, nowUs);
  }

  #note(symbol: string, stream: Stream, source: string, price: number, nowUs: number): void {
    const { arbitration, routing, publisher } = this.#parts;
    const changed = arbitration.note(
      { symbol, stream, source, price },
      routing.activeBeside(source, symbol, stream),
      nowUs,
    );
    if (changed) publisher.news(divergenceNews(changed));
  }

  #store(record: MarketRecord): void {
    const { kind, symbol } = record;
    if ((this.#stored.get(streamOf(kind)) ?? NO_STREAMS).has(symbol)) this.#parts.storing.add(record);
  }

  #review(): void {
    for (const change of this.#parts.routing.review(this.#parts.nowUs())) this.#changed(change);
  }

  #changed(change: RouteChange | null): void {
    if (!change) return;
    const { routing, publisher } = this.#parts;
    const { symbol, stream, from, to, reason } = change;
    if (to === null) return;
    // What the source before has said goes out before what the new one says.
    publisher.flush();
    publisher.news(
      news({ source: to, event: 'routing', symbol, kind: stream, state: to, previous: from, reason }),
    );
    const outcomes = this.#outcomesOf(to);
    for (const record of routing.caughtUp(change)) {
      outcomes.published++;
      publisher.add(record);
      if (record.kind === 'trade') this.#bars.trade(record);
      this.#store(record);
    }
    if (stream === 'book') this.#bookAnew({ source: to, symbol });
  }

  /** Returns whether the source of the book has come to be published by it. */
  #bookChanged(change: BookChange): boolean {
    const { publisher, routing } = this.#parts;
    const { source, symbol, state, previous, reason } = change;
    publisher.news(news({ source, event: 'book', symbol, kind: 'book', state, previous, reason }));
    const trouble = state === 'live' ? null : reason === null ? state : `${state}: ${reason}`;
    const route = routing.trouble(source, symbol, 'book', trouble, this.#parts.nowUs());
    this.#changed(route);
    // Also told where no record is about to be published: a book that went stale.
    if (state !== 'live') this.#tellBook(change);
    return route?.to === source;
  }

  #outcomesOf(source: string): Outcomes {
    let outcomes = this.outcomes.get(source);
    if (!outcomes) {
      outcomes = { published: 0, standby: 0, overlap: 0, quarantined: 0, unused: 0 };
      this.outcomes.set(source, outcomes);
    }
    return outcomes;
  }
}
