// Rows in blocks: the same bits as alone, or no blocks.
import { afterAll, describe, expect, test } from 'bun:test';
import { resolve } from 'node:path';
import fc from 'fast-check';
import { openModel } from '../../src/onnx/registry.ts';
import { BLOCK_ROWS, MIN_BLOCK_ROWS, type RowModel, RowRuns } from './row-runs.ts';
import { committed } from './test-features.ts';

const columns = committed.card.inputs.length;
const models = resolve(import.meta.dir, '../../models');
const { session } = await openModel(models, committed.card.model_id, { provider: 'cpu' });
afterAll(() => session.close());
const noFailure = (error: unknown) => {
  throw error;
};

const number = fc.oneof(
  fc.float({ min: -4, max: 4, noNaN: true }),
  fc.float({ min: Math.fround(-1e-3), max: Math.fround(1e-3), noNaN: true }),
  fc.float({ noNaN: true, noDefaultInfinity: true }),
);
const row = fc
  .array(number, { minLength: columns, maxLength: columns })
  .map((values) => Float32Array.from(values));

/** A model of two inputs that answers with what `answer` makes of the rows; counts the rows of its runs. */
function modelOf(answer: (rows: number[][]) => number[]) {
  const runs: number[] = [];
  const model: RowModel = {
    input: { name: 'input', columns: 2 },
    summary: session.summary,
    async predict(inputs, count) {
      runs.push(count);
      return Float32Array.from(
        answer(Array.from({ length: count }, (_, i) => [...inputs.slice(2 * i, 2 * i + 2)])),
      );
    },
  };
  return { model, runs };
}
const sum = ([a, b]: number[]) => a! + b!;
const rowsOf = (count: number) => Array.from({ length: count }, (_, i) => new Float32Array([i, 1]));

describe('rows of the committed model', () => {
  test('get the bits that they get alone, at every place and among any other rows', async () => {
    const runs = await RowRuns.of(session);
    expect(runs.inBlocks).toBe(true);
    const others = fc.array(row, { minLength: MIN_BLOCK_ROWS - 1, maxLength: BLOCK_ROWS - 1 });
    await fc.assert(
      fc.asyncProperty(row, others, async (one, rest) => {
        const expected = (await session.predict(one, 1))[0];
        for (let place = 0; place <= rest.length; place++) {
          const got = await runs.predict([...rest.slice(0, place), one, ...rest.slice(place)], noFailure);
          expect(got).toHaveLength(rest.length + 1);
          expect(got[place]).toBe(expected);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('a model', () => {
  test('that acts row by row runs in blocks of one size, and row by row where few come together', async () => {
    const { model, runs } = modelOf((rows) => rows.map(sum));
    const rowRuns = await RowRuns.of(model);
    expect(rowRuns.inBlocks).toBe(true);
    for (const count of [BLOCK_ROWS, MIN_BLOCK_ROWS, MIN_BLOCK_ROWS - 1, 1]) {
      runs.length = 0;
      const got = await rowRuns.predict(rowsOf(count), noFailure);
      expect([...Array.from(got)]).toEqual(rowsOf(count).map((_, i) => i + 1));
      expect(runs).toEqual(count < MIN_BLOCK_ROWS ? Array(count).fill(1) : [BLOCK_ROWS]);
    }
  });

  test.each([
    [
      'whose rows influence each other',
      (rows: number[][]) => rows.map((r) => sum(r) - Math.max(...rows.map(sum))),
    ],
    [
      'that rounds otherwise at one place',
      (rows: number[][]) => rows.map((r, i) => sum(r) * (i === 63 ? 1 + 2 ** -23 : 1)),
    ],
    [
      'that rounds otherwise in company',
      (rows: number[][]) => rows.map((r) => sum(r) * (1 + rows.length * 1e-7)),
    ],
    ['with one number per run', (rows: number[][]) => [rows.length]],
  ])('%s runs row by row', async (_, answer) => {
    const { model, runs } = modelOf(answer);
    const rowRuns = await RowRuns.of(model);
    expect(rowRuns.inBlocks).toBe(false);
    runs.length = 0;
    const got = await rowRuns.predict(rowsOf(BLOCK_ROWS), noFailure);
    expect([...Array.from(got)]).toEqual(rowsOf(BLOCK_ROWS).map((r) => Math.fround(answer([[...r]])[0]!)));
    expect(runs).toEqual(Array(BLOCK_ROWS).fill(1));
  });

  test('with many parameters is not asked at load and runs row by row', async () => {
    const { model, runs } = modelOf((rows) => rows.map(sum));
    const big = { ...model, summary: { ...model.summary, parameters: 10_000_000 } };
    expect((await RowRuns.of(big)).inBlocks).toBe(false);
    expect(runs).toEqual([]);
  });

  test('that fails on one row keeps the numbers of the others and tells of the failure', async () => {
    const { model } = modelOf((rows) => {
      if (rows.some(([a]) => a === 7)) throw new Error('seven');
      return rows.map(sum);
    });
    const failures: unknown[] = [];
    const rowRuns = await RowRuns.of(model);
    const got = await rowRuns.predict(rowsOf(20), (error) => failures.push(error));
    expect([...Array.from(got)]).toEqual(rowsOf(20).map((_, i) => (i === 7 ? Number.NaN : i + 1)));
    expect(failures).toEqual([new Error('seven')]);
  });
});
