// The hub's wire format: length-prefixed frames that the hub can route without looking into the messages.
//
//   u32 length of what follows | u8 type | u32 number | u16 length of name | name (UTF-8) | payload
//
// `number` is the count of messages in a batch, the id of a request or subscription, or a count of dropped messages;
// `name` is a topic, a pattern, the method of a request, or how a reply turned out (`ok`, `error`). The payload of a batch
// is a JSON array of envelopes, that of a request and its reply one JSON value; a cancelled request is answered early.

export const FrameType = {
  Hello: 1,
  Subscribe: 2,
  Unsubscribe: 3,
  Subscribed: 4,
  Batch: 5,
  Dropped: 6,
  Request: 7,
  Reply: 8,
  Cancel: 9,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

/** Largest frame that either side accepts, in bytes. A peer that announces more is cut off. */
export const MAX_FRAME_BYTES = 64 * 2 ** 20;
const HEAD = 4 + 1 + 4 + 2;

export interface Frame {
  readonly type: number;
  readonly number: number;
  readonly name: string;
  /** The whole frame with its length, ready to be forwarded. */
  readonly raw: Buffer;
  readonly payload: Buffer;
}

/** Returns the bytes of one frame. */
export function encodeFrame(type: FrameType, number: number, name: string, payload = ''): Buffer {
  const nameBytes = Buffer.byteLength(name);
  const size = HEAD + nameBytes + Buffer.byteLength(payload);
  const frame = Buffer.allocUnsafe(size);
  frame.writeUInt32BE(size - 4, 0);
  frame.writeUInt8(type, 4);
  frame.writeUInt32BE(number, 5);
  frame.writeUInt16BE(nameBytes, 9);
  frame.write(name, HEAD, 'utf8');
  frame.write(payload, HEAD + nameBytes, 'utf8');
  return frame;
}

/** Cuts a stream of chunks into frames. `push` throws a RangeError when the peer breaks the format. */
export class FrameDecoder {
  // Chunks of a frame that has not come whole; joined once it has, so that a large frame is copied once and not for each chunk.
  #chunks: Buffer[] = [];
  #bytes = 0;
  #needed = 4;

  push(chunk: Buffer, onFrame: (frame: Frame) => void): void {
    // Chunks are only lent for the call; frames that are kept longer need bytes of their own.
    this.#chunks.push(Buffer.from(chunk));
    this.#bytes += chunk.length;
    if (this.#bytes < this.#needed) return;
    const data = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks, this.#bytes);
    let at = 0;
    this.#needed = 4;
    while (data.length - at >= 4) {
      const length = data.readUInt32BE(at);
      if (length < HEAD - 4 || length > MAX_FRAME_BYTES) throw new RangeError(`frame of ${length} bytes`);
      if (data.length - at < 4 + length) {
        this.#needed = 4 + length;
        break;
      }
      onFrame(readFrame(data.subarray(at, at + 4 + length)));
      at += 4 + length;
    }
    this.#chunks = at < data.length ? [data.subarray(at)] : [];
    this.#bytes = data.length - at;
  }
}

function readFrame(raw: Buffer): Frame {
  const nameEnd = HEAD + raw.readUInt16BE(9);
  if (nameEnd > raw.length) throw new RangeError('name longer than its frame');
  return {
    type: raw.readUInt8(4),
    number: raw.readUInt32BE(5),
    name: raw.toString('utf8', HEAD, nameEnd),
    raw,
    payload: raw.subarray(nameEnd),
  };
}
