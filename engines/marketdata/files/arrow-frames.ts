// The messages of an Arrow IPC stream or file, checked for their announced lengths before anything is reserved for them.
import { MalformedBodyError, TooLargeError } from '../../../src/core/errors.ts';
import { checkFooter, checkMessage } from './arrow-metadata.ts';

const MAGIC = 'ARROW1';
const CONTINUATION = 0xffff_ffff;
const MAX_METADATA_BYTES = 16 * 2 ** 20;
const MAX_BATCH_BYTES = 256 * 2 ** 20;

/** Returns the last `bytes` bytes of a file. */
export type Tail = (bytes: number) => Promise<Uint8Array>;

/**
 * Yields the messages of a body, each whole, up to the mark of its end. A file is a stream between its magic and its footer, so that it is read as one;
 * the schema comes from the footer by `tail` where the file does not begin with it, as those of JavaScript do not. Throws MalformedBodyError where the
 * framing is broken or the body ends too early, TooLargeError for a batch or a body beyond its limit.
 */
export async function* arrowFrames(
  body: AsyncIterable<Uint8Array>,
  maxBytes: number,
  tail?: Tail,
): AsyncGenerator<Uint8Array> {
  const { Message, MessageHeader } = await import('apache-arrow');
  const bytes = new Bytes(body, maxBytes);
  try {
    let prefix = await bytes.take(8);
    const isFile = prefix.subarray(0, 6).toString('latin1') === MAGIC;
    if (isFile) prefix = await bytes.take(8);
    for (let first = true; ; first = false) {
      if (prefix.readUInt32LE(0) !== CONTINUATION) throw broken('a message does not begin where it should');
      const length = prefix.readInt32LE(4);
      if (length < 0 || length > MAX_METADATA_BYTES)
        throw broken('the metadata of a message has an impossible length');
      const metadata = await bytes.take(length);
      if (length > 0) checkMessage(metadata);
      const message = length === 0 ? null : Message.decode(metadata);
      if (first && isFile && message?.headerType !== MessageHeader.Schema) yield* schemaOf(tail);
      if (!message) return yield prefix;
      const bodyLength = Number(message.bodyLength);
      if (!(bodyLength >= 0)) throw broken('the body of a message has an impossible length');
      if (bodyLength > MAX_BATCH_BYTES)
        throw new TooLargeError(
          `Expected Arrow batches of at most ${MAX_BATCH_BYTES} bytes`,
          MAX_BATCH_BYTES,
        );
      yield prefix;
      yield metadata;
      if (bodyLength > 0) yield await bytes.take(bodyLength);
      const next = await bytes.takeOrEnd(8);
      // Streams may end without their mark.
      if (next === null) return;
      prefix = next;
    }
  } finally {
    await bytes.close();
  }
}

// The schema of the footer as the message that a stream begins with.
async function* schemaOf(tail: Tail | undefined): AsyncGenerator<Uint8Array> {
  if (!tail) throw broken('the schema is in the footer only, which a compressed file does not give');
  const [{ Message }, { Footer }] = await Promise.all([
    import('apache-arrow'),
    import('apache-arrow/ipc/metadata/file'),
  ]);
  const end = Buffer.from(await tail(10));
  const length = end.byteLength === 10 ? end.readInt32LE(0) : 0;
  if (end.subarray(4).toString('latin1') !== MAGIC || length <= 0 || length > MAX_METADATA_BYTES)
    throw broken('the footer is not where it should be');
  const footer = (await tail(length + 10)).subarray(0, length);
  if (footer.byteLength < length) throw broken('the footer is longer than the file');
  checkFooter(footer);
  const { schema } = Footer.decode(footer);
  if (!schema) throw broken('the footer has no schema');
  const metadata = Message.encode(Message.from(schema));
  const padded = Buffer.alloc(8 + Math.ceil(metadata.byteLength / 8) * 8);
  padded.writeUInt32LE(CONTINUATION, 0);
  padded.writeInt32LE(padded.byteLength - 8, 4);
  padded.set(metadata, 8);
  yield padded;
}

function broken(why: string): MalformedBodyError {
  return new MalformedBodyError(`Expected an intact Arrow body: ${why}`);
}

// Bytes of a body in the lengths that are asked for.
class Bytes {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #held: Uint8Array[] = [];
  #size = 0;
  #total = 0;

  constructor(
    body: AsyncIterable<Uint8Array>,
    readonly maxBytes: number,
  ) {
    this.#chunks = body[Symbol.asyncIterator]();
  }

  async take(length: number): Promise<Buffer> {
    const bytes = await this.takeOrEnd(length);
    if (bytes === null) throw broken('it ends too early');
    return bytes;
  }

  /** Returns null at the end of the body. */
  async takeOrEnd(length: number): Promise<Buffer | null> {
    while (this.#size < length) {
      const next = await this.#chunks.next();
      if (next.done) {
        if (this.#size === 0) return null;
        throw broken('it ends too early');
      }
      this.#total += next.value.byteLength;
      if (this.#total > this.maxBytes)
        throw new TooLargeError(`Expected at most ${this.maxBytes} bytes of Arrow`, this.maxBytes);
      this.#held.push(next.value);
      this.#size += next.value.byteLength;
    }
    const [first] = this.#held as [Uint8Array];
    const all = first.byteLength >= length ? first : Buffer.concat(this.#held, this.#size);
    if (all === first) this.#held[0] = first.subarray(length);
    else this.#held = [all.subarray(length)];
    this.#size -= length;
    // A copy: readers of columns need the alignment of a buffer of its own.
    return Buffer.from(Uint8Array.prototype.slice.call(all, 0, length).buffer);
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}
