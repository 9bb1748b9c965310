// Subscriptions and the settings of sources: which sources a symbol is taken from, what is refused, what survives a restart.
import { afterEach, describe, expect, test } from 'bun:test';
import { ConflictError, InvalidOptionError, NotFoundError } from '../../../src/core/errors.ts';
import { barSpecOf } from '../../../src/market/aggregate/spec.ts';
import { Rig, SYMBOL } from './test-rig.ts';
import { ScriptedSource } from './test-source.ts';

describe('subscriptions', () => {
  let rig: Rig;
  afterEach(() => rig.stop());

  async function two() {
    const made = await Rig.two();
    rig = made.rig;
    return made;
  }

  test('keeps subscriptions over a restart, and ends the stream of the last one', async () => {
    const { a } = await two();
    const first = await rig.subscribe({ sources: ['a'], native_symbols: { a: 'XBT/USD' } });
    await rig.restart();
    expect(rig.service.subscriptions()).toEqual([first]);
    expect(a.wanted).toEqual([{ symbol: SYMBOL, kind: 'trade', nativeSymbol: 'XBT/USD' }]);
    await rig.service.unsubscribe(first.subscription_id);
    expect(a.sink).toBeUndefined();
    expect(rig.service.source('a').health).toBe('idle');
    expect(rig.service.sources().routes).toEqual([]);
    await rig.restart();
    expect(rig.service.subscriptions()).toEqual([]);
    await expect(rig.service.unsubscribe('none')).rejects.toThrow(NotFoundError);
  });

  test('chooses sources by priority where none are named', async () => {
    const keyed = new ScriptedSource('keyed', ['trade'], 'required', ['PIPELINE_TEST_MISSING_KEY']);
    const all = [
      keyed,
      new ScriptedSource('a', ['trade']),
      new ScriptedSource('b', ['bar']),
      new ScriptedSource('c', ['trade']),
    ];
    rig = await Rig.start([...all, new ScriptedSource('d', ['trade'])]);
    await rig.service.updateSource('d', { priority: 1 });
    expect((await rig.subscribe()).sources).toEqual(['d', 'a']);
    expect(rig.service.source('keyed').credentials).toEqual([
      { name: 'PIPELINE_TEST_MISSING_KEY', present: false },
    ]);
  });

  test('takes only sources that list the symbol, by its name there too, and asks each once an hour at most', async () => {
    const [other, down, a, b, c] = ['other', 'down', 'a', 'b', 'c'].map((id) => new ScriptedSource(id));
    const all = [other!, down!, a!, b!, c!];
    other!.lists = ['BTC-USDT'];
    down!.lists = new Error('no answer');
    a!.lists = b!.lists = c!.lists = ['BTC-USD', 'ETH-USD'];
    rig = await Rig.start(all);
    // One that cannot be asked may have it.
    expect((await rig.subscribe()).sources).toEqual(['down', 'a']);
    expect(all.map(({ listed }) => listed)).toEqual([1, 1, 1, 0, 0]);
    expect((await rig.subscribe({ symbol: 'ETH-USD' })).sources).toEqual(['down', 'a']);
    rig.clock.advance(61e6);
    down!.lists = [];
    expect((await rig.subscribe({ symbol: 'ETH-USD' })).sources).toEqual(['a', 'b']);
    expect(all.map(({ listed }) => listed)).toEqual([1, 2, 1, 1, 0]);
    const native = { symbol: 'XBT', native_symbols: { b: 'BTCUSD' } };
    expect((await rig.subscribe(native)).sources).toEqual(['b']);
    const error = await rig.subscribe({ symbol: 'NONE' }).catch((e: unknown) => e);
    expect((error as InvalidOptionError).extras.errors![0]!.pointer).toBe('/symbol');
    expect((await rig.subscribe({ symbol: 'NONE', sources: ['a'] })).sources).toEqual(['a']);
  });

  test('takes a symbol that a source calls its own from nobody else', async () => {
    const [own, a] = [new ScriptedSource('own'), new ScriptedSource('a')];
    rig = await Rig.start([], {
      known: [
        { id: 'a', factory: a.factory },
        { id: 'own', factory: own.factory, has: (symbol) => symbol === SYMBOL },
      ],
    });
    expect((await rig.subscribe()).sources).toEqual(['own']);
    expect((await rig.subscribe({ symbol: 'ETH-USD' })).sources).toEqual(['a']);
  });

  test('gives a source another rate limit, kept over a restart, and its own again', async () => {
    const { a } = await two();
    expect(a.requestsPerMinute).toBeUndefined();
    const set = await rig.service.updateSource('a', { requests_per_minute: 30 });
    expect(set).toMatchObject({ requests_per_minute: 30 });
    expect(a.requestsPerMinute).toBe(30);
    await rig.restart();
    expect(a.requestsPerMinute).toBe(30);
    await rig.service.updateSource('a', { priority: 7 });
    expect(rig.service.source('a')).toMatchObject({ requests_per_minute: 30, priority: 7 });
    await rig.service.updateSource('a', { requests_per_minute: null });
    expect(a.requestsPerMinute).toBeUndefined();
    expect(rig.service.source('a').requests_per_minute).toBeNull();
  });

  test('finds a source that is in no list when it is named, also after a restart', async () => {
    const found = new ScriptedSource('any:x');
    rig = await Rig.start([], {
      find: (id) => (id === 'any:x' ? { id, factory: found.factory } : undefined),
    });
    await rig.subscribe({ sources: ['any:x'] });
    expect(found.wanted).toHaveLength(1);
    await rig.restart();
    expect(found.wanted).toHaveLength(1);
    expect(rig.service.sources().sources.map((s) => s.id)).toEqual(['any:x']);
    await expect(rig.service.updateSource('any:y', {})).rejects.toThrow(NotFoundError);
  });

  test('refuses what no source streams, sources that do not exist, and two kinds of bars for one symbol', async () => {
    const { a } = await two();
    const pointerOf = async (request: Parameters<Rig['subscribe']>[0]) => {
      const error = await rig.subscribe(request).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(InvalidOptionError);
      return (error as InvalidOptionError).extras.errors![0]!.pointer;
    };
    expect(await pointerOf({ sources: ['a', 'nobody'] })).toBe('/sources/1');
    expect(await pointerOf({ sources: ['a'], kinds: ['trades', 'macro'] })).toBe('/kinds/1');
    expect(await pointerOf({ sources: ['a'], native_symbols: { nobody: 'X' } })).toBe('/native_symbols');
    expect(await pointerOf({ sources: ['a'], bars: { unit: 'time', interval: 10, align: 'epoch' } })).toBe(
      '/bars/interval',
    );
    expect(await pointerOf({ kinds: ['bars'], bars: { unit: 'time', interval: 60e6, align: 'epoch' } })).toBe(
      '/bars',
    );
    await rig.subscribe({ sources: ['a'], kinds: ['bars'], interval_us: 300e6 });
    // Whoever asks for no length takes that which is there.
    expect(await rig.subscribe({ sources: ['b'], kinds: ['bars'] })).toMatchObject({ interval_us: 300e6 });
    const second = rig.subscribe({ sources: ['b'], kinds: ['bars'], interval_us: 60e6 });
    await expect(second).rejects.toThrow(ConflictError);
    await expect(second).rejects.toThrow('interval_us 300000000');
    expect(a.opened).toBe(1);
  });

  test('refuses bars that could not be told from others of the symbol, and says whose they are', async () => {
    await two();
    const imbalance = (symbol: string, options: object) =>
      rig.subscribe({
        symbol,
        sources: ['a'],
        bars: barSpecOf({ unit: 'imbalance', interval: 50, measure: 'tick', ...options }),
      });
    const first = await imbalance(SYMBOL, {});
    await imbalance(SYMBOL, {});
    for (const other of [{ measure: 'volume' }, { growth: 2 }]) {
      const refused = imbalance(SYMBOL, other);
      await expect(refused).rejects.toThrow(ConflictError);
      await expect(refused).rejects.toThrow(first.subscription_id);
    }
    await imbalance(SYMBOL, { measure: 'volume', interval: 60 });
    await imbalance('ETH-USD', { measure: 'volume' });
    expect(rig.service.subscriptions()).toHaveLength(4);
  });

  test('switches a source off and on, keeps that over a restart, and gives it another address', async () => {
    const { a, b } = await two();
    await rig.subscribe({ sources: ['a', 'b'] });
    await rig.service.updateSource('a', { enabled: false });
    expect(a.sink).toBeUndefined();
    a.sink?.records([]);
    expect(rig.service.routing.activeOf(SYMBOL, 'trade')).toBe('b');
    await rig.restart();
    expect(rig.service.source('a')).toMatchObject({ enabled: false, health: 'disabled' });
    await rig.service.updateSource('a', { enabled: true, endpoints: { rest: 'http://127.0.0.1:1/x' } });
    expect(a.endpoints.rest).toBe('http://127.0.0.1:1/x');
    expect(rig.service.source('a')).toMatchObject({ health: 'connected', streams: 1 });
    for (const address of ['ftp://x', 'http://user:secret@x', 'nonsense']) {
      const error = await rig.service
        .updateSource('a', { endpoints: { rest: address } })
        .catch((e: unknown) => e);
      expect(error).toBeInstanceOf(InvalidOptionError);
      expect(String(error)).not.toContain('secret');
    }
    await rig.service.updateSource('a', { endpoints: { rest: null } });
    expect(a.endpoints.rest).toBeUndefined();
    expect(b.opened).toBe(2);
  });
});
