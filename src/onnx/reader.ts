// Protocol Buffers wire format, reading side: a cursor over untrusted bytes that never reads past its end.
import { InvalidModelError } from './errors.ts';

/** Wire types that ONNX files use; groups (3, 4) are refused. */
export const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Walks the fields of one message. After `next()` returned true, `field` and `wire` describe the field and, by wire
 * type, either `value` holds its number or `start`..`end` its bytes. Nothing is copied and no nesting is followed: a
 * sub-message is read by another cursor over the same bytes, so the caller bounds the depth.
 * All methods throw InvalidModelError on truncated or malformed bytes.
 */
export class ProtoReader {
  field = 0;
  wire = 0;
  /** Number of a varint field, as a signed 64-bit integer (inexact beyond 2^53). */
  value = 0;
  start = 0;
  end = 0;
  readonly #bytes: Uint8Array;
  readonly #limit: number;
  #position: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#position = start;
    this.#limit = end;
  }

  /** Moves to the next field; false at the end of the message. */
  next(): boolean {
    if (this.#position >= this.#limit) return false;
    const tag = this.#varint();
    if (tag < 8 || tag > 0xffff_ffff) throw malformed();
    this.field = Math.floor(tag / 8);
    this.wire = tag % 8;
    switch (this.wire) {
      case WIRE.varint:
        this.value = this.#varint();
        return true;
      case WIRE.bytes:
        this.#take(this.#varint());
        return true;
      case WIRE.fixed32:
        this.#take(4);
        return true;
      case WIRE.fixed64:
        this.#take(8);
        return true;
      default:
        throw malformed();
    }
  }

  /** Returns the current varint field; throws when the field has another wire type. */
  int(): number {
    if (this.wire !== WIRE.varint) throw malformed();
    return this.value;
  }

  /** Returns a cursor over the current length-delimited field as a message. */
  message(): ProtoReader {
    this.#expectBytes();
    return new ProtoReader(this.#bytes, this.start, this.end);
  }

  /** Returns the length in bytes of the current length-delimited field. */
  size(): number {
    this.#expectBytes();
    return this.end - this.start;
  }

  /** Returns the current field as text of at most `maxBytes`; throws when longer or not UTF-8. */
  string(maxBytes = 65_536): string {
    if (this.size() > maxBytes) throw new InvalidModelError(`Expected texts of at most ${maxBytes} bytes`);
    try {
      return utf8.decode(this.#bytes.subarray(this.start, this.end));
    } catch {
      throw malformed();
    }
  }

  /** Returns the integers of a repeated field in either form: one varint, or a packed run of them. */
  ints(max: number): number[] {
    if (this.wire === WIRE.varint) return [this.value];
    this.#expectBytes();
    const values: number[] = [];
    const packed = new ProtoReader(this.#bytes, this.start, this.end);
    while (packed.#position < packed.#limit) {
      if (values.length >= max) throw new InvalidModelError(`Expected at most ${max} integers in one field`);
      values.push(packed.#varint());
    }
    return values;
  }

  #expectBytes(): void {
    if (this.wire !== WIRE.bytes) throw malformed();
  }

  #take(length: number): void {
    if (length < 0 || length > this.#limit - this.#position) throw malformed();
    this.start = this.#position;
    this.end = this.#position += length;
  }

  #varint(): number {
    // Two 32-bit halves, because the sign is bit 63 and doubles can't hold 64 bits.
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.#position >= this.#limit) throw malformed();
      const byte = this.#bytes[this.#position++]!;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high |= bits >>> 4;
      } else high |= bits << (shift - 32);
      if (byte < 0x80) return high * 0x1_0000_0000 + (low >>> 0);
    }
    throw malformed();
  }
}

function malformed(): InvalidModelError {
  return new InvalidModelError('Expected a complete ONNX file, was truncated or malformed');
}
