// The Factor engine through its port and the bus.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { computeFactors, FACTORS, factorsOf, Panel, rankFactor } from '../../src/factors/index.ts';
import type { Bar } from '../../src/market/bar.ts';
import { TestEngine, topics, walkBars } from '../../test/support/engine.ts';
import { publishBars, seenBars } from '../../test/support/factor-bars.ts';
import definition from './index.ts';

const NAMES = FACTORS.map((def) => def.name);

let engine: TestEngine;
beforeEach(async () => {
  engine = await TestEngine.start(definition);
});
afterEach(() => engine.stop());

const publish = (bars: readonly Bar[], source?: string) => publishBars(engine, bars, source);
const seen = (symbol: string, count: number) => seenBars(engine, symbol, count);

function asJson(values: Record<string, number>): Record<string, number | null> {
  return Object.fromEntries(Object.entries(values).map(([k, v]) => [k, Number.isFinite(v) ? v : null]));
}

/** Bars of three symbols that move differently, interleaved by time as a feed sends them. */
function market(count: number): Bar[] {
  const walks = ['AAA', 'BBB', 'CCC'].map((symbol, i) =>
    walkBars(symbol, count).map((b) => ({
      ...b,
      close: b.close * (1 + 0.01 * Math.sin(b.ts_event_us / 6e7 + i)),
    })),
  );
  return walks[0]!.flatMap((_, t) => walks.map((bars) => bars[t]!));
}

describe('on the stream', () => {
  test('publishes the twenty factors of a symbol at every 60th of its bars, over the whole market', async () => {
    const bars = market(130);
    publish(bars);
    await seen('CCC', 130);
    const published = await engine.received(topics.factorValues, 6);
    const times = walkBars('AAA', 130).map((b) => b.ts_event_us);
    expect(published.map((e) => [e.body.symbol, e.ts_event_us] as unknown[])).toEqual(
      [59, 119].flatMap((t) => ['AAA', 'BBB', 'CCC'].map((symbol) => [symbol, times[t]])),
    );
    const panel = new Panel(['AAA', 'BBB', 'CCC']);
    for (const b of bars.slice(0, 360)) panel.push(b.symbol, b);
    expect(published.slice(3).map((e) => e.body.factors)).toEqual(
      panel.symbols.map((symbol) => asJson(factorsOf(panel, symbol))),
    );
    const sent = engine.messages(topics.marketLiveData).find((e) => e.ts_event_us === times[59])!;
    expect(published[0]!.correlation_id).toBe(sent.correlation_id);
    expect(published[0]!.body.factors).toMatchObject({ momentum_60: null });
    expect(published[0]!.body.factors.momentum_20).not.toBeNull();
  });

  test('counts each symbol by itself', async () => {
    const [late, early] = [walkBars('LATE', 60), walkBars('EARLY', 60)];
    publish(early.slice(0, 30));
    publish(late);
    await seen('LATE', 60);
    expect((await engine.received(topics.factorValues, 1)).map((e) => e.body.symbol)).toEqual(['LATE']);
    publish(early.slice(20));
    await seen('EARLY', 60);
    expect((await engine.received(topics.factorValues, 2)).map((e) => e.body.symbol)).toEqual([
      'LATE',
      'EARLY',
    ]);
  });

  test('starts a symbol afresh when its bars come from another source', async () => {
    publish(walkBars('X', 40));
    publish(walkBars('Y', 40));
    publish(walkBars('X', 10), 'venue');
    await seen('X', 10);
    await seen('Y', 40);
  });
});

describe('GET /factors', () => {
  test('lists every definition, in pages', async () => {
    const { body } = await engine.get('/factors');
    expect(body.total).toBe(20);
    expect(body.factors.map((f: { name: string }) => f.name)).toEqual(NAMES);
    for (const f of body.factors) {
      expect(f).toMatchObject({ title: expect.any(String), category: expect.any(String) });
      expect(f.formula.length).toBeGreaterThan(10);
      expect(f.lookback).toBeGreaterThan(1);
    }
    const second = await engine.get('/factors?limit=5&offset=18');
    expect(second.body.factors.map((f: { name: string }) => f.name)).toEqual(NAMES.slice(18));
    expect((await engine.get('/factors?limit=0')).status).toBe(422);
    expect((await engine.get('/factors?offset=x')).status).toBe(422);
  });
});

