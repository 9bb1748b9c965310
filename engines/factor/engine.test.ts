// The Factor engine through its port and the bus.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { gunzipSync } from 'node:zlib';
import { Bus } from '../../src/bus/client.ts';
import golden from '../../src/factors/golden.json';
import { computeFactors, FACTORS, factorsOf, Panel, rankFactor } from '../../src/factors/index.ts';
import type { Bar } from '../../src/market/bar.ts';
import { sharedData } from '../../test/shared-data.ts';
import { runLockstep, TestEngine, testSpec, topics, walkBars } from '../../test/support/engine.ts';
import { eventually } from '../../test/support/eventually.ts';
import definition from './index.ts';

const NAMES = FACTORS.map((def) => def.name);
const PRICES = 'sp500-20-stocks-daily-close-1990-2022.csv.gz';
const prices = sharedData(PRICES);

let engine: TestEngine;
beforeEach(async () => {
  engine = await TestEngine.start(definition);
});
afterEach(() => engine.stop());

function publish(bars: readonly Bar[], source = 'simulated'): void {
  for (const b of bars)
    engine.bus.publish(topics.marketLiveData, { ...b, source }, { tsEventUs: b.ts_event_us });
}

/** Resolves when the engine has seen `count` bars of a symbol. */
async function seen(symbol: string, count: number): Promise<void> {
  await eventually(async () => {
    const { body } = await engine.get(`/factors/values?symbols=${symbol}`);
    return body.values?.[0]?.bars === count;
  }, `${count} bars of ${symbol}`);
}

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

describe('POST /factors/compute', () => {
  const block = golden.prices;
  const within = (actual: number, value: number, { abs, rel }: { abs: number; rel: number }) =>
    Math.abs(actual - value) <= abs + rel * Math.abs(value);

  test('gives the outside values of twenty stocks, and their ranks', async () => {
    for (const { row, factors } of block.at) {
      const close = block.close.slice(0, row + 1);
      const { status, body } = await engine.post('/factors/compute', { symbols: block.symbols, close });
      expect(status).toBe(200);
      expect(body).toMatchObject({ symbols: block.symbols, bars: row + 1, hardware_used: 'cpu' });
      expect(Object.keys(body.factors)).toEqual(NAMES);
      for (const [name, expected] of Object.entries(factors)) {
        expect(expected.every((value, s) => within(body.factors[name][s], value, block.tolerance))).toBe(
          true,
        );
        expect(body.ranks[name]).toEqual(Array.from(rankFactor(Float64Array.from(body.factors[name]))));
      }
      // There is no volume, so that the factors that read it have no value.
      expect(body.factors.amihud_20).toEqual(block.symbols.map(() => null));
      expect(body.ranks.amihud_20).toEqual(block.symbols.map(() => null));
    }
  });

  test('reads volume, and only the factors that are asked for', async () => {
    const { symbols, close, volume, at, tolerance } = golden.volumes;
    const request = { symbols, close, volume, factors: ['amihud_20', 'volume_z_20'] };
    const { body } = await engine.post('/factors/compute', request);
    expect(Object.keys(body.factors)).toEqual(['amihud_20', 'volume_z_20']);
    for (const [name, expected] of Object.entries(at[0]!.factors))
      expect(expected.every((value, s) => within(body.factors[name][s], value, tolerance))).toBe(true);
  });

  test.skipIf(prices === null)(`ranks all of ${PRICES} as the last rows alone are ranked`, async () => {
    const text = gunzipSync(await Bun.file(prices!).bytes()).toString();
    const [header, ...lines] = text.trim().split('\n');
    const symbols = header!.trim().split(',').slice(1);
    const rows = lines.map((line) => line.trim().split(',').slice(1).map(Number));
    expect([symbols.length, rows.length > 5000]).toEqual([20, true]);
    const tail = await engine.post('/factors/compute', { symbols, close: rows.slice(-300) });
    const longer = await engine.post('/factors/compute', { symbols, close: rows.slice(-3000) });
    expect(longer.body.factors).toEqual(tail.body.factors);
    expect(longer.body.bars).toBe(3000);
    const last = block.at.at(-1)!.factors.momentum_20;
    expect(last.every((v, s) => within(tail.body.factors.momentum_20[s], v, block.tolerance))).toBe(true);
  });

  test('takes null as no bar: the next return spans the gap', async () => {
    const close = Array.from({ length: 30 }, (_, i) => [100 + i, i === 12 ? null : 50 + i]);
    const { body } = await engine.post('/factors/compute', {
      symbols: ['A', 'B'],
      close,
      factors: ['momentum_20'],
    });
    expect(body.factors.momentum_20).toEqual([129 / 109 - 1, 79 / 58 - 1]);
    const short = await engine.post('/factors/compute', {
      symbols: ['A'],
      close: [[1]],
      factors: ['momentum_20'],
    });
    expect(short.body.ranks).toEqual({ momentum_20: [null] });
  });

  test('answers bad requests with problems that name the field', async () => {
    const good = {
      symbols: ['A', 'B'],
      close: [
        [1, 2],
        [1, 2],
      ],
    };
    const cases: [unknown, number, string, string][] = [
      [undefined, 422, 'invalid-option', ''],
      [{ close: [[1]] }, 422, 'invalid-option', '/symbols'],
      [{ ...good, symbols: ['A', 'A'] }, 422, 'invalid-option', '/symbols'],
      [{ ...good, symbols: [] }, 422, 'invalid-option', '/symbols'],
      [{ ...good, close: [] }, 422, 'invalid-option', '/close'],
      [
        {
          ...good,
          close: [
            [1, 2],
            [1, 'x'],
          ],
        },
        422,
        'invalid-option',
        '/close/1/1',
      ],
      [
        {
          ...good,
          close: [
            [1, 2],
            [1, 0],
          ],
        },
        422,
        'invalid-option',
        '/close/1/1',
      ],
      [{ ...good, close: [[1, 2], [1]] }, 422, 'shape-mismatch', '/close/1'],
      [{ ...good, volume: [[1, 2]] }, 422, 'shape-mismatch', '/volume'],
      [
        {
          ...good,
          high: [
            [1, 2],
            [1, 2, 3],
          ],
        },
        422,
        'shape-mismatch',
        '/high/1',
      ],
      [
        {
          ...good,
          volume: [
            [1, 2],
            [1, -2],
          ],
        },
        422,
        'invalid-option',
        '/volume/1/1',
      ],
      [{ ...good, factors: ['nope'] }, 404, 'not-found', ''],
      [{ ...good, factor: ['beta_60'] }, 422, 'invalid-option', 'factor'],
    ];
    for (const [request, status, slug, named] of cases) {
      const answer = await engine.post('/factors/compute', request);
      expect([request, answer.status, answer.body.type]).toEqual([request, status, `/problems/${slug}`]);
      expect(JSON.stringify(answer.body)).toContain(named);
    }
  });
});

