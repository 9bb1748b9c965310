// The rows that versions are tried with, and the comparison of their answers.
import { expect, test } from 'bun:test';
import { checkFinite, checkSame, defaultProbe, fromText, PROBE_ROWS, toText } from './probe.ts';

test('the default rows are the same sixteenths everywhere, the first of them zeros', () => {
  const rows = defaultProbe(3);
  expect(rows).toHaveLength(3 * PROBE_ROWS);
  expect([...rows.subarray(0, 9)]).toEqual([0, 0, 0, 0.6875, -0.8125, 0.25, 0.0625, 1.125, -0.375]);
  expect(rows.every((value) => Number.isInteger(value * 16) && Math.abs(value) <= 1.25)).toBe(true);
  // Columns differ, so that a model that swaps two is found out.
  expect(rows[3]).not.toBe(rows[4]);
});

test('answers are compared within 1e-5 of the larger of the number and 1', () => {
  const stored = Float32Array.of(0, 0.5, 1000);
  checkSame(Float32Array.of(0.9e-5, 0.500009, 1000.009), stored);
  for (const other of [
    [1.2e-5, 0.5, 1000],
    [0, 0.5, 1000.02],
    [0, Number.NaN, 1000],
    [0, 0.5],
  ]) {
    expect(() => checkSame(Float32Array.from(other), stored)).toThrow('stored with the version');
  }
});

test('answers have to be finite', () => {
  checkFinite(Float32Array.of(1, -3e38));
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => checkFinite(Float32Array.of(1, bad))).toThrow('probe');
  }
});

test('numbers come back from text with all their bits', () => {
  const values = Float32Array.of(0.1, -0, 1e-45, 3.4e38);
  expect(Object.is(fromText(toText(values))[1], -0)).toBe(true);
  expect(fromText(toText(values.subarray(1)))).toEqual(values.subarray(1));
});
