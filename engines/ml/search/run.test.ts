// The course of a search: the same trials whatever ends first, each counted once whatever dies, and an end where nothing succeeds.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { best } from './board.ts';
import type { Settings, TrialRow } from './records.ts';
import { SearchRun } from './run.ts';
import { completed, failedFor, lossAt, searchRow, TestSearch } from './test-run.ts';

function start(tables: TestSearch, settings: Partial<Settings> = {}, nowUs = () => 1) {
  const search = searchRow(settings);
  const end = new AbortController();
  const told: number[] = [];
  const run = new SearchRun(search, {
    ...{ store: tables.store, jobs: tables.jobs, nowUs, signal: end.signal },
    told: (trials) => told.push(trials.length),
  });
  return { done: run.run(), end, told };
}

const settled = async () => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};

/** Runs to the end; of the jobs that run the one at `pick` of those there are ends next. */
async function finish(tables: TestSearch, settings: Partial<Settings>, pick: (running: number) => number) {
  const { done } = start(tables, settings);
  let over = false;
  const finished = done.finally(() => {
    over = true;
  });
  while (!over) {
    await Promise.race([tables.begun(), finished]);
    await settled();
    if (tables.running.length > 0) await tables.end(pick(tables.running.length));
    await settled();
  }
  return finished;
}

const pointsOf = (trials: Iterable<TrialRow>) => [...trials].map(({ point }) => point);

