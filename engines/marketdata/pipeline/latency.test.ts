// Latencies: percentiles, clocks that disagree, alerts that do not come and go.
import { describe, expect, test } from 'bun:test';
import type { Trade } from '../../../src/market/records.ts';
import { Latencies } from './latency.ts';

const T = 1_700_000_000_000_000;

/** Records that took `delays` microseconds by the clocks, received one each millisecond. */
function trades(delays: readonly number[], startUs = T): Trade[] {
  return delays.map((us, i) => ({
    kind: 'trade',
    symbol: 'BTC-USD',
    source: 'kraken',
    tsEventUs: startUs + i * 1000 - us,
    tsReceiveUs: startUs + i * 1000,
    sequence: null,
    flags: 0,
    scale: { price: 2, size: 8 },
    price: 100,
    size: 1,
    side: null,
    id: null,
  }));
}

const spread = Array.from({ length: 100 }, (_, i) => 3000 + i * 100);

describe('latencies', () => {
  test('reports what the clocks say where they agree', () => {
    const latencies = new Latencies();
    latencies.received('kraken', trades(spread), T);
    const [kraken] = latencies.report(T + 1000);
    expect(kraken!.clock).toEqual({ offset_us: 3000, state: 'agrees' });
    expect(kraken!.venue_to_receive.count).toBe(100);
    const p50 = kraken!.venue_to_receive.p50_us!;
    expect(p50).toBeGreaterThanOrEqual(7900);
    // Buckets are a quarter of what is above the fastest.
    expect(p50).toBeLessThanOrEqual(3000 + 4950 * 1.25 + 1);
    expect(kraken!.late).toBe(false);
  });

  test('tells a clock that runs behind, as that of the recorded spot capture, without taking it for speed', () => {
    const latencies = new Latencies();
    latencies.received('binance', trades(spread.map((us) => us - 1_270_000)), T);
    const [report] = latencies.report(T + 1000);
    expect(report!.clock).toEqual({ offset_us: -1_267_000, state: 'behind' });
    expect(report!.venue_to_receive.p50_us).toBeLessThan(0);
    expect(report!.above_fastest.p50_us).toBeLessThan(7000);
    expect(report!.late).toBe(false);
  });

  test('says ahead where even the fastest record took more than half a second', () => {
    const latencies = new Latencies();
    latencies.received('x', trades(spread.map((us) => us + 2_000_000)), T);
    expect(latencies.report(T)[0]!.clock.state).toBe('ahead');
  });

  test('says nothing of a venue whose times are whole seconds: their fractions are no delay', () => {
    const latencies = new Latencies();
    const seconds = trades(spread).map((trade, i) => ({ ...trade, tsEventUs: T, tsReceiveUs: T + i * 9000 }));
    latencies.received('ib', seconds, T + 1e6);
    expect(latencies.report(T + 1e6)).toEqual([]);
    // One that happens to be of a whole second is no loss to the others.
    latencies.received('kraken', [...trades(spread), ...trades([0]), ...seconds.slice(0, 1)], T);
    expect(latencies.report(T + 1000)[0]!.venue_to_receive.count).toBe(100);
  });

  test('is late above the bound, and until it is well below it again', () => {
    const latencies = new Latencies(50_000);
    const feed = (us: number, atUs: number) =>
      latencies.received('kraken', trades([1000, ...Array(60).fill(us)], atUs), atUs);
    feed(80_000, T);
    expect(latencies.report(T)[0]!.late).toBe(true);
    expect(latencies.isLate('kraken')).toBe(true);
    // Between 40 and 50 ms: stays as it is.
    feed(39_500, T + 120e6);
    expect(latencies.report(T + 120e6)[0]!.late).toBe(true);
    feed(5000, T + 240e6);
    expect(latencies.report(T + 240e6)[0]!.late).toBe(false);
    feed(39_500, T + 360e6);
    expect(latencies.report(T + 360e6)[0]!.late).toBe(false);
  });

  test('a few late records raise no alarm, and records without a time of the venue say nothing', () => {
    const latencies = new Latencies();
    latencies.received('kraken', trades([1000, 900_000, 900_000]), T);
    expect(latencies.report(T)[0]!.late).toBe(false);
    latencies.received('silent', trades([0, 0, 0]), T);
    expect(latencies.report(T).map((r) => r.source)).toEqual(['kraken']);
  });

  test('forgets after a minute, and follows a clock that was put right', () => {
    const latencies = new Latencies();
    latencies.received('kraken', trades(spread.map((us) => us - 1_000_000)), T);
    latencies.received('kraken', trades(spread, T + 61e6), T + 61e6);
    expect(latencies.report(T + 62e6)[0]!.clock).toEqual({ offset_us: 3000, state: 'agrees' });
    expect(latencies.report(T + 200e6)).toEqual([]);
  });

  test('measures the way through this engine and onto the bus', () => {
    const latencies = new Latencies();
    for (let i = 0; i < 30; i++) latencies.published('kraken', T, T + 400);
    latencies.carried(90, T);
    const [report] = latencies.report(T + 1000);
    expect(report!.receive_to_publish).toMatchObject({ count: 30, p99_us: 448 });
    expect(latencies.bus(T)).toMatchObject({ count: 1, p50_us: 96 });
    for (let i = 0; i < 30; i++) latencies.published('kraken', T, T + 90_000);
    expect(latencies.report(T + 1000)[0]!.late).toBe(true);
  });
});
