// What the ML engine keeps of bars and of the states of portfolios.
import { afterEach, describe, expect, test } from 'bun:test';
import { resolve } from 'node:path';
import { Bus } from '../../src/bus/client.ts';
import type { Envelope } from '../../src/bus/envelope.ts';
import { MemoryHub } from '../../src/bus/memory.ts';
import { type BodyOf, topics } from '../../src/bus/topics.ts';
import { Registry } from '../../src/http/prom.ts';
import { runLockstep, TestEngine, testSpec, walkBars } from '../../test/support/engine.ts';
import { eventually } from '../../test/support/eventually.ts';
import definition from './index.ts';
import { HISTORY_BARS, HISTORY_SYMBOLS, MarketHistory } from './market-history.ts';
import { MAX_PORTFOLIOS, RiskStates } from './risk-states.ts';

const bus = new Bus('marketdata', new MemoryHub().connect());
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const live = (symbol: string, count: number) =>
  walkBars(symbol, count).map((bar) => ({ ...bar, source: 'simulated' }));
const messages = (symbol: string, count: number) =>
  live(symbol, count).map((bar) => bus.seal(topics.marketLiveData, bar, { tsEventUs: bar.ts_event_us }));

describe('the history of the market', () => {
  test('takes bars out of what comes and leaves the rest in order', () => {
    const history = new MarketHistory(new Registry());
    const other = (symbol: string) => ({ topic: topics.featureValues.name, body: { symbol } }) as Envelope;
    const [first, second] = messages('A', 2);
    expect(history.takeBars([other('X'), first!, second!, other('Y')])).toEqual([other('X'), other('Y')]);
    expect(history.aligned(['A']).bars).toBe(1);
  });

  test('keeps a bounded number of returns and instruments, and counts what it ignores', async () => {
    const registry = new Registry();
    const history = new MarketHistory(registry);
    history.takeBars(messages('A', HISTORY_BARS + 10));
    expect(history.length('A')).toBe(HISTORY_BARS);
    expect(history.aligned(['A']).bars).toBe(HISTORY_BARS);
    for (let i = 0; i < HISTORY_SYMBOLS + 2; i++) history.takeBars(messages(`S${i}`, 1));
    expect(history.status()).toEqual({ symbols: HISTORY_SYMBOLS, bars_kept: HISTORY_BARS, ignored_bars: 3 });
    const text = await registry.metrics();
    expect(text).toMatch(/^nautilus_ml_history_symbols 1000$/m);
    expect(text).toMatch(/^nautilus_ml_history_ignored_total 3$/m);
  });

  test('begins anew when the interval of the bars is another', () => {
    const history = new MarketHistory(new Registry());
    const bars = live('A', 6);
    for (const bar of bars.slice(0, 4)) history.update(bar, bar.ts_event_us);
    expect([history.length('A'), history.intervalUs('A')]).toEqual([3, 60_000_000]);
    for (const bar of bars.slice(4)) history.update({ ...bar, interval_us: 300_000_000 }, bar.ts_event_us);
    expect([history.length('A'), history.intervalUs('A')]).toEqual([1, 300_000_000]);
    expect(history.aligned(['A']).returns[0]).toBe(bars[5]!.close / bars[4]!.close - 1);
  });
});

type Update = BodyOf<typeof topics.riskPortfolioUpdates>;
const update = (portfolio_id: string, equity = '1'): Update => ({
  portfolio_id,
  status: 'ok',
  equity,
  drawdown: 0,
  limits: [],
});

test('the newest word of the risk engine stays, without that of replays, for a bounded number of portfolios', async () => {
  const hub = new MemoryHub();
  const [risk, ml] = [new Bus('risk', hub.connect()), new Bus('ml', hub.connect())];
  cleanups.push(
    () => risk.close(),
    () => ml.close(),
  );
  const states = new RiskStates(ml);
  await states.start();
  const say = (body: Update, tsEventUs: number, over = {}) =>
    risk.publish(topics.riskPortfolioUpdates, body, { tsEventUs, ...over });
  say(update('a', '10'), 5);
  say(update('a', '9'), 4);
  say(update('b', '1'), 5, { session: 'session-1', step: 0 });
  await eventually(() => states.of('a') !== undefined, 'the state');
  expect(states.of('a')).toEqual({ ...update('a', '10'), ts_event_us: 5 });
  expect(states.of('b')).toBeUndefined();
  for (let i = 0; i < MAX_PORTFOLIOS; i++) say(update(`p${i}`), 6);
  await eventually(() => states.of(`p${MAX_PORTFOLIOS - 1}`) !== undefined, 'the last one');
  expect([states.size, states.of('a')]).toEqual([MAX_PORTFOLIOS, undefined]);
});

test('the engine follows bars, live and in a replay, and forgets a symbol when its replay begins', async () => {
  const env = { NAUTILUS_MODELS_DIR: resolve(import.meta.dir, '../../models') };
  const engine = await TestEngine.start(definition, env);
  cleanups.push(() => engine.stop());
  const market = new Bus('marketdata', engine.hub.connect());
  cleanups.push(() => market.close());
  const history = async () => (await engine.get('/system/status')).body.history;
  for (const bar of live('LIVE', 3))
    market.publish(topics.marketLiveData, bar, { tsEventUs: bar.ts_event_us });
  await eventually(async () => (await history()).symbols === 1, 'the live symbol');
  const spec = testSpec('ml', {
    symbol: 'BTC-PERP',
    strategy: 'ma-cross',
    participants: ['marketdata', 'ml'],
  });
  const feed = live('BTC-PERP', 20).map((bar) => ({
    body: { ...bar, source: 'replay' },
    tsEventUs: bar.ts_event_us,
  }));
  await runLockstep(market, spec, topics.marketLiveData, feed, { barrierEvents: 7 });
  expect(await history()).toEqual({ symbols: 2, bars_kept: HISTORY_BARS, ignored_bars: 0 });
});