describe('a search', () => {
  test('has the same trials whatever ends first, and however many run at a time', async () => {
    const inOrder = new TestSearch();
    await finish(inOrder, { parallel: 1 }, () => 0);
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.infiniteStream(fc.nat()),
        async (parallel, picks) => {
          const tables = new TestSearch();
          const { trials } = await finish(tables, { parallel }, (running) => picks.next().value! % running);
          expect(pointsOf(trials)).toEqual(pointsOf(inOrder.rows.values()));
        },
      ),
      { numRuns: 30 },
    );
  });

  test('never runs more at a time than it may, nor knows more than it may', async () => {
    const tables = new TestSearch();
    let most = 0;
    const { trials } = await finish(tables, { parallel: 3, lag: 3, max_trials: 12 }, (running) => {
      most = Math.max(most, running);
      const open = Math.min(...tables.running);
      // The last one that runs was proposed without the first that does.
      expect(Math.max(...tables.running) - open).toBeLessThan(3);
      return running - 1;
    });
    expect([most, trials.length]).toEqual([3, 12]);
  });

  test('that is ended at any moment goes on from its tables, and counts each trial once', async () => {
    const whole = new TestSearch();
    await finish(whole, {}, () => 0);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(8), { maxLength: 6 }), async (stops) => {
        const tables = new TestSearch();
        for (const count of stops) {
          const { done, end } = start(tables);
          const ended = done.catch((error) => error);
          for (let i = 0; i < count; i++) {
            await settled();
            if (tables.running.length > 0) await tables.end(0);
          }
          end.abort(new Error('the process ended'));
          tables.crash();
          await ended;
        }
        await finish(tables, {}, () => 0);
        expect(pointsOf(tables.rows.values())).toEqual(pointsOf(whole.rows.values()));
        expect([...tables.counted.values()]).toEqual(Array(20).fill(1));
      }),
      { numRuns: 30 },
    );
  });

  test('finds its best trial, and counts one whose job ended without a word as failed', async () => {
    const tables = new TestSearch();
    const { done } = start(tables, { max_trials: 5, parallel: 1, lag: 1 });
    await tables.begun();
    await settled();
    tables.loseJob(0);
    for (let i = 0; i < 4; i++) {
      await settled();
      await tables.begun();
      await tables.end(0);
    }
    const { trials, stop } = await done;
    expect(trials.map(({ state }) => state)).toEqual([
      'failed',
      'complete',
      'complete',
      'complete',
      'complete',
    ]);
    expect(stop).toBe('max_trials');
    const losses = trials.slice(1).map(({ point }) => lossAt(point));
    expect(best(trials)!.outcome!.loss).toBe(Math.min(...losses));
  });

  test('tries every point of a grid once and ends', async () => {
    const space = [{ kind: 'choice', name: 'alpha', values: [1, 2, 3, 4, 5, 6] }] as const;
    const tables = new TestSearch();
    const { trials, stop } = await finish(tables, { sampler: 'grid', space }, () => 0);
    expect(stop).toBe('exhausted');
    expect(trials.map(({ point }) => point.alpha).sort()).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('whose first ten trials fail ends with what most of them failed of', async () => {
    const tables = new TestSearch(({ number }) => failedFor(number === 0 ? '/problems/a' : '/problems/b'));
    await expect(finish(tables, {}, () => 0)).rejects.toMatchObject({
      slug: 'search-failed',
      message: expect.stringContaining('failed for /problems/b'),
      extras: { failed: 10, trials: 10, reasons: { '/problems/a': 1, '/problems/b': 9 } },
    });
  });

  test('goes on where some trials fail, and ends where most of many do', async () => {
    const some = new TestSearch(({ number, point }) =>
      number % 2 ? completed(point) : failedFor('/problems/a'),
    );
    expect((await finish(some, { max_trials: 60 }, () => 0)).trials).toHaveLength(60);
    const most = new TestSearch(({ number, point }) =>
      number % 10 ? failedFor('/problems/a') : completed(point),
    );
    await expect(finish(most, { max_trials: 60 }, () => 0)).rejects.toMatchObject({ extras: { trials: 50 } });
  });

  test('whose time is over proposes nothing, and gives up what runs', async () => {
    const tables = new TestSearch();
    const first = start(tables, { max_trials: 5, parallel: 2 });
    await tables.begun();
    await settled();
    first.end.abort(new Error('the process ended'));
    await first.done.catch(() => undefined);
    // Another process finds it when its time has passed.
    const { trials, stop } = await start(tables, { time_budget_s: 1 }, () => 2_000_001).done;
    expect(stop).toBe('time_budget');
    expect(trials.map(({ state }) => state)).toEqual(['cancelled', 'cancelled']);
    // Its jobs end after that, and leave it so.
    await settled();
    expect([...tables.rows.values()].map(({ state }) => state)).toEqual(['cancelled', 'cancelled']);
    expect(tables.cancelled).toEqual([0, 1]);
  });

  test('whose time is over counts a trial that ends in that moment, as its tables do', async () => {
    const tables = new TestSearch();
    const first = start(tables, { max_trials: 5, parallel: 2 });
    await tables.begun();
    await settled();
    first.end.abort(new Error('the process ended'));
    await first.done.catch(() => undefined);
    const { giveUp } = tables.store;
    // The other process counts trial 1 just before this one gives it up.
    Object.assign(tables.store, {
      giveUp: async (id: string) => {
        await tables.store.endTrial(id, 1, completed(tables.rows.get(1)!.point));
        await giveUp(id);
      },
    });
    const { trials } = await start(tables, { time_budget_s: 1 }, () => 2_000_001).done;
    await settled();
    expect(trials.map(({ state }) => state)).toEqual(['cancelled', 'complete']);
    expect([...tables.rows.values()]).toEqual([...trials]);
  });

  test('that is given up while a job is added has that job cancelled', async () => {
    const tables = new TestSearch();
    const { add } = tables.jobs;
    Object.assign(tables.jobs, {
      add: async (...given: Parameters<typeof add>) => {
        const job = await add(...given);
        await tables.store.giveUp('');
        return job;
      },
    });
    const { done } = start(tables, { max_trials: 1, parallel: 1 });
    expect((await done).trials.map(({ state }) => state)).toEqual(['cancelled']);
    expect(tables.cancelled).toEqual([0]);
  });
});
