// The stamp of every result: machine, runtime, addon and commit, without which a number means nothing.
import { execFileSync } from 'node:child_process';
import { arch, cpus, loadavg, platform, release, totalmem } from 'node:os';
import { buildInfo, isAddonBuilt } from '../src/native/index.ts';

/** Where and on what a result was taken. */
export interface Stamp {
  readonly date: string;
  readonly commit: string;
  readonly cpu: string;
  readonly threads: number;
  readonly memoryGib: number;
  readonly os: string;
  readonly bun: string;
  /** Compiler, SIMD target and BLAS of the addon; why not when there is none. */
  readonly addon: string;
  /** `NAUTILUS_THREADS` of this run. */
  readonly nativeThreads: string;
  /** Processes that wanted to run in the last minute: above `threads` the absolutes are too slow. */
  readonly load: number;
}

/** Returns the stamp of this moment; load average included, since it changes during a run. */
export function stamp(): Stamp {
  return {
    date: new Date().toISOString(),
    commit: commit(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    threads: cpus().length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    os: `${platform()} ${release()} ${arch()}`,
    bun: Bun.version,
    addon: addon(),
    nativeThreads: process.env.NAUTILUS_THREADS ?? 'default',
    load: Math.round(loadavg()[0]! * 100) / 100,
  };
}

/** Returns a stamp as a Markdown list. */
export function stampMarkdown(s: Stamp): string {
  return [
    `- ${s.date}, commit ${s.commit}, load average ${s.load}`,
    `- ${s.cpu}, ${s.threads} threads, ${s.memoryGib} GiB, ${s.os}`,
    `- Bun ${s.bun}; ${s.addon}; NAUTILUS_THREADS ${s.nativeThreads}`,
    '',
  ].join('\n');
}

/** Returns the one-minute load average as text, for the row beside an absolute figure. */
export function loadNow(): string {
  return loadavg()[0]!.toFixed(2);
}

function addon(): string {
  if (!isAddonBuilt()) return 'addon not built';
  const info = buildInfo();
  const metal = info.metal.available ? 'Metal' : `no Metal (${info.metal.reason})`;
  return `addon ${info.compiler}; ${info.simdTarget}; ${info.blas} ${info.blasTarget}; ${metal}`;
}

function commit(): string {
  const git = (...args: string[]) =>
    execFileSync('git', args, {
      cwd: import.meta.dir,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  try {
    const changed = git('status', '--porcelain', '--untracked-files=no').trim() !== '';
    return `${git('rev-parse', '--short', 'HEAD').trim()}${changed ? ' with local changes' : ''}`;
  } catch {
    return 'unknown (no git)';
  }
}
