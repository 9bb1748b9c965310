// What history by pages has in common: batches in order, no record twice, and an end also when a provider repeats itself.
import { ProviderError } from '../../../../src/core/errors.ts';

/** Guards a series of pages: passes on what is newer than all before, and notices pages that bring nothing new. */
export class PageGuard<T> {
  readonly #provider: string;
  readonly #order: (record: T) => number;
  #last = Number.NEGATIVE_INFINITY;
  #stuck = 0;

  /** `order` grows strictly from record to record: an id, or the time of a bar. */
  constructor(provider: string, order: (record: T) => number) {
    this.#provider = provider;
    this.#order = order;
  }

  /** The order of the newest record so far. */
  get last(): number {
    return this.#last;
  }

  /**
   * Returns the records of a page that are newer than all before, oldest first. Throws {@link ProviderError} at the second page in a row
   * that has records but no newer one: asking on would never end.
   */
  fresh(page: readonly T[]): readonly T[] {
    const sorted = [...page].sort((a, b) => this.#order(a) - this.#order(b));
    const fresh: T[] = [];
    for (const record of sorted) {
      const order = this.#order(record);
      if (order <= this.#last) continue;
      this.#last = order;
      fresh.push(record);
    }
    this.#stuck = page.length > 0 && fresh.length === 0 ? this.#stuck + 1 : 0;
    if (this.#stuck > 1)
      throw new ProviderError(
        `Expected a next page from ${this.#provider}, was the same one again`,
        this.#provider,
        200,
      );
    return fresh;
  }
}
