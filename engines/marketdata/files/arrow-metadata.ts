// Whether the metadata of an Arrow message stays within its bytes: readers of flatbuffers trust every offset and length in it.
import { MalformedBodyError, TooLargeError } from '../../../src/core/errors.ts';

/** Tables of one message: fields, their types, pairs of metadata. A body of market records needs a few for each column. */
const MAX_TABLES = 20_000;
const MAX_DEPTH = 32;

/** What an entry of a table is: a number of so many bytes, a text, a vector of plain things, other tables. */
type Entry =
  | { readonly is: 'plain'; readonly bytes: number }
  | { readonly is: 'vector'; readonly bytes: number }
  | { readonly is: 'table'; readonly of: Shape }
  | { readonly is: 'tables'; readonly of: Shape }
  /** A table whose kind is the number in the entry before it. */
  | { readonly is: 'union'; readonly of: Readonly<Record<number, Shape>>; readonly others?: Shape };

/** Entries of a table in the order of its declaration; called when needed, since fields hold fields. */
type Shape = () => readonly Entry[];

const plain = (bytes: number): Entry => ({ is: 'plain', bytes });
const vector = (bytes: number): Entry => ({ is: 'vector', bytes });
const table = (of: Shape): Entry => ({ is: 'table', of });
const tables = (of: Shape): Entry => ({ is: 'tables', of });
const TEXT = vector(1);

// Schema.fbs and Message.fbs of Apache Arrow, format version 1.5.
const noEntries: Shape = () => [];
const keyValue: Shape = () => [TEXT, TEXT];
const integer: Shape = () => [plain(4), plain(1)];
const timestamp: Shape = () => [plain(2), TEXT];
const unionType: Shape = () => [plain(2), vector(4)];
/** Types whose tables hold more than numbers, by their number in the union `Type`. */
const TYPES: Readonly<Record<number, Shape>> = { 2: integer, 10: timestamp, 14: unionType };
const dictionaryEncoding: Shape = () => [plain(8), table(integer), plain(1), plain(2)];
const field: Shape = () => [
  TEXT,
  plain(1),
  plain(1),
  { is: 'union', of: TYPES, others: noEntries },
  table(dictionaryEncoding),
  tables(field),
  tables(keyValue),
];
const schema: Shape = () => [plain(2), tables(field), tables(keyValue), vector(8)];
const compression: Shape = () => [plain(1), plain(1)];
const recordBatch: Shape = () => [plain(8), vector(16), vector(16), table(compression), vector(8)];
const dictionaryBatch: Shape = () => [plain(8), table(recordBatch), plain(1)];
const message: Shape = () => [
  plain(2),
  plain(1),
  { is: 'union', of: { 1: schema, 2: dictionaryBatch, 3: recordBatch } },
  plain(8),
  tables(keyValue),
];
const footer: Shape = () => [plain(2), table(schema), vector(24), vector(24), tables(keyValue)];

/** Throws MalformedBodyError where the metadata of a message points out of itself, TooLargeError for more than 20,000 tables. */
export function checkMessage(metadata: Uint8Array): void {
  new Walk(metadata).root(message);
}

/** As {@link checkMessage}, for the footer of a file. */
export function checkFooter(metadata: Uint8Array): void {
  new Walk(metadata).root(footer);
}

class Walk {
  readonly #view: DataView;
  #tables = 0;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  root(shape: Shape): void {
    this.#table(this.#target(0), shape, 0);
  }

  #table(at: number, shape: Shape, depth: number): void {
    if (++this.#tables > MAX_TABLES)
      throw new TooLargeError(
        `Expected Arrow metadata of at most ${MAX_TABLES} tables`,
        this.#view.byteLength,
      );
    if (depth > MAX_DEPTH)
      throw new MalformedBodyError(`Expected Arrow columns nested at most ${MAX_DEPTH} deep`);
    this.#within(at, 4);
    // The list of where its entries are lies before it or after it.
    const list = at - this.#view.getInt32(at, true);
    this.#within(list, 4);
    const [listBytes, ownBytes] = [this.#view.getUint16(list, true), this.#view.getUint16(list + 2, true)];
    this.#within(list, listBytes);
    this.#within(at, ownBytes);
    let kind = 0;
    for (const [index, entry] of shape().entries()) {
      const slot = 4 + index * 2;
      const offset = slot + 2 <= listBytes ? this.#view.getUint16(list + slot, true) : 0;
      if (offset === 0) {
        kind = 0;
        continue;
      }
      const place = at + offset;
      if (entry.is === 'plain') {
        this.#within(place, entry.bytes);
        kind = entry.bytes === 1 ? this.#view.getUint8(place) : 0;
      } else this.#pointed(place, entry, kind, depth);
    }
  }

  #pointed(place: number, entry: Exclude<Entry, { is: 'plain' }>, kind: number, depth: number): void {
    const target = this.#target(place);
    if (entry.is === 'table' || entry.is === 'union') {
      const shape = entry.is === 'table' ? entry.of : (entry.of[kind] ?? entry.others);
      if (!shape) throw broken('a message is of an unknown kind');
      this.#table(target, shape, depth + 1);
      return;
    }
    this.#within(target, 4);
    const length = this.#view.getUint32(target, true);
    this.#within(target + 4, length * (entry.is === 'tables' ? 4 : entry.bytes));
    if (entry.is !== 'tables') return;
    for (let i = 0; i < length; i++) this.#table(this.#target(target + 4 + i * 4), entry.of, depth + 1);
  }

  // Where an offset points to: forward from itself.
  #target(place: number): number {
    this.#within(place, 4);
    return place + this.#view.getUint32(place, true);
  }

  #within(at: number, bytes: number): void {
    if (at < 0 || at + bytes > this.#view.byteLength) throw broken('its metadata points out of itself');
  }
}

function broken(why: string): MalformedBodyError {
  return new MalformedBodyError(`Expected an intact Arrow body: ${why}`);
}
