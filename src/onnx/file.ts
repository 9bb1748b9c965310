// Reads a file whole, but never more than a limit.
import { open } from 'node:fs/promises';
import { NotFoundError, TooLargeError } from '../core/errors.ts';

/**
 * Returns the bytes of a regular file. A file that grows after its size was checked takes no more memory: what was added
 * is not read. Throws NotFoundError when there is no such file, TooLargeError over `limitBytes`.
 */
export async function readBounded(path: string, limitBytes: number): Promise<Uint8Array> {
  const file = await open(path).catch(() => {
    throw new NotFoundError('Expected a model file, was none');
  });
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new NotFoundError('Expected a model file, was none');
    if (stat.size > limitBytes) throw new TooLargeError('Expected a smaller model file', limitBytes);
    const buffer = new Uint8Array(stat.size);
    let filled = 0;
    while (filled < buffer.length) {
      const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  } finally {
    await file.close();
  }
}
