// What every backend of jobs has to do when a process stops, is killed, or is another one.
import { expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../../test/support/eventually.ts';
import { type JobsRig, scripted, stopped } from './conformance-rig.ts';
import { markedJobs } from './test-worker.ts';

/** The tests of one block. */
export function crashTests({ newPlace, jobsAt, resultOf, marksFolder, startWorker }: JobsRig): void {
  test('interrupts running work when it stops, and goes on at the next start', async () => {
    const place = await newPlace();
    const seen: [string, number][] = [];
    const make = (attempts: number) =>
      scripted(
        async (job, { attempt, signal }) => {
          seen.push([job, attempt]);
          if (attempt > 1) return attempt;
          await stopped(signal);
          signal.throwIfAborted();
        },
        { attempts },
      );
    const twice = await jobsAt(place, [
      { ...make(2), kind: 'twice' },
      { ...make(1), kind: 'once' },
    ]);
    await twice.start();
    const again = await twice.add('twice', 'a');
    const lost = await twice.add('once', 'b');
    await eventually(() => seen.length === 2, 'both to run');
    await twice.stop(400);
    const next = await jobsAt(place, [
      { ...make(2), kind: 'twice' },
      { ...make(1), kind: 'once' },
    ]);
    await next.start();
    expect(await next.wait(again.job_id)).toMatchObject({ state: 'completed', attempt: 2 });
    const error = { type: '/problems/interrupted' };
    expect(await next.wait(lost.job_id)).toMatchObject({ state: 'failed', attempt: 1, error });
    expect(seen.filter(([job]) => job === 'b')).toEqual([['b', 1]]);
  });

  test('finds jobs again whose process was killed: tries again, or fails with the reason', async () => {
    const place = await newPlace();
    const marks = marksFolder();
    const child = startWorker(place, marks);
    const has = (file: string) => () => Bun.file(join(marks, file)).exists();
    await eventually(has('started'), 'the process to start');
    // Adds only: the other process runs them.
    const before = await jobsAt(place, markedJobs(marks));
    const thrice = await before.add('thrice', { name: 'a' });
    const once = await before.add('once', { name: 'b' });
    await eventually(has('a.1'), 'the first attempt');
    await eventually(has('b.1'), 'the only attempt');
    child.kill('SIGKILL');
    await child.exited;
    writeFileSync(join(marks, 'go'), '');
    const jobs = await jobsAt(place, markedJobs(marks));
    await jobs.start();
    const done = await jobs.wait(thrice.job_id);
    expect(done).toMatchObject({ state: 'completed', attempt: 2 });
    expect(await resultOf(jobs, thrice.job_id)).toEqual({ attempt: 2, attempts_seen: 2 });
    const failed = await jobs.wait(once.job_id);
    expect(failed).toMatchObject({ state: 'failed', attempt: 1, error: { type: '/problems/interrupted' } });
    expect(await has('b.2')()).toBe(false);
  });

  test('cancels a job that another process runs', async () => {
    const place = await newPlace();
    const marks = marksFolder();
    startWorker(place, marks);
    const jobs = await jobsAt(place, markedJobs(marks));
    const { job_id } = await jobs.add('once', { name: 'c' });
    await eventually(() => Bun.file(join(marks, 'c.1')).exists(), 'it to run elsewhere');
    // The other process may have stopped already when the answer is made.
    expect(await jobs.cancel(job_id)).toMatchObject({ cancel_requested: true });
    expect(await jobs.wait(job_id)).toMatchObject({ state: 'cancelled' });
  });
}
