// What serving hands to monitoring: kept for a moment within a bound, so that no reply waits for a sketch.
import { newId } from '../../../src/core/ids.ts';
import type { Matures } from './records.ts';
import type { Answered, WatchedCard } from './rows.ts';

/** Numbers of inputs and outputs that may wait: 16 MiB of float32. What comes beyond them is counted and left out. */
export const MAX_WAITING = 4 * 2 ** 20;

/** A reply that was given. */
export interface Taken {
  readonly predictionId: string;
  readonly card: WatchedCard;
  readonly answered: Answered;
  readonly ms: number;
  readonly key: string | null;
  readonly matures: Matures | null;
}

/** The replies of one model that were not looked at yet. */
export class Intake {
  readonly #limit: number;
  #items: Taken[] = [];
  #numbers = 0;
  /** Rows that were left out since the last {@link take}. */
  #skipped = 0;

  constructor(limit = MAX_WAITING) {
    this.#limit = limit;
  }

  /** Keeps a reply and returns the id that it gets; undefined where there is no room. */
  add(given: Omit<Taken, 'predictionId'>): string | undefined {
    const { values, output, rows } = given.answered;
    const numbers = values.length + output.length;
    if (this.#numbers + numbers > this.#limit) {
      this.#skipped += rows;
      return undefined;
    }
    const predictionId = newId();
    this.#items.push({ ...given, predictionId });
    this.#numbers += numbers;
    return predictionId;
  }

  /** Hands all out, in the order in which they came. */
  take(): { readonly items: readonly Taken[]; readonly skipped: number } {
    const taken = { items: this.#items, skipped: this.#skipped };
    this.#items = [];
    this.#numbers = 0;
    this.#skipped = 0;
    return taken;
  }
}
