// The line that every kernel bench prints first: machine, runtime and addon, without which a number means nothing.
import { cpus } from 'node:os';
import { buildInfo } from '../../src/native/index.ts';

/** Returns machine, Bun version and addon build in one line. */
export function stamp(): string {
  const info = buildInfo();
  const machine = `${cpus()[0]?.model.trim() ?? 'unknown CPU'}, ${cpus().length} threads`;
  const threads = process.env.NAUTILUS_THREADS ?? 'default';
  return `${machine}; Bun ${Bun.version}; ${info.compiler}; ${info.simdTarget}; ${info.blasTarget}; NAUTILUS_THREADS ${threads}`;
}
