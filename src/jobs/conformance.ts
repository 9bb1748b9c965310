// What every backend of jobs has to do, as one suite: each backend's test file calls it.
import { describe, expect, test } from 'bun:test';
import { eventually } from '../../test/support/eventually.ts';
import { InvalidOptionError, TooLargeError } from '../core/errors.ts';
import { crashTests } from './conformance-crash.ts';
import { type JobPlace, jobsRig, scripted, stopped } from './conformance-rig.ts';

/** Runs the suite on the places that `make` gives. */
export function jobsConformance(name: string, make: () => Promise<JobPlace> | JobPlace): void {
  describe(`jobs on ${name}`, () => {
    const { newPlace, jobsAt, started, states, resultOf, messages } = jobsRig(make);

    test('runs a job, tells its states and progress on the bus, and keeps its result', async () => {
      const jobs = await started([
        scripted((name, { progress, attempt, correlationId }) => {
          progress(3, 3, 'done');
          return { name, attempt, correlationId };
        }),
      ]);
      const added = await jobs.add('work', 'a', { correlationId: 'trace-1' });
      expect(added).toMatchObject({ kind: 'work', state: 'waiting', attempt: 0, deduplicated: false });
      const done = await jobs.wait(added.job_id);
      expect(done).toMatchObject({ state: 'completed', attempt: 1, error: null, priority: 0 });
      expect(done.progress).toEqual({ done: 3, total: 3, note: 'done' });
      expect(done.started_ts_us! >= done.created_ts_us && done.finished_ts_us! >= done.started_ts_us!).toBe(
        true,
      );
      expect(done.result_url).toBe(`/jobs/${added.job_id}/result`);
      expect(await resultOf(jobs, added.job_id)).toEqual({ name: 'a', attempt: 1, correlationId: 'trace-1' });
      await eventually(() => states(added.job_id).includes('completed'), 'the end on the bus');
      expect([...new Set(states(added.job_id))]).toEqual(['waiting', 'active', 'completed']);
      expect(messages().every((m) => m.correlation_id === 'trace-1')).toBe(true);
      expect(messages().at(-1)!.body.progress).toEqual({ done: 3, total: 3, note: 'done' });
    });

    test('tries again after a failure, with growing waits, until the attempts are used up', async () => {
      const attempts: number[] = [];
      const jobs = await started([
        scripted(
          (name, { attempt }) => {
            if (name === 'third') attempts.push(attempt);
            if (name === 'never' || attempt < 3) throw new Error('not yet');
            return attempt;
          },
          { attempts: 3 },
        ),
      ]);
      const [third, never] = await jobs.addAll('work', ['third', 'never']);
      expect(await jobs.wait(third!.job_id)).toMatchObject({ state: 'completed', attempt: 3, error: null });
      expect(attempts).toEqual([1, 2, 3]);
      const failed = await jobs.wait(never!.job_id);
      expect(failed).toMatchObject({ state: 'failed', attempt: 3, error: { type: '/problems/internal' } });
      expect(failed.error!.detail).not.toContain('not yet');
      // The word on the bus may come after what is stored.
      await eventually(() => states(third!.job_id).includes('completed'), 'the end on the bus');
      expect(states(third!.job_id).filter((s) => s === 'delayed').length).toBe(2);
    });

    test('fails at once, and says why, when the input is to blame', async () => {
      const jobs = await started([
        scripted(
          () => {
            throw new InvalidOptionError('Expected a better input');
          },
          { attempts: 5 },
        ),
      ]);
      const { job_id } = await jobs.add('work', 'a');
      const error = { type: '/problems/invalid-option', detail: 'Expected a better input' };
      expect(await jobs.wait(job_id)).toMatchObject({ state: 'failed', attempt: 1, error });
    });

    test('takes the smallest priority first, and the oldest of one priority', async () => {
      const order: string[] = [];
      const jobs = await jobsAt(await newPlace(), [scripted((job) => void order.push(job))]);
      await jobs.addAll('work', ['c1', 'c2'], { priority: 9 });
      await jobs.add('work', 'b', { priority: 5 });
      const last = await jobs.add('work', 'd', { priority: 1000 });
      await jobs.add('work', 'a');
      await jobs.start();
      await jobs.wait(last.job_id);
      expect(order).toEqual(['a', 'b', 'c1', 'c2', 'd']);
    });

    test('runs as many at once as the kind allows', async () => {
      let [now, most] = [0, 0];
      const both = Promise.withResolvers<void>();
      const jobs = await started([
        scripted(
          async () => {
            now++;
            most = Math.max(most, now);
            if (now === 3) both.resolve();
            await both.promise;
            await Promise.resolve();
            now--;
          },
          { concurrency: 3 },
        ),
      ]);
      const added = await jobs.addAll('work', ['a', 'b', 'c', 'd', 'e', 'f', 'g']);
      for (const { job_id } of added) expect((await jobs.wait(job_id)).state).toBe('completed');
      expect(most).toBe(3);
    });

    test('begins a delayed job when its time has come', async () => {
      const jobs = await started([scripted((job) => job)]);
      const { job_id, state } = await jobs.add('work', 'a', { delayMs: 80 });
      expect(state).toBe('delayed');
      const done = await jobs.wait(job_id);
      // BullMQ keeps times in milliseconds.
      expect(done.started_ts_us! - done.created_ts_us).toBeGreaterThanOrEqual(79_000);
    });

    test('gives the waiting or running job of the same key, and a new one after its end', async () => {
      const gate = Promise.withResolvers<void>();
      const jobs = await started([scripted(() => gate.promise, { dedupKey: (input) => input })]);
      const [first, other] = await jobs.addAll('work', ['same', 'other']);
      const again = await jobs.add('work', 'same');
      expect(again).toMatchObject({ job_id: first!.job_id, deduplicated: true });
      expect(other!.deduplicated).toBe(false);
      expect((await jobs.list({ limit: 10, offset: 0 })).total).toBe(2);
      gate.resolve();
      await jobs.wait(first!.job_id);
      const after = await jobs.add('work', 'same');
      expect(after).toMatchObject({ deduplicated: false });
      expect(after.job_id).not.toBe(first!.job_id);
    });

    test('cancels a waiting job at once and a running one through its signal', async () => {
      const jobs = await started([
        scripted(async (_name, { signal }) => {
          await stopped(signal);
          signal.throwIfAborted();
        }),
      ]);
      const [running, waiting] = await jobs.addAll('work', ['running', 'waiting']);
      await eventually(async () => (await jobs.get(running!.job_id)).state === 'active', 'the job to run');
      expect(await jobs.cancel(waiting!.job_id)).toMatchObject({ state: 'cancelled', attempt: 0 });
      await jobs.cancel(running!.job_id);
      const ended = await jobs.wait(running!.job_id);
      expect(ended).toMatchObject({
        state: 'cancelled',
        cancel_requested: true,
        error: { type: '/problems/cancelled' },
      });
      expect(ended.finished_ts_us).not.toBeNull();
      expect(await jobs.cancel(running!.job_id)).toMatchObject({ state: 'cancelled' });
      expect((await jobs.list({ state: 'cancelled', limit: 10, offset: 0 })).total).toBe(2);
      expect((await jobs.list({ state: 'failed', limit: 10, offset: 0 })).total).toBe(0);
    });

    test('gives up a job that ignores its signal, says so, and discards its late result', async () => {
      const gate = Promise.withResolvers<void>();
      const jobs = await started([
        scripted(() => gate.promise.then(() => 'late'), { timeoutMs: 30, attempts: 1 }),
      ]);
      const { job_id } = await jobs.add('work', 'deaf');
      const ended = await jobs.wait(job_id);
      expect(ended).toMatchObject({ state: 'failed', error: { type: '/problems/deadline-exceeded' } });
      expect(ended.error!.detail).toContain('did not stop within 50 ms, and its result is discarded');
      expect(jobs.stats().given_up_running).toBe(1);
      gate.resolve();
      await eventually(() => jobs.stats().given_up_running === 0, 'the late end');
      expect(await resultOf(jobs, job_id)).toMatchObject({ state: 'failed' });
    });

    test('tries again after a time-out', async () => {
      const jobs = await started([
        scripted((_name, { attempt, signal }) => (attempt === 1 ? stopped(signal) : 'in time'), {
          timeoutMs: 40,
          attempts: 2,
        }),
      ]);
      const { job_id } = await jobs.add('work', 'slow');
      expect(await jobs.wait(job_id)).toMatchObject({ state: 'completed', attempt: 2 });
      expect(await resultOf(jobs, job_id)).toBe('in time');
    });

    test('refuses inputs and results beyond their bounds', async () => {
      const jobs = await started([scripted((size) => 'x'.repeat(Number(size)))]);
      const { job_id } = await jobs.add('work', String(2 ** 20));
      const error = { type: '/problems/too-large' };
      expect(await jobs.wait(job_id)).toMatchObject({ state: 'failed', error });
      const fits = await jobs.add('work', String(2 ** 20 - 2));
      expect(await jobs.wait(fits.job_id)).toMatchObject({ state: 'completed' });
      await expect(jobs.add('work', 7)).rejects.toBeInstanceOf(InvalidOptionError);
      await expect(jobs.add('work', 'a', { priority: -1 })).rejects.toBeInstanceOf(InvalidOptionError);
      await expect(jobs.add('work', 'x'.repeat(2 ** 20))).rejects.toBeInstanceOf(TooLargeError);
    });

    test('lists pages, newest first, by state and kind', async () => {
      const other = { ...scripted(() => Promise.reject(new InvalidOptionError('no'))), kind: 'other' };
      const jobs = await started([scripted((job) => job), other]);
      const done = await jobs.addAll('work', ['1', '2', '3', '4', '5']);
      const failed = await jobs.addAll('other', ['a', 'b']);
      for (const { job_id } of [...done, ...failed]) await jobs.wait(job_id);
      const ids = (page: { jobs: readonly { job_id: string }[] }) => page.jobs.map((job) => job.job_id);
      const newest = [...done, ...failed].map((job) => job.job_id).reverse();
      expect(ids(await jobs.list({ limit: 100, offset: 0 }))).toEqual(newest);
      const page = await jobs.list({ kind: 'work', state: 'completed', limit: 2, offset: 1 });
      expect([ids(page), page.total]).toEqual([newest.slice(3, 5), 5]);
      expect((await jobs.list({ state: 'failed', limit: 1, offset: 0 })).total).toBe(2);
      expect((await jobs.list({ state: 'waiting', limit: 1, offset: 0 })).total).toBe(0);
    });
  });

  describe(`jobs on ${name} over the end of a process`, () => crashTests(jobsRig(make)));
}
