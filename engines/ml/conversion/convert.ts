// Makes a variant of a version and measures it, in the process that trains: the file is a stranger's.
import { NautilusError, NonFiniteInputError } from '../../../src/core/errors.ts';
import type { Task } from '../../../src/learning/family.ts';
import { trainingSet } from '../../../src/learning/tables/training-set.ts';
import { testOnce } from '../../../src/learning/validation/cross-validate.ts';
import { holdOutLast } from '../../../src/learning/validation/held-out.ts';
import { validationReport } from '../../../src/learning/validation/report.ts';
import { decodeModel } from '../../../src/onnx/decode.ts';
import { openSession, type SessionOptions } from '../../../src/onnx/session.ts';
import { differenceOf, worseOf } from '../../../src/onnx/variants/compare.ts';
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
  const expected = await ask(order, model, { threads });
  const said = await ask(order, made.tried, { threads });
  // The files that will run, as far as a CPU can run them.
  const variant = made.files.map((file) => ({ rows: file.rows!, bytes: file.bytes }));
  const answered =
    precision === 'float16' ? await ask(order, model, { threads, variant, variantOnCpu: true }) : said;
  const onProbe = differenceOf(expected, said, rows, isClassifier);
  const tested = await testRows(order, datasets, threads);
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
      difference: worseOf(onProbe, difference),
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

async function ask(
  { input, output, rows, inputs }: ConvertInput,
  bytes: Uint8Array,
  options: SessionOptions,
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

/** The rows that scored the version when it was trained, with its score, or why they are not to be had. */
async function testRows(order: ConvertInput, datasets: DatasetStore, threads: number) {
  const { recipe, dataSha256, task, model } = order;
  if (recipe === null) return { why: 'its lineage does not say how its rows were made' };
  if (task !== 'regression' && task !== 'classification') return { why: 'it was fitted without targets' };
  try {
    const { card, frame } = await datasets.open(recipe.dataset_id);
    if (card.sha256 !== dataSha256) return { why: 'its table is another one by now' };
    const { missing, steps } = recipe;
    const { data } = trainingSet(frame, recipe.features, recipe.target, { missing, steps });
    const all = Uint32Array.from({ length: data.rows }, (_, row) => row);
    const test = { task, data, split: holdOutLast(all, recipe.test_fraction, data.spans) };
    return { ...test, before: await scoreOf(order, test, model, threads) };
  } catch (error) {
    if (error instanceof NautilusError)
      return { why: `its test rows cannot be made again: ${error.message}` };
    throw error;
  }
}

/** Test rows of a training, and what the version itself makes of them. */
interface Tested {
  readonly task: 'regression' | 'classification';
  readonly data: ReturnType<typeof trainingSet>['data'];
  readonly split: ReturnType<typeof holdOutLast>;
  readonly before: Scored;
}

/** Answers of a file to the test rows, and its loss on them. */
interface Scored {
  readonly scored: { readonly value: number; readonly low: number | null; readonly high: number | null };
  readonly said: Float32Array;
}

const lossOf = (task: Tested['task']) => (task === 'classification' ? 'log_loss' : 'rmse');

/** What a file answers to the test rows, and its loss. */
async function scoreOf(
  { output }: ConvertInput,
  { task, data, split }: Omit<Tested, 'before'>,
  bytes: Uint8Array,
  threads: number,
): Promise<Scored> {
  const { graph, ...rest } = decodeModel(bytes);
  const outputs = graph.outputs.filter(({ name }) => name === output);
  const model = { ...rest, graph: { ...graph, outputs } };
  const result = await testOnce({ task, model, facts: {} }, data, split, threads);
  const settings = { resamples: RESAMPLES, level: LEVEL, seed: SEED };
  const { paths } = await validationReport(result, data, settings);
  const { value, interval } = paths[0]!.groups[task]!.scores[lossOf(task)]!;
  if (value === null || value === undefined)
    throw new NonFiniteInputError(`Expected a ${lossOf(task)} of the test rows, was none`);
  const said = Float32Array.from(result.paths[0]!.predictions);
  return { scored: { value, low: interval.low, high: interval.high }, said };
}

async function scoreBoth(order: ConvertInput, tested: Tested, variant: Uint8Array, threads: number) {
  const { task, split, before } = tested;
  const after = await scoreOf(order, tested, variant, threads);
  return {
    difference: differenceOf(before.said, after.said, split.test.length, task === 'classification'),
    scores: { score: lossOf(task), before: before.scored, after: after.scored } as const,
    cost: growth(before.scored.value, after.scored.value),
  };
}

/** What a loss grew by, as a share of it; infinite where it grew from nothing. */
export function growth(before: number, after: number): number {
  return after === before ? 0 : after / before - 1;
}
