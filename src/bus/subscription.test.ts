// The queue of a handler that is too slow: the newest of a series where only that counts, the oldest dropped elsewhere.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import type { Envelope } from './envelope.ts';
import { QueueingSubscription } from './subscription.ts';

const message = (topic: string, symbol: string, n: number) =>
  ({ topic, body: { source: 's', symbol, n } }) as unknown as Envelope<{ symbol: string; n: number }>;

/** Pushes batches while the first one is still handled; returns what the handler got of the others, and how many were dropped. */
async function slow(batches: readonly Envelope[][], capacity: number) {
  const got: Envelope<{ symbol: string; n: number }>[] = [];
  const first = Promise.withResolvers<void>();
  let told = 0;
  const count = (dropped: number) => {
    told += dropped;
  };
  const subscription = new QueueingSubscription(
    'market.*',
    (batch) => {
      if (batch[0]!.topic === 'market.first') return first.promise;
      got.push(...(batch as typeof got));
      return undefined;
    },
    { capacity },
    { failed: () => {}, dropped: count, end: async () => {} },
  );
  subscription.push([message('market.first', '', 0)]);
  await null;
  for (const batch of batches) subscription.push(batch);
  first.resolve();
  for (let i = 0; i < 10; i++) await null;
  expect(told).toBe(subscription.dropped);
  return { got: got.map((e) => [e.topic.split('.')[1], e.body.symbol, e.body.n]), dropped: told };
}

test('an overflow leaves the newest quote of each symbol and every trade that fits', async () => {
  const quotes = Array.from({ length: 6 }, (_, n) => message('market.quotes', n % 2 ? 'A' : 'B', n));
  const trades = [message('market.trades', 'A', 10), message('market.trades', 'A', 11)];
  const { got, dropped } = await slow([[...quotes, trades[0]!], [trades[1]!]], 4);
  expect(got).toEqual([
    ['quotes', 'B', 4],
    ['quotes', 'A', 5],
    ['trades', 'A', 10],
    ['trades', 'A', 11],
  ]);
  expect(dropped).toBe(4);
});

test('of topics where all count, the oldest go', async () => {
  const trades = Array.from({ length: 6 }, (_, n) => message('market.trades', 'A', n));
  expect((await slow([trades], 4)).got.map(([, , n]) => n)).toEqual([2, 3, 4, 5]);
});

test('whatever comes: never more than fits, in order, nothing uncounted, and the newest message is there', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.array(fc.tuple(fc.constantFrom('quotes', 'trades'), fc.constantFrom('A', 'B', 'C')), {
          minLength: 1,
          maxLength: 9,
        }),
        { minLength: 1, maxLength: 12 },
      ),
      fc.integer({ min: 1, max: 8 }),
      async (shape, capacity) => {
        let n = 0;
        const batches = shape.map((batch) =>
          batch.map(([kind, symbol]) => message(`market.${kind}`, symbol, ++n)),
        );
        const { got, dropped } = await slow(batches, capacity);
        const numbers = got.map(([, , number]) => number as number);
        expect(numbers.length).toBeLessThanOrEqual(capacity);
        expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
        expect(numbers.length + dropped).toBe(n);
        expect(numbers.at(-1)).toBe(n);
      },
    ),
  );
});
