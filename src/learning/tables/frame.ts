// A table of numbers over time: what an uploaded file becomes, and what features and targets are made from.

/** Columns of one length, rows in order of time; rows of one time in the order of their series. */
export interface Frame {
  readonly rows: number;
  /** [rows], never falling: microseconds since the epoch. */
  readonly tsUs: Float64Array;
  /** Names of the series; one empty name where the file has no series column. */
  readonly series: readonly string[];
  /** [rows]: which of `series` a row belongs to. */
  readonly seriesOf: Uint32Array;
  /** Each [rows]; NaN is "missing". Names are as in the file, lower case. */
  readonly columns: ReadonlyMap<string, Float64Array>;
}

/** Returns the rows of each series in order of time. */
export function rowsOfSeries({ rows, series, seriesOf }: Frame): Uint32Array[] {
  const counts = new Uint32Array(series.length);
  for (let row = 0; row < rows; row++) counts[seriesOf[row]!]!++;
  const found = Array.from(counts, (count) => new Uint32Array(count));
  counts.fill(0);
  for (let row = 0; row < rows; row++) {
    const of = seriesOf[row]!;
    found[of]![counts[of]!++] = row;
  }
  return found;
}

/** Returns the SHA-256 of all that a frame holds, in lower-case hexadecimal: equal data have equal hashes, whatever file they came in. */
export function frameHash(frame: Frame): string {
  const hasher = new Bun.CryptoHasher('sha256');
  hasher.update(JSON.stringify([frame.rows, frame.series, [...frame.columns.keys()]]));
  hasher.update(frame.tsUs);
  hasher.update(frame.seriesOf);
  for (const column of frame.columns.values()) hasher.update(column);
  return hasher.digest('hex');
}
