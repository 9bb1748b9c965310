// The key of the running system: how commands on the same data folder reach its engines once API keys are asked for.
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { makeKey, writePrivately } from './api-keys.ts';

/** Path of the file, which only its owner may read. Whoever can read the data folder's files may do everything anyway. */
export function localKeyPath(dataDir: string): string {
  return join(dataDir, 'run', 'admin-key');
}

/** Makes a new key for commands on this data folder, at the start of a system. */
export function writeLocalKey(dataDir: string): void {
  removeLocalKey(dataDir);
  writePrivately(localKeyPath(dataDir), makeKey('local'));
}

/** Returns the key, or undefined when there is none, or one that others may read or write. */
export function readLocalKey(dataDir: string): string | undefined {
  const path = localKeyPath(dataDir);
  try {
    return (statSync(path).mode & 0o077) === 0 ? readFileSync(path, 'utf8') : undefined;
  } catch {
    return undefined;
  }
}

/** Ends the key with the system. */
export function removeLocalKey(dataDir: string): void {
  for (const path of [localKeyPath(dataDir), `${localKeyPath(dataDir)}.tmp`]) rmSync(path, { force: true });
}

/** Makes a key where there is none; returns what removes it again, which does nothing to a key of another system. */
export function ensureLocalKey(dataDir: string): () => void {
  if (existsSync(localKeyPath(dataDir))) return () => {};
  writeLocalKey(dataDir);
  return () => removeLocalKey(dataDir);
}
