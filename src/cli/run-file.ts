// What a running supervisor writes down, so that `ps`, `down` and `replay` find it: DATA_DIR/run/supervisor.json.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';

const runFileSchema = z.object({
  pid: z.int(),
  version: z.string(),
  started_at: z.string(),
  bus: z.string(),
  engines: z.array(
    z.object({
      name: z.string(),
      /** Counts from 0; null in an engine with a single process. */
      replica: z.int().nullable(),
      port: z.int().nullable(),
      /** Port of this replica alone, on loopback. */
      private_port: z.int().nullable(),
      pid: z.int().nullable(),
      state: z.enum(['starting', 'running', 'restarting', 'stopping', 'stopped', 'failed']),
      restarts: z.int(),
    }),
  ),
});

/** State of a running system. */
export type RunFile = z.infer<typeof runFileSchema>;

/** The program of an engine's process. */
export const ENGINE_MAIN = resolve(import.meta.dir, '../main.ts');

const LOOK_MS = 20;

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
  const state = lastState(dataDir);
  return state && isAlive(state.pid) ? state : null;
}

function lastState(dataDir: string): RunFile | null {
  try {
    return runFileSchema.parse(JSON.parse(readFileSync(pathOf(dataDir), 'utf8')));
  } catch {
    return null;
  }
}

/**
 * Waits until the engines that a dead supervisor left have ended, which they do by themselves, and kills those that have not after
 * `timeoutMs`: they hang. Resolves with the ids of the killed ones. Other programs that have the same ids by now are left alone.
 */
export async function endLeftovers(dataDir: string, timeoutMs: number): Promise<number[]> {
  const engines = lastState(dataDir)?.engines ?? [];
  const left = async () => {
    const living = engines.filter(({ pid }) => pid !== null && isAlive(pid));
    const ours = await Promise.all(living.map(({ pid, name }) => runsEngine(pid!, name)));
    return living.filter((_, i) => ours[i]).map(({ pid }) => pid!);
  };
  const until = async (deadline: number) => {
    let late = await left();
    while (late.length > 0 && performance.now() < deadline) {
      await Bun.sleep(LOOK_MS);
      late = late.filter(isAlive);
    }
    return late;
  };
  const hanging = await until(performance.now() + timeoutMs);
  for (const pid of hanging) process.kill(pid, 'SIGKILL');
  if (hanging.length > 0) await until(performance.now() + 1000);
  return hanging;
}

// The system may have given the id to another program since.
async function runsEngine(pid: number, name: string): Promise<boolean> {
  return (await commandOf(pid)).endsWith(`${ENGINE_MAIN} ${name}`);
}

async function commandOf(pid: number): Promise<string> {
  try {
    // Small images have no `ps`.
    if (process.platform === 'linux') {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    }
    const command = ['ps', '-ww', '-o', 'command=', '-p', String(pid)];
    const { stdout } = Bun.spawn(command, { stdin: 'ignore', stdout: 'pipe', stderr: 'ignore' });
    return (await new Response(stdout).text()).trim();
  } catch {
    return '';
  }
}

/** What an engine process is called: `analytics`, or `analytics.1` where there are replicas. */
export function labelOf({
  name,
  replica,
}: {
  readonly name: string;
  readonly replica: number | null;
}): string {
  return replica === null ? name : `${name}.${replica}`;
}

export function removeRunFile(dataDir: string): void {
  rmSync(pathOf(dataDir), { force: true });
}

/** Whether a process of this id runs. One that has ended and that nobody has asked about yet (a zombie) does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !isZombie(pid);
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM';
  }
}

// Under a first process that does not look after orphans, as in many containers, they stay for ever.
function isZombie(pid: number): boolean {
  if (process.platform !== 'linux') return false;
  try {
    // The name may hold anything; the state comes after its closing parenthesis.
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.startsWith('Z');
  } catch {
    return false;
  }
}

/** Path of the hub's socket. Systems limit such paths to about 100 bytes, so that deep data folders get one elsewhere. */
export function hubSocketPath(dataDir: string): string {
  const inData = join(dataDir, 'run', 'hub.sock');
  if (Buffer.byteLength(inData) <= 100) return inData;
  return join(tmpdir(), `nautilus-${Bun.hash(dataDir).toString(36)}.sock`);
}
