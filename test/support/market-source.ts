// For tests of sources: a sink that keeps what comes; a stream, and a history, with the double of its venue in manual time.
import { onTestFinished } from 'bun:test';
import type { VenueDouble } from '../../engines/marketdata/sources/net/venue-double.ts';
import type {
  HistoryRequest,
  LiveSession,
  SourceAdapter,
  SourceEvent,
  SourceFactory,
  SourceSink,
} from '../../engines/marketdata/sources/port.ts';
import { ManualTime } from '../../src/core/timers.ts';
import type { MarketKind, MarketRecord, RecordOf } from '../../src/market/records.ts';
import { eventually } from './eventually.ts';
import { readBatches, type TestContext, testContext } from './provider.ts';

/** 2024-04-04 00:00 UTC. */
export const START_US = 1_712_188_800_000_000;

export class TestSink implements SourceSink {
  readonly all: MarketRecord[] = [];
  readonly events: SourceEvent[] = [];

  records(batch: readonly MarketRecord[]): void {
    this.all.push(...batch);
  }

  event(event: SourceEvent): void {
    this.events.push(event);
  }

  of<K extends MarketKind>(kind: K): RecordOf<K>[] {
    return this.all.filter((record) => record.kind === kind) as RecordOf<K>[];
  }

  named<E extends SourceEvent['event']>(name: E): Extract<SourceEvent, { event: E }>[] {
    return this.events.filter((event) => event.event === name) as Extract<SourceEvent, { event: E }>[];
  }

  async until(kind: MarketKind, count: number): Promise<void> {
    await eventually(() => this.of(kind).length >= count, `${count} records of ${kind}`);
  }

  async event_(name: SourceEvent['event'], count = 1): Promise<void> {
    await eventually(() => this.named(name).length >= count, `${count} events ${name}`);
  }
}

/** A source and the double of its venue in manual time, which ends with the test. */
class VenueRig<V extends VenueDouble> {
  readonly time = new ManualTime(START_US);
  readonly venue: V;
  readonly context: TestContext;
  readonly adapter: SourceAdapter;

  constructor(source: SourceFactory, makeVenue: (nowUs: () => number) => V) {
    const { time } = this;
    this.venue = makeVenue(() => time.nowUs());
    const parts = { clock: time, timers: time, random: () => 0.5 };
    this.context = testContext((name) => this.venue.endpoint(name), {}, parts);
    this.adapter = source(this.context);
    onTestFinished(() => this.end());
  }

  protected end(): Promise<void> {
    return this.venue.stop();
  }
}

/** The history of a source; what is asked for is `usual` where a test says nothing else. */
export class HistoryRig<
  V extends VenueDouble & { readonly requests: readonly string[] },
> extends VenueRig<V> {
  readonly #usual: HistoryRequest;

  constructor(source: SourceFactory, makeVenue: (nowUs: () => number) => V, usual: HistoryRequest) {
    super(source, makeVenue);
    this.#usual = usual;
  }

  /** Reads to the end, in batches; time moves on by itself where the source only waits for it. */
  readonly read = async (request: Partial<HistoryRequest> = {}): Promise<MarketRecord[][]> => {
    const { time, venue } = this;
    let over = false;
    const reading = readBatches(this.adapter, { ...this.#usual, ...request }).finally(() => {
      over = true;
    });
    // It is looked at below; until then a failure is no unhandled one.
    reading.catch(() => {});
    let seen = -1;
    await eventually(() => {
      // Nothing asked since the last look, and no time limit of a request among the timers: it waits for its turn.
      if (!over && venue.requests.length === seen && time.nextMs !== null && time.nextMs < 15_000)
        time.advance(time.nextMs);
      seen = venue.requests.length;
      return over;
    }, 'the end of history');
    return reading;
  };
}

/** A stream of a source, and what came of it. */
export class StreamRig<V extends VenueDouble> extends VenueRig<V> {
  readonly sink = new TestSink();
  readonly session: LiveSession;

  constructor(source: SourceFactory, makeVenue: (nowUs: () => number) => V) {
    super(source, makeVenue);
    this.session = this.adapter.live!(this.sink);
  }

  protected override async end(): Promise<void> {
    await this.session.close();
    const released = () => this.time.waiting === 0 && this.venue.sockets.size === 0;
    await eventually(released, 'no timer and no socket once the session is closed').finally(() =>
      super.end(),
    );
  }

  /** Resolves when the venue has a subscription to `channel`. */
  readonly subscribed = (channel: string): Promise<void> =>
    eventually(
      () => [...this.venue.sockets].some((socket) => socket.data.channels.has(channel)),
      `subscribed to ${channel}`,
    );

  /** Moves on to the time at which a stream that lost its connection tries again. */
  readonly comeBack = (): void => {
    this.time.advance(this.sink.named('disconnected').at(-1)!.retryMs);
  };

  /** Lets a stream that lost its connection try for `ms`, in which the venue takes none. */
  readonly away = async (ms: number): Promise<void> => {
    this.venue.down = true;
    const until = this.time.nowUs() + ms * 1000;
    while (this.time.nowUs() < until) {
      const { length } = this.sink.named('disconnected');
      this.comeBack();
      await this.sink.event_('disconnected', length + 1);
    }
    this.venue.down = false;
  };
}
