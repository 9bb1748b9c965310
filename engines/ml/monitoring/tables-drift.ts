// What differs between two tables, or between a table and what a version was fitted on.
import { turn } from '../../../src/core/turn.ts';
import { compareSketches, TableSketch } from '../../../src/learning/drift/index.ts';
import type { DriftReport } from '../../../src/learning/drift/types.ts';
import { columnOf } from '../../../src/learning/tables/features.ts';
import type { Frame } from '../../../src/learning/tables/frame.ts';
import { trainingSet } from '../../../src/learning/tables/training-set.ts';
import type { Recipe } from '../conversion/schemas.ts';
import type { DatasetStore } from '../datasets/store.ts';
import { optionsOf } from './judge.ts';
import { chunkOf } from './rows.ts';
import type { DriftRequest } from './schemas.ts';
import { sketchOf } from './window.ts';

/** Rows of one update. */
const AT_ONCE = 65_536;

/** A side that a table is compared with. */
export type ReferenceSide =
  | { readonly datasetId: string }
  /** JSON of a sketch of inputs, and how a table becomes such inputs. */
  | { readonly sketch: unknown; readonly recipe: Recipe };

/** Throws NotFoundError, DatasetIntegrityError, InvalidOptionError (columns), InsufficientHistoryError. */
export async function compareTables(
  reference: ReferenceSide,
  datasetId: string,
  { columns, drift }: Pick<DriftRequest, 'columns' | 'drift'>,
  datasets: DatasetStore,
  signal?: AbortSignal,
): Promise<DriftReport> {
  const { frame } = await datasets.open(datasetId);
  if ('datasetId' in reference) {
    const before = (await datasets.open(reference.datasetId)).frame;
    return compareSketches(
      await ofFrame(before, columns ?? [...before.columns.keys()], signal),
      await ofFrame(frame, columns ?? [...frame.columns.keys()], signal),
      optionsOf(drift),
    );
  }
  return compareSketches(
    TableSketch.fromJSON(reference.sketch),
    await ofRecipe(frame, reference.recipe, signal),
    optionsOf(drift),
  );
}

/** Returns the sketch of columns of a table. */
async function ofFrame(
  frame: Frame,
  names: readonly string[],
  signal: AbortSignal | undefined,
): Promise<TableSketch> {
  const sketch = sketchOf(names);
  const columns = names.map((name) => [name, columnOf(frame, name)] as const);
  for (let from = 0; from < frame.rows; from += AT_ONCE) {
    const to = Math.min(frame.rows, from + AT_ONCE);
    const chunk = new Map(columns.map(([name, values]) => [name, values.subarray(from, to)]));
    await sketch.updateLater(chunk, signal);
  }
  return sketch;
}

/** Returns the sketch of the inputs that a recipe makes of a table. */
async function ofRecipe(
  frame: Frame,
  { features, missing, steps }: Recipe,
  signal: AbortSignal | undefined,
): Promise<TableSketch> {
  const { data, inputs } = trainingSet(frame, features, { kind: 'none' }, { missing, steps });
  const sketch = sketchOf(inputs);
  for (let from = 0; from < data.rows; from += AT_ONCE) {
    const to = Math.min(data.rows, from + AT_ONCE);
    await sketch.updateLater(chunkOf(inputs, data.inputs, data.columns, from, to), signal);
    await turn();
  }
  return sketch;
}
