// What is kept of one numeric column: counts, moments, different values, and its distribution in a bounded number of points.
import { InvalidOptionError } from '../../core/errors.ts';
import { bytesOf, doublesOf, toBase64 } from './bytes.ts';
import { distinctOf, mergeRegisters, REGISTERS } from './distinct.ts';
import { combined, type Distribution, distributionOf, pointsOf, type Summary } from './distribution.ts';
import type { SideSummary } from './types.ts';

/** What some rows of one column are, as the kernel `column_summaries` says it. */
export interface ColumnSummary {
  readonly counts: ArrayLike<number>;
  readonly moments: ArrayLike<number>;
  /** Numbers first, rising. */
  readonly points: Float64Array | Float32Array;
  readonly registers: Uint8Array;
}

export interface NumericSketchJson {
  readonly kind: 'numeric';
  readonly numbers: number;
  readonly missing: number;
  readonly non_finite: number;
  /** Least, largest, mean, sum of squared deviations; null where that is no number. */
  readonly moments: readonly (number | null)[];
  readonly registers: string;
  /** Summaries by how often they were thinned: `[points, rows, error]`. */
  readonly levels: readonly (readonly [string, number, number] | null)[];
}

/** One numeric column. Merging two in any order gives the same counts, the same distribution within its stated error, and moments but for rounding. */
export class NumericSketch {
  readonly kind = 'numeric';
  numbers = 0;
  missing = 0;
  nonFinite = 0;
  min = Number.NaN;
  max = Number.NaN;
  mean = Number.NaN;
  /** Sum of squared deviations from the mean. */
  squares = Number.NaN;
  readonly registers = new Uint8Array(REGISTERS);
  /** Most points of one summary. */
  readonly points: number;
  /** By how often their points were thinned: 0 is exact. Two of one level make one of the next, so that there are few. */
  readonly #levels: (Summary | null)[] = [];

  constructor(points: number) {
    this.points = points;
  }

  /** Adds rows. */
  add({ counts, moments, points, registers }: ColumnSummary): void {
    const numbers = counts[0]!;
    this.missing += counts[1]!;
    this.nonFinite += counts[2]!;
    if (numbers === 0) return;
    this.#addMoments(numbers, moments[0]!, moments[1]!, moments[2]!, moments[3]!);
    mergeRegisters(this.registers, registers);
    const exact = numbers <= points.length;
    const error = exact ? 0 : numbers / (2 * points.length);
    const kept = pointsOf(exact ? numbers : points.length);
    kept.set(exact ? points.subarray(0, numbers) : points);
    this.#put(exact ? 0 : 1, { points: kept, rows: numbers, error });
  }

  /** Adds the rows of another sketch. */
  merge(other: NumericSketch): void {
    this.missing += other.missing;
    this.nonFinite += other.nonFinite;
    if (other.numbers === 0) return;
    this.#addMoments(other.numbers, other.min, other.max, other.mean, other.squares);
    mergeRegisters(this.registers, other.registers);
    // Copied at once: putting them in may use up what was there, and the other may be this one.
    const levels = other.#levels.map((summary) => summary && { ...summary, points: summary.points.slice() });
    for (const [level, summary] of levels.entries()) if (summary) this.#put(level, summary);
  }

