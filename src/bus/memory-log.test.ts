// The memory log passes the suite of all logs, and keeps no more than it is told to.
import { expect, test } from 'bun:test';
import { logConformance } from './log-conformance.ts';
import { MemoryLogStore } from './memory-log.ts';

logConformance('memory', async () => {
  const store = new MemoryLogStore();
  return { connect: async () => store.connect(), close: () => {} };
});

test('a memory log forgets the oldest events beyond its bound', () => {
  const store = new MemoryLogStore(100);
  const stream = { topic: 't', partition: 0 };
  for (let position = 1; position <= 1000; position++) store.append(stream, 'g', position, ['1']);
  const { first, last } = store.bounds(stream);
  expect(last).toBe(1000);
  expect(last - first + 1).toBeGreaterThanOrEqual(100);
  expect(last - first + 1).toBeLessThanOrEqual(110);
});
