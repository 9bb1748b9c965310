// The Risk engine in replays: the same outcome for any barrier, peaks that begin anew, limits that stay as they were.
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { Bus } from '../../src/bus/client.ts';
import type { Participant } from '../../src/bus/participant.ts';
import { EngineStream } from '../../src/bus/stream.ts';
import type { SessionSpec } from '../../src/bus/topics.ts';
import { runLockstep, TestEngine, testSpec, topics, walkBars } from '../../test/support/engine.ts';
import { eventually } from '../../test/support/eventually.ts';
import { orderEvent, valuation } from '../../test/support/risk-messages.ts';
import definition from './index.ts';

let engine: TestEngine;
let feeder: Bus;
beforeEach(async () => {
  engine = await TestEngine.start(definition);
  feeder = new Bus('marketdata', engine.hub.connect());
});
afterEach(async () => {
  await feeder.close();
  await engine.stop();
});

const PARTICIPANTS = ['marketdata', 'portfolio', 'risk'];
const bars = walkBars('BTC-PERP', 200);

/** Stands for the portfolio engine: one valuation for each bar, of a book that holds one unit from the first bar on. */
async function ledger(first = 0): Promise<{ stop(): Promise<void>; began: Record<string, unknown>[] }> {
  const bus = new Bus('portfolio', engine.hub.connect());
  const began: Record<string, unknown>[] = [];
  const participant: Participant = {
    consumes: [topics.marketLiveData],
    emits: [topics.valuations],
    begin: (_, data) => void began.push({ ...data }),
    process(batch, publisher) {
      for (const { body, ts_event_us, correlation_id } of batch) {
        const { close } = body as { close: number };
        const equity = String(1_000_000 + first + Math.round((close - bars[0]!.close) * 20_000));
        const positions = [{ symbol: 'BTC-PERP', quantity: '2000', mark: String(close) }];
        const book = valuation('portfolio_001', { equity, fills: 1, positions });
        publisher.publish(topics.valuations, book, ts_event_us, correlation_id);
      }
    },
  };
  await new EngineStream(bus, 'portfolio', participant).start();
  return { began, stop: () => bus.close() };
}

function replay(session: string, barrierEvents: number, over: Partial<SessionSpec> = {}) {
  const spec = testSpec('risk', { session, participants: PARTICIPANTS, ...over });
  const feed = bars.map((b) => ({ body: { ...b, source: 'replay' }, tsEventUs: b.ts_event_us }));
  return runLockstep(feeder, spec, topics.marketLiveData, feed, { barrierEvents });
}

function updatesOf(session: string) {
  return engine
    .messages(topics.riskPortfolioUpdates)
    .filter((e) => e.session === session)
    .map((e) => ({ at: e.ts_event_us, ...e.body }));
}

test('makes the same updates for any barrier, with a peak that a reset begins anew', async () => {
  const portfolio = await ledger();
  const one = await replay('one', 1, { reset: true });
  const many = await replay('many', 64, { reset: true });
  const updates = updatesOf('one');
  expect(updates).toHaveLength(200);
  expect(updatesOf('many')).toEqual(updates);
  expect(new Set(updates.map((u) => u.status)).size).toBeGreaterThan(1);
  expect(one.summaries.risk).toEqual(many.summaries.risk);
  expect(one.summaries.risk).toMatchObject({
    portfolio_id: 'portfolio_001',
    updates: 200,
    breaches: updates.filter((u) => u.status === 'breach').length,
    warnings: updates.filter((u) => u.status === 'warning').length,
    max_drawdown: Math.max(...updates.map((u) => u.drawdown)),
    status: updates.at(-1)!.status,
  });
  const { body } = await engine.post('/risk/check/portfolio_001');
  expect(body).toMatchObject({ equity: updates.at(-1)!.equity, status: updates.at(-1)!.status });
  await portfolio.stop();
});

