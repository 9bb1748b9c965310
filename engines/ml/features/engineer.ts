// A table of features from a table or from posted rows.
import type { Vector } from 'apache-arrow';
import { InvalidOptionError, NautilusError } from '../../../src/core/errors.ts';
import { faultOf } from '../../../src/learning/selection/candidates.ts';
import {
  columnOf,
  computeFeatures,
  dependsOnStart,
  featureNames,
  lookBack,
} from '../../../src/learning/tables/features.ts';
import type { Frame } from '../../../src/learning/tables/frame.ts';
import { MAX_CELLS } from '../datasets/routes.ts';
import type { DatasetStore } from '../datasets/store.ts';
import { frameOf } from './posted.ts';
import type { EngineerReply, EngineerRequest } from './schemas.ts';

/** Longest name of a column of a stored table. */
const MAX_NAME = 64;

/** The table that features make, and what is said of it. */
export interface Engineered {
  readonly frame: Frame;
  readonly reply: EngineerReply;
}

/** Throws InvalidOptionError for names that a stored table can't have, and for more numbers than one holds. */
export function checkEngineer({ features, keep, save }: EngineerRequest, rows: number): string[] {
  const names = [...featureNames(features), ...keep];
  const twice = keep.findIndex((name, i) => names.indexOf(name) !== names.length - keep.length + i);
  if (twice >= 0) throw refusal(`/keep/${twice}`, 'a column whose name no feature has');
  if (save && names.some((name) => name.length > MAX_NAME))
    throw refusal('/save', `names of at most ${MAX_NAME} characters`);
  if (names.length * rows > MAX_CELLS) {
    const detail = `Expected at most ${MAX_CELLS} numbers, was ${rows} rows of ${names.length}`;
    throw new NautilusError('too-large', 413, 'Too large', detail, { limit_cells: MAX_CELLS });
  }
  return names;
}

const refusal = (pointer: string, expected: string) =>
  new InvalidOptionError(`Expected ${expected} for ${pointer}`, [{ pointer, expected }]);

/** Computes features, and stores them where that was asked for. Throws what `computeFeatures`, `frameOf` and the store throw. */
export async function engineer(
  request: EngineerRequest,
  datasets: DatasetStore,
  nowUs: number,
): Promise<Engineered> {
  const { features, keep, preview, save } = request;
  const source = request.bars ? frameOf(request.bars) : (await datasets.open(request.dataset_id!)).frame;
  checkEngineer(request, source.rows);
  const frame = tableOf(source, request);
  const dataset = save ? await datasets.save({ frame, rejected: {}, errors: [] }, request.name, nowUs) : null;
  const names = [...frame.columns.keys()];
  const first = Math.max(0, frame.rows - preview);
  return {
    frame,
    reply: {
      dataset,
      rows: frame.rows,
      columns: names.map((name) => ({ name, ...summary(frame.columns.get(name)!) })),
      history: {
        needed: Math.max(...features.map(lookBack)) + 1,
        from_start: features.filter(dependsOnStart).flatMap((one) => featureNames([one])),
      },
      preview: Array.from({ length: frame.rows - first }, (_, i) => ({
        symbol: frame.series[frame.seriesOf[first + i]!]!,
        ts_event_us: frame.tsUs[first + i]!,
        values: names.map((name) => {
          const value = frame.columns.get(name)![first + i]!;
          return Number.isNaN(value) ? null : value;
        }),
      })),
    },
  };

  function tableOf(source: Frame, { drop_missing }: EngineerRequest): Frame {
    const { names, values } = computeFeatures(source, features);
    const width = names.length;
    const kept: number[] = [];
    for (let row = 0; row < source.rows; row++) {
      const own = values.subarray(row * width, (row + 1) * width);
      if (!drop_missing || own.every((value) => !Number.isNaN(value))) kept.push(row);
    }
    if (kept.length === 0) throw refusal('/drop_missing', 'false: no row has a value of every feature');
    const made = names.map((name, c): [string, Float64Array] => [
      name,
      Float64Array.from(kept, (row) => values[row * width + c]!),
    ]);
    const old = keep.map((name): [string, Float64Array] => {
      const column = columnOf(source, name);
      return [name, Float64Array.from(kept, (row) => column[row]!)];
    });
    return {
      rows: kept.length,
      tsUs: Float64Array.from(kept, (row) => source.tsUs[row]!),
      series: source.series,
      seriesOf: Uint32Array.from(kept, (row) => source.seriesOf[row]!),
      columns: new Map([...made, ...old]),
    };
  }
}

function summary(values: Float64Array) {
  let [known, sum, min, max] = [0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    known++;
    sum += value;
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  const range = known === 0 ? { min: null, max: null, mean: null } : { min, max, mean: sum / known };
  return { missing: values.length - known, ...range, reason: faultOf(values.length, (row) => values[row]!) };
}

/** Returns a table as an Arrow stream: `ts_event_us`, `symbol`, and each column as float64 with null where a value is missing. */
export async function frameToArrow(frame: Frame): Promise<Uint8Array<ArrayBuffer>> {
  const { Float64, Int64, Dictionary, Int32, Table, tableToIPC, Utf8, vectorFromArray } = await import(
    'apache-arrow'
  );
  const { rows, tsUs, series, seriesOf, columns } = frame;
  const table: Record<string, Vector> = {
    ts_event_us: vectorFromArray(
      Array.from(tsUs, (time) => BigInt(time)),
      new Int64(),
    ),
    symbol: vectorFromArray(
      Array.from({ length: rows }, (_, row) => series[seriesOf[row]!]!),
      new Dictionary(new Utf8(), new Int32()),
    ),
  };
  for (const [name, values] of columns)
    table[name] = vectorFromArray(
      Array.from(values, (value) => (Number.isNaN(value) ? null : value)),
      new Float64(),
    );
  return tableToIPC(new Table(table), 'stream') as Uint8Array<ArrayBuffer>;
}
