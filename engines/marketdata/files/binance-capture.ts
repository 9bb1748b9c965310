// Reads captures of Binance, plain or gzip: every line becomes a record or a counted reason why not. Nothing in a line is fatal.
import { gunzipped } from '../../../src/core/gunzip.ts';
import { BinanceLines, type CaptureNames, type CaptureRecord } from './binance-lines.ts';
import type { FileBatch, Refused } from './reading.ts';

export interface CaptureOptions extends CaptureNames {
  /** Most bytes after decompression. */
  readonly maxBytes: number;
  /** Most bytes of a line; a longer one is refused. Default 4 Mi: a snapshot of 5,000 levels has 0.3 million. */
  readonly maxLine?: number | undefined;
}

/** A part of a capture. */
interface CaptureBatch extends FileBatch {
  readonly records: CaptureRecord[];
  readonly lines: number[];
  readonly refused: Refused[];
}

/** Refused lines that are reported one by one; all are counted. */
const MAX_REFUSED_LINES = 100;

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const DEFAULT_MAX_LINE = 4 * 1024 * 1024;

/** Reads one capture; its counts are complete when {@link records} has ended. */
export class BinanceCapture {
  /** Lines so far, empty ones left out. */
  lines = 0;
  rejected = 0;
  /** Refused lines by reason. */
  readonly reasons: Record<string, number> = {};
  readonly refused: Refused[] = [];
  /** Why the file ended before its end: a gzip stream that is cut or damaged. What came before it was read. */
  damaged: string | null = null;
  readonly #options: CaptureOptions;
  readonly #lines: BinanceLines;
  #place = 0;

  constructor(options: CaptureOptions) {
    this.#options = options;
    this.#lines = new BinanceLines(options);
  }

  /** Yields the records of a body in the order of its lines, in batches. Throws TooLargeError past `maxBytes` and for a gzip that grows beyond reason. */
  async *records(body: AsyncIterable<Uint8Array>): AsyncGenerator<readonly CaptureRecord[]> {
    for await (const { records } of this.batches(body)) if (records.length > 0) yield records;
  }

  /** The same with the line of each record, and with the lines that are none. */
  async *batches(body: AsyncIterable<Uint8Array>): AsyncGenerator<CaptureBatch> {
    const maxLine = this.#options.maxLine ?? DEFAULT_MAX_LINE;
    const onDamage = () => {
      this.damaged = 'the gzip stream is cut or damaged';
    };
    const pieces: Uint8Array[] = [];
    // Bytes of a line whose end has not come; beyond the limit they are counted and not kept.
    let open = 0;
    for await (const chunk of gunzipped(body, {
      maxBytes: this.#options.maxBytes,
      what: 'capture',
      onDamage,
    })) {
      const batch = emptyBatch();
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      let from = 0;
      for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, from)) {
        if (open > 0) {
          const line = open + end > maxLine ? null : Buffer.concat([...pieces, bytes.subarray(0, end)]);
          this.#take(line, 0, open + end, batch);
          pieces.length = 0;
          open = 0;
        } else this.#take(end - from > maxLine ? null : bytes, from, end, batch);
        from = end + 1;
      }
      if (from < bytes.length) {
        open += bytes.length - from;
        // A copy: who made the chunk may use its memory again.
        if (open <= maxLine) pieces.push(Uint8Array.prototype.slice.call(bytes, from));
        else pieces.length = 0;
      }
      yield batch;
    }
    const rest = emptyBatch();
    if (open > 0) this.#take(open > maxLine ? null : Buffer.concat(pieces), 0, open, rest);
    yield rest;
  }

  #take(bytes: Buffer | null, from: number, end: number, batch: CaptureBatch): void {
    this.#place++;
    const to = bytes !== null && end > from && bytes[end - 1] === CARRIAGE_RETURN ? end - 1 : end;
    if (bytes !== null && to === from) return;
    this.lines++;
    const record = bytes === null ? 'a line that is too long' : this.#lines.read(bytes, from, to);
    if (typeof record !== 'string') {
      batch.records.push(record);
      batch.lines.push(this.#place);
      return;
    }
    this.rejected++;
    this.reasons[record] = (this.reasons[record] ?? 0) + 1;
    const refused = { line: this.#place, reason: record };
    batch.refused.push(refused);
    if (this.refused.length < MAX_REFUSED_LINES) this.refused.push(refused);
  }
}

function emptyBatch(): CaptureBatch {
  return { records: [], lines: [], refused: [], skipped: 0 };
}
