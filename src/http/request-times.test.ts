// Request times against the library's own histogram, in the text that Prometheus reads.
import { expect, test } from 'bun:test';
import { Histogram, Registry } from 'prom-client';
import { RequestTimes } from './request-times.ts';

const buckets = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1, 5];
const lines = async (registry: Registry) =>
  (await registry.metrics())
    .split('\n')
    // The order of labels means nothing.
    .map((line) => line.replace(/\{(.*)\}/, (_, labels: string) => `{${labels.split(',').sort().join()}}`))
    .sort();

test('tells Prometheus what the histogram of prom-client tells, at and between the bounds', async () => {
  const [ours, theirs] = [new Registry(), new Registry()];
  const times = new RequestTimes(ours);
  const histogram = new Histogram({
    name: 'nautilus_http_request_seconds',
    help: 'Time from the arrival of a request to its reply',
    labelNames: ['method', 'route', 'status'],
    buckets,
    registers: [theirs],
  });
  for (const registry of [ours, theirs]) registry.setDefaultLabels({ engine: 'risk' });
  const seconds = [0, 0.00005, ...buckets, 0.003, 7];
  for (const [method, route, status] of [
    ['GET', '/health', 200],
    ['POST', '/health', 404],
    ['GET', '/bars/:symbol', 200],
    ['GET', '/bars/:symbol', 503],
  ] as const) {
    for (const value of seconds) {
      times.observe(method, route, status, value);
      histogram.observe({ method, route, status }, value);
    }
  }
  expect(await lines(ours)).toEqual(await lines(theirs));
});

test('says its name and kind before the first request', async () => {
  const registry = new Registry();
  new RequestTimes(registry);
  expect(await registry.metrics()).toContain('# TYPE nautilus_http_request_seconds histogram');
});
