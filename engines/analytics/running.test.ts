// Running performance against the batch measures, on curves of many shapes.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { performance } from '../../src/trading/performance.ts';
import { inferPeriodsPerYear } from '../../src/trading/periods.ts';
import { RunningPerformance } from './running.ts';

const DAY_US = 86_400_000_000;

interface Point {
  readonly tsUs: number;
  readonly equity: number;
}

function follow(points: readonly Point[]): RunningPerformance {
  const [first, ...rest] = points;
  const running = RunningPerformance.startingAt(first!.tsUs, first!.equity);
  for (const { tsUs, equity } of rest) running.add(tsUs, equity);
  return running;
}

function batch(points: readonly Point[]) {
  const ts = Float64Array.from(points, (p) => p.tsUs);
  const periods_per_year = points.length < 2 ? 1 : inferPeriodsPerYear(ts).periods_per_year;
  const conventions = { periods_per_year, risk_free_rate: 0 };
  const all = performance(
    Float64Array.from(points, (p) => p.equity),
    ts,
    conventions,
  );
  return {
    total_return: all.total_return.value,
    sharpe_ratio: all.sharpe.value,
    max_drawdown: all.max_drawdown.value,
  };
}

/** One pass and two passes round differently; 1e-9 is a thousand times what 1000 points can add up to. */
function expectClose(points: readonly Point[]): void {
  const actual = follow(points).metrics();
  const expected = batch(points);
  for (const name of ['total_return', 'sharpe_ratio', 'max_drawdown'] as const) {
    const [a, b] = [actual[name], expected[name]];
    if (a === null || b === null) expect([name, a]).toEqual([name, b]);
    else expect(Math.abs(a - b)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(b)));
  }
}

const gaps = fc.oneof(
  fc.constant(60_000_000),
  fc.constant(DAY_US),
  fc.constantFrom(60_000_000, 120_000_000, 3 * DAY_US),
);
// Cents, from ruin to riches.
const equities = fc.oneof(
  { weight: 9, arbitrary: fc.integer({ min: 90_000_00, max: 110_000_00 }) },
  { weight: 1, arbitrary: fc.integer({ min: -100, max: 1_000_000_000 }) },
);
const curves = fc.array(fc.tuple(gaps, equities), { minLength: 1, maxLength: 200 }).map((steps) => {
  let tsUs = 1_640_991_660_000_000;
  return steps.map(([gap, cents]) => {
    tsUs += gap;
    return { tsUs, equity: cents / 100 };
  });
});

describe('running performance', () => {
  test('equals the measures of the whole curve at every length', () => {
    fc.assert(
      fc.property(curves, fc.nat(200), (points, length) => expectClose(points.slice(0, Math.max(1, length)))),
      { numRuns: 300 },
    );
  });

  test('is the same after its state went through JSON at any point', () => {
    fc.assert(
      fc.property(curves, fc.nat(200), (points, cut) => {
        const at = Math.min(points.length, Math.max(1, cut));
        const revived = new RunningPerformance(
          JSON.parse(JSON.stringify(follow(points.slice(0, at)).state())),
        );
        for (const { tsUs, equity } of points.slice(at)) revived.add(tsUs, equity);
        expect(revived.state()).toEqual(follow(points).state());
      }),
      {
        examples: [
          [
            [
              { tsUs: 1, equity: 0 },
              { tsUs: 2, equity: 90_000 },
            ],
            2,
          ],
          [
            [
              { tsUs: 1, equity: 5 },
              { tsUs: 2, equity: 0 },
              { tsUs: 3, equity: 7 },
            ],
            2,
          ],
        ],
      },
    );
  });

  test('counts what comes twice once, and lets the last value of an event time stand', () => {
    fc.assert(
      fc.property(curves, equities, (points, other) => {
        const noisy = points.flatMap((p) => [{ ...p, equity: other / 100 }, p, p]);
        expect(follow(noisy).state()).toEqual(follow(points).state());
      }),
    );
  });

  test('ignores what is older than the newest point', () => {
    const running = follow([
      { tsUs: 2, equity: 100 },
      { tsUs: 3, equity: 110 },
    ]);
    const before = running.state();
    expect(running.add(2, 1)).toBe(false);
    expect(running.state()).toEqual(before);
  });

  test('knows 252 trading days once daily bars have passed over a weekend', () => {
    const monday = Date.UTC(2022, 0, 3) * 1000;
    const days = [0, 1, 2, 3, 4, 7, 8, 9].map((day, i) => ({
      tsUs: monday + day * DAY_US,
      equity: 100 + (i % 3),
    }));
    for (let n = 1; n <= days.length; n++) expectClose(days.slice(0, n));
  });

  test('stays small and near the batch when every gap is different', () => {
    let tsUs = 1_640_991_660_000_000;
    const points = Array.from({ length: 2000 }, (_, i) => {
      tsUs += 1_000_000 + ((i * 7919) % 2000) * 10;
      return { tsUs, equity: 1000 + Math.sin(i) * 5 + i / 100 };
    });
    const running = follow(points);
    expect(running.state().cadence.gaps.length).toBeLessThanOrEqual(64);
    const [a, b] = [running.metrics().sharpe_ratio!, batch(points).sharpe_ratio!];
    // The median gap is known to the last unit that 64 kinds of gaps allow, here 1 ms in 1 s.
    expect(Math.abs(a / b - 1)).toBeLessThan(1e-3);
  });
});
