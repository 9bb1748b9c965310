// Returns of a table: of the symbols that are asked for, and of no others.
import { expect, test } from 'bun:test';
import { type HistoryParts, sourceOf } from './history.ts';
import { portfolioRequest } from './schemas.ts';

const DAY_US = 86_400e6;
const body = portfolioRequest.parse({
  model_type: 'portfolio_risk',
  portfolio: { positions: [{ symbol: 'A', weight: 1 }] },
  dataset_id: 't',
});
const parts = (frame: object, rows: number) =>
  ({
    datasets: { get: async () => ({ rows, columns: ['close'] }), open: async () => ({ frame }) },
  }) as unknown as HistoryParts;

test('a table keeps returns of the symbols of the body only, however many it has', async () => {
  const long = {
    rows: 6,
    tsUs: Float64Array.from([1, 1, 2, 2, 3, 3], (day) => day * DAY_US),
    series: ['A', 'B'],
    seriesOf: Uint32Array.from([0, 1, 0, 1, 0, 1]),
    columns: new Map([['close', Float64Array.from([1, 5, 2, 5, 3, 5])]]),
  };
  const wide = {
    rows: 3,
    tsUs: Float64Array.from([1, 2, 3], (day) => day * DAY_US),
    series: [''],
    seriesOf: new Uint32Array(3),
    columns: new Map([
      ['a', Float64Array.from([1, 2, 3])],
      ['b', Float64Array.from([5, 5, 5])],
    ]),
  };
  for (const frame of [long, wide]) {
    const source = await sourceOf(body, ['A'], parts(frame, frame.rows));
    expect([source.length('A'), source.length('B'), source.price('A')]).toEqual([2, 0, 3]);
    expect([...source.aligned(['A']).returns]).toEqual([1, 0.5]);
  }
});
