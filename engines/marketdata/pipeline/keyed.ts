// A map by three texts, for look-ups of every record: a key joined of them would cost more to make than the look-up does.

/** Values by three texts. */
export class Keyed<T> {
  readonly #values = new Map<string, Map<string, Map<string, T>>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(first: string, second: string, third: string): T | undefined {
    return this.#values.get(first)?.get(second)?.get(third);
  }

  set(first: string, second: string, third: string, value: T): void {
    let bySecond = this.#values.get(first);
    if (!bySecond) {
      bySecond = new Map();
      this.#values.set(first, bySecond);
    }
    let byThird = bySecond.get(second);
    if (!byThird) {
      byThird = new Map();
      bySecond.set(second, byThird);
    }
    if (!byThird.has(third)) this.#size++;
    byThird.set(third, value);
  }

  /** Takes one value away, or without a third text all of the first two. */
  delete(first: string, second: string, third?: string): void {
    const bySecond = this.#values.get(first);
    const byThird = bySecond?.get(second);
    if (!bySecond || !byThird) return;
    if (third === undefined) {
      this.#size -= byThird.size;
      byThird.clear();
    } else if (byThird.delete(third)) this.#size--;
    if (byThird.size === 0) bySecond.delete(second);
    if (bySecond.size === 0) this.#values.delete(first);
  }

  *values(): Generator<T> {
    for (const bySecond of this.#values.values())
      for (const byThird of bySecond.values()) yield* byThird.values();
  }
}
