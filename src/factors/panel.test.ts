// The panel: rolling windows, repeated and missing bars, the market by time, growth.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  InvalidOptionError,
  NonFiniteInputError,
  NotFoundError,
  ShapeMismatchError,
} from '../core/errors.ts';
import { Panel, panelOf } from './panel.ts';

function closes(panel: Panel, symbol: string): number[] {
  const view = panel.view();
  panel.read(symbol, view);
  return Array.from(view.close.subarray(0, view.bars));
}

function market(panel: Panel, symbol: string): number[] {
  const view = panel.view();
  panel.read(symbol, view);
  return Array.from(view.market.subarray(0, view.bars));
}

describe('Panel', () => {
  test('keeps the last bars of each symbol, oldest first, however many were pushed', () => {
    const price = fc.double({ min: 0.001, max: 1e6, noNaN: true });
    const pushes = fc.array(fc.tuple(fc.constantFrom('A', 'B', 'C'), price), { maxLength: 80 });
    fc.assert(
      fc.property(pushes, fc.integer({ min: 2, max: 9 }), (bars, size) => {
        const panel = new Panel(['A', 'B', 'C'], size);
        const all: Record<string, number[]> = { A: [], B: [], C: [] };
        for (const [i, [symbol, close]] of bars.entries()) {
          expect(panel.push(symbol, { ts_event_us: i, close })).toBe(true);
          all[symbol]?.push(close);
        }
        for (const symbol of panel.symbols) {
          expect(closes(panel, symbol)).toEqual(all[symbol]!.slice(-size));
          expect(panel.count(symbol)).toBe(Math.min(size, all[symbol]!.length));
        }
      }),
    );
  });

  test('ignores a bar that is not newer than the last of its symbol', () => {
    const panel = new Panel(['A', 'B']);
    expect(panel.push('A', { ts_event_us: 10, close: 1 })).toBe(true);
    expect(panel.push('A', { ts_event_us: 10, close: 2 })).toBe(false);
    expect(panel.push('A', { ts_event_us: 9, close: 2 })).toBe(false);
    expect(panel.push('B', { ts_event_us: 9, close: 2 })).toBe(true);
    expect(closes(panel, 'A')).toEqual([1]);
  });

  test('takes the market as the mean of the returns at the same time, whoever was pushed first', () => {
    const bars: [string, number, number][] = [
      ['A', 1, 100],
      ['A', 2, 110],
      ['A', 3, 110],
      ['B', 1, 50],
      ['B', 3, 75],
    ];
    for (const order of [bars, bars.toSorted((a, b) => a[1] - b[1])]) {
      const panel = new Panel(['A', 'B']);
      for (const [symbol, time, close] of order) panel.push(symbol, { ts_event_us: time, close });
      expect(market(panel, 'A')).toEqual([Number.NaN, 110 / 100 - 1, 0.25]);
      // B missed time 2: its return at time 3 spans the gap.
      expect(market(panel, 'B')).toEqual([Number.NaN, 0.25]);
    }
  });

  test('keeps the market of times that one symbol has already dropped', () => {
    const panel = new Panel(['A', 'B'], 2);
    for (let time = 1; time <= 4; time++) panel.push('A', { ts_event_us: time, close: 2 ** time });
    for (let time = 1; time <= 4; time++) panel.push('B', { ts_event_us: time, close: 1 });
    expect(market(panel, 'A')).toEqual([Number.NaN, 0.5]);
    expect(market(panel, 'B')).toEqual([Number.NaN, 0.5]);
  });

  test('keeps its windows while symbols are added', () => {
    const panel = new Panel(['S0'], 3);
    for (let i = 0; i < 40; i++) {
      panel.add(`S${i}`);
      for (let time = 0; time < 5; time++)
        panel.push(`S${i}`, { ts_event_us: time, close: i * 10 + time + 1 });
    }
    panel.add('S3');
    expect(panel.symbols).toHaveLength(40);
    for (let i = 0; i < 40; i++) expect(closes(panel, `S${i}`)).toEqual([i * 10 + 3, i * 10 + 4, i * 10 + 5]);
  });

  test('without a symbol keeps the windows of the others and goes on; its share of the market is gone', () => {
    const panel = new Panel(['A', 'B', 'C'], 3);
    for (let i = 1; i <= 5; i++) {
      panel.push('A', { ts_event_us: i, close: i });
      panel.push('B', { ts_event_us: i, close: 10 * i * i });
      if (i > 3) panel.push('C', { ts_event_us: i, close: 7, volume: i });
    }
    const left = panel.without('A');
    expect(left.symbols).toEqual(['B', 'C']);
    expect([closes(left, 'B'), closes(left, 'C')]).toEqual([
      [90, 160, 250],
      [7, 7],
    ]);
    expect(market(left, 'B').at(-1)).toBeCloseTo((250 / 160 - 1) / 2, 12);
    expect(left.push('B', { ts_event_us: 5, close: 1 })).toBe(false);
    expect(left.push('C', { ts_event_us: 6, close: 8 })).toBe(true);
    expect(panel.symbols).toEqual(['A', 'B', 'C']);
  });

  test('refuses bars that are not finite, not positive or of no symbol of it', () => {
    const panel = new Panel(['A']);
    expect(() => panel.push('B', { ts_event_us: 1, close: 1 })).toThrow(NotFoundError);
    expect(() => panel.push('A', { ts_event_us: 1, close: Number.NaN })).toThrow(NonFiniteInputError);
    expect(() => panel.push('A', { ts_event_us: 1, close: 1, volume: Number.NaN })).toThrow(
      NonFiniteInputError,
    );
    expect(() => panel.push('A', { ts_event_us: 1, close: 0 })).toThrow(InvalidOptionError);
    expect(() => panel.push('A', { ts_event_us: 1, close: 1, volume: -1 })).toThrow(InvalidOptionError);
    expect(panel.count('A')).toBe(0);
    expect(() => new Panel(['A', 'A'])).toThrow(InvalidOptionError);
    expect(() => new Panel([], 1)).toThrow(InvalidOptionError);
  });
});

describe('panelOf', () => {
  test('reads columns of time by series and skips missing bars', () => {
    const close = Float64Array.of(1, 10, 2, Number.NaN, 3, 30);
    const panel = panelOf({ symbols: ['A', 'B'], times: [1, 2, 3], close });
    expect(closes(panel, 'A')).toEqual([1, 2, 3]);
    expect(closes(panel, 'B')).toEqual([10, 30]);
  });

  test('refuses arrays of another size and times that do not ascend', () => {
    const close = Float64Array.of(1, 2);
    expect(() => panelOf({ symbols: ['A'], times: [1], close })).toThrow(ShapeMismatchError);
    expect(() => panelOf({ symbols: ['A'], times: [1, 2], close, volume: close.subarray(1) })).toThrow(
      ShapeMismatchError,
    );
    expect(() => panelOf({ symbols: ['A'], times: [2, 2], close })).toThrow(InvalidOptionError);
  });
});
