// Memory that the engine and one process that runs models both see: rows one way, outputs the other, without a copy through a pipe.
import { closeSync, existsSync, ftruncateSync, openSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newId } from '../../../src/core/ids.ts';

/** Bytes for the rows of one run, and as many for its outputs; only what was used once takes memory. */
export const SIDE_BYTES = 32 * 2 ** 20;

/** Both sides of the memory. */
export interface SharedMemory {
  readonly inputs: Float32Array;
  readonly outputs: Float32Array;
}

/** Returns the path of a new file for memory or a model's bytes, where the system has a folder for it in memory, else among temporary files. */
export function scratchPath(): string {
  const directory = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
  return join(directory, `nautilus-${process.pid}-${newId()}`);
}

/** Makes the memory as a file of this path that only its owner may open. Remove the file as soon as both sides have it. */
export function createSharedMemory(path: string): SharedMemory {
  const file = openSync(path, 'wx+', 0o600);
  try {
    ftruncateSync(file, 2 * SIDE_BYTES);
  } finally {
    closeSync(file);
  }
  try {
    return openSharedMemory(path);
  } catch (error) {
    unlinkSync(path);
    throw error;
  }
}

/** Maps the memory of another process. */
export function openSharedMemory(path: string): SharedMemory {
  const { buffer, byteOffset } = Bun.mmap(path, { shared: true });
  const length = SIDE_BYTES / Float32Array.BYTES_PER_ELEMENT;
  return {
    inputs: new Float32Array(buffer, byteOffset, length),
    outputs: new Float32Array(buffer, byteOffset + SIDE_BYTES, length),
  };
}