describe('GET /factors/values and /factors/{name}/rank', () => {
  test('give the panel as it is, and the rank of each symbol in it', async () => {
    const bars = market(300);
    publish(bars);
    await seen('CCC', 300);
    const panel = new Panel(['AAA', 'BBB', 'CCC']);
    for (const b of bars) panel.push(b.symbol, b);
    const { body } = await engine.get('/factors/values?symbols=CCC,AAA');
    expect(body.values.map((v: { symbol: string }) => v.symbol)).toEqual(['CCC', 'AAA']);
    expect(body.values[0]).toEqual({
      symbol: 'CCC',
      ts_event_us: bars.at(-1)!.ts_event_us,
      bars: 300,
      factors: asJson(factorsOf(panel, 'CCC')),
    });
    const second = await engine.get('/factors/values?limit=1&offset=1');
    expect([second.body.values[0].symbol, second.body.total]).toEqual(['BBB', 3]);

    const column = computeFactors(panel, ['volatility_20']).factors.volatility_20!;
    const expected = panel.symbols.map((symbol, i) => ({ symbol, rank: rankFactor(column)[i]! }));
    const { body: ranks } = await engine.get('/factors/volatility_20/rank');
    expect(ranks).toMatchObject({ factor: 'volatility_20', ranked: 3, total: 3 });
    expect(ranks.ranks.map((r: { symbol: string; rank: number }) => [r.symbol, r.rank])).toEqual(
      expected.sort((a, b) => b.rank - a.rank).map((r) => [r.symbol, r.rank]),
    );
  });

  test('rank only symbols whose newest bar is at most one of their intervals old', async () => {
    const start = walkBars('A', 1)[0]!.ts_event_us;
    const fiveMinutes = walkBars('SLOW', 40).map((b, i) => ({
      ...b,
      interval_us: 300_000_000,
      ts_event_us: start + i * 300_000_000,
    }));
    publish(fiveMinutes);
    publish(walkBars('OLD', 40));
    publish(walkBars('NEW', 40, start + 160 * 60_000_000));
    await seen('NEW', 40);
    const { body } = await engine.get('/factors/momentum_20/rank');
    const current = Object.fromEntries(
      body.ranks.map((r: { symbol: string; current: boolean; rank: number | null }) => [
        r.symbol,
        [r.current, r.rank !== null],
      ]),
    );
    expect(current).toEqual({ NEW: [true, true], SLOW: [true, true], OLD: [false, false] });
    expect(body).toMatchObject({ ranked: 2, total: 3, ts_event_us: start + 199 * 60_000_000 });
    expect(body.ranks.at(-1)).toMatchObject({ symbol: 'OLD', value: expect.any(Number) });
  });

  test('do not know other factors or symbols', async () => {
    publish(walkBars('A', 2));
    await seen('A', 2);
    expect((await engine.get('/factors/nope/rank')).status).toBe(404);
    expect((await engine.get('/factors/values?symbols=A,B')).status).toBe(404);
    expect((await engine.get('/factors/values?symbols=')).status).toBe(422);
  });
});

test('a restart forgets no window', async () => {
  publish(market(400));
  await seen('CCC', 400);
  const before = (await engine.get('/factors/values')).body;
  await engine.restart(definition);
  const after = (await engine.get('/factors/values')).body;
  expect(after.values.map((v: { bars: number }) => v.bars)).toEqual([400, 400, 400]);
  for (const [i, { factors }] of before.values.entries()) {
    // The market is summed in another order; every other number is the same.
    for (const [name, value] of Object.entries(factors as Record<string, number>))
      expect(Math.abs(after.values[i].factors[name] - value)).toBeLessThanOrEqual(1e-12 * Math.abs(value));
  }
});
