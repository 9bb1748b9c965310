// When messages leave a client of the bus, and what a failing handler does to those that follow.
import { expect, test } from 'bun:test';
import { eventually } from '../../test/support/eventually.ts';
import { Bus } from './client.ts';
import { MemoryHub } from './memory.ts';
import { topics } from './topics.ts';

function say(bus: Bus, detail: string): void {
  bus.publish(topics.lifecycle, { engine: 'test', event: 'started', pid: null, exit_code: null, detail });
}

const detailOf = ({ body }: { readonly body: unknown }) => (body as { detail: string }).detail;

test('what is published after a flush leaves at the end of the turn all the same, in order', async () => {
  const bus = new Bus('test', new MemoryHub().connect());
  const got: string[] = [];
  await bus.subscribe(topics.lifecycle, (batch) => void got.push(...batch.map(detailOf)));
  say(bus, 'first');
  bus.flush();
  say(bus, 'second');
  await eventually(() => got.length === 2, 'both messages');
  say(bus, 'third');
  await eventually(() => got.length === 3, 'one of a later turn');
  expect(got).toEqual(['first', 'second', 'third']);
  await bus.close();
});

test.each([
  [
    'throws',
    () => {
      throw new Error('no');
    },
  ],
  ['rejects', () => Promise.reject(new Error('no'))],
])('a handler that %s loses that batch, is counted, and gets the next one', async (_how, fail) => {
  const bus = new Bus('test', new MemoryHub().connect());
  const got: string[] = [];
  await bus.subscribe(topics.lifecycle, (batch): void | Promise<void> => {
    got.push(...batch.map(detailOf));
    return got.length === 1 ? fail() : Promise.resolve();
  });
  say(bus, 'first');
  await eventually(() => got.length === 1, 'the first message');
  say(bus, 'second');
  await eventually(() => got.length === 2, 'the second message');
  expect(bus.stats().handler_errors).toBe(1);
  await bus.close();
});
