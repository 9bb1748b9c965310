// Makes a variant of a version and measures it, in the process that trains: the file is a stranger's.
import { NautilusError, NonFiniteInputError } from '../../../src/core/errors.ts';
import type { Task } from '../../../src/learning/family.ts';
import { trainingSet } from '../../../src/learning/tables/training-set.ts';
import { testOnce } from '../../../src/learning/validation/cross-validate.ts';
import { holdOutLast } from '../../../src/learning/validation/held-out.ts';
import { validationReport } from '../../../src/learning/validation/report.ts';
import { decodeModel } from '../../../src/onnx/decode.ts';
import { openSession } from '../../../src/onnx/session.ts';
import { differenceOf } from '../../../src/onnx/variants/compare.ts';
import { coverageOfModel, makeHalf, makeInt8, type Precision } from '../../../src/onnx/variants/make.ts';
import type { DatasetStore } from '../datasets/store.ts';
import { ConversionRefusedError } from './errors.ts';
import type { Measured, Recipe } from './schemas.ts';

/** A version to convert. */
export interface ConvertInput {
  readonly precision: Precision;
  readonly model: Uint8Array;
  readonly sha256: string;
  readonly task: Task;
  readonly input: string;
  readonly output: string;
  /** Rows of its probe. */
  readonly rows: number;
  readonly inputs: Float32Array;
  /** How its test rows were made, and the hash of the table; null where its lineage does not say. */
  readonly recipe: Recipe | null;
  readonly dataSha256: string | null;
}

/** A variant that was made and measured. */
export interface Converted {
  readonly measured: Measured;
  readonly files: readonly { readonly rows: number | null; readonly bytes: Uint8Array }[];
  /** What it says to the probe on this machine. */
  readonly answers: Float32Array;
}

const RESAMPLES = 200;
const LEVEL = 0.95;
const SEED = 1;

/** Throws ConversionRefusedError where a variant would change nothing, and what opening and running the files throws. */
export async function convert(
  order: ConvertInput,
  datasets: DatasetStore,
  threads: number,
): Promise<Converted> {
  const { precision, model, rows } = order;
  const made = variantOf(order);
  const isClassifier = order.task === 'classification';
  const expected = await answers(order, model, threads);
  const said = await answers(order, made.tried, threads);
  // The files that will run, as far as a CPU can run them.
  const answered = precision === 'float16' ? await answersOf(order, made.files, threads) : said;
  const onProbe = differenceOf(expected, said, rows, isClassifier);
  const tested = await testRows(order, datasets);
  const scores = 'why' in tested ? null : await scoreBoth(order, tested, made.tried, threads);
  const { difference, cost, ...scored } = scores ?? {
    difference: onProbe,
    cost: probeCost(expected, said),
    scores: null,
  };
  return {
    files: made.files,
    answers: answered,
    measured: {
      precision,
      coverage: { ...made.coverage, on_cpu: [...made.coverage.on_cpu] },
      float16: made.float16,
      int8: made.int8,
      // The worse of both, so that no row is left out.
      difference: onProbe.relative_error > difference.relative_error ? onProbe : difference,
      measured_on: scores ? 'test_rows' : 'probe',
      why_probe: 'why' in tested ? tested.why : null,
      ...scored,
      cost,
    },
  };
}

function variantOf({ precision, model, sha256 }: ConvertInput) {
  try {
    if (precision === 'float16') {
      const { rehearsal, files, coverage, halfNodes, kept } = makeHalf(model, sha256);
      return {
        files,
        coverage,
        tried: rehearsal,
        float16: { nodes: halfNodes, kept: [...kept] },
        int8: null,
      };
    }
    const { files, weights, quantisedShare } = makeInt8(model, sha256);
    const int8 = { weights, share: quantisedShare };
    return { files, coverage: coverageOfModel(model), tried: files[0]!.bytes, float16: null, int8 };
  } catch (error) {
    if (error instanceof NautilusError) throw new ConversionRefusedError(error.message);
    throw error;
  }
}

async function answers(order: ConvertInput, model: Uint8Array, threads: number): Promise<Float32Array> {
  return ask(order, { bytes: model, threads });
}

function answersOf(order: ConvertInput, files: Converted['files'], threads: number): Promise<Float32Array> {
  const variant = files.map(({ rows, bytes }) => ({ rows: rows!, bytes }));
  return ask(order, { bytes: order.model, threads, variant, variantOnCpu: true });
}

async function ask(
  { input, output, rows, inputs }: ConvertInput,
  { bytes, ...options }: { readonly bytes: Uint8Array } & NonNullable<Parameters<typeof openSession>[1]>,
): Promise<Float32Array> {
  const session = await openSession(bytes, { ...options, input, output, provider: 'cpu', finite: false });
  try {
    const said = await session.predict(inputs, rows);
    if (!said.every(Number.isFinite))
      throw new ConversionRefusedError(
        'Expected finite answers to the rows of the probe, was beyond what the variant can hold',
      );
    return said;
  } finally {
    await session.close();
  }
}

function probeCost(expected: Float32Array, said: Float32Array): number {
  const squares = (of: (i: number) => number) => expected.reduce((sum, _, i) => sum + of(i) ** 2, 0);
  const scale = squares((i) => expected[i]!);
  const error = squares((i) => said[i]! - expected[i]!);
  return error === 0 ? 0 : Math.sqrt(error / scale);
}

/** The rows that scored the version when it was trained, or why they are not to be had. */
async function testRows({ recipe, dataSha256, task }: ConvertInput, datasets: DatasetStore) {
  if (recipe === null) return { why: 'its lineage does not say how its rows were made' };
  if (task !== 'regression' && task !== 'classification') return { why: 'it was fitted without targets' };
  try {
    const { card, frame } = await datasets.open(recipe.dataset_id);
    if (card.sha256 !== dataSha256) return { why: 'its table is another one by now' };
    const { missing, steps } = recipe;
    const { data } = trainingSet(frame, recipe.features, recipe.target, { missing, steps });
    const all = Uint32Array.from({ length: data.rows }, (_, row) => row);
    return { task, data, split: holdOutLast(all, recipe.test_fraction, data.spans) };
  } catch (error) {
    if (error instanceof NautilusError)
      return { why: `its test rows cannot be made again: ${error.message}` };
    throw error;
  }
}

type Tested = Exclude<Awaited<ReturnType<typeof testRows>>, { why: string }>;

async function scoreBoth(
  { model }: ConvertInput,
  { task, data, split }: Tested,
  variant: Uint8Array,
  threads: number,
) {
  const settings = { resamples: RESAMPLES, level: LEVEL, seed: SEED };
  const score = task === 'classification' ? ('log_loss' as const) : ('rmse' as const);
  const one = async (bytes: Uint8Array) => {
    const result = await testOnce({ task, model: decodeModel(bytes), facts: {} }, data, split, threads);
    const { paths } = await validationReport(result, data, settings);
    const { value, interval } = paths[0]!.groups[task]!.scores[score]!;
    if (value === null || value === undefined)
      throw new NonFiniteInputError(`Expected a ${score} of the test rows, was none`);
    return { scored: { value, low: interval.low, high: interval.high }, said: result.paths[0]!.predictions };
  };
  const [before, after] = [await one(model), await one(variant)];
  const { rows } = { rows: split.test.length };
  return {
    difference: differenceOf(
      Float32Array.from(before.said),
      Float32Array.from(after.said),
      rows,
      task === 'classification',
    ),
    scores: { score, before: before.scored, after: after.scored },
    cost: before.scored.value === 0 ? 0 : after.scored.value / before.scored.value - 1,
  };
}
