// A sum of decimals that is the decimal: 0.7 and 0.1 and 0.2 reach 1, which sums of binary fractions do not.

/** No size has more decimals. */
const LARGEST_SCALE = 1e15;

/**
 * Adds numbers that are the nearest ones to decimals, as integers of as many decimals as they need. The value is the nearest number to the exact sum, in any order.
 * Where that needs integers beyond 2^53, or a number is near no decimal, it goes on as a plain sum.
 */
export class DecimalSum {
  // The sum is units / scale; NaN: it is plain.
  #units = 0;
  #scale = 1;
  #plain = 0;

  get value(): number {
    return Number.isNaN(this.#units) ? this.#plain : this.#units / this.#scale;
  }

  add(number: number): void {
    const units = Math.round(number * this.#scale);
    const sum = this.#units + units;
    // Also false when the sum is plain.
    if (units / this.#scale === number && Math.abs(sum) <= Number.MAX_SAFE_INTEGER) this.#units = sum;
    else this.#addOther(number);
  }

  /** Begins anew at 0. */
  reset(): void {
    this.#units = 0;
    this.#scale = 1;
  }

  #addOther(number: number): void {
    if (Number.isNaN(this.#units)) {
      this.#plain += number;
      return;
    }
    for (let scale = this.#scale * 10; scale <= LARGEST_SCALE; scale *= 10) {
      const units = Math.round(number * scale);
      const sum = this.#units * (scale / this.#scale) + units;
      if (Math.abs(sum) > Number.MAX_SAFE_INTEGER) break;
      if (units / scale !== number) continue;
      this.#units = sum;
      this.#scale = scale;
      return;
    }
    this.#plain = this.value + number;
    this.#units = Number.NaN;
  }
}
