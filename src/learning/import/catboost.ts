// Models that CatBoost saved as JSON: numeric features; symmetric and other trees.
import { InvalidModelError } from '../../onnx/errors.ts';
import { UnsupportedModelError } from '../errors.ts';
import { Field } from './fields.ts';
import { IMPORT_LIMITS, type ImportedTree, type ImportedTrees, type ImportLink, limit } from './trees.ts';

const OBJECTIVES: Readonly<Record<string, ImportLink>> = {
  ...Object.fromEntries(
    [
      ...['RMSE', 'MAE', 'Quantile', 'MAPE', 'Huber', 'Expectile', 'LogCosh', 'Lq'],
      ...[
        'YetiRank',
        'YetiRankPairwise',
        'PairLogit',
        'PairLogitPairwise',
        'QueryRMSE',
        'QuerySoftMax',
        'StochasticRank',
      ],
    ].map((name) => [name, 'identity' as const]),
  ),
  ...{
    Logloss: 'logistic',
    CrossEntropy: 'logistic',
    MultiClass: 'softmax',
    MultiClassOneVsAll: 'one_versus_all',
  },
  ...{ Poisson: 'exp', Tweedie: 'exp' },
};

/** Most levels of a symmetric tree, as in CatBoost: it has 2^levels leaves. */
const MAX_LEVELS = 16;

/**
 * Returns the trees of a parsed file. Splits ask x > border in float32, as CatBoost does; NaN is below or above all borders as the
 * feature says. Scale and bias are folded in. `MultiClassOneVsAll` gives each class a sigmoid of its own: they don't sum to 1. Ranking
 * gives raw sums. Throws UnsupportedModelError (categorical, text and embedding features, other objectives), InvalidModelError.
 */
export function readCatboost(document: unknown): ImportedTrees {
  const file = new Field(document);
  const info = file.at('features_info');
  for (const kind of ['categorical_features', 'text_features', 'embedding_features', 'ctrs']) {
    const features = info.at(kind);
    if (features.present && features.list().length > 0) {
      throw new UnsupportedModelError(`Expected numeric features, were ${kind}`, kind);
    }
  }
  const features = info.at('float_features').list();
  limit('columns', features.length, IMPORT_LIMITS.columns);
  // Files number features in the order of the columns; another order would feed the wrong ones.
  features.forEach((feature, i) => {
    if (feature.at('flat_feature_index').integer(0, IMPORT_LIMITS.columns) !== i) {
      throw new InvalidModelError('Expected the features in the order of the columns');
    }
  });
  const nanYes = features.map((feature) => {
    const treatment = feature.at('nan_value_treatment');
    return treatment.present && treatment.text() === 'AsTrue';
  });
  const objective = objectiveOf(file);
  const link = Object.hasOwn(OBJECTIVES, objective) ? OBJECTIVES[objective] : undefined;
  if (!link)
    throw new UnsupportedModelError(`Expected a known objective, was ${objective.slice(0, 60)}`, 'objective');
  const [scale, bias] = file.at('scale_and_bias').list();
  if (!scale || !bias) throw new InvalidModelError('Expected a scale and a bias at /scale_and_bias');
  const base = bias.numbers();
  limit('outputs', base.length, IMPORT_LIMITS.outputs);
  const symmetric = file.at('oblivious_trees');
  const list = (symmetric.present ? symmetric : file.at('trees')).list();
  limit('trees', list.length, IMPORT_LIMITS.trees);
  const read = symmetric.present ? readSymmetric : readNested;
  const shape = { outputs: base.length, scale: scale.number(), nanYes };
  let nodes = 0;
  const trees = list.map((tree) => {
    const one = read(tree, shape);
    nodes += one.feature.length;
    limit('nodes', nodes, IMPORT_LIMITS.nodes);
    return one;
  });
  const names = features.map((feature) => {
    const name = feature.at('feature_id');
    return name.present ? name.text() : '';
  });
  return {
    question: 'x > t',
    columns: features.length,
    names: names.every((name) => name !== '') ? names : null,
    outputs: base.length,
    trees,
    base,
    link,
    objective,
  };
}

