// A child process: what it answers, why it may end, and that whoever asked is told.
import { afterEach, describe, expect, test } from 'bun:test';
import { resolve } from 'node:path';
import { z } from 'zod';
import { type ChildOptions, ChildProcess } from './child-process.ts';
import { InvariantError } from './errors.ts';

const answers = z.object({
  type: z.literal('count'),
  told: z.int(),
  threads: z.string(),
  args: z.array(z.string()),
});
const notes = z.object({ type: z.literal('progress'), fraction: z.number() });
type Answer = z.infer<typeof answers>;
type Note = z.infer<typeof notes>;

let child: ChildProcess<{ does: string }, Answer, Note>;
afterEach(async () => {
  child.kill();
  await child.exited;
});

function start(more: Partial<ChildOptions<Answer, Note>> = {}) {
  const program = resolve(import.meta.dir, 'test-child-work.ts');
  const purpose = 'that is tested';
  child = new ChildProcess({ program, purpose, maxBytes: 2 ** 32, threads: 3, answers, notes, ...more });
  return child;
}

describe('a child process', () => {
  test('takes one order after the other, of which some have no answer, and goes on after what they throw', async () => {
    const { pid } = start({ args: ['one', 'two'] });
    const fractions: number[] = [];
    const heard = ({ fraction }: Note) => fractions.push(fraction);
    child.tell({ does: 'nothing' });
    const first = await child.ask({ does: 'count' }, { heard });
    expect(first).toEqual({ type: 'count', told: 2, threads: '3', args: ['one', 'two'] });
    expect(fractions).toEqual([0.5]);

    const refused = await child.ask({ does: 'refuse' }).catch((error) => error);
    expect(refused).toMatchObject({ slug: 'diverged', status: 422, extras: { step: 7 } });
    expect(refused.message).toBe('Expected a loss that falls');
    const failed = await child.ask({ does: 'fail' }).catch((error) => error);
    expect(failed).toBeInstanceOf(InvariantError);
    expect(failed.cause).toContain('test-child-work.ts');

    expect(await child.ask({ does: 'count' })).toMatchObject({ told: 5 });
    expect([child.pid, child.alive]).toEqual([pid, true]);
  });

  test.each([
    ['crash', {}, 'died', 'code 3'],
    ['memory', { maxBytes: 400e6 }, 'memory', 'SIGUSR2'],
    ['lie', {}, 'died', 'a message of no known form'],
    ['lie', { serialization: 'json' }, 'died', 'a message of no known form'],
  ] as const)(
    'that does %s with %o is gone for that, and whoever asks is told',
    async (does, more, loss, how) => {
      start(more);
      await expect(child.ask({ does })).rejects.toMatchObject({ loss, how });
      expect(child.alive).toBe(false);
      expect(() => process.kill(child.pid, 0)).toThrow();
      await expect(child.ask({ does: 'count' })).rejects.toMatchObject({ loss, how });
    },
  );

  test('is ended for its time, which no native code can hold up', async () => {
    start();
    await child.ready(60_000);
    await expect(child.ask({ does: 'hang' }, { timeoutMs: 50 })).rejects.toMatchObject({ loss: 'time' });
    expect(() => process.kill(child.pid, 0)).toThrow();
  });

  test('is ended by a signal, in the middle and before its order', async () => {
    const cancel = new AbortController();
    const { signal } = cancel;
    start();
    const asked = child.ask({ does: 'hang' }, { signal });
    await expect(child.ask({ does: 'count' })).rejects.toThrow('asked twice at once');
    cancel.abort();
    await expect(asked).rejects.toMatchObject({ loss: 'cancelled' });
    start();
    await expect(child.ask({ does: 'count' }, { signal })).rejects.toMatchObject({ loss: 'cancelled' });
  });

  test('that ends before it listens is not ready', async () => {
    start({ program: resolve(import.meta.dir, 'ids.ts') });
    await expect(child.ready(60_000)).rejects.toMatchObject({ loss: 'died', how: 'code 0' });
  });
});
