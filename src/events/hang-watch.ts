// Notices that applying events does not end, as long as the event loop turns; where it does not, the supervisor notices.
import type { StreamId } from '../bus/event-log.ts';

interface UnderWay {
  readonly stream: StreamId;
  readonly sinceMs: number;
  /** What of the time since then counts. */
  tookMs: number;
}

const LOOK_MS = 1000;

/** Watches whatever is run through it. */
export class HangWatch {
  readonly #hangMs: number;
  readonly #lookMs: number;
  readonly #onHung: (stream: StreamId, sinceMs: number) => void;
  readonly #underWay = new Set<UnderWay>();
  readonly #timer: ReturnType<typeof setInterval> | undefined;
  #lookedMs = performance.now();

  /** `onHung` is called again and again while something has not ended for `hangMs`; 0 = never. */
  constructor(hangMs: number, onHung: (stream: StreamId, sinceMs: number) => void) {
    this.#hangMs = hangMs;
    this.#lookMs = Math.min(LOOK_MS, hangMs / 4);
    this.#onHung = onHung;
    if (hangMs > 0) this.#timer = setInterval(() => this.#look(), this.#lookMs);
  }

  async run<T>(stream: StreamId, work: () => Promise<T>): Promise<T> {
    const entry = { stream, sinceMs: performance.now(), tookMs: 0 };
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
    return oldest !== undefined && oldest.tookMs > this.#hangMs / 2;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  // A process that was paused, or busy with something else, must not take its own absence for a hanging event: of the time
  // between two looks no more counts than twice what should be between them.
  #look(): void {
    const now = performance.now();
    const passed = Math.min(now - this.#lookedMs, 2 * this.#lookMs);
    this.#lookedMs = now;
    for (const entry of this.#underWay) entry.tookMs += Math.min(passed, now - entry.sinceMs);
    const oldest = this.#oldest();
    if (oldest && oldest.tookMs > this.#hangMs) this.#onHung(oldest.stream, oldest.tookMs);
  }

  // A set keeps the order in which they began.
  #oldest(): UnderWay | undefined {
    return this.#underWay.values().next().value;
  }
}
