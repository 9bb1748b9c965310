// Bars that are handed on once, pages that bring something new, wishes as channels.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { BarRecord, Trade } from '../../../../src/market/records.ts';
import type { Wanted } from '../port.ts';
import { ClosedBars } from './closed-bars.ts';
import { PageGuard } from './pages.ts';
import { WantedChannels } from './wanted.ts';

const MINUTE = 60_000_000;
const bar = (minute: number, close: number) =>
  ({ kind: 'bar', tsEventUs: minute * MINUTE, interval: MINUTE, close }) as BarRecord;

describe('closed bars', () => {
  test('whatever comes, each is handed on at most once, oldest first, as it was last told, and only when it is over', () => {
    const step = fc.oneof(
      fc.record({ minute: fc.nat({ max: 12 }), close: fc.integer({ min: 1, max: 9 }) }),
      fc.record({ nowMinute: fc.nat({ max: 14 }) }),
      fc.constant('lost' as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const bars = new ClosedBars();
        const out: BarRecord[] = [];
        const told = new Map<number, number>();
        for (const each of steps) {
          if (each === 'lost') bars.lost();
          else if ('nowMinute' in each) {
            const due = bars.due(each.nowMinute * MINUTE, 0);
            for (const { tsEventUs } of due) expect(tsEventUs + MINUTE).toBeLessThan(each.nowMinute * MINUTE);
            out.push(...due);
          } else {
            const over = bars.take('x', [bar(each.minute, each.close)]);
            for (const { tsEventUs } of over) expect(tsEventUs).toBeLessThan(each.minute * MINUTE);
            out.push(...over);
            told.set(each.minute * MINUTE, each.close);
          }
        }
        const times = out.map(({ tsEventUs }) => tsEventUs);
        expect(times).toEqual([...new Set(times)].sort((a, b) => a - b));
        for (const { tsEventUs } of out) expect(told.has(tsEventUs)).toBe(true);
      }),
    );
  });

  test('has the last word on a bar, starts at the first snapshot, and takes from a later one what was missed', () => {
    const bars = new ClosedBars();
    expect(bars.take('x', [bar(1, 1), bar(2, 1)])).toEqual([]);
    expect(bars.take('x', [bar(2, 5)])).toEqual([]);
    expect(bars.take('x', [bar(3, 1)])).toEqual([bar(2, 5)]);
    bars.lost();
    expect(bars.take('x', [bar(2, 9), bar(3, 8), bar(4, 1)])).toEqual([bar(3, 8)]);
    expect(bars.due(5 * MINUTE + 9_999_999, 9 * MINUTE)).toEqual([]);
    expect(bars.due(5 * MINUTE + 10_000_000, 3 * MINUTE)).toMatchObject([
      { tsEventUs: 4 * MINUTE, tsReceiveUs: 3 * MINUTE },
    ]);
    expect(bars.due(9 * MINUTE, 9 * MINUTE)).toEqual([]);
    expect(bars.take('x', [bar(4, 7)])).toEqual([]);
  });
});

describe('the guard of pages', () => {
  test('passes each record once and in order, whatever pages overlap', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.nat({ max: 50 }), { maxLength: 8 }), { maxLength: 8 }), (pages) => {
        const guard = new PageGuard<number>('Venue', (n) => n);
        const out: number[] = [];
        let idle = 0;
        for (const page of pages) {
          const isNew = page.some((n) => n > guard.last);
          idle = page.length > 0 && !isNew ? idle + 1 : 0;
          if (idle > 1) {
            expect(() => guard.fresh(page)).toThrow('was the same one again');
            return;
          }
          out.push(...guard.fresh(page));
        }
        expect(out).toEqual([...new Set(out)].sort((a, b) => a - b));
      }),
    );
  });
});

describe('wanted channels', () => {
  test('several wishes share a channel; only what is new or gone is told', () => {
    const channels = new WantedChannels((wanted) => wanted.symbol.replace('-', ''));
    const name = (wanted: Wanted, native: string) =>
      wanted.kind === 'macro' ? null : `${native}@${wanted.kind[0]}`;
    const wish = (symbol: string, kind: Wanted['kind']): Wanted => ({ symbol, kind });
    const book = [wish('A-B', 'book_delta'), wish('A-B', 'book_snapshot')];
    expect(channels.replace([...book, wish('A-B', 'macro')], name)).toEqual({ added: ['AB@b'], removed: [] });
    expect([channels.wishes('AB@b'), channels.symbolOf('AB')]).toEqual([book, 'A-B']);
    expect(channels.replace([wish('A-B', 'trade')], name)).toEqual({ added: ['AB@t'], removed: ['AB@b'] });
    expect([channels.has('AB@b'), channels.wishes('AB@b')]).toEqual([false, []]);
    // Two names of one thing: what comes of it is for both.
    const record = { kind: 'trade', symbol: 'A-B', price: 1 } as Trade;
    expect(channels.underAll([record])).toEqual([record]);
    channels.replace([wish('A-B', 'trade'), wish('C', 'trade'), wish('AB', 'trade')], name);
    expect(channels.symbolOf('AB')).toBe('A-B');
    expect(channels.underAll([record, { ...record, symbol: 'C' }])).toEqual([
      record,
      { ...record, symbol: 'AB' },
      { ...record, symbol: 'C' },
    ]);
  });
});
