// Each flag on records made for it, and how checks go on over breaks, restarts and new levels.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { InvalidOptionError } from '../../core/errors.ts';
import { FLAG_NAMES, type FlagName, flagNames } from '../flags.ts';
import { MARKET_KINDS, type MarketRecord } from '../records.ts';
import { calendarById } from '../sessions/calendars.ts';
import { DAY_US } from '../sessions/days.ts';
import { CHECKS } from './checks/index.ts';
import { type GateOptions, SeriesGate } from './gate.ts';
import { parametersOf } from './parameters.ts';
import { RobustScale } from './robust-scale.ts';
import { action, bar, delta, minuteBar, quote, START_US, snapshot, trade } from './test-records.ts';

const at = (text: string) => Date.parse(text) * 1000;
const crypto = calendarById('24x7');
const us = calendarById('us-equities');

/** Returns the names of the flags that each record gets. */
function flagsOf(options: GateOptions, records: readonly MarketRecord[]): FlagName[][] {
  const gate = new SeriesGate(options);
  return records.map((record) => flagNames(gate.check(record)));
}

type Case = readonly [options: GateOptions, records: MarketRecord[]];

/** Cases of each flag: the flags of the last record, one with it and one like it without. */
const CASES: Record<string, readonly [with_: Case, without: Case]> = {
  malformed: [
    [{ kind: 'bar' }, [bar({ volume: Number.NaN })]],
    [{ kind: 'bar' }, [bar({ volume: 3 })]],
  ],
  bad_timestamp: [
    [{ kind: 'trade' }, [trade({ tsEventUs: START_US + 3600e6, tsReceiveUs: START_US })]],
    [{ kind: 'trade' }, [trade({ tsEventUs: START_US + 1e6, tsReceiveUs: START_US })]],
  ],
  duplicate: [
    [{ kind: 'trade' }, [trade({ id: '7' }), trade({ id: '8' }), trade({ id: '7' })]],
    [{ kind: 'trade' }, [trade({ id: '7' }), trade({ id: '8' }), trade({ id: '9' })]],
  ],
  out_of_order: [
    [{ kind: 'quote' }, [quote({ sequence: 5 }), quote({ sequence: 4, bid: 101 })]],
    [{ kind: 'quote' }, [quote({ sequence: 5 }), quote({ sequence: 6, bid: 101 })]],
  ],
  gap: [
    [{ kind: 'trade', sequence: 'contiguous' }, [trade({ sequence: 5 }), trade({ sequence: 7 })]],
    [{ kind: 'trade' }, [trade({ sequence: 5 }), trade({ sequence: 7 })]],
  ],
  crossed: [
    [{ kind: 'quote' }, [quote({ bid: 102, ask: 101 })]],
    [{ kind: 'quote' }, [quote({ bid: 102, ask: 0, askSize: 0 })]],
  ],
  locked: [
    [{ kind: 'book_snapshot' }, [snapshot({ bids: [101, 1], asks: [101, 2] })]],
    [{ kind: 'book_snapshot' }, [snapshot({ bids: [101, 1], asks: [] })]],
  ],
  ohlc_inconsistent: [
    [{ kind: 'bar' }, [bar({ high: 99 })]],
    [{ kind: 'bar' }, [bar({ high: 100.5 })]],
  ],
  zero_volume: [
    [{ kind: 'bar' }, [bar({ volume: 0 })]],
    [{ kind: 'bar' }, [bar({ volume: 0.001 })]],
  ],
  outside_session: [
    [{ kind: 'trade', calendar: us }, [trade({ tsEventUs: at('2024-07-04T15:00:00Z') })]],
    [{ kind: 'trade', calendar: us }, [trade({ tsEventUs: at('2024-07-05T15:00:00Z') })]],
  ],
  split_like_jump: [
    [{ kind: 'bar' }, [daily(0, 100), daily(1, 50.4)]],
    [{ kind: 'bar' }, [daily(0, 100), daily(1, 88)]],
  ],
  outlier: [
    [{ kind: 'bar' }, [...walk(40), minuteBar(40, 110)]],
    [{ kind: 'bar' }, [...walk(40), minuteBar(40, 100.2)]],
  ],
  stale: [
    [{ kind: 'bar' }, Array.from({ length: 7 }, (_, i) => minuteBar(i, 100))],
    [{ kind: 'bar' }, Array.from({ length: 6 }, (_, i) => minuteBar(i, 100))],
  ],
  clock_offset: [
    [{ kind: 'quote' }, Array.from({ length: 16 }, (_, i) => lagging(i, -1_270_000))],
    [{ kind: 'quote' }, Array.from({ length: 16 }, (_, i) => lagging(i, 30_000))],
  ],
};