test('gives the limits to the others at its begin, and keeps them to its end', async () => {
  const portfolio = await ledger();
  engine.bus.publish(topics.valuations, valuation('portfolio_001'));
  await engine.received(topics.riskPortfolioUpdates, 1);
  const limits = { max_position_notional: '1000' };
  await engine.send('PUT', '/limits/portfolio_001', limits);
  let changed: Promise<unknown> | undefined;
  const spec = testSpec('risk', { session: 's', participants: PARTICIPANTS });
  const feed = bars.map((b) => ({ body: { ...b, source: 'replay' }, tsEventUs: b.ts_event_us }));
  await runLockstep(feeder, spec, topics.marketLiveData, feed, {
    barrierEvents: 1,
    onProgress: () => {
      changed ??= engine.send('PUT', '/limits/portfolio_001', { max_position_notional: '9000000' });
    },
  });
  await changed;
  expect(portfolio.began[0]).toMatchObject({ risk: { limits: { ...limits, max_order_notional: '150000' } } });
  expect(new Set(updatesOf('s').map((u) => u.limits[0]!.threshold))).toEqual(new Set(['1000']));
  expect((await engine.post('/risk/check/portfolio_001')).body.limits[0].threshold).toBe('9000000');
  await portfolio.stop();
});

test('is not touched by live messages about its portfolio', async () => {
  const portfolio = await ledger();
  await replay('quiet', 8, { reset: true });
  let sent = 0;
  const spec = testSpec('risk', {
    session: 'noisy',
    participants: PARTICIPANTS,
    reset: true,
  });
  const feed = bars.map((b) => ({ body: { ...b, source: 'replay' }, tsEventUs: b.ts_event_us }));
  await runLockstep(feeder, spec, topics.marketLiveData, feed, {
    barrierEvents: 8,
    onProgress: () => {
      sent++;
      engine.bus.publish(topics.valuations, valuation('portfolio_001', { equity: '99000000' }));
      void engine.append(topics.orders, orderEvent('portfolio_001', `order-${sent}`, 'accepted'));
    },
  });
  expect(sent).toBeGreaterThan(3);
  expect(updatesOf('noisy')).toEqual(updatesOf('quiet'));
  await portfolio.stop();
});

test('continues the peak of a history that is not reset', async () => {
  const portfolio = await ledger();
  const before = valuation('portfolio_001', { equity: '5000000', fills: 1 });
  engine.bus.publish(topics.valuations, before);
  await engine.received(topics.riskPortfolioUpdates, 1);
  const { summaries } = await replay('more', 16);
  expect(summaries.risk).toMatchObject({ peak_equity: '5000000' });
  await portfolio.stop();
});

test('tells no breach of a replay, and none of its portfolio before its next live valuation', async () => {
  const portfolio = await ledger();
  engine.bus.publish(topics.valuations, valuation('portfolio_001'));
  await engine.received(topics.riskPortfolioUpdates, 1);
  await engine.send('PUT', '/limits/portfolio_001', { max_position_notional: '1000' });
  await replay('breached', 16, { reset: true });
  expect(updatesOf('breached').some((u) => u.status === 'breach')).toBe(true);
  expect((await engine.get('/breaches/portfolio_001')).body.breaches).toEqual([]);
  const positions = [{ symbol: 'BTC-PERP', quantity: '2000', mark: '1000' }];
  engine.bus.publish(topics.valuations, valuation('portfolio_001', { fills: 1, positions }));
  await eventually(
    async () => (await engine.get('/breaches/portfolio_001')).body.breaches.length === 1,
    'the breach of the live valuation',
  );
  await portfolio.stop();
});

test('an aborted replay leaves an engine that goes on living', async () => {
  const portfolio = await ledger();
  const abort = new AbortController();
  const spec = testSpec('risk', { session: 'cut', participants: PARTICIPANTS });
  const feed = bars.map((b) => ({ body: { ...b, source: 'replay' }, tsEventUs: b.ts_event_us }));
  const run = runLockstep(feeder, spec, topics.marketLiveData, feed, {
    barrierEvents: 1,
    signal: abort.signal,
    onProgress: () => abort.abort(),
  });
  await expect(run).rejects.toThrow('cancelled');
  engine.bus.publish(topics.valuations, valuation('portfolio_001', { equity: '1234567', fills: 1 }));
  await eventually(
    async () => (await engine.post('/risk/check/portfolio_001')).body.equity === '1234567',
    'the live valuation counts',
  );
  await portfolio.stop();
});
