// Special functions where they have a closed form, and at their ends; values of scipy are in the tests of what reads them.
import { expect, test } from 'bun:test';
import { chiSquareTail, digamma, gammaTail, logBeta, logGamma, normalCdf, studentTail } from './special.ts';

const XS = [1e-9, 0.01, 0.3, 0.5, 1, 2.5, 7, 30, 200];

test('have their closed forms', () => {
  for (const x of XS) {
    // Relative: what is left of the digits of a series of thousands of terms.
    expect(gammaTail(1, x) / Math.exp(-x)).toBeCloseTo(1, 11);
    expect(chiSquareTail(x, 2) / Math.exp(-x / 2)).toBeCloseTo(1, 11);
    expect(studentTail(x, 1)).toBeCloseTo(1 - (2 / Math.PI) * Math.atan(x), 12);
    expect(normalCdf(x) + normalCdf(-x)).toBe(1);
    expect(logGamma(x + 1)).toBeCloseTo(Math.log(x) + logGamma(x), 11);
  }
  expect(Math.exp(logBeta(3, 4))).toBeCloseTo(1 / 60, 12);
  expect(digamma(5) - digamma(4)).toBeCloseTo(1 / 4, 12);
});

test('end where their arguments do, and nothing is made of NaN', () => {
  expect([gammaTail(2, 0), gammaTail(2, -1), gammaTail(2, Infinity), gammaTail(0.5, NaN)]).toEqual([
    1,
    1,
    0,
    NaN,
  ]);
  expect([chiSquareTail(Infinity, 3), chiSquareTail(5, 0), chiSquareTail(NaN, 3)]).toEqual([0, 1, NaN]);
  expect([studentTail(0, 4), studentTail(Infinity, 4), studentTail(NaN, 4)]).toEqual([1, 0, NaN]);
  expect([normalCdf(0), normalCdf(40), normalCdf(-Infinity)]).toEqual([0.5, 1, 0]);
});
