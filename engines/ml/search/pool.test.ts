// Processes of trials: kept from one trial to the next, and what happens in one of them happens to one trial.
import { afterEach, describe, expect, test } from 'bun:test';
import { resolve } from 'node:path';
import { eventually } from '../../../test/support/eventually.ts';
import type { Open } from './messages.ts';
import { TrialPool } from './pool.ts';
import { completed, searchRow } from './test-run.ts';

const { settings } = searchRow();
const OPEN: Open = { type: 'open', dataDir: '/nowhere', threads: 1, settings };

let pool: TrialPool;
afterEach(() => pool?.stop());

const made = (more: { size?: number; maxBytes?: number } = {}) => {
  pool = new TrialPool({ size: 2, program: resolve(import.meta.dir, 'test-child.ts'), ...more });
  return pool;
};

/** Trials that the pruner knows: those of all numbers below `count`. */
const historyBelow = (count: number) => async (from: number) =>
  Array.from({ length: Math.max(0, count - from) }, (_, i) => {
    const point = { alpha: 1 };
    return { number: from + i, point, state: 'complete', loss: completed(point).loss, reports: [] } as const;
  });

function run(
  does: string,
  { search = 'a', known = 0, timeoutMs = 60_000, signal = new AbortController().signal } = {},
) {
  const order = { type: 'trial', number: known, point: { does }, history: historyBelow(known) } as const;
  return pool.trial(search, OPEN, order, { signal, timeoutMs });
}

describe('a process of trials', () => {
  test('is kept for the next trial of its search, and told once of what the pruner knows', async () => {
    made();
    const first = await run('well', { known: 3 });
    const second = await run('well', { known: 5 });
    expect(second.scores.process).toBe(first.scores.process!);
    expect([first.scores.known, second.scores.known]).toEqual([3, 5]);
    const other = await run('well', { search: 'b' });
    expect(other.scores.process).not.toBe(first.scores.process!);
    expect(pool.size).toBe(2);
    // An idle one of another search makes room.
    await run('well', { search: 'c' });
    expect(pool.size).toBe(2);
    pool.end('c');
    await eventually(() => pool.size === 1, 'those of one search to end');
  });

  test('stays after a trial that throws', async () => {
    made();
    const { scores } = await run('well');
    await expect(run('throw')).rejects.toMatchObject({
      slug: 'diverged',
      message: 'Expected something else',
    });
    expect((await run('well')).scores.process).toBe(scores.process!);
  });

  test.each([
    ['crash', {}, { slug: 'dependency-unavailable', message: expect.stringContaining('code 3') }],
    ['hang', { timeoutMs: 300 }, { slug: 'deadline-exceeded', message: expect.stringContaining('0.3 s') }],
  ] as const)('that does %s is gone, and the next trial has another', async (does, more, error) => {
    made();
    const { scores } = await run('well');
    await expect(run(does, more)).rejects.toMatchObject(error);
    expect(pool.size).toBe(0);
    expect((await run('well')).scores.process).not.toBe(scores.process!);
  });

  test('that takes too much memory is ended for that', async () => {
    made({ maxBytes: 400e6 });
    await expect(run('memory')).rejects.toMatchObject({ slug: 'too-large', extras: { limit_bytes: 400e6 } });
    expect(pool.size).toBe(0);
  });

  test('ends at once with its trial when that is cancelled', async () => {
    made();
    const cancel = new AbortController();
    const trial = run('hang', { signal: cancel.signal });
    expect(pool.size).toBe(1);
    cancel.abort();
    await expect(trial).rejects.toMatchObject({ slug: 'cancelled' });
    expect(pool.size).toBe(0);
    await expect(run('well', { signal: cancel.signal })).rejects.toMatchObject({ slug: 'cancelled' });
    expect(pool.size).toBe(0);
  });
});