function daily(day: number, price: number) {
  const tsEventUs = at('2024-06-04T00:00:00Z') + day * DAY_US;
  return bar({ tsEventUs, interval: DAY_US, open: price, high: price + 1, low: price - 1, close: price });
}

/** Bars that go up and down by 0.1 %. */
function walk(count: number) {
  return Array.from({ length: count }, (_, i) => minuteBar(i, i % 2 ? 100.1 : 100));
}

function lagging(index: number, wayUs: number) {
  const tsEventUs = START_US + index * 1000;
  return quote({ tsEventUs, tsReceiveUs: tsEventUs + wayUs, bid: 90 + index, sequence: index });
}

describe('each flag', () => {
  for (const { flag } of CHECKS) {
    test(`${flag} is given for its reason, and not beside it`, () => {
      const [has, hasNot] = CASES[flag]!;
      expect(flagsOf(...has).at(-1)).toContain(flag);
      expect(flagsOf(...hasNot).at(-1)).not.toContain(flag);
    });
  }

  test('is judged by one check, apart from the mark of filled bars', () => {
    expect([...CHECKS.map(({ flag }) => flag), 'filled'].sort() as string[]).toEqual([...FLAG_NAMES].sort());
  });

  test('has parameters whose defaults are within their ranges, for each kind', () => {
    for (const kind of MARKET_KINDS) expect(() => parametersOf(kind)).not.toThrow();
    for (const { parameters, rule } of CHECKS) {
      for (const name of Object.keys(parameters)) expect(rule).toContain(name);
    }
  });
});

test('parameters out of range and of other names are refused by name', () => {
  const refused = (parameters: GateOptions['parameters']) => {
    try {
      new SeriesGate({ kind: 'bar', parameters: parameters! });
    } catch (error) {
      return (error as InvalidOptionError).extras.errors?.map(({ pointer }) => pointer);
    }
    return null;
  };
  expect(refused({ outlier: { deviations: 1 } })).toEqual(['/parameters/outlier/deviations']);
  expect(refused({ outlier: { window: 8.5 } })).toEqual(['/parameters/outlier/window']);
  expect(refused({ outlier: { sigma: 3 } })).toEqual(['/parameters/outlier']);
  expect(refused({ filled: {} })).toEqual(['/parameters']);
  expect(refused({ outlier: { deviations: 30 } })).toBeNull();
  expect(() => parametersOf('bar', { stale: { repeats: -1 } })).toThrow(InvalidOptionError);
});

describe('gaps', () => {
  const kind = 'book_delta';
  test('of a book go by the numbers that its changes carry', () => {
    const linked = [
      delta({ sequence: 10, firstSequence: 8, previousSequence: 7 }),
      delta({ sequence: 15, firstSequence: 12, previousSequence: 10 }),
      delta({ sequence: 19, firstSequence: 18, previousSequence: 17 }),
    ];
    expect(flagsOf({ kind }, linked)).toEqual([[], [], ['gap']]);
    const counted = [
      delta({ sequence: 10, firstSequence: 8 }),
      delta({ sequence: 12, firstSequence: 11 }),
      delta({ sequence: 20, firstSequence: 14 }),
    ];
    expect(flagsOf({ kind }, counted)).toEqual([[], [], ['gap']]);
  });

  test('of bars leave out the time in which the market is closed', () => {
    const times = ['2024-05-24T19:59Z', '2024-05-28T13:30Z', '2024-05-28T13:33Z'];
    const bars = times.map((time, i) => bar({ tsEventUs: at(time), close: 100 + i / 10 }));
    expect(flagsOf({ kind: 'bar', calendar: us }, bars)).toEqual([[], [], ['gap']]);
    const gate = new SeriesGate({ kind: 'bar', calendar: us });
    for (const one of bars) gate.check(one);
    expect(gate.report(0).missing).toBe(2);
    expect(gate.report(0).coverage).toBe(3 / 5);
  });

  test('that late records close are not missing any more', () => {
    const gate = new SeriesGate({ kind: 'trade', sequence: 'contiguous' });
    for (const sequence of [1, 2, 4, 3, 5]) gate.check(trade({ sequence, id: `${sequence}` }));
    const report = gate.report(START_US);
    expect(report.flags).toMatchObject({ gap: 1, out_of_order: 1 });
    expect(report.coverage).toBe(1);
  });
});

