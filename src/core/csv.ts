// Reads CSV bodies, plain or gzip, record by record within limits.
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { parse } from 'csv-parse';
import { MalformedBodyError, NautilusError, TooLargeError } from './errors.ts';
import { turn } from './turn.ts';

const MAX_RECORD_BYTES = 65_536;

/**
 * Hands each record of a CSV body, plain or gzip, to `take`, with its line of the file from 1, the header among them; fields are trimmed,
 * records may differ in length. Throws {@link MalformedBodyError} for broken CSV or gzip and for a record over 64 KiB,
 * {@link TooLargeError} past `maxBytes` after decompression, and what `body` and `take` throw.
 */
export async function readCsv(
  body: AsyncIterable<Uint8Array>,
  maxBytes: number,
  take: (fields: readonly string[], line: number) => void,
): Promise<void> {
  const parser = parse({
    bom: true,
    info: true,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    trim: true,
    max_record_size: MAX_RECORD_BYTES,
  });
  const feeding = feed(body, parser, maxBytes);
  try {
    for await (const { record, info } of parser as AsyncIterable<{
      record: string[];
      info: { lines: number };
    }>) {
      take(record, info.lines);
    }
    await feeding;
  } catch (error) {
    await feeding.catch((cause) => {
      throw cause;
    });
    if (error instanceof NautilusError) throw error;
    throw new MalformedBodyError(`Expected CSV: ${(error as Error).message.split('\n')[0]}`);
  }
}

/** Returns the number that a field is, or null: neither the empty text (0 to JavaScript) nor a hexadecimal one is a number. */
export function csvNumber(text: string | undefined): number | null {
  if (!text || !/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) return null;
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}

async function feed(
  body: AsyncIterable<Uint8Array>,
  parser: ReturnType<typeof parse>,
  maxBytes: number,
): Promise<void> {
  let size = 0;
  try {
    for await (const chunk of inBlocks(decompressed(body))) {
      size += chunk.byteLength;
      if (size > maxBytes) throw new TooLargeError(`Expected at most ${maxBytes} bytes of CSV`, maxBytes);
      if (!parser.write(chunk)) await drained(parser);
      if (parser.destroyed) return;
      // Streams go on without one for as long as there is something to read.
      await turn();
    }
    parser.end();
  } catch (error) {
    const shown =
      error instanceof NautilusError ? error : new MalformedBodyError('Expected an intact gzip file');
    parser.destroy(shown);
    throw shown;
  }
}

// The parser reads an unfinished record again with every chunk: small chunks would cost the square of its length.
async function* inBlocks(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let waiting: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    // A large one would hold the event loop up.
    for (let from = 0; from < chunk.byteLength; from += MAX_RECORD_BYTES) {
      const part = chunk.subarray(from, from + MAX_RECORD_BYTES);
      waiting.push(part);
      size += part.byteLength;
      if (size < MAX_RECORD_BYTES) continue;
      yield Buffer.concat(waiting, size);
      [waiting, size] = [[], 0];
    }
  }
  if (size > 0) yield Buffer.concat(waiting, size);
}

// A parser that has met broken CSV never drains; it closes.
function drained(parser: ReturnType<typeof parse>): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      parser.off('drain', done).off('close', done);
      resolve();
    };
    parser.on('drain', done).on('close', done);
  });
}

async function* decompressed(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const iterator = body[Symbol.asyncIterator]();
  // The two bytes that mark a gzip file may come in two chunks.
  let head = Buffer.alloc(0);
  for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
    head = Buffer.concat([head, next.value]);
    if (head.length >= 2) break;
  }
  const chunks = (async function* () {
    yield head;
    yield* { [Symbol.asyncIterator]: () => iterator };
  })();
  if (head[0] !== 0x1f || head[1] !== 0x8b) return yield* chunks;
  const gunzip = createGunzip();
  const piping = pipeline(Readable.from(chunks), gunzip);
  // The reader below sees the failure too; here it only must not go unhandled.
  piping.catch(() => {});
  yield* gunzip as AsyncIterable<Uint8Array>;
}
