// The Strategy engine in a replay: its decisions against a plain loop, determinism, refusals, limits, the end.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { Bus } from '../../src/bus/client.ts';
import { type SessionSpec, topics } from '../../src/bus/topics.ts';
import { FeatureStream } from '../../src/indicators/index.ts';
import { Decimal, text } from '../../src/trading/decimal.ts';
import {
  type LockstepOptions,
  runLockstep,
  TestEngine,
  testSpec,
  walkBars,
} from '../../test/support/engine.ts';
import { eventually } from '../../test/support/eventually.ts';
import definition from './index.ts';
import { startChain } from './test-chain.ts';

const SYMBOL = 'BTC-PERP';
const BARS = walkBars(SYMBOL, 2000);
const OPTIONS = { fast: 'ema_12', slow: 'ema_26' };

describe('strategy engine, replay', () => {
  let engine: TestEngine;
  let coordinator: Bus;
  let sessions = 0;

  beforeAll(async () => {
    engine = await TestEngine.start(definition);
    coordinator = await startChain(engine.hub);
  });
  afterAll(() => engine.stop());

  async function replay(over: Partial<SessionSpec> = {}, options: LockstepOptions = {}, bars = BARS) {
    const session = `session-${++sessions}`;
    const spec = testSpec('strategy', {
      session,
      participants: ['marketdata', 'features', 'ml', 'strategy'],
      reset: true,
      strategy_options: OPTIONS,
      ...over,
    });
    const feed = bars.map((bar) => ({ body: { ...bar, source: 'replay' }, tsEventUs: bar.ts_event_us }));
    const outcome = await runLockstep(coordinator, spec, topics.marketLiveData, feed, options);
    const of = <Body extends object>(topic: Parameters<typeof engine.messages<Body>>[0]) =>
      engine.messages(topic).filter((e) => e.session === session);
    const bare = ({ body, ts_event_us }: { body: object; ts_event_us: number }) => {
      const { order_id: _o, fill_id: _f, ...rest } = body as Record<string, unknown>;
      return { ...rest, at: ts_event_us } as Record<string, unknown>;
    };
    return {
      summary: outcome.summaries.strategy,
      raw: { orders: of(topics.orders), fills: of(topics.fills), signals: of(topics.signals) },
      signals: of(topics.signals).map(bare),
      orders: of(topics.orders).map(bare),
      fills: of(topics.fills).map(bare),
    };
  }

  test('trades what a plain loop over the same bars says', async () => {
    const got = await replay();
    const expected = plainLoop();
    expect(expected.fills.length).toBeGreaterThan(20);
    expect(got.fills).toEqual(expected.fills);
    expect(got.signals).toMatchObject(expected.signals);
    // The signal of the last bar has no later bar that could fill its order.
    const open = expected.signals.length - expected.fills.length;
    expect(got.summary).toEqual({
      signals: expected.signals.length,
      orders: expected.signals.length,
      fills: expected.fills.length,
      rejected: 0,
      cancelled: open,
    });
    expect(got.orders.filter((o) => o.status === 'accepted')).toHaveLength(expected.signals.length);
    expect(got.orders.filter((o) => o.status === 'filled')).toHaveLength(expected.fills.length);
  });

  test('gives the same signals, orders and fills for any barrier', async () => {
    for (const strategy of ['ma-cross', 'ml-threshold']) {
      const strategy_options = strategy === 'ma-cross' ? OPTIONS : { enter: 0.6, exit: 0.45 };
      const one = await replay({ strategy, strategy_options }, { barrierEvents: 1 });
      const many = await replay({ strategy, strategy_options }, { barrierEvents: 64 });
      expect(one.fills.length).toBeGreaterThan(20);
      for (const key of ['signals', 'orders', 'fills', 'summary'] as const)
        expect(one[key]).toEqual(many[key]!);
    }
  });

  test('fills carry the bar that their order was decided on', async () => {
    const { raw } = await replay({}, {}, BARS.slice(0, 300));
    const signal = raw.signals[0]!;
    const order = raw.orders.find((e) => e.body.status === 'accepted')!;
    const fill = raw.fills[0]!;
    expect([order.correlation_id, fill.correlation_id]).toEqual([
      signal.correlation_id,
      signal.correlation_id,
    ]);
    expect(fill.body.order_id).toBe(order.body.order_id);
    expect(fill.ts_event_us - order.ts_event_us).toBe(60_000_000);
    const ids = [
      ...raw.orders.map((e) => `${e.body.order_id} ${e.body.status}`),
      ...raw.fills.map((e) => e.body.fill_id),
    ];
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('rejects orders beyond a limit, with one reason for each', async () => {
    const got = await replay(
      { strategy_options: { ...OPTIONS, notional: '300000' } },
      {},
      BARS.slice(0, 300),
    );
    expect(got.fills).toEqual([]);
    const summary = got.summary as Record<string, number>;
    expect(summary.rejected).toBeGreaterThan(0);
    expect(summary.rejected).toBe(summary.orders!);
    for (const order of got.orders) {
      expect(order).toMatchObject({ status: 'rejected', side: 'buy', strategy: 'ma-cross' });
      expect(order.reasons).toEqual([
        expect.stringContaining('Position notional'),
        expect.stringContaining('Order notional'),
      ]);
    }
  });

  test('takes the limits that the risk engine gives', async () => {
    const { EngineStream } = await import('../../src/bus/stream.ts');
    const { Bus } = await import('../../src/bus/client.ts');
    const risk = new EngineStream(new Bus('risk', engine.hub.connect()), 'risk', {
      consumes: [topics.orders],
      emits: [],
      open: () => ({ limits: { max_order_notional: '1000' } }),
      process() {},
    });
    await risk.start();
    const participants = ['marketdata', 'features', 'ml', 'strategy', 'risk'];
    const { summary } = await replay({ participants }, {}, BARS.slice(0, 300));
    expect((summary as Record<string, number>).rejected).toBeGreaterThan(0);
    expect(summary).toMatchObject({ fills: 0 });
  });

  test('does not wait for engines that take no part', async () => {
    const participants = ['marketdata', 'features', 'strategy'];
    const got = await replay({ participants });
    expect(got.fills).toEqual(plainLoop().fills);
  });

  test('refuses what it cannot do, and says why', async () => {
    await replay({}, {}, BARS.slice(0, 300));
    const refusals: [Partial<SessionSpec>, string][] = [
      [{ strategy: 'nope' }, 'Unknown strategy: expected one of ma-cross, ml-threshold'],
      [{ strategy_options: { fast: 'ema_200', slow: 'ema_12' } }, '/strategy_options/fast'],
      [{ strategy_options: { leverage: 2 } }, 'leverage'],
      [{ reset: false }, 'portfolio_001 already has history'],
    ];
    for (const [over, message] of refusals) await expect(replay(over)).rejects.toThrow(message);
    expect((await engine.get('/fills?portfolio_id=portfolio_001')).body.fills.length).toBeGreaterThan(0);
  });

  test('leaves the history, and every order in an end state', async () => {
    const { summary } = await replay();
    const counts = summary as Record<string, number>;
    const fills = await engine.get('/fills?portfolio_id=portfolio_001&limit=1000');
    expect(fills.body.fills).toHaveLength(counts.fills!);
    expect((await engine.get('/orders?portfolio_id=portfolio_001&status=accepted')).body.orders).toEqual([]);
    const cancelled = await engine.get('/orders?portfolio_id=portfolio_001&status=cancelled');
    expect(cancelled.body.orders).toHaveLength(counts.cancelled!);
    const signals = await engine.get('/signals?portfolio_id=portfolio_001&limit=1000');
    expect(signals.body.signals).toHaveLength(counts.signals!);
  });

  test('a replay that is broken off frees its portfolio and keeps what happened', async () => {
    const cut = replay({}, { signal: AbortSignal.abort() });
    await expect(cut).rejects.toThrow('cancelled');
    await eventually(
      async () => (await engine.get('/system/status')).body.replay === null,
      'the replay has ended',
    );
    const order = { portfolio_id: 'portfolio_001', symbol: SYMBOL, side: 'buy', quantity: 1 };
    expect((await engine.post('/orders', order)).body.detail).toContain('Unknown symbol');
    expect((await replay({}, {}, BARS.slice(0, 300))).fills.length).toBeGreaterThan(0);
  });
});

// The definition of ma-cross, the venue and the fee once more, without any of the engine's parts.
function plainLoop() {
  const stream = new FeatureStream();
  const signals: { signal: string; at: number; price: number }[] = [];
  const fills: Record<string, unknown>[] = [];
  let long = false;
  let held = new Decimal(0);
  let pending: { side: 'buy' | 'sell'; quantity: Decimal } | null = null;
  for (const bar of BARS) {
    if (pending) {
      const { side, quantity } = pending;
      const fee = quantity.times(bar.open).times('0.0005').toDecimalPlaces(8);
      fills.push({
        portfolio_id: 'portfolio_001',
        symbol: SYMBOL,
        side,
        quantity: text(quantity),
        price: String(bar.open),
        fee: text(fee),
        ts_event_us: bar.ts_event_us,
        at: bar.ts_event_us,
      });
      held = side === 'buy' ? quantity : new Decimal(0);
      pending = null;
    }
    const features = stream.update(bar);
    if (!features || features.ema_26 === null) continue;
    const above = features.ema_12! > features.ema_26;
    if (above === long) continue;
    long = above;
    signals.push({ signal: long ? 'BUY' : 'SELL', at: bar.ts_event_us, price: bar.close });
    const bought = new Decimal(100_000).div(bar.close).toDecimalPlaces(3, Decimal.ROUND_DOWN);
    pending = long ? { side: 'buy', quantity: bought } : { side: 'sell', quantity: held };
  }
  return { signals, fills };
}
