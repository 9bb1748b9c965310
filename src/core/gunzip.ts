// Bodies that may be gzip, unpacked as a stream within limits.
import { createGunzip, type Gunzip, type InflateRaw } from 'node:zlib';
import { MalformedBodyError, TooLargeError } from './errors.ts';

/** What text of a market gains by gzip is below 40; the most that gzip can gain is 1,032. What gains more is made to fill a disk. */
export const MAX_RATIO = 200;
/** The ratio counts from here on: a short file of zeros is no attack. */
export const RATIO_FROM_BYTES = 16 * 2 ** 20;
/** What is unpacked at once: 16 MB of a gzip that gains the most. */
const PIECE_BYTES = 16_384;
/** For the streams of {@link unpack}, what comes out at once: a piece of market text as a whole. Each time more costs a change of threads. */
export const UNPACKED = { chunkSize: 131_072 };

export interface GunzipOptions {
  /** Most bytes after unpacking. */
  readonly maxBytes: number;
  /** What the bytes are, for the words of a refusal: `CSV`. */
  readonly what: string;
  /**
   * Called when a gzip ends too early or is damaged; the stream then ends where it could be read to. Without it such a file is refused.
   */
  readonly onDamage?: (() => void) | undefined;
}

/**
 * Yields a body as it is, or unpacked when it is gzip (its first two bytes say so). Throws {@link TooLargeError} past `maxBytes` and for a gzip
 * that grows by more than {@link MAX_RATIO}, {@link MalformedBodyError} for a broken one, and what `body` throws.
 */
export async function* gunzipped(
  body: AsyncIterable<Uint8Array>,
  { maxBytes, what, onDamage }: GunzipOptions,
): AsyncGenerator<Uint8Array> {
  const { head, rest } = await startOf(body, 2);
  const counted = { bytes: 0, failure: null as unknown };
  const chunks = (async function* () {
    try {
      for await (const chunk of rest) {
        counted.bytes += chunk.byteLength;
        yield chunk;
      }
    } catch (error) {
      counted.failure = error;
      throw error;
    }
  })();
  const packed = head[0] === 0x1f && head[1] === 0x8b;
  let size = 0;
  try {
    for await (const chunk of packed ? unpack(chunks, createGunzip(UNPACKED)) : chunks) {
      size += chunk.byteLength;
      if (size > maxBytes) throw new TooLargeError(`Expected at most ${maxBytes} bytes of ${what}`, maxBytes);
      if (packed && size > RATIO_FROM_BYTES && size > counted.bytes * MAX_RATIO) {
        throw new TooLargeError(
          `Expected a gzip of ${what} that unpacks to at most ${MAX_RATIO} times its size`,
          maxBytes,
        );
      }
      yield chunk;
    }
  } catch (error) {
    if (counted.failure !== null) throw counted.failure;
    if (!packed || error instanceof TooLargeError) throw error;
    if (!onDamage) throw new MalformedBodyError('Expected an intact gzip file');
    onDamage();
  }
}

/** Returns the first `length` bytes of a body, fewer where it is shorter, and the whole body to be read from its start. */
export async function startOf(
  body: AsyncIterable<Uint8Array>,
  length: number,
): Promise<{ head: Uint8Array; rest: AsyncIterable<Uint8Array> }> {
  const iterator = body[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
    head = Buffer.concat([head, next.value]);
    if (head.length >= length) break;
  }
  const rest = (async function* () {
    try {
      if (head.length > 0) yield head;
      yield* { [Symbol.asyncIterator]: () => iterator };
    } finally {
      // Whoever stops at the head has not begun with the rest.
      await iterator.return?.();
    }
  })();
  return { head: head.subarray(0, length), rest };
}

/** Yields what `gunzip` makes of chunks, all that it could before it throws. */
// By hand and not as a pipeline: a stream that fails drops what it has unpacked and nobody has read yet.
export async function* unpack(
  chunks: AsyncIterable<Uint8Array>,
  gunzip: Gunzip | InflateRaw,
): AsyncGenerator<Uint8Array> {
  let unpacked: Uint8Array[] = [];
  let failure: Error | undefined;
  gunzip.on('data', (chunk: Uint8Array) => unpacked.push(chunk));
  gunzip.on('error', (error) => {
    failure = error;
  });
  const done = (work: (end: () => void) => void) =>
    new Promise<void>((resolve) => {
      gunzip.once('close', resolve);
      work(() => {
        gunzip.off('close', resolve);
        resolve();
      });
    });
  try {
    for await (const chunk of chunks) {
      for (let from = 0; from < chunk.byteLength && !failure; from += PIECE_BYTES) {
        await done((end) => gunzip.write(chunk.subarray(from, from + PIECE_BYTES), end));
        yield* unpacked;
        unpacked = [];
      }
      if (failure) throw failure;
    }
    await done((end) => gunzip.on('end', end).end());
    yield* unpacked;
    if (failure) throw failure;
  } finally {
    gunzip.destroy();
  }
}