describe('in a replay', () => {
  test('publishes the same for any barrier, whatever else is on the stream, and starts the symbol afresh', async () => {
    const feeder = new Bus('marketdata', engine.hub.connect());
    const bars = walkBars('BTC-PERP', 300);
    const feed = bars.map((b) => ({ body: { ...b, source: 'replay' }, tsEventUs: b.ts_event_us }));
    const outcomes: unknown[] = [];
    for (const barrierEvents of [1, 7, 64]) {
      // Live bars of another symbol at the same event times would move the market of a shared panel.
      publish(
        walkBars(`OTHER${barrierEvents}`, 150).map((b) => ({ ...b, close: b.close + (b.ts_event_us % 7) })),
      );
      const session = `session-${barrierEvents}`;
      const spec = testSpec('factor', { session, participants: ['marketdata', 'factor'] });
      const { summaries } = await runLockstep(feeder, spec, topics.marketLiveData, feed, { barrierEvents });
      const published = engine.messages(topics.factorValues).filter((e) => e.session === session);
      outcomes.push(published.map((e) => [e.ts_event_us, e.body]));
      expect(summaries.factor).toEqual({ symbol: 'BTC-PERP', published: 5, cadence_bars: 60 });
    }
    expect(outcomes[1]).toEqual(outcomes[0]);
    expect(outcomes[2]).toEqual(outcomes[0]);
    expect(outcomes[0]).toHaveLength(5);
    await seen('BTC-PERP', 300);
    await feeder.close();
  });

  test('keeps live bars of its symbol out until it ends, also when it is aborted', async () => {
    const feeder = new Bus('marketdata', engine.hub.connect());
    const abort = new AbortController();
    const feed = walkBars('BTC-PERP', 100).map((b) => ({
      body: { ...b, source: 'replay' },
      tsEventUs: b.ts_event_us,
    }));
    const run = runLockstep(
      feeder,
      testSpec('factor', { participants: ['marketdata', 'factor'] }),
      topics.marketLiveData,
      feed,
      { barrierEvents: 1, signal: abort.signal, onProgress: (done) => done > 20 && abort.abort() },
    );
    await expect(run).rejects.toThrow('cancelled');
    publish(walkBars('BTC-PERP', 5));
    await seen('BTC-PERP', 5);
    await feeder.close();
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
