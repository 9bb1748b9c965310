// Reads CSV bodies, plain or gzip, record by record within limits.
import { parse } from 'csv-parse';
import { MalformedBodyError } from './errors.ts';
import { gunzipped } from './gunzip.ts';
import { turn } from './turn.ts';

/** Most bytes of one record. */
export const MAX_RECORD_BYTES = 65_536;
const QUOTE = 34;

/** Records of one block of a file. */
export interface CsvRecords {
  /** Trimmed fields of each record. */
  readonly fields: readonly (readonly string[])[];
  /** The line of the file, from 1, on which each record ends. */
  readonly lines: readonly number[];
}

/**
 * Yields the records of a CSV body, plain or gzip, in blocks, the header among them; fields are trimmed, empty lines are skipped, records may
 * differ in length. Throws {@link MalformedBodyError} for broken CSV or gzip and for a record over 64 KiB, TooLargeError past `maxBytes` after
 * decompression, and what `body` throws.
 */
export async function* csvRecords(
  body: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<CsvRecords> {
  const plain = new PlainLines();
  let quoted: QuotedRecords | undefined;
  for await (const block of inBlocks(gunzipped(body, { maxBytes, what: 'CSV' }))) {
    // Most files of numbers have no quotes, and splitting them costs a fifth of parsing them.
    if (!quoted && block.includes(QUOTE)) quoted = new QuotedRecords(plain.line);
    const records = quoted ? await quoted.take(plain.rest(block)) : plain.take(block);
    if (records.lines.length > 0) yield records;
    // Streams go on without one for as long as there is something to read.
    await turn();
  }
  const last = quoted ? await quoted.end() : plain.end();
  if (last.lines.length > 0) yield last;
}

/** Hands each record of {@link csvRecords} to `take`, and throws what it throws. */
export async function readCsv(
  body: AsyncIterable<Uint8Array>,
  maxBytes: number,
  take: (fields: readonly string[], line: number) => void,
): Promise<void> {
  for await (const { fields, lines } of csvRecords(body, maxBytes)) {
    for (let i = 0; i < lines.length; i++) take(fields[i]!, lines[i]!);
  }
}

/** Returns the number that a field is, or null: neither the empty text (0 to JavaScript) nor a hexadecimal one is a number. */
export function csvNumber(text: string | undefined): number | null {
  if (!text || !/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) return null;
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}

// Splits text that has no quotes so far.
class PlainLines {
  /** Lines that ended so far. */
  line = 0;
  #tail: Uint8Array = new Uint8Array(0);
  #start = true;

  take(block: Uint8Array): CsvRecords {
    const end = block.lastIndexOf(10);
    if (end < 0) {
      this.#keep(this.rest(block));
      return { fields: [], lines: [] };
    }
    const text = this.#text(this.rest(block.subarray(0, end)));
    this.#keep(block.subarray(end + 1));
    return this.#split(text);
  }

  end(): CsvRecords {
    return this.#split(this.#text(this.rest(new Uint8Array(0))));
  }

  /** Returns what is left of the last line with `block` after it, and forgets it. */
  rest(block: Uint8Array): Uint8Array {
    if (this.#tail.byteLength === 0) return block;
    const joined = Buffer.concat([this.#tail, block]);
    this.#tail = new Uint8Array(0);
    return joined;
  }

  #keep(tail: Uint8Array): void {
    if (tail.byteLength > MAX_RECORD_BYTES) throw tooLong(this.line + 1);
    this.#tail = tail;
  }

  #text(bytes: Uint8Array): string {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
    const bom = this.#start && text.charCodeAt(0) === 0xfeff;
    this.#start = false;
    return bom ? text.slice(1) : text;
  }

  #split(text: string): CsvRecords {
    const fields: string[][] = [];
    const lines: number[] = [];
    for (const line of text.split('\n')) {
      this.line++;
      const record = line.trim();
      if (record === '') continue;
      if (record.length > MAX_RECORD_BYTES) throw tooLong(this.line);
      // With carriage returns alone, as old systems wrote them, a file would be one line.
      if (record.includes('\r'))
        throw new MalformedBodyError('Expected CSV with lines that end by \\n or \\r\\n');
      const parts = record.split(',');
      for (let k = 0; k < parts.length; k++) parts[k] = parts[k]!.trim();
      fields.push(parts);
      lines.push(this.line);
    }
    return { fields, lines };
  }
}

// Parses text from its first quote on.
class QuotedRecords {
  #fields: string[][] = [];
  #lines: number[] = [];
  readonly #parser: ReturnType<typeof parse>;

  constructor(skipped: number) {
    this.#parser = parse({
      bom: skipped === 0,
      relax_column_count: true,
      relax_quotes: true,
      skip_empty_lines: true,
      trim: true,
      max_record_size: MAX_RECORD_BYTES,
      on_record: (record: string[], { lines }) => {
        this.#fields.push(record);
        this.#lines.push(skipped + lines);
        return null;
      },
    });
    // Callbacks of `write` and `end` are told as well.
    this.#parser.on('error', () => {});
    this.#parser.resume();
  }

  take(block: Uint8Array): Promise<CsvRecords> {
    return this.#after((done) => this.#parser.write(block, done));
  }

  end(): Promise<CsvRecords> {
    return this.#after((done) => this.#parser.end(done));
  }

  async #after(work: (done: (error?: Error | null) => void) => void): Promise<CsvRecords> {
    await new Promise<void>((resolve, reject) => {
      work((error) => {
        if (!error) return resolve();
        reject(new MalformedBodyError(`Expected CSV: ${error.message.split('\n')[0]}`));
      });
    });
    const records = { fields: this.#fields, lines: this.#lines };
    [this.#fields, this.#lines] = [[], []];
    return records;
  }
}

function tooLong(line: number): MalformedBodyError {
  return new MalformedBodyError(
    `Expected CSV: the record of line ${line} is longer than ${MAX_RECORD_BYTES} bytes`,
  );
}

// The parser reads an unfinished record again with every block: small blocks would cost the square of its length.
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
