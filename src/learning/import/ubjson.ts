// Reads UBJSON (draft 12 with typed containers), the binary form in which XGBoost saves its models.
import { InvalidModelError } from '../../onnx/errors.ts';

const MAX_DEPTH = 64;
/** Most values in containers of one document; an array of typed numbers counts each of them. */
const MAX_VALUES = 20_000_000;

/** What a document holds: as JSON, with numbers of 64 bits as plain numbers. */
export type UbjValue = null | boolean | number | string | UbjValue[] | { [key: string]: UbjValue };

const NUMBERS: Readonly<Record<string, { bytes: number; read: (view: DataView, at: number) => number }>> = {
  i: { bytes: 1, read: (view, at) => view.getInt8(at) },
  U: { bytes: 1, read: (view, at) => view.getUint8(at) },
  I: { bytes: 2, read: (view, at) => view.getInt16(at) },
  l: { bytes: 4, read: (view, at) => view.getInt32(at) },
  L: { bytes: 8, read: (view, at) => Number(view.getBigInt64(at)) },
  d: { bytes: 4, read: (view, at) => view.getFloat32(at) },
  D: { bytes: 8, read: (view, at) => view.getFloat64(at) },
};

/** Returns the value of a document. Throws InvalidModelError for anything malformed, cut off, too deep or too long. */
export function parseUbjson(bytes: Uint8Array): UbjValue {
  const reader = new Reader(bytes);
  const value = reader.value(reader.marker(), 0);
  if (!reader.atEnd) throw new InvalidModelError('Expected nothing after the end of the document');
  return value;
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  #values = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** The next type marker; no-ops are skipped. */
  marker(): string {
    let marker: string;
    do marker = String.fromCharCode(this.#bytes[this.#take(1)]!);
    while (marker === 'N');
    return marker;
  }

  value(marker: string, depth: number): UbjValue {
    const number = NUMBERS[marker];
    if (number) return number.read(this.#view, this.#take(number.bytes));
    switch (marker) {
      case 'Z':
        return null;
      case 'T':
        return true;
      case 'F':
        return false;
      case 'C':
        return this.#text(1);
      case 'S':
        return this.#text(this.#length(this.marker()));
      case '[':
        return this.#array(depth + 1);
      case '{':
        return this.#object(depth + 1);
      default:
        throw new InvalidModelError('Expected a UBJSON type, was an unknown marker');
    }
  }

  #array(depth: number): UbjValue[] {
    const { type, count } = this.#container(depth);
    const list: UbjValue[] = [];
    if (count === null) {
      for (let marker = this.marker(); marker !== ']'; marker = this.marker()) {
        this.#count(1);
        list.push(this.value(marker, depth));
      }
      return list;
    }
    this.#count(count);
    for (let i = 0; i < count; i++) list.push(this.value(type ?? this.marker(), depth));
    return list;
  }

  #object(depth: number): { [key: string]: UbjValue } {
    const { type, count } = this.#container(depth);
    const object: { [key: string]: UbjValue } = Object.create(null);
    const member = (marker: string) => {
      this.#count(1);
      const key = this.#text(this.#length(marker));
      object[key] = this.value(type ?? this.marker(), depth);
    };
    if (count === null)
      for (let marker = this.marker(); marker !== '}'; marker = this.marker()) member(marker);
    else for (let i = 0; i < count; i++) member(this.marker());
    return object;
  }

  /** The optional type and count at the beginning of a container. */
  #container(depth: number): { type: string | null; count: number | null } {
    if (depth > MAX_DEPTH) throw new InvalidModelError(`Expected at most ${MAX_DEPTH} levels`);
    let type: string | null = null;
    if (this.#peek() === '$') {
      this.#take(1);
      type = this.marker();
      if (this.#peek() !== '#') throw new InvalidModelError('Expected a count after the type of a container');
    }
    if (this.#peek() !== '#') return { type, count: null };
    this.#take(1);
    return { type, count: this.#length(this.marker()) };
  }

  #length(marker: string): number {
    const number = NUMBERS[marker];
    const length =
      number && marker !== 'd' && marker !== 'D' ? number.read(this.#view, this.#take(number.bytes)) : -1;
    if (!(length >= 0)) throw new InvalidModelError('Expected a length of 0 or more');
    return length;
  }

  #text(length: number): string {
    const from = this.#take(length);
    return new TextDecoder().decode(this.#bytes.subarray(from, from + length));
  }

  #count(more: number): void {
    this.#values += more;
    if (this.#values > MAX_VALUES) throw new InvalidModelError(`Expected at most ${MAX_VALUES} values`);
  }

  #peek(): string {
    return String.fromCharCode(this.#bytes[this.#at] ?? 0);
  }

  /** Returns where the next `length` bytes begin, and goes past them. */
  #take(length: number): number {
    const from = this.#at;
    if (from + length > this.#bytes.length)
      throw new InvalidModelError('Expected a whole document, was cut off');
    this.#at += length;
    return from;
  }
}
