// Trace contexts as the W3C recommendation has them: what is taken over, what is not.
import { expect, test } from 'bun:test';
import { traceContext } from './trace-context.ts';

// The example of the recommendation, section 3.2.3.
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = `00-${TRACE}-00f067aa0ba902b7-01`;

test('takes over the trace and its sampling, and names a span of its own', () => {
  const { traceId, traceparent } = traceContext(PARENT);
  expect(traceId).toBe(TRACE);
  expect(traceparent).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-01$`));
  expect(traceparent).not.toBe(PARENT);
  expect(traceContext(`00-${TRACE}-00f067aa0ba902b7-00`).traceparent).toEndWith('-00');
});

test('reads later versions by the parts that it knows', () => {
  expect(traceContext(`cc-${TRACE}-00f067aa0ba902b7-03-what-else`).traceparent).toMatch(/^00-.*-01$/);
  expect(traceContext(`cc-${TRACE}-00f067aa0ba902b7-01`).traceId).toBe(TRACE);
});

test.each([
  null,
  '',
  'text',
  `ff-${TRACE}-00f067aa0ba902b7-01`,
  `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
  `00-${TRACE}-0000000000000000-01`,
  `00-${TRACE.toUpperCase()}-00f067aa0ba902b7-01`,
  `00-${TRACE}-00f067aa0ba902b7-01-more`,
  `00-${TRACE}-00f067aa0ba902b7-1`,
])('begins a new trace for %p', (given) => {
  const { traceId, traceparent } = traceContext(given);
  expect(traceId).toMatch(/^[0-9a-f]{32}$/);
  expect(traceId).not.toBe(TRACE);
  expect(traceparent).toStartWith(`00-${traceId}-`);
  expect(traceContext(given).traceId).not.toBe(traceId);
});
