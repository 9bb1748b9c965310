// Files of XGBoost, LightGBM and CatBoost as models that serve here.
import { TooLargeError } from '../../core/errors.ts';
import { InvalidModelError } from '../../onnx/errors.ts';
import type { ModelSpec } from '../../onnx/graph.ts';
import { readCatboost } from './catboost.ts';
import { parseJson } from './fields.ts';
import { importGraph } from './graph.ts';
import { readLightgbm } from './lightgbm.ts';
import { checkTrees, IMPORT_LIMITS, type ImportedTrees } from './trees.ts';
import { parseUbjson } from './ubjson.ts';
import { type Rounds, readXgboost } from './xgboost.ts';

/** A library and its file format. */
export type TreeFormat = 'xgboost_json' | 'xgboost_ubj' | 'lightgbm_text' | 'catboost_json';

/** An imported model. */
export interface ImportedModel {
  readonly format: TreeFormat;
  readonly task: 'regression' | 'classification';
  /** The objective as the file names it. */
  readonly objective: string;
  /** Number of classes; only for classification. */
  readonly classes?: number;
  readonly columns: number;
  /** Names of the columns, null where the file has none. */
  readonly names: readonly string[] | null;
  readonly trees: number;
  readonly nodes: number;
  /** `input` float32 [rows, columns], NaN missing, to `output` float32 [rows, 1 or classes]. */
  readonly model: ModelSpec;
}

/**
 * Returns the model of a file of at most 64 MiB that XGBoost (`save_model`, JSON or UBJ), LightGBM (`save_model`, text) or CatBoost
 * (`save_model(format='json')`) wrote. Every float32 row reaches the leaves that it reaches in its library, at split values too; leaves are
 * rounded to float32 and added in it. `rounds` says which trees of an XGBoost model of early stopping count.
 * Throws TooLargeError, InvalidModelError (malformed), UnsupportedModelError (what can't be represented, by name), InvalidOptionError.
 */
export function importTrees(bytes: Uint8Array, { rounds }: { readonly rounds?: Rounds } = {}): ImportedModel {
  if (bytes.length > IMPORT_LIMITS.bytes) {
    throw new TooLargeError('Expected a smaller model file', IMPORT_LIMITS.bytes);
  }
  const format = formatOf(bytes);
  const trees = read(bytes, format, rounds);
  checkTrees(trees);
  const several = trees.link === 'softmax' || trees.link === 'one_versus_all';
  const classes = several ? trees.outputs : trees.link === 'logistic' ? 2 : undefined;
  if (!several && trees.outputs !== 1) throw new InvalidModelError('Expected one output for this objective');
  return {
    format,
    task: classes === undefined ? 'regression' : 'classification',
    objective: trees.objective,
    ...(classes !== undefined && { classes }),
    columns: trees.columns,
    names: trees.names,
    trees: trees.trees.length,
    nodes: trees.trees.reduce((sum, tree) => sum + tree.feature.length, 0),
    model: importGraph(trees),
  };
}

function read(bytes: Uint8Array, format: TreeFormat, rounds: Rounds | undefined): ImportedTrees {
  switch (format) {
    case 'xgboost_json':
      return readXgboost(parseJson(bytes), rounds);
    case 'xgboost_ubj':
      return readXgboost(parseUbjson(bytes), rounds);
    case 'lightgbm_text':
      return readLightgbm(new TextDecoder().decode(bytes));
    case 'catboost_json':
      return readCatboost(parseJson(bytes));
  }
}

/** Tells the format from the first bytes; JSON files by their members. */
function formatOf(bytes: Uint8Array): TreeFormat {
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, 64));
  if (/^tree\r?\n/.test(start)) return 'lightgbm_text';
  if (/^\{[LlIiU]/.test(start) || /^\{[$#]/.test(start)) return 'xgboost_ubj';
  if (/^\s*\{/.test(start)) {
    // The two kinds of JSON have no member in common; looking for one is cheaper than parsing twice.
    const text = new TextDecoder('latin1').decode(bytes);
    if (text.includes('"learner"')) return 'xgboost_json';
    if (text.includes('"features_info"')) return 'catboost_json';
  }
  throw new InvalidModelError('Expected a file of XGBoost (JSON, UBJ), LightGBM (text) or CatBoost (JSON)');
}
