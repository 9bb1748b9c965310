// The model of a search's end: made once, kept whole, and a reason where it can not be made.
import { afterEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DependencyUnavailableError } from '../../../src/core/errors.ts';
import { type ConcludeParts, conclude, finished, stackOf } from './conclude.ts';
import { Files } from './files.ts';
import type { Choice, Finished } from './messages.ts';
import type { TrialRow } from './records.ts';
import { completed, searchRow } from './test-run.ts';

const trial = (number: number, alpha: number): TrialRow => {
  const point = { alpha, other: 'b' };
  const times = { started_us: 1, finished_us: 2 };
  return { number, point, state: 'complete', job_id: null, ...times, outcome: completed(point) };
};
/** Losses 1, 0 and 2. */
const TRIALS = [trial(0, 1), trial(1, 10), trial(2, 1000)];

let folder: string;
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Parts whose models are made by `make`; `asked` counts how often. */
function partsOf(make: (choice: Choice) => Promise<Finished>) {
  folder = mkdtempSync(join(tmpdir(), 'conclude-'));
  const asked: string[] = [];
  const finish = (_id: string, _open: unknown, { choice }: { choice: Choice }) => {
    asked.push(choice.kind);
    return make(choice);
  };
  const trials = { pool: { finish }, opening: () => ({}) } as unknown as ConcludeParts['trials'];
  return { asked, parts: { trials, files: new Files(folder), signal: new AbortController().signal } };
}

const model = async (): Promise<Finished> =>
  ({
    bytes: new Uint8Array([1, 2]),
    probe: [[1]],
    weights: [],
    deflated_sharpe: null,
  }) as unknown as Finished;

describe('the end of a search', () => {
  test('is the best trial, and a stack of the best ones where one is asked for', async () => {
    const { asked, parts } = partsOf(model);
    const { best, tested } = await conclude(searchRow({ ensemble: 2 }), TRIALS, 'max_trials', parts);
    expect([best, Object.keys(tested), asked]).toEqual([1, ['trial-1', 'stack'], ['trial', 'stack']]);
    const stack = stackOf(TRIALS, searchRow({ ensemble: 2 }).settings) as Extract<Choice, { kind: 'stack' }>;
    expect(stack.trials.map(({ number }) => number)).toEqual([1, 0]);
  });

  test('is made once and found again, byte by byte', async () => {
    const { asked, parts } = partsOf(model);
    const search = searchRow();
    const choice = { kind: 'trial', trial: TRIALS[1]! } as const;
    const first = await finished(search, choice, parts);
    expect(await finished(search, choice, parts)).toEqual(first);
    expect(asked).toHaveLength(1);
    await parts.files.sweep(async () => false);
    expect(await parts.files.load(search.search_id, 'trial-1')).toBeNull();
  });

  test('that loses its process ends the search with the reason, not to be tried again', async () => {
    const { parts } = partsOf(async () => {
      throw new DependencyUnavailableError('Expected the process that runs the trial to live');
    });
    await expect(conclude(searchRow(), TRIALS, 'max_trials', parts)).rejects.toMatchObject({
      ...{ slug: 'search-failed', status: 422 },
      message: expect.stringContaining('to live'),
    });
  });
});
