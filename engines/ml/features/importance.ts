// What a version makes of its features, on rows that it was not fitted on.
import { ConflictError, InvalidOptionError } from '../../../src/core/errors.ts';
import { permutationImportance } from '../../../src/learning/selection/permutation.ts';
import { type FeatureGroup, featureGroups, serve } from '../../../src/learning/selection/served.ts';
import { meanSizes, sampledShapley, treeShapley } from '../../../src/learning/selection/shapley.ts';
import type { Frame } from '../../../src/learning/tables/frame.ts';
import { trainingSet } from '../../../src/learning/tables/training-set.ts';
import { takeInputs, type ValidationData } from '../../../src/learning/validation/data.ts';
import { holdOutLast } from '../../../src/learning/validation/held-out.ts';
import { decodeModel } from '../../../src/onnx/decode.ts';
import type { ImportanceQuery, ImportanceReply } from './schemas.ts';
import type { ExplainedModel, WorkControl } from './work-types.ts';

const PERMUTED_ROWS = 5000;
const EXPLAINED_ROWS = 200;
/** Rows of the training part that count the ways through trees. */
const COVER_ROWS = 20_000;

/** Throws InvalidOptionError for a method that says nothing of the model. */
export function checkImportance({ method }: ImportanceQuery, { task }: Pick<ExplainedModel, 'task'>): void {
  if (method === 'gain' || task === 'regression' || task === 'classification') return;
  const expected = 'a model of numbers or classes, whose answers have a loss';
  throw new InvalidOptionError(`Expected ${expected}`, [{ pointer: 'query/method', expected }]);
}

/**
 * Measures the features of a version on the newest held-out rows: the test rows of its training, or all of another table. Throws what making the rows, opening
 * and asking the model throw, ConflictError where the rows are others than those of its inputs.
 */
export async function importance(
  query: ImportanceQuery,
  model: ExplainedModel,
  frame: Frame,
  control: WorkControl,
): Promise<ImportanceReply> {
  const { features, target, missing, steps, test_fraction } = model.recipe;
  const { data, inputs } = trainingSet(frame, features, target, { missing, steps });
  if (inputs.length !== model.inputs.length || inputs.some((name, i) => name !== model.inputs[i]))
    throw new ConflictError('Expected a version whose inputs are those of its recipe');
  const every = Uint32Array.from({ length: data.rows }, (_, row) => row);
  const isOther = query.dataset_id !== undefined && query.dataset_id !== model.recipe.dataset_id;
  const { train, test } = isOther
    ? { train: every, test: every }
    : holdOutLast(every, test_fraction, data.spans);
  const used = test.slice(-(query.rows ?? (query.method === 'shap' ? EXPLAINED_ROWS : PERMUTED_ROWS)));
  const about = {
    model_id: model.model_id,
    version: model.version,
    method: query.method,
    rows: used.length,
    rows_of: isOther ? ('dataset' as const) : ('test_rows' as const),
  };
  const groups = featureGroups(inputs);
  const part = { data, groups, used, train };
  return query.method === 'shap'
    ? { ...about, loss: null, ...(await shap(query, model, frame, part, control)) }
    : { ...about, ...(await permutation(query, model, part, control)) };
}

interface Part {
  readonly data: ValidationData;
  readonly groups: readonly FeatureGroup[];
  readonly used: Uint32Array;
  readonly train: Uint32Array;
}

const served = ({ bytes, input, output, inputs }: ExplainedModel, { threads }: WorkControl) =>
  serve(bytes, { input, output, columns: inputs.length, threads });

async function permutation(query: ImportanceQuery, model: ExplainedModel, part: Part, control: WorkControl) {
  const { data, groups, used } = part;
  const score = data.classes === undefined ? ('rmse' as const) : ('log_loss' as const);
  const asked = await served(model, control);
  try {
    const rows = {
      inputs: takeInputs(data, used),
      targets: Float32Array.from(used, (row) => data.targets![row]!),
      classes: data.classes ?? null,
    };
    const { repeats, seed } = query;
    const { loss, features } = await permutationImportance(asked, groups, rows, {
      repeats,
      seed,
      ...control,
    });
    return {
      measure: `growth of the ${score} when the feature comes from other rows; standard error over ${repeats} shuffles`,
      features: features.toSorted((a, b) => b.importance - a.importance),
      loss: { score, value: loss },
    };
  } finally {
    await asked.close();
  }
}

async function shap(
  query: ImportanceQuery,
  model: ExplainedModel,
  frame: Frame,
  part: Part,
  control: WorkControl,
) {
  const { data, groups, used, train } = part;
  const { columns } = data;
  const rows = takeInputs(data, used);
  const { graph } = decodeModel(model.bytes);
  const ways = takeInputs(data, evenly(train, COVER_ROWS));
  const found =
    (await treeShapley(graph, groups, rows, ways, { columns, ...control })) ??
    (await (async () => {
      const asked = await served(model, control);
      try {
        const background = takeInputs(data, evenly(train, query.background));
        const { walks, seed } = query;
        return await sampledShapley(asked, groups, rows, background, { walks, seed, ...control });
      } finally {
        await asked.close();
      }
    })());
  const sizes = meanSizes(found, groups.length);
  const order = [...groups.keys()].sort((a, b) => sizes[b]! - sizes[a]!);
  const exact = found.method === 'tree';
  const valuesOf = (row: number) =>
    order.map((g) => {
      const at = (row * groups.length + g) * found.width;
      return [...found.values.subarray(at, at + found.width)];
    });
  const first = Math.max(0, used.length - query.explain);
  return {
    measure: exact
      ? 'mean absolute Shapley value, of the sums of the trees (log-odds of classes, before calibration): exact TreeSHAP'
      : `mean absolute Shapley value, of what the model answers: ${query.walks} sampled orders for each row; standard error of the value of one row`,
    features: order.map((g) => ({
      name: groups[g]!.name,
      importance: sizes[g]!,
      ...(!exact && { standard_error: found.standardError[g]! }),
    })),
    ...(query.explain > 0 && {
      explained: Array.from({ length: used.length - first }, (_, i) => ({
        symbol: frame.series[data.series![used[first + i]!]!]!,
        ts_event_us: data.spans.startUs[used[first + i]!]!,
        values: valuesOf(first + i),
      })),
    }),
  };
}

function evenly(rows: Uint32Array, most: number): Uint32Array {
  if (rows.length <= most) return rows;
  return Uint32Array.from({ length: most }, (_, i) => rows[Math.floor((i * rows.length) / most)]!);
}
