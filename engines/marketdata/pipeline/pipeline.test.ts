// The pipeline from scripted sources to the bus and the store: batching, fail-over, arbitration, faults, what survives a restart.
import { afterEach, describe, expect, test } from 'bun:test';
import { MAX_RECORDS_PER_BODY } from '../../../src/bus/market-bodies.ts';
import { topics } from '../../../src/bus/topics.ts';
import { InvalidOptionError, NotFoundError } from '../../../src/core/errors.ts';
import { flagNames } from '../../../src/market/flags.ts';
import { GateStore } from './gate-store.ts';
import { Rig, SYMBOL } from './test-rig.ts';
import { ScriptedSource } from './test-source.ts';

describe('pipeline', () => {
  let rig: Rig;
  afterEach(() => rig.stop());

  async function two() {
    const made = await Rig.two();
    rig = made.rig;
    return made;
  }

  test('publishes what a source says as decimal text with both times, and stores it', async () => {
    const { a } = await two();
    await rig.subscribe({ sources: ['a'] });
    expect(a.wanted).toEqual([{ symbol: SYMBOL, kind: 'trade' }]);
    const tsUs = rig.nowUs - 3000;
    a.say(a.trade(tsUs, 6_180_020, { sequence: 7, id: 'x1' }), a.trade(tsUs + 1, 6_180_000, { side: null }));
    const [body] = await rig.said(topics.marketTrades);
    expect(body).toEqual({
      symbol: SYMBOL,
      source: 'a',
      trades: [
        {
          ts_event_us: tsUs,
          ts_receive_us: tsUs + 2000,
          sequence: 7,
          flags: [],
          price: '61800.2',
          size: '1',
          side: 'buy',
          id: 'x1',
        },
        {
          ts_event_us: tsUs + 1,
          ts_receive_us: tsUs + 2001,
          sequence: null,
          flags: [],
          price: '61800',
          size: '1',
          side: null,
          id: null,
        },
      ],
    });
    await rig.service.storing.idle();
    expect(rig.stored.map((r) => r.tsEventUs)).toEqual([tsUs, tsUs + 1]);
  });

  test('puts what comes in one turn into few bodies, without losing any or their order', async () => {
    const { a } = await two();
    await rig.subscribe({ sources: ['a'] });
    const count = 2 * MAX_RECORDS_PER_BODY + 10;
    for (let i = 0; i < count; i++) a.say(a.trade(rig.nowUs - count + i, 100 + i));
    const bodies = await rig.said(topics.marketTrades);
    expect(bodies.map((body) => body.trades.length)).toEqual([
      MAX_RECORDS_PER_BODY,
      MAX_RECORDS_PER_BODY,
      10,
    ]);
    const prices = bodies.flatMap((body) => body.trades.map((t) => Math.round(Number(t.price) * 100)));
    expect(prices).toEqual(Array.from({ length: count }, (_, i) => 100 + i));
  });

  test('publishes quotes with empty sides as null, and bars of time as numbers on market.live_data', async () => {
    const { a } = await two();
    await rig.subscribe({ sources: ['a'], kinds: ['quotes', 'bars'], store: false });
    expect(a.wanted).toContainEqual({ symbol: SYMBOL, kind: 'bar', intervalUs: 60_000_000 });
    a.say(a.quote(rig.nowUs, 0, 10_050, { bidSize: 0 }), a.bar(rig.nowUs - 60e6, 100));
    const [quotes] = await rig.said(topics.marketQuotes);
    expect(quotes!.quotes[0]).toMatchObject({ bid: null, bid_size: null, ask: '100.5', ask_size: '2' });
    expect(await rig.said(topics.marketLiveData)).toMatchObject([
      { symbol: SYMBOL, close: 100, source: 'a' },
    ]);
    await rig.service.storing.idle();
    expect(rig.stored).toEqual([]);
  });

  test('fails over within a second of a loss, and back after ten seconds of health, with nothing twice', async () => {
    const { a, b } = await two();
    await rig.subscribe({ sources: ['a', 'b'] });
    let price = 100;
    const both = () => {
      price++;
      if (a.sink && up) a.say(a.trade(rig.nowUs, price));
      b.say(b.trade(rig.nowUs, price));
    };
    let up = true;
    rig.pass(5, both);
    up = false;
    a.drop();
    rig.pass(60, both);
    up = true;
    a.sink!.event({ event: 'connected' });
    rig.pass(20, both);
    const trades = await rig.trades();
    const prices = trades.map(([, p]) => Math.round(Number(p) * 100));
    expect(prices).toEqual(Array.from({ length: 85 }, (_, i) => 101 + i));
    const sources = trades.map(([source]) => source);
    expect(sources.slice(0, 5)).toEqual(Array(5).fill('a'));
    expect(sources.slice(5, 65)).toEqual(Array(60).fill('b'));
    expect(sources.at(-1)).toBe('a');
    expect(sources.indexOf('a', 5)).toBeGreaterThanOrEqual(74);
    const routing = await rig.news('routing');
    expect(routing.map((n) => [n.previous, n.state, n.reason])).toEqual([
      [null, 'a', 'first of 2 that is well'],
      ['a', 'b', 'a: disconnected'],
      ['b', 'a', 'a: well again, and of higher priority'],
    ]);
    expect((await rig.news('health')).map((n) => [n.source, n.state])).toContainEqual(['a', 'disconnected']);
    expect(rig.service.source('a').counts.disconnects).toBe(1);
  });

  test('leaves a connection that is open but says nothing', async () => {
    const { a, b } = await two();
    await rig.subscribe({ sources: ['a', 'b'] });
    a.say(a.trade(rig.nowUs, 100));
    rig.pass(65, () => b.sink!.event({ event: 'heartbeat', venueUs: null }));
    expect(rig.service.source('a').health).toBe('silent');
    expect(rig.service.routing.activeOf(SYMBOL, 'trade')).toBe('b');
  });

  test('a source that lost one of its connections is not well by what the others say', async () => {
    const { a, b } = await two();
    await rig.subscribe({ sources: ['a', 'b'] });
    a.drop();
    a.say(a.trade(rig.nowUs, 100));
    a.sink!.event({ event: 'heartbeat', venueUs: null });
    expect(rig.service.source('a').health).toBe('disconnected');
    b.say(b.trade(rig.nowUs, 101));
    expect((await rig.trades()).map(([source]) => source)).toEqual(['b']);
    a.sink!.event({ event: 'connected' });
    expect(rig.service.source('a').health).toBe('connected');
  });

  test('leaves a connection on which nothing but garbage comes', async () => {
    const { a, b } = await two();
    await rig.subscribe({ sources: ['a', 'b'] });
    a.say(a.trade(rig.nowUs, 100));
    rig.pass(65, () => {
      a.sink!.event({ event: 'garbage', reason: 'not JSON' });
      b.sink!.event({ event: 'heartbeat', venueUs: null });
    });
    expect(rig.service.source('a')).toMatchObject({ health: 'silent', counts: { garbage: 65 } });
    expect(rig.service.routing.activeOf(SYMBOL, 'trade')).toBe('b');
  });

  test('takes the source that is in time while another is slow', async () => {
    const { a, b } = await two();
    await rig.subscribe({ sources: ['a', 'b'] });
    const both = (us: number) => () => {
      for (let i = 0; i < 5; i++)
        for (const [source, late] of [
          [a, us],
          [b, 2000],
        ] as const)
          source.say(source.trade(rig.nowUs - late + i * 10, 100, { tsReceiveUs: rig.nowUs }));
    };
    rig.pass(10, both(1000));
    expect(rig.service.routing.activeOf(SYMBOL, 'trade')).toBe('a');
    rig.pass(10, both(80_000));
    expect(rig.service.routing.activeOf(SYMBOL, 'trade')).toBe('b');
    expect(rig.service.routing.changes[0]!.reason).toBe('a: late');
    // The minute in which it was slow has to pass, and ten seconds of health.
    rig.pass(90, both(1000));
    expect(rig.service.routing.activeOf(SYMBOL, 'trade')).toBe('a');
  });

  test('a clock that jumps ahead costs its source its place, and silences nobody', async () => {
    const { a, b } = await two();
    await rig.subscribe({ sources: ['a', 'b'] });
    let aheadUs = 30e6;
    let price = 100;
    const both = () => {
      price++;
      if (a.sink && up) a.say(a.trade(rig.nowUs + aheadUs, price));
      b.say(b.trade(rig.nowUs, price));
    };
    let up = true;
    rig.pass(5, both);
    up = false;
    a.drop();
    rig.pass(20, both);
    // Thirty seconds ahead: what the other said five seconds after the jump is not taken for what was told.
    const fromB = (await rig.trades()).filter(([source]) => source === 'b');
    expect(fromB.length).toBeGreaterThanOrEqual(15);
    expect(rig.service.routing.views()[0]!.overlapped).toBeLessThanOrEqual(5);
    // Two minutes ahead: no time that a record can have.
    aheadUs = 120e6;
    up = true;
    a.sink!.event({ event: 'connected' });
    rig.pass(60, both);
    expect(rig.service.routing.activeOf(SYMBOL, 'trade')).toBe('b');
    expect(rig.service.source('a').outcomes.quarantined).toBe(60);
    expect((await rig.news('quality'))[0]).toMatchObject({ source: 'a', reason: 'bad_timestamp' });
  });

  test('says how far two sources are apart, once each time that changes', async () => {
    const { a, b } = await two();
    await rig.subscribe({ sources: ['a', 'b'], kinds: ['quotes'] });
    const both = (bid: number, rounds: number) => {
      for (let i = 0; i < rounds; i++) {
        rig.clock.advance(1000);
        a.say(a.quote(rig.nowUs, 10_000, 10_002));
        b.say(b.quote(rig.nowUs, bid, bid + 2));
      }
    };
    both(10_001, 10);
    both(10_100, 10);
    both(10_000, 10);
    const news = await rig.news('divergence');
    expect(news.map((n) => [n.source, n.reason, n.state, n.threshold])).toEqual([
      ['b', 'against a', 'diverges', 50],
      ['b', 'against a', 'agrees', 50],
    ]);
    // 1 of 100.01 dearer: about a percent.
    expect(news[0]!.value).toBeCloseTo(99.49, 1);
    expect(rig.service.sources().divergence[0]).toMatchObject({ comparisons: 30, state: 'agrees' });
    const sources = new Set((await rig.said(topics.marketQuotes)).map((body) => body.source));
    expect([...sources]).toEqual(['a']);
  });

  test('makes bars of the trades that are published, of one source at a time', async () => {
    const { a, b } = await two();
    const over = { sources: ['a', 'b'], kinds: ['trades' as const] };
    await rig.subscribe({ ...over, bars: { unit: 'time', interval: 10e6, align: 'epoch' } });
    await rig.subscribe({ ...over, bars: { unit: 'tick', interval: 3 } });
    // The clock of the tests starts at a whole ten seconds.
    const startUs = rig.nowUs;
    for (const [second, price] of [101, 105, 99, 103].entries()) {
      a.say(a.trade(startUs + second * 1e6, price * 100));
      b.say(b.trade(startUs + second * 1e6, 10_000));
      rig.pass(1);
    }
    rig.pass(6);
    expect(await rig.said(topics.marketLiveData)).toEqual([]);
    rig.pass(2);
    const [bar] = await rig.said(topics.marketLiveData);
    expect(bar).toEqual({
      symbol: SYMBOL,
      source: 'a',
      ts_event_us: startUs,
      interval_us: 10_000_000,
      open: 101,
      high: 105,
      low: 99,
      close: 103,
      volume: 4,
    });
    const [ticks] = await rig.said(topics.marketBars);
    expect(ticks).toMatchObject({
      unit: 'tick',
      interval: 3,
      bars: [{ open: 101, high: 105, low: 99, close: 99, trades: 3 }],
    });
    await rig.service.storing.idle();
    // Others than those of time are made of the stored trades.
    expect(rig.stored.filter((r) => r.kind === 'bar')).toMatchObject([{ unit: 'time', trades: 4 }]);
    expect(rig.stored.filter((r) => r.kind === 'trade')).toHaveLength(4);
  });

  test('more bars than one body takes become several, in order', async () => {
    const { a } = await two();
    await rig.subscribe({ sources: ['a'], kinds: ['trades'], bars: { unit: 'tick', interval: 1 } });
    a.say(...Array.from({ length: MAX_RECORDS_PER_BODY + 44 }, (_, i) => a.trade(rig.nowUs + i, 100 + i)));
    const bodies = await rig.said(topics.marketBars);
    expect(bodies.map((body) => body.bars.length)).toEqual([MAX_RECORDS_PER_BODY, 44]);
    expect(bodies.flatMap((body) => body.bars.map((bar) => bar.close))).toEqual(
      Array.from({ length: MAX_RECORDS_PER_BODY + 44 }, (_, i) => (100 + i) / 100),
    );
  });

  test('keeps what cannot be from everybody but the quarantine, and tells of it', async () => {
    const { a } = await two();
    await rig.subscribe({ sources: ['a'], kinds: ['trades', 'quotes'] });
    const tsUs = rig.nowUs - 10_000;
    const trade = a.trade(tsUs, 100, { id: 'x', sequence: 5 });
    a.say(
      trade,
      trade,
      a.quote(tsUs, 10_010, 10_000),
      a.trade(tsUs + 86_400e6 * 365, 101, { id: 'y', sequence: 6 }),
    );
    expect(await rig.trades()).toHaveLength(1);
    expect(await rig.said(topics.marketQuotes)).toEqual([]);
    await rig.service.storing.idle();
    expect(rig.stored.map((r) => flagNames(r.flags))).toEqual([
      [],
      ['duplicate'],
      ['crossed'],
      ['bad_timestamp'],
    ]);
    rig.pass(1);
    const news = await rig.news('quality');
    expect(news.map((n) => [n.kind, n.value])).toEqual([
      ['trade', 2],
      ['quote', 1],
    ]);
    expect(rig.service.source('a').outcomes).toMatchObject({ published: 1, quarantined: 3 });
    const { series } = await rig.service.qualityOf(SYMBOL);
    expect(series[0]).toMatchObject({
      kind: 'trade',
      records: 3,
      quarantined: 2,
      flags: { duplicate: 1, bad_timestamp: 1 },
    });
    expect(series[0]!.score).toBeLessThan(1);
    expect(series[1]!.examples).toMatchObject([{ flags: ['crossed'] }]);
    await expect(rig.service.qualityOf('ETH-USD')).rejects.toThrow(NotFoundError);
  });

  test('knows after a restart what came before it: duplicates, what is missing, and what was counted', async () => {
    const a = new ScriptedSource('binance');
    rig = await Rig.start([a]);
    const { subscription_id: id } = await rig.subscribe({ sources: ['binance'] });
    const say = (...numbers: number[]) => {
      for (const n of numbers) {
        rig.clock.advance(1000);
        a.say(a.trade(rig.nowUs, 100 + n, { id: String(n), sequence: n }));
      }
    };
    say(1, 2, 2, 3);
    await rig.restart();
    say(2, 3, 6);
    const seriesOf = async () => (await rig.service.qualityOf(SYMBOL)).series[0];
    expect(await seriesOf()).toMatchObject({
      records: 7,
      flagged: 4,
      quarantined: 3,
      missing: 2,
      flags: { duplicate: 3, gap: 1 },
    });
    expect((await rig.trades()).map(([, price]) => price)).toEqual(['1.01', '1.02', '1.03', '1.06']);
    // Told of what is new alone.
    rig.pass(1);
    expect((await rig.news('quality')).map((n) => n.value)).toEqual([2]);
    // What nobody listens to is not remembered.
    await rig.service.unsubscribe(id);
    await rig.restart();
    await rig.subscribe({ sources: ['binance'] });
    say(6);
    expect(await seriesOf()).toMatchObject({ records: 1, flagged: 0 });
  });

  test('what checks remember is saved again where a write of it failed, also when nothing came since', async () => {
    const a = new ScriptedSource('binance');
    rig = await Rig.start([a]);
    await rig.subscribe({ sources: ['binance'] });
    const trade = (n: number) => a.trade(rig.nowUs, 100 + n, { id: String(n), sequence: n });
    a.say(trade(1), trade(2));
    const { transaction } = rig.database;
    const failed = Promise.withResolvers<void>();
    rig.database.transaction = () => {
      failed.resolve();
      return Promise.reject(new Error('no room on its disk'));
    };
    rig.pass(1);
    await failed.promise;
    rig.database.transaction = transaction;
    await rig.restart();
    a.say(trade(2));
    const { series } = await rig.service.qualityOf(SYMBOL);
    expect(series).toMatchObject([{ records: 3, flags: { duplicate: 1 } }]);
  });

  test('a series that nobody listened to for a while begins anew: what came meanwhile is no gap', async () => {
    const a = new ScriptedSource('binance');
    rig = await Rig.start([a]);
    const trade = (n: number) => a.trade(rig.nowUs, 100 + n, { id: String(n), sequence: n });
    const { subscription_id: id } = await rig.subscribe({ sources: ['binance'] });
    a.say(trade(1), trade(3));
    await rig.service.unsubscribe(id);
    // What was is told until then.
    expect((await rig.service.qualityOf(SYMBOL)).series[0]).toMatchObject({ records: 2, missing: 1 });
    await rig.subscribe({ sources: ['binance'] });
    a.say(trade(1000), trade(1001));
    const one = async () => (await rig.service.qualityOf(SYMBOL)).series[0];
    expect(await one()).toMatchObject({ records: 2, missing: 0, flags: {} });
    // Another subscription to what is listened to already changes nothing; sums of all time only grow.
    await rig.subscribe({ sources: ['binance'], store: false });
    expect(await one()).toMatchObject({ records: 2 });
    expect(rig.service.quality.totals()).toEqual({ gap: 1 });
  });

  test('saves what the checks remember each minute, for an end without notice', async () => {
    const { a } = await two();
    await rig.subscribe({ sources: ['a'] });
    const saved = async () => (await new GateStore(rig.database).all()).map((one) => one.records);
    const second = () => a.say(a.trade(rig.nowUs, 100, { id: String(rig.nowUs) }));
    rig.pass(3, second);
    await rig.database.transaction(() => {});
    expect(await saved()).toEqual([1]);
    rig.pass(60, second);
    await rig.database.transaction(() => {});
    expect(await saved()).toEqual([61]);
  });

  test('a stream that cannot begin leaves the others alone, and is tried again', async () => {
    const { a } = await two();
    a.failure = new InvalidOptionError('Expected KEY in the environment, was missing');
    await rig.subscribe({ sources: ['a', 'b'] });
    expect(rig.service.source('a')).toMatchObject({ health: 'failed', reason: a.failure.message });
    expect(rig.service.routing.activeOf(SYMBOL, 'trade')).toBe('b');
    a.failure = undefined;
    rig.pass(31);
    expect(rig.service.source('a').health).toBe('connected');
  });

  test('a refused subscription is told, and its stream taken from elsewhere', async () => {
    const { a } = await two();
    await rig.subscribe({ sources: ['a', 'b'] });
    a.sink!.event({ event: 'refused', symbol: SYMBOL, kind: 'trade', reason: 'unknown pair' });
    expect(rig.service.routing.activeOf(SYMBOL, 'trade')).toBe('b');
    expect(await rig.news('refused')).toMatchObject([
      { source: 'a', symbol: SYMBOL, reason: 'unknown pair' },
    ]);
  });

  test('counts garbage, and says nothing after a stream was closed', async () => {
    const { a } = await two();
    const added = await rig.subscribe({ sources: ['a'] });
    const { sink } = a;
    for (let i = 0; i < 3; i++) sink!.event({ event: 'garbage', reason: 'not JSON' });
    expect(rig.service.source('a')).toMatchObject({ counts: { garbage: 3 }, last_garbage: 'not JSON' });
    await rig.service.unsubscribe(added.subscription_id);
    sink!.records([a.trade(rig.nowUs, 100)]);
    expect(await rig.trades()).toEqual([]);
  });

  test('counts what could not be stored, and tells of it, while publishing goes on', async () => {
    const { a } = await two();
    await rig.subscribe({ sources: ['a'] });
    rig.putError = new Error('disk full');
    a.say(a.trade(rig.nowUs, 100), a.trade(rig.nowUs, 101));
    await rig.service.storing.idle();
    expect(rig.service.sources().lost).toMatchObject({ store_failed: 2 });
    expect(await rig.news('dropped')).toMatchObject([{ state: 'store', reason: 'failed', value: 2 }]);
    expect(await rig.trades()).toHaveLength(2);
  });

  test('what a topic cannot carry is counted, and takes nothing else along', async () => {
    const { a } = await two();
    await rig.subscribe({ sources: ['a'], kinds: ['bars'] });
    // Oil, on 20 April 2020.
    a.say(a.bar(rig.nowUs - 120e6, -37), a.bar(rig.nowUs - 60e6, 10));
    expect((await rig.said(topics.marketLiveData)).map((body) => body.close)).toEqual([10]);
    expect(rig.service.sources().lost.unpublishable).toBe(1);
  });

  test('warns of records that come late, and of a clock that jumped', async () => {
    const { a } = await two();
    await rig.subscribe({ sources: ['a'] });
    const late = (us: number) => () => {
      for (let i = 0; i < 5; i++) a.say(a.trade(rig.nowUs - us + i * 10, 100, { tsReceiveUs: rig.nowUs }));
    };
    rig.pass(10, late(1000));
    rig.pass(20, late(80_000));
    expect(await rig.news('latency')).toMatchObject([{ source: 'a', state: 'late', threshold: 50 }]);
    // The venue's clock jumps two seconds ahead.
    rig.pass(20, late(-2_000_000));
    expect(await rig.news('clock')).toMatchObject([{ source: 'a', state: 'behind', previous: 'agrees' }]);
    expect(rig.service.latency().sources[0]!.clock.state).toBe('behind');
  });

  test('what is in quarantine says nothing about clocks and lateness', async () => {
    const { a } = await two();
    await rig.subscribe({ sources: ['a'] });
    const said = (id: string, us: number) => a.trade(rig.nowUs - us, 100, { id, tsReceiveUs: rig.nowUs });
    // An impossible time, and a trade that is sent again.
    rig.pass(40, () => a.say(said('1', 1000), said('2', -3600e6)));
    rig.pass(40, () => a.say(said('1', 800_000)));
    a.say(said('3', 1000));
    expect(rig.service.latency().sources).toMatchObject([
      { source: 'a', clock: { offset_us: 1000, state: 'agrees' }, late: false },
    ]);
    expect(await rig.news('latency')).toEqual([]);
    expect(await rig.news('clock')).toEqual([]);
  });
});
