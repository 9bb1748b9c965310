// Rows of a provider's history that are not what it documents: left out, counted by reason and told in the log.
import type { Log } from '../../../src/core/log.ts';

/** What one answer of history left out, and why. */
export class SkippedRows {
  readonly #reasons = new Map<string, number>();

  /** Counts a row that is left out for `reason`. */
  skip(reason: string): void {
    this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1);
  }

  /** Rows that were left out. */
  get total(): number {
    let total = 0;
    for (const count of this.#reasons.values()) total += count;
    return total;
  }

  /** Writes one line to the log when rows were left out. */
  tell(log: Log, source: string, symbol: string): void {
    if (this.#reasons.size === 0) return;
    const reasons = Object.fromEntries(this.#reasons);
    log.warn({ source, symbol, skipped: this.total, reasons }, 'rows of history were left out');
  }
}

/** Returns `value` as an object with members, or null. */
export function objectOf(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;
}

/** Returns a finite number that came as a number or as decimal text; null for anything else, the empty text among it. */
export function finite(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value !== 'string' || !/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(value)) return null;
  const number = Number(value);
  return Number.isFinite(number) ? number : null;
}
