// One side of a book: the levels of a message, set at once, leave what they leave one by one.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { BookSide } from './side.ts';

// Few prices, so that levels are there, come and go; a side that has to grow; orders of venues and none.
const message = fc
  .record({
    prices: fc.uniqueArray(fc.nat(90), { maxLength: 80 }),
    sizes: fc.array(fc.nat(2), { minLength: 80, maxLength: 80 }),
    order: fc.constantFrom(-1, 0, 1),
    twice: fc.boolean(),
  })
  .map(({ prices, sizes, order, twice }) => {
    const sorted = order === 0 ? prices : prices.toSorted((a, b) => (a - b) * order);
    const levels = sorted.flatMap((price, i) => [price, sizes[i]!]);
    return twice ? [...levels, ...levels.slice(-2)] : levels;
  });

describe('a side of a book', () => {
  test('is by all levels of a message what it is by one after the other', () => {
    fc.assert(
      fc.property(fc.constantFrom('bid', 'ask'), fc.array(message, { maxLength: 5 }), (which, messages) => {
        const [atOnce, single] = [new BookSide(which), new BookSide(which)];
        for (const levels of messages) {
          atOnce.setAll(levels);
          for (let i = 0; i < levels.length; i += 2) single.set(levels[i]!, levels[i + 1]!);
          expect(atOnce.best(1000)).toEqual(single.best(1000));
        }
      }),
    );
  });
});
