// Token buckets on a clock of the test.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { clientOf, RateLimiter } from './rate-limiter.ts';

test('lets twice the rate pass at once, then the rate, and says when the next one passes', () => {
  const limiter = new RateLimiter(10);
  const quotas = Array.from({ length: 21 }, () => limiter.take('a', 0));
  expect(quotas.map((q) => q.allowed)).toEqual([...Array(20).fill(true), false]);
  expect(quotas[0]).toEqual({ allowed: true, remaining: 19, resetS: 1, retryAfterS: 0 });
  expect(quotas[20]).toMatchObject({ remaining: 0, resetS: 2 });
  expect(quotas[20]!.retryAfterS).toBeCloseTo(0.1, 9);
  expect(limiter.take('b', 0).allowed).toBe(true);
  expect([limiter.take('a', 99).allowed, limiter.take('a', 101).allowed]).toEqual([false, true]);
});

test('never lets more pass than burst and rate allow, whatever the times', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50 }),
      fc.array(fc.integer({ min: 0, max: 500 }), { maxLength: 300 }),
      (rate, gaps) => {
        const limiter = new RateLimiter(rate);
        let now = 0;
        let passed = 0;
        for (const gap of gaps) {
          now += gap;
          if (limiter.take('a', now).allowed) passed++;
        }
        expect(passed).toBeLessThanOrEqual(2 * rate + (now / 1000) * rate + 1e-6);
      },
    ),
  );
});

test('knows a bounded number of clients and forgets the one silent for longest', () => {
  const limiter = new RateLimiter(1, 3);
  for (const client of ['a', 'b', 'c', 'a', 'd']) limiter.take(client, 0);
  expect(limiter.size).toBe(3);
  // `a` came twice and is still known; `b` starts anew.
  expect([limiter.take('a', 0).allowed, limiter.take('b', 0).remaining]).toEqual([false, 1]);
});

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
])('counts %s as %s', (address, client) => {
  expect(clientOf(address)).toBe(client);
});
