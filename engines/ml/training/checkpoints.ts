// States of fits that are under way, one folder for each job: what goes on when a process was ended in the middle.
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Checkpoints } from '../../../src/learning/family.ts';

/** Returns the folder of a job's states. */
export function checkpointFolder(dataDir: string, jobId: string): string {
  return join(dataDir, 'training', jobId);
}

/** Returns the states in a folder, a file for each run; the folder is made with the first. */
export function checkpointsIn(folder: string, everyMs: number): Checkpoints {
  const fileOf = (run: string) => join(folder, `${run}.checkpoint`);
  return {
    everyMs,
    load: (run) =>
      Bun.file(fileOf(run))
        .bytes()
        .catch(() => undefined),
    save(run, state) {
      const unfinished = `${fileOf(run)}.new`;
      try {
        mkdirSync(folder, { recursive: true });
        writeFileSync(unfinished, state);
        // Whole or not at all, whenever the process ends.
        renameSync(unfinished, fileOf(run));
      } catch {
        rmSync(unfinished, { force: true });
      }
    },
  };
}

/** Removes the states of a job that has ended. */
export async function dropCheckpoints(dataDir: string, jobId: string): Promise<void> {
  await rm(checkpointFolder(dataDir, jobId), { recursive: true, force: true });
}

/** Removes the states of all jobs that will not go on. */
export async function sweepCheckpoints(
  dataDir: string,
  goesOn: (jobId: string) => Promise<boolean>,
): Promise<void> {
  for (const jobId of await readdir(join(dataDir, 'training')).catch(() => [])) {
    if (!(await goesOn(jobId))) await dropCheckpoints(dataDir, jobId);
  }
}
