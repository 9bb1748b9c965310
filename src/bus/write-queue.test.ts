// The queue in front of a socket that takes nothing for a while: bounded, also in what it says about losses; everything sent or counted.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { WriteQueue } from './write-queue.ts';

const MAX = 1000;

/** A socket that takes as many bytes as it is allowed to. */
class Valve {
  open = 0;
  readonly got: Buffer[] = [];

  write(data: Uint8Array): number {
    const taken = Math.min(this.open, data.length);
    this.open -= taken;
    this.got.push(Buffer.from(data.subarray(0, taken)));
    return taken;
  }
}

// Frames of text: `m<number>...;` are messages, `!<number>;` must not be dropped, `-<count>;` tells of losses.
const texts = (valve: Valve) => Buffer.concat(valve.got).toString().split(';').slice(0, -1);
const frame = (text: string) => Buffer.from(`${text};`);

test('a socket that takes nothing costs no more for more losses, and is told of all of them at once', async () => {
  const valve = new Valve();
  let dropped = 0;
  const queue = new WriteQueue(
    valve,
    MAX,
    (n) => (dropped += n),
    (n) => frame(`-${n}`),
  );
  for (let i = 0; i < 5000; i++) {
    queue.push(frame(`m${i}`.padEnd(19, ' ')), 1);
    expect(queue.queuedBytes).toBeLessThanOrEqual(MAX);
    if (i === 0) await null;
  }
  valve.open = 1e6;
  queue.flush();
  const all = texts(valve);
  // What the socket had begun with comes whole.
  expect(all.slice(0, 2).map((text) => text.trim())).toEqual(['m0', `-${dropped}`]);
  expect(all.filter((text) => text.startsWith('-'))).toHaveLength(1);
  expect(all.slice(2).map((text) => Number(text.slice(1)))).toEqual(
    Array.from({ length: 4999 - dropped }, (_, i) => 1 + dropped + i),
  );
  expect(queue.queuedBytes).toBe(0);
});

test('whatever the sizes and the pace: in order, every message is sent or told as lost, and nothing else is lost', async () => {
  const steps = fc.array(
    fc.oneof(
      fc.record({ bytes: fc.integer({ min: 8, max: 1500 }), messages: fc.nat(3) }),
      fc.record({ open: fc.integer({ min: 1, max: 3000 }) }),
    ),
    { maxLength: 60 },
  );
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const valve = new Valve();
      let dropped = 0;
      const queue = new WriteQueue(
        valve,
        MAX,
        (n) => (dropped += n),
        (n) => frame(`-${n}`),
      );
      const kept: string[] = [];
      let messages = 0;
      for (const [i, step] of all.entries()) {
        if ('open' in step) {
          valve.open = step.open;
          queue.flush();
          valve.open = 0;
          continue;
        }
        if (step.messages === 0) kept.push(`!${i}`);
        messages += step.messages;
        const head = step.messages === 0 ? `!${i}` : `m${i} ${step.messages}`;
        queue.push(frame(head.padEnd(step.bytes - 1, ' ')), step.messages);
        await null;
      }
      valve.open = 1e9;
      queue.flush();
      const sent = texts(valve).map((text) => text.trim());
      expect(sent.filter((text) => text[0] === '!')).toEqual(kept);
      const told = sent
        .filter((text) => text[0] === '-')
        .reduce((sum, text) => sum + Number(text.slice(1)), 0);
      expect(told).toBe(dropped);
      const came = sent
        .filter((text) => text[0] === 'm')
        .reduce((sum, text) => sum + Number(text.split(' ')[1]), 0);
      expect(came + dropped).toBe(messages);
      const order = sent.filter((text) => text[0] !== '-').map((text) => Number.parseInt(text.slice(1), 10));
      expect(order).toEqual(order.toSorted((a, b) => a - b));
    }),
  );
});
