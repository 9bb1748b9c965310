// A distribution as points with weights: how many rows are at or below a value, and which value is at a rank.

/** Points of equal weight, rising, that stand for `rows` rows; `error` is how many rows a count of those at or below a value may be off. */
export interface Summary {
  readonly points: Float64Array;
  readonly rows: number;
  readonly error: number;
}

/** Different values, rising, with the rows at or below each; the last count is `rows`. */
export interface Distribution {
  readonly values: Float64Array;
  readonly upTo: Float64Array;
  readonly rows: number;
  /** Most that a share of rows at or below a value is off. 0: every value is there. */
  readonly error: number;
}

/** Arrays of points that nothing holds any more, by length: sketches of wide tables else leave more behind for each chunk than they keep. */
const spare = new Map<number, Float64Array[]>();
const MOST_SPARE_BYTES = 2 ** 25;
let spareBytes = 0;

/** Returns an array of `length` numbers with any content, for points that one summary alone holds. */
export function pointsOf(length: number): Float64Array {
  const known = spare.get(length)?.pop();
  if (known) spareBytes -= known.byteLength;
  return known ?? new Float64Array(length);
}

function giveBack(points: Float64Array): void {
  if (spareBytes + points.byteLength > MOST_SPARE_BYTES) return;
  spareBytes += points.byteLength;
  const list = spare.get(points.length);
  if (list) list.push(points);
  else spare.set(points.length, [points]);
}

/** Returns what several summaries say together. */
export function distributionOf(summaries: readonly Summary[]): Distribution {
  const rows = summaries.reduce((sum, summary) => sum + summary.rows, 0);
  const error = summaries.reduce((sum, summary) => sum + summary.error, 0);
  const total = summaries.reduce((sum, { points }) => sum + points.length, 0);
  const values = new Float64Array(total);
  const upTo = new Float64Array(total);
  const at = summaries.map(() => 0);
  let count = 0;
  let below = 0;
  for (let taken = 0; taken < total; taken++) {
    let from = -1;
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < summaries.length; i++) {
      const next = summaries[i]!.points[at[i]!];
      if (next !== undefined && (from < 0 || next < least)) {
        from = i;
        least = next;
      }
    }
    const summary = summaries[from]!;
    below += summary.rows / summary.points.length;
    at[from]! += 1;
    if (count > 0 && values[count - 1] === least) count -= 1;
    values[count] = least;
    upTo[count] = below;
    count += 1;
  }
  if (count > 0) upTo[count - 1] = rows;
  return {
    values: values.subarray(0, count),
    upTo: upTo.subarray(0, count),
    rows,
    error: rows > 0 ? error / rows : 0,
  };
}

/**
 * Returns two summaries as one: all points while they are exact and fit, else `most` points of equal shares, of which each count is at most half a share more off. Neither
 * of the two may be used afterwards.
 */
export function combined(a: Summary, b: Summary, most: number): Summary {
  const rows = a.rows + b.rows;
  const error = a.error + b.error;
  const exact = error === 0 && rows <= most;
  const points = pointsOf(exact ? rows : most);
  const weightA = a.rows / a.points.length;
  const weightB = b.rows / b.points.length;
  const share = rows / points.length;
  let [i, j, below, out] = [0, 0, 0, 0];
  while (out < points.length) {
    const one = a.points[i] ?? Number.POSITIVE_INFINITY;
    const other = b.points[j] ?? Number.POSITIVE_INFINITY;
    const value = Math.min(one, other);
    if (one <= other) {
      below += weightA;
      i += 1;
    } else {
      below += weightB;
      j += 1;
    }
    const last = i === a.points.length && j === b.points.length;
    while (out < points.length && (last || (out + 0.5) * share < below)) points[out++] = value;
  }
  giveBack(a.points);
  giveBack(b.points);
  return { points, rows, error: exact ? 0 : error + share / 2 };
}

/** Returns the rows at or below `value`. */
export function rowsUpTo({ values, upTo }: Distribution, value: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? 0 : upTo[low - 1]!;
}

function valueAt({ values, upTo }: Distribution, row: number): number {
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (upTo[middle]! > row) high = middle;
    else low = middle + 1;
  }
  return values[low]!;
}

/** Returns the quantile at `share`, with linear interpolation (Hyndman and Fan 1996, type 7); NaN without rows. */
export function quantileOf(distribution: Distribution, share: number): number {
  if (distribution.rows === 0) return Number.NaN;
  const at = (distribution.rows - 1) * share;
  const low = Math.floor(at);
  const value = valueAt(distribution, low);
  const part = at - low;
  return part === 0 ? value : value + (valueAt(distribution, low + 1) - value) * part;
}
