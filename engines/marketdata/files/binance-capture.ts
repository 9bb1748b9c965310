// Reads captures of Binance, plain or gzip: every line becomes a record or a counted reason why not. Nothing in a line is fatal.
import { gunzipped } from '../../../src/core/gunzip.ts';
import { BinanceLines, type CaptureNames, type CaptureRecord } from './binance-lines.ts';

export interface CaptureOptions extends CaptureNames {
  /** Most bytes after decompression. */
  readonly maxBytes: number;
  /** Most characters of a line; a longer one is refused. Default 4 Mi: a snapshot of 5,000 levels has 0.3 million. */
  readonly maxLine?: number | undefined;
}

/** A line that is no record. */
export interface RefusedLine {
  /** Line of the file, from 1. */
  readonly line: number;
  readonly reason: string;
}

/** Refused lines that are reported one by one; all are counted. */
export const MAX_REFUSED_LINES = 100;

const DEFAULT_MAX_LINE = 4 * 1024 * 1024;

/** Reads one capture; its counts are complete when {@link records} has ended. */
export class BinanceCapture {
  /** Lines so far, empty ones left out. */
  lines = 0;
  rejected = 0;
  /** Refused lines by reason. */
  readonly reasons: Record<string, number> = {};
  readonly refused: RefusedLine[] = [];
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
    const maxLine = this.#options.maxLine ?? DEFAULT_MAX_LINE;
    const decoder = new TextDecoder();
    // The start of a line whose end has not come; null while the rest of one that is too long is passed over.
    let open: string | null = '';
    const onDamage = () => {
      this.damaged = 'the gzip stream is cut or damaged';
    };
    for await (const chunk of gunzipped(body, {
      maxBytes: this.#options.maxBytes,
      what: 'capture',
      onDamage,
    })) {
      const text = decoder.decode(chunk, { stream: true });
      const batch: CaptureRecord[] = [];
      let from = 0;
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
        const line: string | null = open === null ? null : open + text.slice(from, end);
        this.#take(line === null || line.length > maxLine ? null : line, batch);
        open = '';
        from = end + 1;
      }
      if (open !== null) open += text.slice(from);
      if (open !== null && open.length > maxLine) open = null;
      if (batch.length > 0) yield batch;
    }
    const last: CaptureRecord[] = [];
    if (open !== '') this.#take(open, last);
    if (last.length > 0) yield last;
  }

  #take(line: string | null, batch: CaptureRecord[]): void {
    this.#place++;
    if (line !== null && (line === '' || line === '\r')) return;
    this.lines++;
    const record = line === null ? 'a line that is too long' : this.#lines.read(line);
    if (typeof record !== 'string') {
      batch.push(record);
      return;
    }
    this.rejected++;
    this.reasons[record] = (this.reasons[record] ?? 0) + 1;
    if (this.refused.length < MAX_REFUSED_LINES) this.refused.push({ line: this.#place, reason: record });
  }
}
