// The order in which bars of a view are adjusted, filled and made longer.
import { expect, test } from 'bun:test';
import { adjustBars } from '../../../src/market/actions/adjust.ts';
import { action, bar, START_US } from '../../../src/market/quality/test-records.ts';
import { DAY_US } from '../../../src/market/sessions/days.ts';
import { type BarView, barsOfView } from './bar-view.ts';
import type { History } from './history.ts';

test('bars that fill a gap over the ex-day of a split have prices of the shares of today', async () => {
  const bars = [0, 1, 4].map((day) => {
    const price = day < 3 ? 100 : 50;
    const prices = { open: price, high: price, low: price, close: price };
    return bar({ tsEventUs: START_US + day * DAY_US, interval: DAY_US, ...prices });
  });
  const split = action({ action: 'split', ratio: 2, tsEventUs: START_US + 3 * DAY_US });
  const { adjustment } = adjustBars(bars, [split], 'split');
  // The view reads records and nothing else of it.
  const history = {
    async *records() {
      yield bars;
    },
  } as unknown as History;
  const view: BarView = {
    symbol: 'TEST',
    intervalUs: DAY_US,
    source: 'test',
    view: 'repaired',
    adjustment: 'split',
    gaps: 'fill',
  };
  const closes: number[] = [];
  for await (const one of barsOfView(history, view, adjustment)) closes.push(one.close);
  expect(closes).toEqual([50, 50, 50, 50, 50]);
});
