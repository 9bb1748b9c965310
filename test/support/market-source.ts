// For tests of sources: a context in manual time, a sink that keeps what comes, a stream with the double of its venue.
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
import { testContext as providerContext, type TestContext } from './provider.ts';

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

/** A context in manual time with these addresses, without credentials. */
export function testContext(
  endpoint: (name: string) => string | undefined,
  time = new ManualTime(START_US),
): TestContext & { readonly time: ManualTime } {
  return {
    ...providerContext({}, {}, { clock: time, timers: time, endpoint, random: () => 0.5 }),
    time,
  };
}

/** A stream of a source, the double of its venue, and what came of it; both end with the test. */
export class StreamRig<V extends VenueDouble> {
  readonly context: ReturnType<typeof testContext>;
  readonly time: ManualTime;
  readonly venue: V;
  readonly sink = new TestSink();
  readonly session: LiveSession;

  constructor(source: SourceFactory, makeVenue: (nowUs: () => number) => V) {
    this.context = testContext((name) => this.venue.endpoint(name));
    this.time = this.context.time;
    this.venue = makeVenue(() => this.time.nowUs());
    this.session = source(this.context).live!(this.sink);
    onTestFinished(async () => {
      await this.session.close();
      const released = () => this.time.waiting === 0 && this.venue.sockets.size === 0;
      await eventually(released, 'no timer and no socket once the session is closed').finally(() =>
        this.venue.stop(),
      );
    });
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

/** Reads all history of a request; time moves on by itself where the source only waits for it. */
export async function readAll(
  adapter: SourceAdapter,
  time: ManualTime,
  request: HistoryRequest,
  requests: readonly string[],
): Promise<MarketRecord[][]> {
  const batches: MarketRecord[][] = [];
  let over = false;
  const reading = (async () => {
    for await (const batch of adapter.history!(request, new AbortController().signal))
      batches.push([...batch]);
  })().finally(() => {
    over = true;
  });
  // It is looked at below; until then a failure is no unhandled one.
  reading.catch(() => {});
  let seen = -1;
  await eventually(() => {
    // Nothing asked since the last look, and no time limit of a request among the timers: it waits for its turn.
    if (!over && requests.length === seen && time.nextMs !== null && time.nextMs < 15_000)
      time.advance(time.nextMs);
    seen = requests.length;
    return over;
  }, 'the end of history');
  await reading;
  return batches;
}
