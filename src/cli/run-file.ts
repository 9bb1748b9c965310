// What a running supervisor writes down, so that `ps`, `down` and `replay` find it: DATA_DIR/run/supervisor.json.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';

const runFileSchema = z.object({
  pid: z.int(),
  version: z.string(),
  started_at: z.string(),
  bus: z.string(),
  engines: z.array(
    z.object({
      name: z.string(),
      port: z.int().nullable(),
      pid: z.int().nullable(),
      state: z.enum(['starting', 'running', 'restarting', 'stopping', 'stopped', 'failed']),
      restarts: z.int(),
    }),
  ),
});

/** State of a running system. */
export type RunFile = z.infer<typeof runFileSchema>;

const pathOf = (dataDir: string) => join(dataDir, 'run', 'supervisor.json');

/** Writes the state; readers see the old or the new one, never half of it. */
export function writeRunFile(dataDir: string, state: RunFile): void {
  mkdirSync(join(dataDir, 'run'), { recursive: true });
  const path = pathOf(dataDir);
  writeFileSync(`${path}.tmp`, JSON.stringify(state, null, 2));
  renameSync(`${path}.tmp`, path);
}

/** Returns the state of the system that runs on `dataDir`, or null when none does (a file left by a dead one is ignored). */
export function readRunFile(dataDir: string): RunFile | null {
  let state: RunFile;
  try {
    state = runFileSchema.parse(JSON.parse(readFileSync(pathOf(dataDir), 'utf8')));
  } catch {
    return null;
  }
  return isAlive(state.pid) ? state : null;
}

export function removeRunFile(dataDir: string): void {
  rmSync(pathOf(dataDir), { force: true });
}

/** Whether a process of this id exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM';
  }
}

/** Path of the hub's socket. Systems limit such paths to about 100 bytes, so that deep data folders get one elsewhere. */
export function hubSocketPath(dataDir: string): string {
  const inData = join(dataDir, 'run', 'hub.sock');
  if (Buffer.byteLength(inData) <= 100) return inData;
  return join(tmpdir(), `nautilus-${Bun.hash(dataDir).toString(36)}.sock`);
}
