// States of fits that are under way, one folder for each job: what goes on when a process was ended in the middle.
import * as disk from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Checkpoints } from '../../../src/learning/family.ts';

/** Returns the folder of a job's states. */
export function checkpointFolder(dataDir: string, jobId: string): string {
  return join(dataDir, 'training', jobId);
}

/** The calls of the file system that write; tests let them fail. */
export type Disk = Pick<typeof disk, 'mkdirSync' | 'writeFileSync' | 'renameSync' | 'rmSync'>;

/**
 * Returns the states in a folder, a file for each run; the folder is made with the first. Where one can't be written, as on a full disk,
 * the one before it stays.
 */
export function checkpointsIn(folder: string, everyMs: number, files: Disk = disk): Checkpoints {
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
        files.mkdirSync(folder, { recursive: true });
        files.writeFileSync(unfinished, state);
        // Whole or not at all, whenever the process ends.
        files.renameSync(unfinished, fileOf(run));
      } catch {
        removed(() => files.rmSync(unfinished, { force: true }));
      }
    },
  };
}

// Room is given back where that is possible; the fit goes on all the same.
function removed(remove: () => void): void {
  try {
    remove();
  } catch {}
}

/** Removes the states of a job that has ended; what can't be removed is swept at a later start. Never rejects. */
export async function dropCheckpoints(dataDir: string, jobId: string): Promise<void> {
  await rm(checkpointFolder(dataDir, jobId), { recursive: true, force: true }).catch(() => undefined);
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
