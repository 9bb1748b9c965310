// What an engine says of its activity: hops and requests in metrics and status, nothing of it when metrics are off.
import { afterEach, expect, test } from 'bun:test';
import { Elysia } from 'elysia';
import { TestEngine, topics, walkBars } from '../../test/support/engine.ts';
import type { EngineDefinition } from './engine.ts';

const definition: EngineDefinition = {
  name: 'sample',
  port: 1,
  title: 'Sample',
  description: 'An engine of the tests.',
  create: () => ({
    routes: new Elysia().get('/breaks', () => {
      throw new Error('broken');
    }),
    participant: { consumes: [topics.marketLiveData], emits: [], process: () => {} },
  }),
};

let engine: TestEngine;
afterEach(() => engine.stop());

const publish = () => {
  for (const bar of walkBars('X', 7)) {
    engine.bus.publish(
      topics.marketLiveData,
      { ...bar, source: 'simulated' },
      { tsEventUs: bar.ts_event_us },
    );
  }
};

test('shows each hop with its percentiles in the status and its histogram in the metrics', async () => {
  engine = await TestEngine.start(definition);
  publish();
  await engine.received(topics.marketLiveData, 7);
  const { activity } = (await engine.get('/system/status')).body;
  const hop = activity.hops.find((h: { topic: string }) => h.topic === 'market.live_data');
  expect(hop).toMatchObject({ from: 'test', count: 7 });
  expect(hop.p50_us).toBeGreaterThan(0);
  expect(hop.p99_us).toBeGreaterThanOrEqual(hop.p50_us);
  const metrics: string = (await engine.get('/metrics')).body;
  const labels = 'from="test",topic="market.live_data"';
  expect(metrics).toContain(`nautilus_hop_latency_seconds_count{${labels},engine="sample"} 7`);
  const buckets = [
    ...metrics.matchAll(
      /latency_seconds_bucket\{from="test",topic="market.live_data",le="([^"]+)".*\} (\d+)/g,
    ),
  ];
  expect(buckets.map((b) => b[1])).toEqual([
    ...Array.from({ length: 22 }, (_, k) => String(2 ** (k + 3) / 1e6)),
    '+Inf',
  ]);
  const counts = buckets.map((b) => Number(b[2]));
  expect(counts).toEqual(counts.toSorted((a, b) => a - b));
  expect(counts.at(-1)).toBe(7);
});

test('counts requests, those that failed, processor time and the delay of the event loop', async () => {
  engine = await TestEngine.start(definition);
  for (const path of ['/breaks', '/health', '/nope']) await engine.get(path);
  const { activity } = (await engine.get('/system/status')).body;
  expect(activity.http).toEqual({ requests: 3, errors: 1 });
  expect(activity.cpu_seconds).toBeGreaterThan(0);
  expect(activity.event_loop_delay_ms).toEqual({ mean: expect.any(Number), max: expect.any(Number) });
  const metrics: string = (await engine.get('/metrics')).body;
  expect(Number(/nautilus_cpu_seconds_total\{engine="sample"\} (.+)/.exec(metrics)![1])).toBeGreaterThan(0);
});

test('has no metrics route and measures nothing when metrics are off, and works all the same', async () => {
  engine = await TestEngine.start(definition, { METRICS_ENABLED: 'false' });
  publish();
  await engine.received(topics.marketLiveData, 7);
  expect((await engine.get('/metrics')).status).toBe(404);
  const { activity, bus } = (await engine.get('/system/status')).body;
  expect(activity).toEqual({
    cpu_seconds: expect.any(Number),
    http: null,
    event_loop_delay_ms: null,
    hops: null,
  });
  expect(bus.received).toBeGreaterThanOrEqual(7);
  expect(JSON.stringify((await engine.get('/openapi/json')).body)).not.toContain('/metrics');
});
