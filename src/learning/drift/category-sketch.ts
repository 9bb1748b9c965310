// What is kept of one categorical column: the counts of its commonest categories, within a stated bound of the true ones.
import { InvalidOptionError } from '../../core/errors.ts';
import { bytesOf, toBase64 } from './bytes.ts';
import { distinctOf, mergeRegisters, noteDistinct, REGISTERS } from './distinct.ts';
import type { Category, SideSummary } from './types.ts';

export interface CategorySketchJson {
  readonly kind: 'categorical';
  readonly values: number;
  readonly missing: number;
  /** Most that a count is too small. */
  readonly error: number;
  readonly counts: readonly (readonly [string, number])[];
  readonly registers: string;
}

/** Longest name that is kept as it is. */
const LONGEST = 200;

/** Returns the name of a category; of a long text its beginning and a hash, so that memory is bounded. */
function nameOf(value: string | number | boolean): string {
  const text = String(value);
  if (text.length <= LONGEST) return text;
  return `${text.slice(0, LONGEST)}...${Bun.hash.xxHash64(text).toString(16)}`;
}

/**
 * One categorical column. Counts are exact while there are no more categories than `most`. Beyond, each is at most `error` too small, where
 * `error` is at most rows / (most + 1): the counters of Misra and Gries, merged as Agarwal et al. 2012 ("Mergeable summaries") do.
 */
export class CategorySketch {
  readonly kind = 'categorical';
  values = 0;
  missing = 0;
  error = 0;
  readonly counts = new Map<string, number>();
  readonly registers = new Uint8Array(REGISTERS);
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  add(value: Category): void {
    if (value === null || value === undefined || value === '' || Number.isNaN(value)) {
      this.missing += 1;
      return;
    }
    this.values += 1;
    const name = nameOf(value);
    const before = this.counts.get(name);
    if (before === undefined) noteDistinct(name, this.registers);
    this.counts.set(name, (before ?? 0) + 1);
    // Twice as many between two cuts, so that one costs little for each row.
    if (this.counts.size > 2 * this.#most) this.#cut();
  }

  merge(other: CategorySketch): void {
    this.values += other.values;
    this.missing += other.missing;
    this.error += other.error;
    for (const [name, count] of other.counts) this.counts.set(name, (this.counts.get(name) ?? 0) + count);
    mergeRegisters(this.registers, other.registers);
    if (this.counts.size > 2 * this.#most) this.#cut();
  }

  // Takes the largest count that has to go from every count: it stands for that many rows of `most + 1` categories.
  #cut(): void {
    const counts = [...this.counts.values()].sort((a, b) => b - a);
    const less = counts[this.#most];
    if (less === undefined) return;
    this.error += less;
    for (const [name, count] of this.counts) {
      if (count > less) this.counts.set(name, count - less);
      else this.counts.delete(name);
    }
  }

  /** Rows whose category is not counted any more. */
  get uncounted(): number {
    let counted = 0;
    for (const count of this.counts.values()) counted += count;
    return this.values - counted;
  }

  /** Different categories: exact while all are counted, else an estimate about 3.3 % off. */
  get distinct(): number {
    return this.error === 0 ? this.counts.size : Math.max(this.counts.size, distinctOf(this.registers));
  }

  summary(): SideSummary {
    const { values, missing, distinct } = this;
    return {
      ...{ rows: values + missing, missing, non_finite: 0 },
      ...{ mean: null, std: null, min: null, max: null, distinct },
    };
  }

  copy(): CategorySketch {
    const copy = new CategorySketch(this.#most);
    copy.merge(this);
    return copy;
  }

  toJSON(): CategorySketchJson {
    const { values, missing, error } = this;
    return {
      kind: 'categorical',
      ...{ values, missing, error },
      counts: [...this.counts],
      registers: toBase64(this.registers),
    };
  }

  /** Returns the sketch that {@link toJSON} was called on. Throws `InvalidOptionError` for anything else. */
  static fromJSON(json: CategorySketchJson, most: number, pointer: string): CategorySketch {
    const sketch = new CategorySketch(most);
    const expected = 'what a sketch of categories was written as';
    const whole = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
    const pairs = Array.isArray(json.counts) ? json.counts : null;
    const sound =
      pairs?.every((pair) => Array.isArray(pair) && typeof pair[0] === 'string' && whole(pair[1])) &&
      [json.values, json.missing, json.error].every(whole);
    if (!sound) throw new InvalidOptionError(`Expected ${expected} for ${pointer}`, [{ pointer, expected }]);
    sketch.values = json.values;
    sketch.missing = json.missing;
    sketch.error = json.error;
    for (const [name, count] of pairs!) sketch.counts.set(name, count);
    sketch.registers.set(bytesOf(json.registers, `${pointer}/registers`, REGISTERS));
    return sketch;
  }
}
