// Who runs a job: a name from which others on the same machine can tell whether the process still lives.
import { hostname } from 'node:os';

const living = new Set<string>();

/** A name in use; it is dead once released or once its process has ended. */
export interface Owner {
  readonly name: string;
  release(): void;
}

/** Takes a new name. */
export function takeOwner(): Owner {
  const name = `${hostname()}|${process.pid}|${crypto.randomUUID()}`;
  living.add(name);
  return { name, release: () => void living.delete(name) };
}

/** Whether nobody can be running under `name` any more. Of another machine nobody knows: false. */
export function isDead(name: string): boolean {
  const [host, pid] = name.split('|');
  if (host !== hostname()) return false;
  if (Number(pid) === process.pid) return !living.has(name);
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as { code?: string }).code === 'ESRCH';
  }
}
