// States of fits on a disk that fails: the fit goes on, and the last state that was written stays.
import { afterEach, beforeEach, expect, test } from 'bun:test';
import * as disk from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkpointFolder, checkpointsIn, dropCheckpoints, sweepCheckpoints } from './checkpoints.ts';

let dataDir: string;
let folder: string;
beforeEach(() => {
  dataDir = disk.mkdtempSync(join(tmpdir(), 'checkpoints-'));
  folder = checkpointFolder(dataDir, 'job');
});
afterEach(() => disk.rmSync(dataDir, { recursive: true, force: true }));

const full = () => {
  throw Object.assign(new Error('full'), { code: 'ENOSPC' });
};
const state = (byte: number) => new Uint8Array(100).fill(byte);

test.each(['mkdirSync', 'writeFileSync', 'renameSync'] as const)(
  'a disk that is full at %s leaves the state before, and the next one is written',
  async (call) => {
    const good = checkpointsIn(folder, 1);
    good.save('run', state(1));
    const part = (path: disk.PathOrFileDescriptor) => {
      disk.writeFileSync(path, state(2).subarray(50));
      full();
    };
    const failing = { ...disk, [call]: call === 'writeFileSync' ? part : full };
    checkpointsIn(folder, 1, failing).save('run', state(2));
    expect(await good.load('run')).toEqual(state(1));
    expect(disk.readdirSync(folder)).toEqual(['run.checkpoint']);
    good.save('run', state(3));
    expect(await good.load('run')).toEqual(state(3));
  },
);

test('a folder that can be neither written nor removed ends neither the fit nor the engine', async () => {
  // A file where the folder should be: nothing can be written below it.
  disk.writeFileSync(join(dataDir, 'training'), '');
  const states = checkpointsIn(folder, 1);
  states.save('run', state(1));
  expect(await states.load('run')).toBeUndefined();
  await dropCheckpoints(dataDir, 'job');
  await sweepCheckpoints(dataDir, async () => false);
});

test('a sweep keeps the states of jobs that go on', async () => {
  for (const job of ['ended', 'waits'])
    checkpointsIn(checkpointFolder(dataDir, job), 1).save('run', state(1));
  await sweepCheckpoints(dataDir, async (job) => job === 'waits');
  expect(disk.readdirSync(join(dataDir, 'training'))).toEqual(['waits']);
});
