// A table of numbers over time: what an uploaded file becomes, and what features and targets are made from.
import { turn } from '../../core/turn.ts';

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

/** Bytes that are hashed before others have a turn. */
const HASHED_AT_ONCE = 2 ** 21;

/** Resolves to the SHA-256 of all that a frame holds, in lower-case hexadecimal: equal data have equal hashes, whatever file they came in. */
export async function frameHash(frame: Frame): Promise<string> {
  const hasher = new Bun.CryptoHasher('sha256');
  hasher.update(JSON.stringify([frame.rows, frame.series, [...frame.columns.keys()]]));
  for (const { buffer, byteOffset, byteLength } of [frame.tsUs, frame.seriesOf, ...frame.columns.values()]) {
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    for (let from = 0; from < byteLength; from += HASHED_AT_ONCE) {
      hasher.update(bytes.subarray(from, from + HASHED_AT_ONCE));
      await turn();
    }
  }
  return hasher.digest('hex');
}
