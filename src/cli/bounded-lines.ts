// Lines to a reader that may be slow: what waits is bounded, and what finds no room is counted and told once there is room again.

/** The part of a stream that is needed; `done` is called when the text has left. */
export interface LineSink {
  write(text: string, done: () => void): unknown;
}

const MAX_CHARS = 16 * 2 ** 20;

/**
 * Writes lines as long as no more than `maxChars` characters wait, or one line alone; the newest go beyond that, since what was handed over cannot be
 * taken back.
 */
export class BoundedLines {
  readonly #sink: LineSink;
  readonly #onLost: (lines: number) => void;
  readonly #maxChars: number;
  #waitingChars = 0;
  #lost = 0;
  #onIdle: (() => void)[] = [];

  /** `onLost` is told how many lines found no room, once half of what waited has left. */
  constructor(sink: LineSink, onLost: (lines: number) => void, maxChars = MAX_CHARS) {
    this.#sink = sink;
    this.#onLost = onLost;
    this.#maxChars = maxChars;
  }

  write(line: string): void {
    const text = `${line}\n`;
    // After a loss half is read first: long stretches instead of single lines.
    const isFull = this.#waitingChars > 0 && this.#waitingChars + text.length > this.#maxChars;
    if (this.#lost > 0 || isFull) {
      this.#lost++;
      return;
    }
    this.#waitingChars += text.length;
    this.#sink.write(text, () => this.#left(text.length));
  }

  /** Resolves when everything written has left: the end of the process takes along what waits. */
  idle(): Promise<void> {
    if (this.#waitingChars === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onIdle.push(resolve));
  }

  #left(chars: number): void {
    this.#waitingChars -= chars;
    if (this.#waitingChars === 0) for (const resolve of this.#onIdle.splice(0)) resolve();
    if (this.#lost === 0 || this.#waitingChars > this.#maxChars / 2) return;
    const lost = this.#lost;
    this.#lost = 0;
    this.#onLost(lost);
  }
}
