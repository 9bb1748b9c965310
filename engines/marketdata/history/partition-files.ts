// The Parquet files of the history: where they are, how one becomes durable, what is wrong with one.
import {
  closeSync,
  createReadStream,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** Folder of the partitions within that of the history. */
const FOLDER = 'partitions';

/** Returns the path of a partition within the folder of the history; a symbol or source of any characters is one folder. */
export function partitionPath(
  table: string,
  symbol: string,
  source: string,
  period: string,
  id: string,
): string {
  const part = (text: string) => encodeURIComponent(text).replaceAll('.', '%2E');
  return join(FOLDER, table, part(symbol), part(source), `${period}-${id}.parquet`);
}

/** Makes a finished file durable under its name: contents first, then the name. */
export function publishFile(temporary: string, path: string): void {
  syncPath(temporary);
  renameSync(temporary, path);
  syncPath(dirname(path));
}

/** Returns the SHA-256 of a file in hex. Throws an AbortError when `signal` fires. */
export async function sha256Of(path: string, signal?: AbortSignal): Promise<string> {
  const hash = new Bun.CryptoHasher('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20, signal }))
    hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}

/** Removes every file below the partitions that is not `known`; returns how many. */
export function removeUnknown(folder: string, known: ReadonlySet<string>): number {
  const root = join(folder, FOLDER);
  if (!existsSync(root)) return 0;
  let removed = 0;
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory() || known.has(relative(folder, path))) continue;
    rmSync(path, { force: true });
    removed++;
  }
  return removed;
}

/** Returns what a look at a file says against it: `missing`, `torn`; null when it is as long as it should be. */
export function damageOf(path: string, bytes: number): 'missing' | 'torn' | null {
  if (!existsSync(path)) return 'missing';
  return statSync(path).size === bytes ? null : 'torn';
}

function syncPath(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
