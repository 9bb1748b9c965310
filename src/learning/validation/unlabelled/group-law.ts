// Groups as a law of what comes next: a normal distribution within each, and how often one follows another.
import type { Points } from './rows.ts';

/** Probabilities of groups, [rows, width]. */
export interface Memberships {
  readonly output: ArrayLike<number>;
  readonly width: number;
}

/** Least variance of a column within a group, in variances of the fit. */
const LEAST_VARIANCE = 1e-3;

/** What the rows of a fit say of their groups; points are in deviations of the fit. */
export class GroupLaw {
  readonly #columns: number;
  readonly #groups: number;
  /** [groups, columns]. */
  readonly #means: Float64Array;
  readonly #variances: Float64Array;
  readonly #shares: Float64Array;
  /** [groups, groups]: probability of each next group. */
  readonly #moves: Float64Array;

  /** `before` is the place of the row before each row, -1 for the first of a series. A group of fewer than two rows has the law of all rows. */
  constructor({ rows, columns, values }: Points, labels: Uint32Array, groups: number, before: Int32Array) {
    this.#columns = columns;
    this.#groups = groups;
    const counts = new Float64Array(groups);
    this.#means = new Float64Array(groups * columns);
    this.#variances = new Float64Array(groups * columns);
    // One more move each way than was seen, so that none is impossible (Laplace).
    this.#moves = new Float64Array(groups * groups).fill(1);
    for (let i = 0; i < rows; i++) {
      counts[labels[i]!]!++;
      if (before[i]! >= 0) this.#moves[labels[before[i]!]! * groups + labels[i]!]!++;
      for (let c = 0; c < columns; c++) this.#means[labels[i]! * columns + c]! += values[i * columns + c]!;
    }
    for (let at = 0; at < this.#means.length; at++) this.#means[at]! /= counts[Math.floor(at / columns)] || 1;
    for (let i = 0; i < rows; i++) {
      for (let c = 0; c < columns; c++) {
        const at = labels[i]! * columns + c;
        this.#variances[at]! += (values[i * columns + c]! - this.#means[at]!) ** 2;
      }
    }
    for (let at = 0; at < this.#means.length; at++) {
      const count = counts[Math.floor(at / columns)]!;
      this.#variances[at] = count < 2 ? 1 : Math.max(LEAST_VARIANCE, this.#variances[at]! / count);
      if (count < 2) this.#means[at] = 0;
    }
    this.#shares = counts.map((count) => (count + 1) / (rows + groups));
    for (let from = 0; from < groups; from++) {
      const row = this.#moves.subarray(from * groups, (from + 1) * groups);
      const total = row.reduce((a, b) => a + b, 0);
      for (let to = 0; to < groups; to++) row[to]! /= total;
    }
  }

  /** Squared distance of row `i` to the centre of a group, or to the mean of all (null). */
  squaredDistance({ values }: Points, i: number, group: number | null): number {
    let sum = 0;
    for (let c = 0; c < this.#columns; c++) {
      const centre = group === null ? 0 : this.#means[group * this.#columns + c]!;
      sum += (values[i * this.#columns + c]! - centre) ** 2;
    }
    return sum;
  }

  /** Log-density of row `i`, given the probabilities of the groups of the row at `before`. */
  logDensityAfter(points: Points, i: number, { output }: Memberships, before: number): number {
    const groups = this.#groups;
    return this.#mixture(points, i, (to) => {
      let chance = 0;
      for (let from = 0; from < groups; from++)
        chance += output[before * groups + from]! * this.#moves[from * groups + to]!;
      return chance;
    });
  }

  /** Log-density of row `i` when groups come as often as in the fit, whatever was before. */
  logDensity(points: Points, i: number): number {
    return this.#mixture(points, i, (to) => this.#shares[to]!);
  }

  /** Log-density of row `i` when all rows are of one group: mean 0 and variance 1 by the fit. */
  logDensityOfOne({ values }: Points, i: number): number {
    let sum = 0;
    for (let c = 0; c < this.#columns; c++)
      sum -= 0.5 * (values[i * this.#columns + c]! ** 2 + Math.log(2 * Math.PI));
    return sum;
  }

  #mixture({ values }: Points, i: number, chance: (group: number) => number): number {
    const logs = Array.from({ length: this.#groups }, (_, group) => {
      let sum = Math.log(chance(group));
      for (let c = 0; c < this.#columns; c++) {
        const at = group * this.#columns + c;
        const apart = values[i * this.#columns + c]! - this.#means[at]!;
        sum -= 0.5 * (apart ** 2 / this.#variances[at]! + Math.log(2 * Math.PI * this.#variances[at]!));
      }
      return sum;
    });
    const top = Math.max(...logs);
    return top + Math.log(logs.reduce((sum, one) => sum + Math.exp(one - top), 0));
  }
}
