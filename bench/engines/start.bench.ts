// Hot path: what a developer waits for, and what a machine must have: `nautilus up` until all nine engines answer
// healthy, and their memory together. A regression means a heavy import at the top of a module, work before the first
// reply, or something kept that nobody asks for.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ENGINE_NAMES } from '../../src/cli/engines.ts';
import { readRunFile } from '../../src/cli/run-file.ts';
import { loadNow } from '../machine.ts';
import { quantile } from '../pairs.ts';
import { isQuick, publish, range } from '../report.ts';

const REACH = { seconds: 2, mib: 600 };
const RUNS = isQuick ? 2 : 7;
const SETTLE_MS = 5000;
const TIMEOUT_MS = 60_000;
const root = resolve(import.meta.dir, '../..');

/** One start: seconds to nine healthy answers, then the memory of all processes; null off Linux. */
interface Start {
  readonly seconds: number;
  readonly processes: number;
  readonly pssMib: number | null;
  readonly rssMib: number | null;
}

async function healthy(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/health`);
    return ((await response.json()) as { status: string }).status === 'healthy';
  } catch {
    return false;
  }
}

/** Resolves when all nine answer `healthy`; asks each again until it does, since the run file names a port early. */
async function allHealthy(dataDir: string): Promise<void> {
  const deadline = performance.now() + TIMEOUT_MS;
  const waiting = new Set(ENGINE_NAMES);
  while (waiting.size > 0) {
    if (performance.now() > deadline) throw new Error(`not healthy: ${[...waiting].join(', ')}`);
    const known = readRunFile(dataDir)?.engines ?? [];
    await Promise.all(
      known.map(async ({ name, port }) => {
        if (port && waiting.has(name) && (await healthy(port))) waiting.delete(name);
      }),
    );
    if (waiting.size > 0) await Bun.sleep(5);
  }
}

/** Returns the proportional and the resident memory of some processes in MiB; shared pages count once in the first. */
function memoryOf(pids: readonly number[]): Pick<Start, 'pssMib' | 'rssMib'> {
  if (process.platform !== 'linux') return { pssMib: null, rssMib: null };
  const sum = { Pss: 0, Rss: 0 };
  for (const pid of pids) {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    for (const key of ['Pss', 'Rss'] as const)
      sum[key] += Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(text)![1]);
  }
  return { pssMib: sum.Pss / 1024, rssMib: sum.Rss / 1024 };
}

/** The supervisor and its children. The command is started without a shell between, so that its pid is the supervisor's. */
function family(supervisor: number): number[] {
  if (process.platform !== 'linux') return [supervisor];
  const children = readdirSync(`/proc/${supervisor}/task`).flatMap((task) =>
    readFileSync(`/proc/${supervisor}/task/${task}/children`, 'utf8').trim().split(' ').filter(Boolean),
  );
  return [supervisor, ...children.map(Number)];
}

async function startOnce(): Promise<Start> {
  const dataDir = mkdtempSync(join(tmpdir(), 'nautilus-bench-'));
  const env = { ...process.env, NAUTILUS_DATA_DIR: dataDir, NAUTILUS_PORTS: 'free', LOG_LEVEL: 'error' };
  const started = performance.now();
  const child = Bun.spawn([process.execPath, 'src/cli/nautilus.ts', 'up'], {
    cwd: root,
    env,
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'inherit',
  });
  try {
    await allHealthy(dataDir);
    const seconds = (performance.now() - started) / 1000;
    await Bun.sleep(SETTLE_MS);
    const pids = family(child.pid);
    return { seconds, processes: pids.length, ...memoryOf(pids) };
  } finally {
    child.kill('SIGTERM');
    await child.exited;
    rmSync(dataDir, { recursive: true, force: true });
  }
}

const starts: Start[] = [];
for (let run = 0; run < RUNS; run++) starts.push(await startOnce());

const row = (what: string, values: readonly number[], reach: number | null, unit: string, digits: number) => {
  const median = quantile(values, 0.5);
  const held = reach === null ? '' : `under ${reach} ${unit}: ${median < reach ? 'held' : 'missed'}`;
  return [what, `${median.toFixed(digits)} ${unit}`, `${range(values, digits)} ${unit}`, held, loadNow()];
};
const measured = (key: 'pssMib' | 'rssMib') => starts.map((s) => s[key]).filter((v) => v !== null);
const memory =
  measured('pssMib').length > 0
    ? [
        row('memory, shared pages counted once (PSS)', measured('pssMib'), REACH.mib, 'MiB', 0),
        row('memory, resident (RSS summed)', measured('rssMib'), null, 'MiB', 0),
      ]
    : [['memory', 'not measured: this system has no smaps_rollup', '', '', '']];
publish({
  title: 'Start and memory',
  note: `\`nautilus up\` with a fresh data folder: from the start of the process to nine \`healthy\` answers, ${RUNS} runs; memory of ${starts[0]!.processes} processes after ${SETTLE_MS / 1000} s of the simulated market. More means a heavy import or something kept for nobody.`,
  columns: ['what', 'median', 'range', 'reach', 'load average'],
  rows: [
    row(
      'start',
      starts.map((s) => s.seconds),
      REACH.seconds,
      's',
      2,
    ),
    ...memory,
  ],
  data: { runs: starts, reach: REACH },
});
