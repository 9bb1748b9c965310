// Requests of one model that wait for a process, and the batches that are made of them.

/** Rows of one caller. */
export interface Waiting {
  readonly rows: number;
  /** When it came, in milliseconds of `performance.now()`. */
  readonly since: number;
  /** True once nobody waits for it any more: it is left out. */
  readonly settled: boolean;
  /** True when it may not share a run: what it shared one with failed. */
  readonly alone: boolean;
}

/** Requests in the order in which they came. */
export class BatchQueue<T extends Waiting> {
  #items: T[] = [];

  /** Requests that wait. */
  get length(): number {
    return this.#items.length;
  }

  /** The one that came first. */
  get head(): T | undefined {
    return this.#items[0];
  }

  /** Rows that wait, up to `most`. */
  rowsUpTo(most: number): number {
    let rows = 0;
    for (const item of this.#items) {
      rows += item.rows;
      if (rows >= most) return most;
    }
    return rows;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** Puts back what was taken, before all that came later. */
  unshift(items: readonly T[]): void {
    this.#items.unshift(...items);
  }

  /** Takes an item out that nobody waits for any more. */
  remove(item: T): void {
    const at = this.#items.indexOf(item);
    if (at >= 0) this.#items.splice(at, 1);
  }

  /**
   * Takes the first request, and with it as many of those right behind as fit in `mostRows` rows, in order; only the first one when
   * `shared` is false or it has to be alone.
   */
  take(mostRows: number, shared: boolean): T[] {
    let count = 0;
    let rows = 0;
    for (const item of this.#items) {
      if (count > 0 && (!shared || item.alone || rows + item.rows > mostRows)) break;
      rows += item.rows;
      count++;
      if (item.alone) break;
    }
    return this.#items.splice(0, count);
  }
}
