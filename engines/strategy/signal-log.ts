// The newest signals of the engine, in memory.
import type { Listed } from './store.ts';
import type { SignalBody } from './wire.ts';

/** A signal and the event time of the bar that it was decided on. */
export interface TimedSignal {
  readonly signal: SignalBody;
  readonly tsEventUs: number;
}

const CAPACITY = 1000;

/** Keeps the newest 1000 signals. */
export class SignalLog {
  #entries: Listed<TimedSignal>[] = [];
  #next = 1;

  add(signal: SignalBody, tsEventUs: number): void {
    this.#entries.push({ seq: this.#next++, item: { signal, tsEventUs } });
    // Trimmed by halves, so that one signal costs no copy of all.
    if (this.#entries.length >= 2 * CAPACITY) this.#entries = this.#entries.slice(-CAPACITY);
  }

  /** Returns up to `limit` signals, newest first, of one portfolio or of all, older than `before`. */
  list(portfolioId: string | undefined, limit: number, before: number | undefined): Listed<TimedSignal>[] {
    const found: Listed<TimedSignal>[] = [];
    const oldest = Math.max(0, this.#entries.length - CAPACITY);
    for (let i = this.#entries.length - 1; i >= oldest && found.length < limit; i--) {
      const entry = this.#entries[i]!;
      if (before !== undefined && entry.seq >= before) continue;
      if (portfolioId === undefined || entry.item.signal.portfolio_id === portfolioId) found.push(entry);
    }
    return found;
  }

  clear(): void {
    this.#entries = [];
  }

  /** Forgets the signals of one portfolio. */
  forget(portfolioId: string): void {
    this.#entries = this.#entries.filter(({ item }) => item.signal.portfolio_id !== portfolioId);
  }
}
