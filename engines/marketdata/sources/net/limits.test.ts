// Waits and rates: bounded, jittered, in order, never above the limit.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { ManualTime } from '../../../../src/core/timers.ts';
import { Backoff } from './backoff.ts';
import { RateLimiter, requestLimiter, within } from './rate-limiter.ts';

describe('back-off', () => {
  test('stays within a ceiling that doubles up to its bound, and starts again after a reset', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (u) => {
        const backoff = new Backoff(() => u, { firstMs: 100, mostMs: 1000 });
        const waits = Array.from({ length: 40 }, () => backoff.next());
        expect(waits.every((wait, n) => wait >= 50 && wait <= Math.min(1000, 100 * 2 ** n))).toBe(true);
        backoff.reset();
        expect(backoff.next()).toBe(waits[0]!);
      }),
    );
  });

  test('spreads over its whole range', () => {
    const at = (u: number) => new Backoff(() => u, { firstMs: 1000, mostMs: 1000 }).next();
    expect([at(0), at(0.5), at(0.999_999)]).toEqual([50, 525, 1000]);
  });
});

/** Moves by `ms`, from timer to timer, so that what a timer lets through sees its time. */
async function pass(time: ManualTime, ms: number): Promise<void> {
  for (let left = ms; ; ) {
    const step = Math.min(left, time.nextMs ?? left);
    time.advance(step);
    await Promise.resolve();
    await Promise.resolve();
    if (left === 0) return;
    left -= step;
  }
}

describe('the limiter of a source', () => {
  test('lets no minute have more requests than are set, whatever the limit of the provider is', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 300 }),
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 20 }),
        async (requestsPerMinute, burst, perSecond) => {
          const time = new ManualTime(0);
          const limiter = requestLimiter(
            { clock: time, timers: time, requestsPerMinute },
            { burst, perSecond },
          );
          let through = 0;
          for (let i = 0; i <= requestsPerMinute; i++) void limiter.take().then(() => through++);
          await pass(time, 59_000);
          expect(through).toBeLessThanOrEqual(requestsPerMinute);
          // And not needlessly fewer.
          expect(through).toBeGreaterThanOrEqual(Math.floor(requestsPerMinute * 0.9) - 2);
        },
      ),
      { numRuns: 10 },
    );
  });
});

describe('the rate limiter', () => {
  const limiterAt = (time: ManualTime, burst: number, perSecond: number, onWait?: (ms: number) => void) =>
    new RateLimiter({ burst, perSecond, clock: time, timers: time, onWait });

  test('never lets through more than its burst and what came back since, and in no window more than was meant', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({ weight: fc.integer({ min: 1, max: 6 }), pauseMs: fc.integer({ min: 0, max: 900 }) }),
          {
            maxLength: 25,
          },
        ),
        async (requests) => {
          const time = new ManualTime();
          const limit = within(9, 2, 5);
          const limiter = limiterAt(time, limit.burst, limit.perSecond);
          const passed: { index: number; weight: number; us: number }[] = [];
          for (const [index, { weight, pauseMs }] of requests.entries()) {
            void limiter
              .take(weight)
              .then(() => passed.push({ index, weight: Math.min(weight, 5), us: time.nowUs() }));
            await Promise.resolve();
            await pass(time, pauseMs);
          }
          while (limiter.waiting > 0) await pass(time, time.nextMs!);
          expect(passed.map((p) => p.index)).toEqual(requests.map((_, i) => i));
          for (const first of passed) {
            let sum = 0;
            for (const p of passed.slice(first.index)) {
              sum += p.weight;
              expect(sum).toBeLessThanOrEqual(5 + ((p.us - first.us) / 1e6) * 2 + 1e-6);
              if (p.us - first.us <= 2e6) expect(sum).toBeLessThanOrEqual(9);
            }
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  test('holds all while the provider says so, tells of it, and heeds what others used', async () => {
    const time = new ManualTime();
    const told: number[] = [];
    const limiter = limiterAt(time, 10, 1, (ms) => told.push(ms));
    limiter.hold(3000);
    let passed = 0;
    const first = limiter.take(4).then(() => passed++);
    time.advance(2999);
    expect([passed, limiter.waiting]).toEqual([0, 1]);
    time.advance(1);
    await first;
    limiter.used(900, 1000);
    const second = limiter.take(2).then(() => passed++);
    expect(limiter.waiting).toBe(1);
    time.advance(1000);
    await second;
    expect([passed, told]).toEqual([2, [3000, 3000, 1000]]);
  });

  test('a request that weighs more than the bucket holds waits for a full one, and uses all that it weighs', async () => {
    const time = new ManualTime();
    const limiter = limiterAt(time, 5, 1);
    await limiter.take(20);
    let passed = 0;
    const next = limiter.take().then(() => passed++);
    await pass(time, 15_999);
    expect(passed).toBe(0);
    await pass(time, 1);
    await next;
    // Also one that had to wait.
    const heavy = limiter.take(10);
    await pass(time, 5000);
    await heavy;
    expect(limiter.waiting).toBe(0);
    void limiter.take();
    await pass(time, 5999);
    expect(limiter.waiting).toBe(1);
    await pass(time, 1);
    expect(limiter.waiting).toBe(0);
  });

  test('a request that is given up leaves the queue and does not keep others', async () => {
    const time = new ManualTime();
    const limiter = limiterAt(time, 1, 1);
    await limiter.take();
    const stop = new AbortController();
    const given = limiter.take(1, stop.signal);
    const next = limiter.take();
    stop.abort(new Error('enough'));
    await expect(given).rejects.toThrow('enough');
    await expect(limiter.take(1, stop.signal)).rejects.toThrow('enough');
    time.advance(1000);
    await next;
    expect(limiter.waiting).toBe(0);
  });
});
