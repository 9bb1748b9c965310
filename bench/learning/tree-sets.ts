// The fixed data sets that trees are compared on: three of real markets, and one of a seed. Later rows are the test.
import { readFileSync } from 'node:fs';
import { uniform } from '../../src/native/example-call.ts';
import { sharedData } from '../../test/shared-data.ts';

/** Rows of one side: `inputs` [rows, columns], NaN is missing. */
export interface TreeSetRows {
  readonly inputs: Float32Array;
  readonly targets: Float32Array;
  readonly rows: number;
  /** [rows], never falling: when a row is from, in units of one row of a series. */
  readonly times: Float64Array;
}

/** One data set in two parts. */
export interface TreeSet {
  readonly name: string;
  readonly objective: 'regression' | 'binary';
  readonly columns: number;
  /** How far the target looks ahead, in the unit of the times. */
  readonly ahead: number;
  readonly training: TreeSetRows;
  readonly test: TreeSetRows;
}

/** One series of closes in time, with volumes where the file has them. */
interface Series {
  readonly closes: readonly number[];
  readonly volumes?: readonly number[];
}

/** A row: when it is from, what is known then, and what comes after. */
interface Row {
  readonly time: number;
  readonly features: readonly number[];
  readonly target: number;
}

const TEST_SHARE = 0.25;

function linesOf(file: string): string[][] | null {
  const path = sharedData(file);
  if (path === null) return null;
  const text = Buffer.from(Bun.gunzipSync(readFileSync(path))).toString();
  return text
    .trim()
    .split('\n')
    .map((line) => line.split(','));
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const size = (values: readonly number[]) => mean(values.map(Math.abs));

/**
 * Returns a row for each bar: the last `lags` returns in the unit of the last 60, logarithms of volumes and of mean sizes of returns over
 * longer spans; the target is the logarithm of the mean size of the next `ahead` returns.
 */
function rowsOf({ closes, volumes }: Series, lags: number, ahead: number): Row[] {
  const returns = closes.map((close, i) => (i === 0 ? Number.NaN : Math.log(close / closes[i - 1]!)));
  const past = Math.max(lags, 60);
  const rows: Row[] = [];
  for (let i = past; i + ahead < closes.length; i++) {
    const before = (count: number) => returns.slice(i + 1 - count, i + 1);
    const unit = size(before(60));
    const next = size(returns.slice(i + 1, i + 1 + ahead));
    if (!(unit > 0 && next > 0)) continue;
    const features = before(lags).map((value) => value / unit);
    for (const span of [5, 10, 20, 40, 60])
      features.push(Math.log(size(before(span)) + 1e-9), mean(before(span)) / unit);
    if (volumes) for (const value of volumes.slice(i + 1 - lags, i + 1)) features.push(Math.log1p(value));
    rows.push({ time: i, features, target: Math.log(next) });
  }
  return rows;
}

/** Cuts rows in time; of `binary` the target is whether the number is above the median of the training rows. */
function setOf(name: string, objective: TreeSet['objective'], rows: readonly Row[], ahead = 0): TreeSet {
  const sorted = rows.toSorted((a, b) => a.time - b.time);
  const border = Math.floor(sorted.length * (1 - TEST_SHARE));
  const columns = sorted[0]!.features.length;
  const known = sorted
    .slice(0, border)
    .map(({ target }) => target)
    .sort((a, b) => a - b);
  const median = known[Math.floor(known.length / 2)]!;
  const part = (of: readonly Row[]): TreeSetRows => ({
    inputs: Float32Array.from(of.flatMap(({ features }) => features)),
    targets: Float32Array.from(of, ({ target }) =>
      objective === 'binary' ? Number(target > median) : target,
    ),
    rows: of.length,
    times: Float64Array.from(of, ({ time }) => time),
  });
  return {
    name,
    objective,
    columns,
    ahead,
    training: part(sorted.slice(0, border)),
    test: part(sorted.slice(border)),
  };
}

function stocks(): TreeSet | null {
  const lines = linesOf('sp500-20-stocks-daily-close-1990-2022.csv.gz');
  if (!lines) return null;
  const rows = lines[0]!
    .slice(1)
    .flatMap((_, column) =>
      rowsOf({ closes: lines.slice(1).map((line) => Number(line[column + 1])) }, 20, 5),
    );
  return setOf('20 US stocks, daily: size of the next week', 'regression', rows, 5);
}

function pairs(): TreeSet | null {
  const lines = linesOf('crypto-10-pairs-5min-ohlcv-2018-01.csv.gz');
  if (!lines) return null;
  const bySymbol = Map.groupBy(lines.slice(1), (line) => line[1]!);
  const rows = [...bySymbol.values()].flatMap((own) =>
    rowsOf(
      { closes: own.map((line) => Number(line[5])), volumes: own.map((line) => Number(line[6])) },
      12,
      12,
    ),
  );
  return setOf('10 crypto pairs, 5 minutes: a wild next hour', 'binary', rows, 12);
}

function minutes(): TreeSet | null {
  const lines = linesOf('btc-perp-1min-ohlcv-2022-01.csv.gz')?.slice(1);
  if (!lines) return null;
  const rows = rowsOf(
    { closes: lines.map((line) => Number(line[4])), volumes: lines.map((line) => Number(line[5])) },
    60,
    15,
  );
  return setOf('BTC, minutes with many lags: size of the next quarter of an hour', 'regression', rows, 15);
}

/** Friedman's first function of five of 30 uniform columns (or more), with noise. */
export function drawn(objective: TreeSet['objective'], count = 133_334, columns = 30): TreeSet {
  const draw = uniform(1);
  const rows = Array.from({ length: count }, (_, time) => {
    const features = Array.from({ length: columns }, () => Math.fround(draw()));
    const [a, b, c, d, e] = features as [number, number, number, number, number];
    const target = 10 * Math.sin(Math.PI * a * b) + 20 * (c - 0.5) ** 2 + 10 * d + 5 * e + 2 * draw();
    return { time, features, target };
  });
  return setOf(`drawn by seed, ${objective}`, objective, rows);
}

/** Returns the data sets; those of markets only where the shared data is. */
export function treeSets(): TreeSet[] {
  return [stocks(), pairs(), minutes(), drawn('regression'), drawn('binary')].filter((set) => set !== null);
}
