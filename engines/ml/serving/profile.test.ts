// What is measured of a model: its floor is the least number of rows from which company changes no bit.
import { describe, expect, test } from 'bun:test';
import { filledUp } from '../../../src/onnx/variants/static-rows.ts';
import { estimateUs, type ProfiledModel, profileOf } from './profile.ts';

/** A model that answers by a formula of its rows and of how many there are. */
const model = (answer: (row: Float32Array, rows: number, at: number) => number): ProfiledModel => ({
  input: { name: 'input', columns: 2 },
  async predict(inputs, rows) {
    return Float32Array.from({ length: rows }, (_, at) =>
      answer(inputs.subarray(at * 2, at * 2 + 2), rows, at),
    );
  },
});
const sum = (row: Float32Array) => row[0]! + row[1]!;

describe('the floor', () => {
  test('is 1 where the number of rows changes nothing', async () => {
    expect((await profileOf(model(sum), 100)).floor).toBe(1);
  });

  test.each([2, 4, 16])('is %d where fewer rows get other bits', async (floor) => {
    const odd = model((row, rows) => (rows < floor ? Math.fround(sum(row)) + 1e-3 : sum(row)));
    expect((await profileOf(odd, 100)).floor).toBe(floor);
  });

  test('is none where some number of rows within a tile, the place, or a full run matters', async () => {
    const cases = [
      model((row, rows) => (rows === 21 ? sum(row) + 1 : sum(row))),
      model((row, _, at) => (at === 15 ? sum(row) + 1 : sum(row))),
      model((row, rows) => (rows === 100 ? sum(row) + 1 : sum(row))),
      model((_, rows) => rows),
    ];
    for (const one of cases) expect((await profileOf(one, 100)).floor).toBeNull();
  });

  test('is looked for in runs of all the rows that one request may have, where they are quick', async () => {
    const odd = model((row, rows) => (rows === 5000 ? sum(row) + 1 : sum(row)));
    expect(await profileOf(odd, 100, 5000)).toMatchObject({ floor: null, mostRows: 100, wholeRows: 5000 });
    expect(await profileOf(odd, 100)).toMatchObject({ floor: 1, wholeRows: 100 });
  });

  test('tells 0 from -0, and takes equal NaN as equal', async () => {
    expect(
      (
        await profileOf(
          model((_, rows) => (rows === 5 ? -0 : 0)),
          100,
        )
      ).floor,
    ).toBe(16);
    expect(
      (
        await profileOf(
          model(() => Number.NaN),
          100,
        )
      ).floor,
    ).toBe(1);
  });

  test('fits in the rows of a run', async () => {
    expect(
      (
        await profileOf(
          model((_, rows) => Math.min(rows, 4)),
          3,
        )
      ).floor,
    ).toBeNull();
    expect(
      (
        await profileOf(
          model((_, rows) => Math.min(rows, 4)),
          4,
        )
      ).floor,
    ).toBe(4);
  });
});

test('an estimate goes by what one row and a full run cost', () => {
  const profile = { floor: 1, oneRowUs: 10, mostRowsUs: 109, mostRows: 100, wholeRows: 100 };
  expect([1, 2, 100, 200].map((rows) => estimateUs(profile, rows))).toEqual([10, 11, 109, 218]);
});

test('rows are filled up with the last one', () => {
  const rows = Float32Array.of(1, 2, 3, 4);
  expect([...filledUp(rows, 2, 2, 4)]).toEqual([1, 2, 3, 4, 3, 4, 3, 4]);
  expect(filledUp(rows, 2, 2, 2)).toBe(rows);
});