  // Chan, Golub and LeVeque 1983.
  #addMoments(numbers: number, min: number, max: number, mean: number, squares: number): void {
    const before = this.numbers;
    this.numbers += numbers;
    if (before === 0) {
      [this.min, this.max, this.mean, this.squares] = [min, max, mean, squares];
      return;
    }
    const off = mean - this.mean;
    this.min = Math.min(this.min, min);
    this.max = Math.max(this.max, max);
    this.mean += (off * numbers) / this.numbers;
    this.squares += squares + ((off * off * before) / this.numbers) * numbers;
  }

  #put(level: number, summary: Summary): void {
    let [at, rising] = [level, summary];
    for (let there = this.#levels[at]; there; there = this.#levels[at]) {
      this.#levels[at] = null;
      rising = combined(there, rising, this.points);
      // Exact ones that still fit stay exact.
      if (at > 0 || rising.error > 0) at += 1;
    }
    while (this.#levels.length <= at) this.#levels.push(null);
    this.#levels[at] = rising;
  }

  /** Returns the distribution of the numbers. */
  distribution(): Distribution {
    return distributionOf(this.#levels.filter((summary) => summary !== null));
  }

  /** Different numbers: exact while all are kept, else an estimate about 3.3 % off. */
  get distinct(): number {
    const exact = this.#levels.every((summary, level) => level === 0 || summary === null);
    return exact ? this.distribution().values.length : distinctOf(this.registers);
  }

  /** Sample standard deviation; NaN with fewer than 2 numbers. */
  get std(): number {
    return this.numbers > 1 ? Math.sqrt(this.squares / (this.numbers - 1)) : Number.NaN;
  }

  summary(): SideSummary {
    const finite = (value: number) => (Number.isFinite(value) ? value : null);
    return {
      rows: this.numbers + this.missing + this.nonFinite,
      missing: this.missing,
      non_finite: this.nonFinite,
      mean: finite(this.mean),
      std: finite(this.std),
      min: finite(this.min),
      max: finite(this.max),
      distinct: this.distinct,
    };
  }

  copy(): NumericSketch {
    const copy = new NumericSketch(this.points);
    copy.merge(this);
    return copy;
  }

  toJSON(): NumericSketchJson {
    return {
      kind: 'numeric',
      numbers: this.numbers,
      missing: this.missing,
      non_finite: this.nonFinite,
      moments: [this.min, this.max, this.mean, this.squares],
      registers: toBase64(this.registers),
      levels: this.#levels.map((level) => level && [toBase64(level.points), level.rows, level.error]),
    };
  }

  /** Returns the sketch that {@link toJSON} was called on. Throws `InvalidOptionError` for anything else. */
  static fromJSON(json: NumericSketchJson, points: number, pointer: string): NumericSketch {
    const sketch = new NumericSketch(points);
    const count = (value: unknown, name: string): number => {
      if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
      throw refusal(`${pointer}/${name}`, 'a count');
    };
    sketch.numbers = count(json.numbers, 'numbers');
    sketch.missing = count(json.missing, 'missing');
    sketch.nonFinite = count(json.non_finite, 'non_finite');
    const moments = Array.isArray(json.moments) ? json.moments : [];
    [sketch.min, sketch.max, sketch.mean, sketch.squares] = [0, 1, 2, 3].map((i) =>
      typeof moments[i] === 'number' ? moments[i] : Number.NaN,
    ) as [number, number, number, number];
    sketch.registers.set(bytesOf(json.registers, `${pointer}/registers`, REGISTERS));
    if (!Array.isArray(json.levels)) throw refusal(`${pointer}/levels`, 'a list');
    let rows = 0;
    for (const level of json.levels) {
      const summary = level === null ? null : summaryOf(level, `${pointer}/levels`);
      if (summary && summary.points.length > points)
        throw refusal(`${pointer}/levels`, 'no more points than the sketch');
      sketch.#levels.push(summary);
      rows += summary?.rows ?? 0;
    }
    if (rows !== sketch.numbers) throw refusal(`${pointer}/levels`, 'as many rows as there are numbers');
    return sketch;
  }
}

function refusal(pointer: string, expected: string): InvalidOptionError {
  return new InvalidOptionError(`Expected ${expected} for ${pointer}`, [{ pointer, expected }]);
}

function summaryOf(level: unknown, pointer: string): Summary {
  const [text, rows, error] = Array.isArray(level) ? level : [];
  const points = doublesOf(text, pointer);
  const rising = points.every((value, i) => Number.isFinite(value) && (i === 0 || value >= points[i - 1]!));
  if (!rising || points.length === 0 || !(rows >= points.length) || !(error >= 0))
    throw refusal(pointer, 'rising points that stand for rows');
  return { points, rows, error };
}