test('a venue that counts anew is followed after as many records as `restart` says', () => {
  const gate = new SeriesGate({
    kind: 'trade',
    sequence: 'contiguous',
    parameters: { out_of_order: { restart: 3 } },
  });
  const numbers = [1000, 1001, 1, 2, 3, 4, 5, 7];
  const flags = numbers.map((sequence) => flagNames(gate.check(trade({ sequence, id: `${sequence}` }))));
  const late = ['out_of_order'];
  expect(flags).toEqual([[], [], late, late, late, [], [], ['gap']] as FlagName[][]);
  expect(gate.report(START_US).restarts).toBe(1);
});

describe('outliers', () => {
  const kind = 'bar';
  const outliers = (prices: readonly number[]) => {
    const bars = prices.map((price, i) => minuteBar(i, price));
    return flagsOf({ kind, calendar: crypto }, bars).map((flags) => flags.includes('outlier'));
  };
  const calm = Array.from({ length: 40 }, (_, i) => (i % 2 ? 100.1 : 100));

  test('are spikes, not the return to the level before', () => {
    expect(outliers([...calm, 130, 100, 100.1]).slice(-3)).toEqual([true, false, false]);
  });

  test('end when a new level is confirmed', () => {
    const flags = outliers([...calm, 130, 130.1, 130, 130.1, 130]).slice(-5);
    expect(flags).toEqual([true, true, false, false, false]);
  });

  test('end when a market has become fast, at the latest after half of the window', () => {
    const fast = Array.from({ length: 200 }, (_, i) => (i % 2 ? 110 : 100));
    const flags = outliers([...calm, ...fast]);
    expect(flags.slice(40).filter(Boolean).length).toBeGreaterThan(0);
    expect(flags.slice(40 + 64).some(Boolean)).toBe(false);
  });

  test('do not hold up the level for longer than `confirm`, whatever prices do', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 1e-6, max: 1e6, noNaN: true }), { maxLength: 60 }), (prices) => {
        const flags = outliers([...calm, ...prices]);
        let run = 0;
        for (const flag of flags) {
          run = flag ? run + 1 : 0;
          expect(run).toBeLessThanOrEqual(8);
        }
      }),
      { numRuns: 50 },
    );
  });
});

test('the scale of returns is the median of the last ones, whatever came before', () => {
  const returns = fc.array(fc.double({ min: 1e-9, max: 10, noNaN: true }), { minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(returns, fc.integer({ min: 1, max: 12 }), (values, window) => {
      const scale = new RobustScale(window, values);
      const last = values.slice(-window);
      const sorted = last.toSorted((a, b) => a - b);
      const middle = (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
      expect(scale.value()).toBeCloseTo(1.4826 * middle, 12);
      expect(scale.save()).toEqual(last);
    }),
    { numRuns: 100 },
  );
});

describe('jumps like splits', () => {
  test('are not flagged when the split is known, and the level goes on', () => {
    const prices = Array.from({ length: 30 }, (_, i) => (i % 2 ? 101 : 100));
    const days = [...prices, 25.1, 25, 25.1].map((price, i) => daily(i, price));
    const halved = { ...days[30]!, high: 25.3, low: 24.9 };
    days[30] = halved;
    const gate = new SeriesGate({ kind: 'bar' });
    gate.know(action({ action: 'split', ratio: 4, tsEventUs: halved.tsEventUs }));
    expect(days.flatMap((day) => flagNames(gate.check(day)))).toEqual([]);
    const unknown = flagsOf({ kind: 'bar' }, days);
    expect(unknown[30]).toEqual(['split_like_jump']);
    expect(unknown.flat()).toHaveLength(1);
  });

  test('are none in bars that the source has adjusted for a known split', () => {
    const days = Array.from({ length: 40 }, (_, i) => ({
      ...daily(i, i % 2 ? 101 : 100),
      adjusted: ['split' as const],
    }));
    const gate = new SeriesGate({ kind: 'bar' });
    gate.know(action({ action: 'split', ratio: 4, tsEventUs: days[30]!.tsEventUs }));
    expect(days.flatMap((day) => flagNames(gate.check(day)))).toEqual([]);
  });
});

test('silence counts only while the market is open', () => {
  const gate = new SeriesGate({ kind: 'quote', calendar: us });
  const close = at('2024-07-03T17:00:00Z');
  gate.check(quote({ tsEventUs: close - 10e6, tsReceiveUs: close - 10e6 }));
  expect(gate.silentUs(close + 10e6)).toBe(0);
  const open = at('2024-07-05T13:30:00Z');
  expect(gate.silentUs(open + 40e6)).toBe(0);
  expect(gate.silentUs(open + 60e6)).toBe(10e6);
  expect(gate.report(open + 60e6).stale).toBe(true);
});
