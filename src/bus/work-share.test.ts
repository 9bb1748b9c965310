// Divided work: what is a process's own, what it keeps for the time when that changes, and replays that wait for it.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { eventually } from '../../test/support/eventually.ts';
import { Bus } from './client.ts';
import { runLockstep } from './coordinator.ts';
import type { Envelope } from './envelope.ts';
import { MemoryHub } from './memory.ts';
import { EngineStream } from './stream.ts';
import { type SessionSpec, topics } from './topics.ts';
import type { UnitRunner } from './unit.ts';
import { DividedWork, type IsOurs, TakenOverError, type WorkShare } from './work-share.ts';

const KEEP_MS = 1000;

/** A share that the test sets. */
class FakeShare implements WorkShare {
  readonly keys = new Set<string>();
  /** Keys that the database knows to be another's. */
  readonly fenced = new Set<string>();
  asked = false;
  #begin: (isGained: IsOurs) => void = () => {};

  holds(key: string): boolean {
    this.asked = true;
    return this.keys.has(key);
  }
  async ours<T>(_: unknown, items: readonly T[], keyOf: (item: T) => string): Promise<readonly T[]> {
    return items.filter((item) => this.holds(keyOf(item)) && !this.fenced.has(keyOf(item)));
  }
  async require(_: unknown, key: string): Promise<void> {
    if (!this.holds(key) || this.fenced.has(key)) throw new TakenOverError(key);
  }
  onLost(): void {}
  onGained(begin: (isGained: IsOurs) => void): void {
    this.#begin = begin;
  }
  keepInUse(): void {}
  gain(key: string): void {
    this.keys.add(key);
    this.#begin((k) => k === key);
  }
}

const bar = (symbol: string, ts_event_us: number) => {
  const prices = { open: 1, high: 1, low: 1, close: 1, volume: 0 };
  return { symbol, ts_event_us, interval_us: 1, source: 'test', ...prices };
};

describe('divided work', () => {
  let share: FakeShare;
  let buses: Bus[];
  let stream: EngineStream;
  let handled: string[];

  beforeEach(async () => {
    const hub = new MemoryHub();
    buses = ['marketdata', 'features'].map((name) => new Bus(name, hub.connect()));
    share = new FakeShare();
    handled = [];
    const bus = buses[1]!;
    // A transaction that nobody uses.
    const units: UnitRunner = {
      run: async (work) => work({ tx: undefined as never, publish: (topic, body) => bus.seal(topic, body) }),
    };
    stream = new EngineStream(
      bus,
      'features',
      {
        consumes: [topics.marketLiveData],
        emits: [],
        process: (batch) => {
          for (const { body } of batch as readonly Envelope<ReturnType<typeof bar>>[])
            handled.push(`${body.symbol}${body.ts_event_us}`);
        },
      },
      { units, divided: new DividedWork(share, 'symbol', KEEP_MS), replica: 1 },
    );
    await stream.start();
  });
  afterEach(() => Promise.all(buses.map((b) => b.close())));

  /** Says bars and waits until everything said so far has led to `expected`. */
  async function say(bars: readonly [symbol: string, ts: number][], expected: readonly string[]) {
    for (const [symbol, ts] of bars) buses[0]!.publish(topics.marketLiveData, bar(symbol, ts));
    await eventually(() => handled.length >= expected.length, 'the last bar');
    expect(handled).toEqual([...expected]);
  }

  test('is what came for own keys; what came for others is handled, in order, once it is gained', async () => {
    share.keys.add('A');
    await say(
      [
        ['A', 1],
        ['B', 1],
        ['B', 2],
        ['C', 1],
        ['A', 2],
      ],
      ['A1', 'A2'],
    );
    share.gain('B');
    await say([['B', 3]], ['A1', 'A2', 'B1', 'B2', 'B3']);
  });

  test('leaves out what the database knows to be taken over', async () => {
    share.keys.add('A');
    share.keys.add('B');
    share.fenced.add('A');
    await say(
      [
        ['A', 1],
        ['B', 1],
      ],
      ['B1'],
    );
  });

  const spec: SessionSpec = {
    session: 's1',
    symbol: 'A',
    interval_us: 1,
    portfolio_id: 'p',
    strategy: 'ma-cross',
    strategy_options: {},
    starting_cash: '0',
    fee_bps: 0,
    reset: false,
    participants: ['marketdata', 'features'],
  };
  const feed = Array.from({ length: 10 }, (_, i) => ({ body: bar('A', i), tsEventUs: i }));
  const replay = (onOpen = () => {}) =>
    runLockstep(buses[0]!, spec, topics.marketLiveData, feed, { timeoutMs: 2000, barrierEvents: 1, onOpen });

  test('includes a replay whose key is gained while it is being opened', async () => {
    const outcome = replay();
    await eventually(() => share.asked, 'the opening');
    expect(stream.session).toBeUndefined();
    share.gain('A');
    expect(await outcome).toMatchObject({ events: 10 });
    expect(handled).toHaveLength(10);
  });

  test('ends a replay whose key was taken over, and says so', async () => {
    share.keys.add('A');
    await expect(replay(() => void share.fenced.add('A'))).rejects.toThrow(
      'Engine features failed during the replay: Another process of the engine has taken over A: start the replay again',
    );
    await eventually(() => stream.session === undefined, 'its end');
  });
});
