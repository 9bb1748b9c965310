// What a variant costs, by the losses before and after.
import { expect, test } from 'bun:test';
import { growth } from './convert.ts';

test('a loss that grows from nothing costs without limit, and one that stays costs nothing', () => {
  expect([growth(2, 3), growth(2, 1), growth(0, 0), growth(0, 1e-9)]).toEqual([0.5, -0.5, 0, Infinity]);
});