interface Shape {
  readonly outputs: number;
  readonly scale: number;
  readonly nanYes: readonly boolean[];
}

/** The loss is in the parameters of the training, an object or a text of one. */
function objectiveOf(file: Field): string {
  const info = file.at('model_info');
  const params = info.at('params');
  const read = (field: Field) => field.at('loss_function').at('type').text();
  try {
    return read(new Field(JSON.parse(params.text())));
  } catch {
    return read(params);
  }
}

/** A complete tree: the answers to the splits are the bits of the leaf, the first split the lowest. */
function readSymmetric(tree: Field, { outputs, scale, nanYes }: Shape): ImportedTree {
  const splits = tree.at('splits').list();
  const levels = splits.length;
  if (levels > MAX_LEVELS)
    throw new InvalidModelError(`Expected at most ${MAX_LEVELS} splits in a symmetric tree`);
  const leaves = 2 ** levels;
  const values = tree.at('leaf_values').numbers(leaves * outputs);
  const nodes = emptyTree(2 * leaves - 1, outputs);
  for (let node = 0; node < leaves - 1; node++) {
    const level = Math.floor(Math.log2(node + 1));
    // Asked from the last split down, so that the leaves come in order from no to yes.
    ask(nodes, node, splits[levels - 1 - level]!, nanYes);
    nodes.no[node] = 2 * node + 1;
    nodes.yes[node] = 2 * node + 2;
  }
  const first = leaves - 1;
  for (let i = 0; i < values.length; i++) nodes.leaf[first * outputs + i] = values[i]! * scale;
  return nodes;
}

/** A tree of nested objects: `left` for a no, `right` for a yes. */
function readNested(tree: Field, { outputs, scale, nanYes }: Shape): ImportedTree {
  const order: { field: Field; depth: number }[] = [{ field: tree, depth: 0 }];
  const children: [number, number][] = [];
  for (let i = 0; i < order.length; i++) {
    const { field, depth } = order[i]!;
    limit('depth', depth, IMPORT_LIMITS.depth);
    limit('nodes', order.length, IMPORT_LIMITS.nodes);
    children.push([order.length, order.length + 1]);
    if (!field.at('split').present) continue;
    order.push({ field: field.at('left'), depth: depth + 1 }, { field: field.at('right'), depth: depth + 1 });
  }
  const nodes = emptyTree(order.length, outputs);
  for (const [node, { field }] of order.entries()) {
    const split = field.at('split');
    if (split.present) {
      ask(nodes, node, split, nanYes);
      [nodes.no[node], nodes.yes[node]] = children[node]!;
      continue;
    }
    const value = field.at('value');
    const values = outputs === 1 ? Float64Array.of(value.number()) : value.numbers(outputs);
    for (const [k, one] of values.entries()) nodes.leaf[node * outputs + k] = one * scale;
  }
  return nodes;
}

function ask(nodes: ImportedTree, node: number, split: Field, nanYes: readonly boolean[]): void {
  const type = split.at('split_type');
  if (type.present && type.text() !== 'FloatFeature') {
    throw new UnsupportedModelError(`Expected numeric splits, was ${type.text().slice(0, 60)}`, 'split_type');
  }
  const feature = split.at('float_feature_index').integer(0, nanYes.length - 1);
  nodes.feature[node] = feature;
  nodes.threshold[node] = split.at('border').number();
  nodes.missingYes[node] = nanYes[feature] ? 1 : 0;
}

function emptyTree(count: number, outputs: number): ImportedTree {
  return {
    feature: new Int32Array(count).fill(-1),
    threshold: new Float32Array(count),
    yes: new Int32Array(count),
    no: new Int32Array(count),
    missingYes: new Uint8Array(count),
    leaf: new Float64Array(count * outputs),
    output: null,
  };
}
