// The snapshot's state against the messages that made it.
import { describe, expect, test } from 'bun:test';
import type { Envelope } from '../../../src/bus/envelope.ts';
import { testSpec, topics, walkBars } from '../../../test/support/engine.ts';
import { BOARD_LIMITS, Board } from './board.ts';

function envelope(topic: { name: string }, tsEventUs: number, body: object, session?: string): Envelope {
  return {
    id: 'i',
    topic: topic.name,
    version: 1,
    ts_event_us: tsEventUs,
    ts_sent_us: 0,
    correlation_id: 'c',
    source: 'x',
    ...(session === undefined ? {} : { session, step: 0 }),
    body,
  };
}
const bar = (symbol: string, i = 0, session?: string) => {
  const body = { ...walkBars(symbol, i + 1)[i]!, source: 'simulated' };
  return envelope(topics.marketLiveData, body.ts_event_us, body, session);
};
const valuation = (portfolio_id: string, ts: number, equity: string) =>
  envelope(topics.valuations, ts, { portfolio_id, equity });
const order = (id: string, status: string, portfolio_id = 'p') =>
  envelope(topics.orders, 1, { order_id: id, status, portfolio_id });

describe('board', () => {
  test('keeps the newest valuation and the curve of each portfolio', () => {
    const board = new Board();
    board.take(valuation('p2', 1, '5'));
    board.take(valuation('p1', 1, '100.5'));
    board.take(valuation('p1', 2, '101'));
    board.take(envelope(topics.analyticsMetrics, 2, { portfolio_id: 'p1', sharpe_ratio: 1.5 }));
    board.take(envelope(topics.riskPortfolioUpdates, 2, { portfolio_id: 'p1', drawdown: 0.1 }));
    const [p1, p2] = board.snapshot(10).portfolios;
    expect(p1).toMatchObject({
      portfolio_id: 'p1',
      valuation: { equity: '101', ts_event_us: 2 },
      metrics: { sharpe_ratio: 1.5 },
      risk: { drawdown: 0.1 },
      equity: { ts_us: [1, 2], value: [100.5, 101], stride: 1 },
    });
    expect(p2).toMatchObject({ portfolio_id: 'p2', metrics: null, risk: null });
  });

  test('keeps the newest state of each order, the newest first and no more than its limit', () => {
    const board = new Board();
    for (let i = 0; i < BOARD_LIMITS.events + 20; i++) board.take(order(`o${i}`, 'accepted'));
    board.take(order('o50', 'filled'));
    const { orders } = board.snapshot(0);
    expect(orders.length).toBe(BOARD_LIMITS.events);
    expect(orders[0]).toMatchObject({ order_id: 'o50', status: 'filled' });
    expect(orders.filter((o) => o.order_id === 'o50').length).toBe(1);
  });

  test('keeps signals that say something and the newest fills', () => {
    const board = new Board();
    const signals = ['BUY', 'HOLD', 'SELL'];
    for (const [i, signal] of signals.entries()) {
      board.take(envelope(topics.signals, i, { signal, portfolio_id: 'p' }));
    }
    for (let i = 0; i < 350; i++) board.take(envelope(topics.fills, i, { fill_id: `f${i}`, ts_event_us: i }));
    const { signals: kept, fills } = board.snapshot(0);
    expect(kept.map((s) => s.signal)).toEqual(['SELL', 'BUY']);
    expect([fills.length, fills[0]!.fill_id, fills.at(-1)!.fill_id]).toEqual([100, 'f349', 'f250']);
  });

  test('leaves out symbols beyond its limit, says so, and makes room for a replay', () => {
    const board = new Board();
    for (let i = 0; i < BOARD_LIMITS.symbols + 3; i++) board.take(bar(`S${i}`));
    expect(board.snapshot(1).symbols.length).toBe(BOARD_LIMITS.symbols);
    expect(board.snapshot(1).symbols_omitted).toBe(3);
    board.beginReplay(testSpec('websocket'));
    board.take(bar('BTC-PERP', 0, 'session-1'));
    expect(board.snapshot(1).symbols.map((s) => s.symbol)).toContain('BTC-PERP');
  });

  test('forgets at the start of a replay what the replay tells anew, and nothing else', () => {
    const board = new Board();
    const own = 'portfolio_001';
    for (const symbol of ['BTC-PERP', 'OTHER']) board.take(bar(symbol, 5));
    for (const id of [own, 'p']) {
      board.take(valuation(id, 1e15, '5'));
      board.take(order(`order-${id}`, 'filled', id));
      board.take(envelope(topics.signals, 1, { signal: 'BUY', portfolio_id: id }));
      board.take(envelope(topics.fills, 1, { fill_id: `fill-${id}`, portfolio_id: id, ts_event_us: 1 }));
    }
    board.beginReplay(testSpec('websocket'));
    const snapshot = board.snapshot(10);
    expect(snapshot.symbols.map((s) => s.symbol)).toEqual(['OTHER']);
    for (const list of [snapshot.portfolios, snapshot.orders, snapshot.signals, snapshot.fills]) {
      expect(list.map((entry) => entry.portfolio_id)).toEqual(['p']);
    }
    board.take(bar('BTC-PERP', 0, 'session-1'));
    board.take(bar('BTC-PERP', 1, 'session-1'));
    expect(board.replay).toMatchObject({ state: 'running', symbol: 'BTC-PERP', bars: 2 });
    expect(board.endReplay('another', 'finished')).toBe(false);
    expect(board.endReplay('session-1', 'finished')).toBe(true);
    expect(board.endReplay('session-1', 'aborted')).toBe(false);
    expect(board.replay).toMatchObject({ state: 'finished', bars: 2 });
  });
});
