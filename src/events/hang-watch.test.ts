// What counts as an event that hangs, and what does not.
import { afterEach, expect, test } from 'bun:test';
import { eventually } from '../../test/support/eventually.ts';
import { HangWatch } from './hang-watch.ts';

const STREAM = { topic: 'strategy.fills', partition: 3 };
let watch: HangWatch;
let hung: number[];
const start = (hangMs: number) => {
  hung = [];
  watch = new HangWatch(hangMs, (_, sinceMs) => hung.push(sinceMs));
};
afterEach(() => watch.close());

test('what does not end is told of again and again, and first is slow', async () => {
  start(40);
  const held = Promise.withResolvers<void>();
  const run = watch.run(STREAM, () => held.promise);
  expect(watch.isSlow).toBe(false);
  await eventually(() => watch.isSlow, 'slow');
  await eventually(() => hung.length > 1, 'hung');
  expect(hung[0]).toBeGreaterThan(40);
  held.resolve();
  await run;
  expect(watch.isSlow).toBe(false);
});

test('a process that was paused does not take that for an event that hangs', async () => {
  start(100);
  await watch.run(STREAM, async () => {
    Bun.sleepSync(500);
    // The look that is due comes first.
    await Bun.sleep(1);
  });
  expect(hung).toEqual([]);
});

test('what fails has ended', async () => {
  start(10);
  await expect(watch.run(STREAM, () => Promise.reject(new Error('x')))).rejects.toThrow('x');
  expect(watch.isSlow).toBe(false);
});

test('without a limit nothing hangs', async () => {
  start(0);
  const held = Promise.withResolvers<void>();
  void watch.run(STREAM, () => held.promise);
  await Bun.sleep(5);
  expect([watch.isSlow, hung]).toEqual([false, []]);
  held.resolve();
});
