// For tests: a folder with the files that a machine would have, from texts recorded on it.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { SystemFiles } from './files.ts';

/** A machine made of recorded files; a text that begins with `->` is a link. */
export class RecordedMachine {
  readonly root = mkdtempSync(join(tmpdir(), 'machine-'));
  readonly files = new SystemFiles(this.root);

  constructor(files: Readonly<Record<string, string>>) {
    this.write(files);
  }

  write(files: Readonly<Record<string, string>>): void {
    for (const [path, text] of Object.entries(files)) {
      const file = join(this.root, path);
      mkdirSync(dirname(file), { recursive: true });
      if (text.startsWith('->')) symlinkSync(text.slice(2), file);
      else writeFileSync(file, `${text}\n`);
    }
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** Files of `count` logical cores with `threads` hardware threads for each core, numbered one after the other. */
export function coreFiles(count: number, threads = 1): Record<string, string> {
  const files: Record<string, string> = { '/sys/devices/system/cpu/online': `0-${count - 1}` };
  for (let id = 0; id < count; id++) {
    const first = id - (id % threads);
    const folder = `/sys/devices/system/cpu/cpu${id}/topology`;
    files[`${folder}/physical_package_id`] = '0';
    files[`${folder}/thread_siblings_list`] = threads === 1 ? `${id}` : `${first}-${first + threads - 1}`;
  }
  return files;
}
