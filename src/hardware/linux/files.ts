// Files of /proc and /sys as facts. A root folder other than / is for tests with recorded files.
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { numberOf, type Told, told, untold } from '../facts.ts';

/** Reads what the kernel tells in files. Never throws: what can't be read is a reason. */
export class SystemFiles {
  constructor(private readonly root = '/') {}

  /** The trimmed text of a file. */
  read(path: string): Told<string> {
    try {
      return readFileSync(join(this.root, path), 'utf8').trim();
    } catch (error) {
      return untold(`${path} ${complaint((error as NodeJS.ErrnoException).code)}`);
    }
  }

  number(path: string): Told<number> {
    return told(this.read(path), (text) => numberOf(text, `${path} holds no number`));
  }

  /** Names in a folder, in the order of the numbers in them; none when there is no such folder. */
  list(path: string): string[] {
    try {
      return readdirSync(join(this.root, path)).sort(byNumber);
    } catch {
      return [];
    }
  }

  exists(path: string): boolean {
    return existsSync(join(this.root, path));
  }

  /** Last part of what a link points to. */
  linkName(path: string): Told<string> {
    try {
      return basename(readlinkSync(join(this.root, path)));
    } catch (error) {
      return untold(`${path} ${complaint((error as NodeJS.ErrnoException).code)}`);
    }
  }
}

const COLLATOR = new Intl.Collator('en', { numeric: true });
const byNumber = (a: string, b: string): number => COLLATOR.compare(a, b);

function complaint(code: string | undefined): string {
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'is absent';
  if (code === 'EACCES' || code === 'EPERM') return 'may be read by root only';
  return `could not be read (${code})`;
}

/** Returns the numbers of a list of the kernel, `0-3,8`; undefined for a text that is none. An empty text is an empty list. */
export function parseIdList(text: string): number[] | undefined {
  const ids: number[] = [];
  for (const part of text.split(',')) {
    if (part.trim() === '') continue;
    const range = /^(\d+)(?:-(\d+))?$/.exec(part.trim());
    if (!range) return undefined;
    const first = Number(range[1]);
    const last = Number(range[2] ?? range[1]);
    // A bound far beyond any machine keeps a broken file from filling memory.
    if (last < first || last > 65_535) return undefined;
    for (let id = first; id <= last; id++) ids.push(id);
  }
  return ids;
}

/** Returns bytes of a size as the kernel writes it: `32K`, `1024K`, `36M`, `512`. */
export function parseSize(text: string): number | undefined {
  const size = /^(\d+)([KMG]?)$/.exec(text.trim());
  if (!size) return undefined;
  return Number(size[1]) * { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 }[size[2] as '' | 'K' | 'M' | 'G'];
}
