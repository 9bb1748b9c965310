// Lines for a slow reader: bounded, in order, every line written or told as lost.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { BoundedLines } from './bounded-lines.ts';

test('is idle when the last line has left', async () => {
  const left: (() => void)[] = [];
  const lines = new BoundedLines({ write: (_, done) => left.push(done) }, () => {});
  await lines.idle();
  lines.write('a');
  lines.write('b');
  let isIdle = false;
  const idle = lines.idle().then(() => {
    isIdle = true;
  });
  left[0]!();
  await null;
  expect(isIdle).toBe(false);
  left[1]!();
  await idle;
  expect(isIdle).toBe(true);
});

test('writes a line that is longer than all that may wait when nothing does, and goes on', () => {
  const written: string[] = [];
  const lost: number[] = [];
  const lines = new BoundedLines(
    {
      write: (text, done) => {
        written.push(text);
        done();
      },
    },
    (n) => lost.push(n),
    4,
  );
  for (const line of ['a', 'longer than four', 'b']) lines.write(line);
  expect(written).toEqual(['a\n', 'longer than four\n', 'b\n']);
  expect(lost).toEqual([]);
});

test('whatever the pace of the reader: bounded, in order, every line is written or told as lost', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          { weight: 3, arbitrary: fc.integer({ min: 0, max: 30 }) },
          { weight: 1, arbitrary: fc.constant('read' as const) },
        ),
      ),
      fc.integer({ min: 32, max: 100 }),
      (steps, maxChars) => {
        const queue: { text: string; done: () => void }[] = [];
        const written: number[] = [];
        let told = 0;
        const sink = { write: (text: string, done: () => void) => queue.push({ text, done }) };
        const lines = new BoundedLines(sink, (lost) => (told += lost), maxChars);
        const read = () => {
          const next = queue.shift();
          if (!next) return false;
          written.push(Number(next.text.split(' ')[0]));
          next.done();
          return true;
        };
        let n = 0;
        for (const step of steps) {
          if (step === 'read') read();
          else lines.write(`${n++} `.padEnd(step, 'x'));
          const waiting = queue.reduce((chars, { text }) => chars + text.length, 0);
          expect(waiting).toBeLessThanOrEqual(maxChars);
        }
        while (read());
        expect(written).toEqual(written.toSorted((a, b) => a - b));
        expect(written.length + told).toBe(n);
      },
    ),
  );
});
