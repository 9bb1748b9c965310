// Histories of returns: alignment by event time, bounds, restarts of a source, what is stored.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { HISTORY_BARS, type LiveBar, MAX_SYMBOLS, SavedReturns } from './returns.ts';

function push(history: SavedReturns, symbol: string, ts: number, close: number, source = 'simulated'): void {
  history.update({ symbol, close, source } as LiveBar, ts);
}

const closeAt = (symbol: string, ts: number) => 100 + ((ts * 7 + symbol.charCodeAt(0)) % 13);

describe('a history of returns', () => {
  test('aligns symbols on the event times that all of them have', () => {
    const times = fc
      .uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 60 })
      .map((list) => list.sort((a, b) => a - b));
    fc.assert(
      fc.property(fc.tuple(times, times, times), (all) => {
        const symbols = ['A', 'B', 'C'];
        const history = new SavedReturns();
        for (const [i, symbol] of symbols.entries())
          for (const ts of all[i]!) push(history, symbol, ts, closeAt(symbol, ts));
        const common = all[0].filter((ts) => all.every((list) => list.indexOf(ts) > 0));
        const expected = common.flatMap((ts) =>
          symbols.map((symbol, i) => {
            const before = all[i]![all[i]!.indexOf(ts) - 1]!;
            return closeAt(symbol, ts) / closeAt(symbol, before) - 1;
          }),
        );
        const { returns, bars } = history.aligned(symbols);
        expect([bars, ...returns]).toEqual([common.length, ...expected]);
      }),
    );
  });

  test('keeps the last ones only, and comes back from disk as it was', () => {
    const history = new SavedReturns();
    for (let ts = 1; ts <= HISTORY_BARS + 700; ts++) push(history, 'A', ts, closeAt('A', ts));
    const { returns, bars } = history.aligned(['A']);
    expect(returns[0]).toBe(closeAt('A', 701) / closeAt('A', 700) - 1);
    const again = new SavedReturns();
    again.restore(history.takeUnsaved(true));
    expect(again.aligned(['A'])).toEqual(history.aligned(['A']));
    expect(bars).toBe(HISTORY_BARS);
    expect(again.mark('A')).toEqual(history.mark('A')!);
    // Bars may have been missed meanwhile: the first return after a restart would span them.
    push(again, 'A', 10_000, 1);
    expect(again.aligned(['A']).returns).toEqual(returns);
    push(again, 'A', 10_001, 2);
    expect(again.aligned(['A']).returns.at(-1)).toBe(1);
  });

  test('is due for disk now and then, and only once', () => {
    const history = new SavedReturns();
    for (let ts = 1; ts < 64; ts++) push(history, 'A', ts, 1);
    expect(history.takeUnsaved()).toEqual([]);
    push(history, 'A', 64, 1);
    expect(history.takeUnsaved()).toHaveLength(1);
    expect(history.takeUnsaved(true)).toEqual([]);
  });

  test('is due again when what was handed out could not be written', () => {
    const history = new SavedReturns();
    for (let ts = 1; ts <= 64; ts++) push(history, 'A', ts, ts);
    const [first] = history.takeUnsaved();
    history.putBack();
    expect(history.takeUnsaved(true)).toEqual([first!]);
    history.putBack();
    expect(history.takeUnsaved()).toEqual([first!]);
    expect(history.takeUnsaved()).toEqual([]);
    history.putBack();
    expect(history.takeUnsaved(true)).toEqual([]);
  });

  test('ignores repeated bars, and begins anew with another source', () => {
    const history = new SavedReturns();
    for (const ts of [1, 2, 2, 1, 3]) push(history, 'A', ts, 100 + ts);
    expect(history.aligned(['A']).bars).toBe(2);
    push(history, 'A', 1, 50, 'replay');
    expect(history.aligned(['A']).bars).toBe(0);
    expect(history.mark('A')).toEqual({ tsEventUs: 1, price: 50 });
    history.forget('A');
    expect(history.mark('A')).toBeUndefined();
  });

  test('follows a bounded number of symbols, and knows nothing of the others', () => {
    const history = new SavedReturns();
    for (let i = 0; i <= MAX_SYMBOLS; i++) push(history, `S${i}`, 1, 1);
    expect(history.symbols).toBe(MAX_SYMBOLS);
    expect(history.aligned(['S1', `S${MAX_SYMBOLS}`]).bars).toBe(0);
    expect(history.aligned([]).bars).toBe(0);
  });
});
