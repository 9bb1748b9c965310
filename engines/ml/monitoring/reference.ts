// What the rows of a version are compared with, made of a table in the process that trains.

import { InsufficientHistoryError } from '../../../src/core/errors.ts';
import { columnOf } from '../../../src/learning/tables/features.ts';
import { trainingSet } from '../../../src/learning/tables/training-set.ts';
import { takeInputs } from '../../../src/learning/validation/data.ts';
import { holdOutLast } from '../../../src/learning/validation/held-out.ts';
import { MAX_BATCH_ROWS, openSession } from '../../../src/onnx/session.ts';
import type { Recipe } from '../conversion/schemas.ts';
import type { DatasetStore } from '../datasets/store.ts';
import { baselineOf, type LossBaseline, NO_LOSSES, withLoss } from './losses.ts';
import type { Reference } from './records.ts';
import { chunkOf, decisionsOf, lossOf, outputNames, type WatchedCard } from './rows.ts';
import { sketchOf } from './window.ts';

/** A file that predicts, as a process that has no registry needs it. */
export interface ModelFile {
  readonly bytes: Uint8Array;
  readonly input: string;
  readonly card: WatchedCard;
}

/** What a reference is made of. */
export interface ReferenceInput extends ModelFile {
  /** Rows of a training, or the columns of a table by their names. */
  readonly from: { readonly recipe: Recipe } | { readonly datasetId: string };
}

/** A reference without what the engine knows of it. */
export interface MadeReference extends Pick<Reference, 'inputs' | 'outputs' | 'losses'> {
  readonly rows: number;
  readonly outputRows: number;
}

/** Answers [rows, width] of a file. Throws what opening and running it throw. */
export async function answersOf(
  { bytes, input, card }: ModelFile,
  inputs: Float32Array,
  threads: number,
): Promise<{ readonly output: Float32Array; readonly width: number; readonly rows: number }> {
  const columns = card.inputs.length;
  const rows = inputs.length / columns;
  const session = await openSession(bytes, {
    ...{ input, output: card.output.name, provider: 'cpu', finite: false, threads },
  });
  try {
    const parts: Float32Array[] = [];
    for (let from = 0; from < rows; from += MAX_BATCH_ROWS) {
      const to = Math.min(rows, from + MAX_BATCH_ROWS);
      parts.push(await session.predict(inputs.subarray(from * columns, to * columns), to - from));
    }
    const output = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      output.set(part, at);
      at += part.length;
    }
    return { output, width: output.length / rows, rows };
  } finally {
    await session.close();
  }
}

/** Throws NotFoundError, DatasetIntegrityError, InvalidOptionError (columns), InsufficientHistoryError, and what running the model throws. */
export async function makeReference(
  given: ReferenceInput,
  datasets: DatasetStore,
  threads: number,
): Promise<MadeReference> {
  const { from } = given;
  return 'recipe' in from
    ? ofTraining(given, from.recipe, datasets, threads)
    : ofTable(given, from.datasetId, datasets, threads);
}

/** Inputs of the rows before the test rows; answers and losses on the test rows, which the fit has not seen. */
async function ofTraining(
  given: ReferenceInput,
  recipe: Recipe,
  datasets: DatasetStore,
  threads: number,
): Promise<MadeReference> {
  const { frame } = await datasets.open(recipe.dataset_id);
  const { missing, steps, features, target, test_fraction } = recipe;
  const { data } = trainingSet(frame, features, target, { missing, steps });
  const all = Uint32Array.from({ length: data.rows }, (_, row) => row);
  const { train, test } = holdOutLast(all, test_fraction, data.spans);
  const answered = await answersOf(given, takeInputs(data, test), threads);
  const { card } = given;
  const decided = decisionsOf(card, { ...answered, values: new Float32Array() });
  let losses: LossBaseline | null = null;
  if (decided && data.targets) {
    let tally = NO_LOSSES;
    for (const [i, decision] of decided.entries())
      tally = withLoss(tally, lossOf(card, decision, data.targets[test[i]!]!));
    if (Number.isFinite(tally.mean)) losses = baselineOf(tally);
  }
  return { ...sketches(card, takeInputs(data, train), answered), losses };
}

async function ofTable(
  given: ReferenceInput,
  id: string,
  datasets: DatasetStore,
  threads: number,
): Promise<MadeReference> {
  const { frame } = await datasets.open(id);
  const { card } = given;
  const columns = card.inputs.map(({ name }) => columnOf(frame, name));
  const values = new Float32Array(frame.rows * columns.length);
  let rows = 0;
  for (let r = 0; r < frame.rows; r++) {
    const row = columns.map((column) => Math.fround(column[r]!));
    if (row.every(Number.isFinite)) values.set(row, columns.length * rows++);
  }
  if (rows === 0) throw new InsufficientHistoryError('Expected rows with all inputs, was none', 1, 0);
  const inputs = values.subarray(0, rows * columns.length);
  return { ...sketches(card, inputs, await answersOf(given, inputs, threads)), losses: null };
}

/** Rows of one update of a sketch. */
const AT_ONCE = 8192;

function sketches(
  card: WatchedCard,
  inputs: Float32Array,
  { output, width, rows: outputRows }: Awaited<ReturnType<typeof answersOf>>,
) {
  const sketch = (names: readonly string[], values: Float32Array, of: number) => {
    const made = sketchOf(names);
    const rows = values.length / of;
    for (let from = 0; from < rows; from += AT_ONCE)
      made.update(chunkOf(names, values, of, from, Math.min(rows, from + AT_ONCE)));
    return made.toJSON();
  };
  const names = card.inputs.map(({ name }) => name);
  return {
    inputs: sketch(names, inputs, names.length),
    outputs: sketch(outputNames(card, width), output, width),
    rows: inputs.length / names.length,
    outputRows,
  };
}
