// Notices that applying events does not end, as long as the event loop turns; where it does not, the supervisor notices.
import type { StreamId } from '../bus/event-log.ts';

interface UnderWay {
  readonly stream: StreamId;
  readonly sinceMs: number;
}

/** Watches whatever is run through it. */
export class HangWatch {
  readonly #hangMs: number;
  readonly #onHung: (stream: StreamId, sinceMs: number) => void;
  readonly #underWay = new Set<UnderWay>();
  readonly #timer: ReturnType<typeof setInterval> | undefined;

  /** `onHung` is called again and again while something has not ended for `hangMs`; 0 = never. */
  constructor(hangMs: number, onHung: (stream: StreamId, sinceMs: number) => void) {
    this.#hangMs = hangMs;
    this.#onHung = onHung;
    if (hangMs > 0) this.#timer = setInterval(() => this.#look(), Math.min(1000, hangMs / 2));
  }

  async run<T>(stream: StreamId, work: () => Promise<T>): Promise<T> {
    const entry = { stream, sinceMs: performance.now() };
    this.#underWay.add(entry);
    try {
      return await work();
    } finally {
      this.#underWay.delete(entry);
    }
  }

  /** Whether something takes so long that it may hang: half of what is allowed. */
  get isSlow(): boolean {
    const oldest = this.#oldest();
    return oldest !== undefined && this.#hangMs > 0 && performance.now() - oldest.sinceMs > this.#hangMs / 2;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const oldest = this.#oldest();
    if (!oldest) return;
    const sinceMs = performance.now() - oldest.sinceMs;
    if (sinceMs > this.#hangMs) this.#onHung(oldest.stream, sinceMs);
  }

  // A set keeps the order in which they began.
  #oldest(): UnderWay | undefined {
    return this.#underWay.values().next().value;
  }
}
