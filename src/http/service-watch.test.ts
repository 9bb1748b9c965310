// How an engine serves: replies between two looks, and the time in which it takes work.
import { describe, expect, test } from 'bun:test';
import { Registry } from './prom.ts';
import { type Replies, registerService, ServiceWatch } from './service-watch.ts';

function watched(intervalMs = 1000) {
  const state = { nowMs: 0, replies: { requests: 0, errors: 0, seconds: 0 } as Replies | null };
  const watch = new ServiceWatch({
    replies: () => state.replies,
    intervalMs,
    nowMs: () => state.nowMs,
  });
  const at = (nowMs: number, replies?: Replies) => {
    state.nowMs = nowMs;
    if (replies) state.replies = replies;
  };
  return { state, watch, at };
}

describe('how an engine serves', () => {
  test('is told of the replies since the look before', () => {
    const { watch, at } = watched();
    at(2000, { requests: 10, errors: 1, seconds: 0.5 });
    expect(watch.look()).toMatchObject({
      response_time_ms: 50,
      throughput_rps: 5,
      error_rate: 0.1,
      window_s: 2,
    });
    at(4000, { requests: 14, errors: 1, seconds: 0.54 });
    const second = watch.look();
    expect(second.response_time_ms).toBeCloseTo(10, 9);
    expect(second).toMatchObject({ throughput_rps: 2, error_rate: 0 });
    at(5000);
    expect(watch.look()).toMatchObject({
      response_time_ms: null,
      throughput_rps: 0,
      error_rate: null,
      reasons: {
        response_time_ms: 'nothing was answered since the look before',
        error_rate: 'nothing was answered since the look before',
      },
    });
  });

  test('is looked at once in an interval', () => {
    const { watch, at } = watched(1000);
    at(1000, { requests: 1, errors: 0, seconds: 0.1 });
    const first = watch.read();
    at(1999, { requests: 9, errors: 0, seconds: 0.2 });
    expect(watch.read()).toBe(first);
    at(2000);
    expect(watch.read().throughput_rps).toBe(8);
  });

  test('counts the time from the first moment in which it was ready', () => {
    const { watch, at } = watched();
    at(500);
    watch.note(false);
    at(1000);
    expect(watch.look()).toMatchObject({ availability: null, reasons: { availability: 'not ready yet' } });
    watch.note(true);
    expect(watch.look().availability).toBe(1);
    for (const [nowMs, isUp] of [
      [2000, true],
      [3000, false],
      [4000, true],
      [5000, true],
    ] as const) {
      at(nowMs);
      watch.note(isUp);
    }
    expect(watch.look().availability).toBe(0.75);
  });

  test('has no figures where replies are not counted, and no samples of them', async () => {
    const { state, watch, at } = watched();
    const registry = new Registry();
    registerService(registry, watch);
    state.replies = null;
    at(1000);
    watch.note(true);
    const level = watch.look();
    expect([level.response_time_ms, level.throughput_rps, level.error_rate]).toEqual([null, null, null]);
    expect(level.reasons.throughput_rps).toBe('METRICS_ENABLED is off');
    const text = await registry.metrics();
    expect(text).toMatch(/^nautilus_service_availability_ratio 1$/m);
    expect(text).not.toMatch(/^nautilus_service_requests_per_second /m);
    at(3000, { requests: 4, errors: 2, seconds: 0.4 });
    expect(await registry.metrics()).toMatch(/^nautilus_service_response_seconds 0\.1$/m);
    expect(await registry.metrics()).toMatch(/^nautilus_service_error_ratio 0\.5$/m);
  });
});
