// Protocol Buffers wire format, writing side: just the parts that an ONNX file needs.

const utf8 = new TextEncoder();

/**
 * Appends protobuf fields to a growing buffer; every method returns the writer, so messages read as one chain.
 * Fields are written in call order and never reordered, so equal calls give equal bytes.
 * Source: Protocol Buffers encoding guide (varint = wire type 0, length-delimited = 2, 32-bit = 5).
 */
export class ProtoWriter {
  #buffer = new Uint8Array(256);
  #length = 0;

  /** Writes an integer field as a varint. Negative numbers take the ten bytes of a 64-bit two's complement. */
  int(field: number, value: number | bigint): this {
    this.#varint(field * 8);
    this.#varint(value);
    return this;
  }

  /** Writes a float32 field; the value is rounded to the nearest float32. */
  float(field: number, value: number): this {
    this.#varint(field * 8 + 5);
    this.#reserve(4);
    new DataView(this.#buffer.buffer).setFloat32(this.#length, value, true);
    this.#length += 4;
    return this;
  }

  /** Writes a bytes field; the bytes are copied. */
  bytes(field: number, value: Uint8Array): this {
    this.#varint(field * 8 + 2);
    this.#varint(value.length);
    this.#reserve(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  /** Writes a string field as UTF-8. */
  string(field: number, value: string): this {
    return this.bytes(field, utf8.encode(value));
  }

  /** Writes another message as a field. */
  message(field: number, value: ProtoWriter): this {
    return this.bytes(field, value.#buffer.subarray(0, value.#length));
  }

  /** Returns a copy of everything written so far. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#buffer.slice(0, this.#length);
  }

  #varint(value: number | bigint): void {
    this.#reserve(10);
    if (typeof value === 'number' && value >= 0 && value < 0x8000_0000) {
      let rest = value;
      while (rest > 0x7f) {
        this.#buffer[this.#length++] = (rest & 0x7f) | 0x80;
        rest >>>= 7;
      }
      this.#buffer[this.#length++] = rest;
      return;
    }
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest > 0x7fn) {
      this.#buffer[this.#length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#buffer[this.#length++] = Number(rest);
  }

  #reserve(extra: number): void {
    const needed = this.#length + extra;
    if (needed <= this.#buffer.length) return;
    let size = this.#buffer.length * 2;
    while (size < needed) size *= 2;
    const grown = new Uint8Array(size);
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }
}
