// Behaviour of what the checks share: which files are read, and how lines are counted.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lineAt, readTree } from './check-tree.ts';

let root = '';
const git = (...args: string[]) => expect(Bun.spawnSync(['git', ...args], { cwd: root }).exitCode).toBe(0);

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'nautilus-tree-'));
  git('init', '-q');
  const write = (path: string, text: string | Uint8Array) => writeFileSync(join(root, path), text);
  write('.gitignore', 'ignored.ts\n');
  write('tracked.ts', 'tracked\n');
  write('deleted.ts', 'deleted\n');
  git('add', '.');
  write('new.ts', 'new\n');
  write('ignored.ts', 'ignored\n');
  write('binary.bin', new Uint8Array([1, 0, 2]));
  symlinkSync('nowhere', join(root, 'dangling'));
  unlinkSync(join(root, 'deleted.ts'));
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

test('reads tracked and new files, and leaves out ignored, deleted and dangling ones', () => {
  expect([...readTree(root)]).toEqual([
    ['.gitignore', 'ignored.ts\n'],
    ['binary.bin', ''],
    ['new.ts', 'new\n'],
    ['tracked.ts', 'tracked\n'],
  ]);
});

test('says so when the folder is no git work tree', () => {
  expect(() => readTree(tmpdir())).toThrow('Expected a git work tree');
});

test('counts lines from 1', () => {
  expect(['a', 'b', 'd'].map((letter) => lineAt('a\nb\n\nd', 'a\nb\n\nd'.indexOf(letter)))).toEqual([
    1, 2, 4,
  ]);
});
