// What the checks of this repository share: the files under version control as text, and the shape of a finding.
import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Repository path (forward slashes, no leading `./`) to text; binary and very large files have the empty text. */
export type Tree = ReadonlyMap<string, string>;

/** One thing a check found. `line` counts from 1; a warning is shown but fails nothing. */
export interface Finding {
  readonly path: string;
  readonly line?: number;
  readonly message: string;
  readonly warning?: boolean;
}

const LARGEST_TEXT_BYTES = 2 ** 21;

/**
 * Reads the files below `root` that git tracks or would track (so ignored folders are left out) and that still exist.
 * Throws when `root` is no git work tree.
 */
export function readTree(root: string): Tree {
  const listed = Bun.spawnSync(['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
  });
  if (!listed.success)
    throw new Error(`Expected a git work tree at ${root}: ${listed.stderr.toString().trim()}`);
  const tree = new Map<string, string>();
  const paths = listed.stdout.toString().split('\0').filter(Boolean);
  for (const path of paths.sort()) {
    const info = statSync(join(root, path), { throwIfNoEntry: false });
    if (info?.isFile()) tree.set(path, readText(join(root, path), info.size));
  }
  return tree;
}

function readText(path: string, bytes: number): string {
  if (bytes > LARGEST_TEXT_BYTES) return '';
  const start = Buffer.alloc(Math.min(bytes, 4096));
  const file = openSync(path, 'r');
  try {
    readSync(file, start);
  } finally {
    closeSync(file);
  }
  return start.includes(0) ? '' : readFileSync(path, 'utf8');
}

/** Returns the line (from 1) that holds character `index` of `text`. */
export function lineAt(text: string, index: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < index; at = text.indexOf('\n', at + 1)) line += 1;
  return line;
}

/** Says whether `path` is a TypeScript test. */
export function isTest(path: string): boolean {
  return path.endsWith('.test.ts') || path.startsWith('test/');
}
