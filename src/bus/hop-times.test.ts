// Latencies of hops: buckets at their bounds, percentiles against exact ones, the last minute, the limit of hops.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import type { Envelope } from './envelope.ts';
import { HopTimes } from './hop-times.ts';

const SECOND = 1_000_000;
const at = (source: string, ts_sent_us: number) => ({ source, ts_sent_us }) as Envelope;

test('counts a latency at its upper bound and one beyond it apart', () => {
  const hops = new HopTimes();
  const batch = [-5, 0, 1, 2, 3, 4, 5, 8, 1024, 1025, 2 ** 26, 1e9].map((us) => at('ml', 2e9 - us));
  hops.record('ml.predictions', batch, 2e9);
  const [hop] = hops.totals();
  expect(hop).toMatchObject({ from: 'ml', topic: 'ml.predictions' });
  const expected = new Float64Array(26);
  expected.set([4, 2, 2]);
  expected[9] = 1;
  expected[10] = 1;
  expected[25] = 2;
  expect(hop!.counts).toEqual(expected);
});

test('says percentiles at most a quarter above the exact ones, and never below', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 60_000_000 }), { minLength: 1, maxLength: 300 }),
      (all) => {
        const hops = new HopTimes();
        const now = 1e15;
        hops.record(
          't',
          all.map((us) => at('a', now - us)),
          now,
        );
        const sorted = all.toSorted((a, b) => a - b);
        const [summary] = hops.lastMinute(now);
        expect(summary!.count).toBe(all.length);
        for (const [q, said] of [
          [0.5, summary!.p50_us],
          [0.95, summary!.p95_us],
          [0.99, summary!.p99_us],
        ] as const) {
          const exact = sorted[Math.ceil(q * all.length) - 1]!;
          expect(said).toBeGreaterThanOrEqual(exact);
          expect(said).toBeLessThanOrEqual(Math.max(2, exact * 1.25 + 1));
        }
      },
    ),
  );
});

test('forgets what is older than a minute, while the totals keep it', () => {
  const hops = new HopTimes();
  hops.record('t', [at('a', 0)], 100);
  for (const seconds of [30, 59]) expect(hops.lastMinute(seconds * SECOND)[0]?.count).toBe(1);
  expect(hops.lastMinute(60 * SECOND)).toEqual([]);
  hops.record('t', [at('a', 60 * SECOND)], 60 * SECOND + 7);
  expect(hops.lastMinute(61 * SECOND)).toEqual([
    { from: 'a', topic: 't', count: 1, p50_us: 7, p95_us: 7, p99_us: 7 },
  ]);
  const [{ counts, sumUs }] = hops.totals() as [ReturnType<HopTimes['totals']>[number]];
  expect([counts.reduce((a, b) => a + b), sumUs]).toEqual([2, 107]);
});

test('takes single latencies of hops that are no messages', () => {
  const hops = new HopTimes();
  for (const us of [3, 3, 900]) hops.add('publish', 'kraken', us, SECOND);
  expect(hops.lastMinute(2 * SECOND)).toMatchObject([
    { from: 'kraken', topic: 'publish', count: 3, p50_us: 3 },
  ]);
  expect(hops.totals()[0]!.sumUs).toBe(906);
});

test('tells sources of one batch apart, and counts those beyond the limit as one', () => {
  const hops = new HopTimes(2);
  hops.record('t', [at('a', 0), at('b', 0), at('a', 0), at('c', 0), at('d', 0)], 10);
  const counted = hops.lastMinute(10).map(({ from, topic, count }) => [from, topic, count]);
  expect(counted).toEqual([
    ['a', 't', 2],
    ['b', 't', 1],
    ['other', 'other', 2],
  ]);
});
