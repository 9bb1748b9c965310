// Measures once in the background, on the first start of a system on a machine with a Metal device.
import { resolve } from 'node:path';
import type { Log } from '../../core/log.ts';
import { forEachLine } from '../lines.ts';

const NAUTILUS = resolve(import.meta.dir, '../nautilus.ts');
const SECONDS = 60;
/** As far behind everything else as the system allows. */
const LEAST_PRIORITY = 19;

/** A measurement under way. */
export interface BackgroundCalibration {
  stop(): void;
}

/**
 * Starts a process that measures what is not known of this machine and ends; it ends at once where all is known. Engines take the result
 * when it is there. `onLine` receives the lines that it logs.
 */
export function calibrateInBackground(
  env: Readonly<Record<string, string | undefined>>,
  log: Log,
  onLine: (line: string) => void,
): BackgroundCalibration {
  const command = [process.execPath, NAUTILUS, 'calibrate', '--background', '--seconds', String(SECONDS)];
  const child = Bun.spawn(['nice', '-n', String(LEAST_PRIORITY), ...command], {
    env: { ...env },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    onExit: (_, code, signal) => {
      if (code !== 0 && signal === null) log.warn({ code }, 'measuring the sizes of Metal failed');
    },
  });
  void forEachLine(child.stdout, onLine);
  void forEachLine(child.stderr, (line) => log.warn({ about: 'calibrate', stderr: true }, line));
  return { stop: () => child.kill('SIGKILL') };
}
