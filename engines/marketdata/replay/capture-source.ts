// A capture of Binance as the source of a replay: every line at the time at which it was received.
import { gunzipped } from '../../../src/core/gunzip.ts';
import type { MarketRecord } from '../../../src/market/records.ts';
import { BinanceCapture } from '../files/binance-capture.ts';
import type { ReplaySource, Unreadable } from './source.ts';

const HEAD_BYTES = 65_536;
/** A time of receipt in nanoseconds, or microseconds, and a message. */
const LINE = /^\d{16,19} +\{/m;

/** Returns whether a file begins with captured messages; the first line may have been cut, or be none. `maxBytes`: most bytes after decompression. */
export async function isCapture(path: string, maxBytes: number): Promise<boolean> {
  let head = Buffer.alloc(0);
  const options = { maxBytes, what: 'a capture', onDamage: () => {} };
  for await (const chunk of gunzipped(Bun.file(path).stream(), options)) {
    head = Buffer.concat([head, chunk]);
    if (head.length >= HEAD_BYTES) break;
  }
  return LINE.test(head.toString('latin1'));
}

/** A file of captured messages. A seek reads it from its start: only so is every book right at its place. */
export class CaptureSource implements ReplaySource {
  readonly judged = false;
  readonly #path: string;
  readonly #maxBytes: number;
  #pass: BinanceCapture;

  /** `maxBytes`: most bytes after decompression. */
  constructor(path: string, maxBytes: number) {
    this.#path = path;
    this.#maxBytes = maxBytes;
    this.#pass = this.#begin();
  }

  async *read(_fromUs: number | null, signal: AbortSignal): AsyncGenerator<readonly MarketRecord[]> {
    const capture = this.#begin();
    this.#pass = capture;
    for await (const batch of capture.records(Bun.file(this.#path).stream())) {
      if (signal.aborted) return;
      yield batch;
    }
  }

  timeOf(record: MarketRecord): number {
    return record.tsReceiveUs;
  }

  unreadable(): Unreadable {
    const { rejected, reasons, damaged } = this.#pass;
    return { rejected, reasons: { ...reasons }, damaged };
  }

  #begin(): BinanceCapture {
    return new BinanceCapture({ maxBytes: this.#maxBytes });
  }
}
