// Runs a tool of macOS, with a limit of time: what it prints, or why there is nothing.
import { type Told, untold } from '../facts.ts';

/** Runs a command and returns what it prints; never throws. */
export type RunCommand = (command: readonly string[]) => Promise<Told<string>>;

const LIMIT_MS = 3000;

/**
 * Returns a {@link RunCommand} of real processes, each ended after `limitMs`. A tool that fails and prints something all the same,
 * as sysctl does when one of many names is unknown, counts by what it prints.
 */
export function commandRunner(limitMs = LIMIT_MS): RunCommand {
  return async (command) => {
    const name = command[0]!;
    try {
      const child = Bun.spawn([...command], {
        stdin: 'ignore',
        stdout: 'pipe',
        stderr: 'ignore',
        timeout: limitMs,
        killSignal: 'SIGKILL',
      });
      const [text, code] = await Promise.all([new Response(child.stdout).text(), child.exited]);
      if (child.signalCode !== null) return untold(`${name} did not answer within ${limitMs} ms`);
      return text.trim() !== '' || code === 0 ? text : untold(`${name} failed with ${code}`);
    } catch {
      return untold(`${name} could not be run`);
    }
  };
}
