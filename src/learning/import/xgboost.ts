// Models that XGBoost saved, as JSON or UBJSON (format of versions 1.6 to 3.2).
import { InvalidOptionError } from '../../core/errors.ts';
import { InvalidModelError } from '../../onnx/errors.ts';
import { UnsupportedModelError } from '../errors.ts';
import { Field } from './fields.ts';
import type { ImportedTree, ImportedTrees, ImportLink } from './trees.ts';
import { IMPORT_LIMITS, limit } from './trees.ts';

/** Which trees count: all, or those up to the best round of early stopping. */
export type Rounds = 'all' | 'best';

/** What becomes of the sums, and how the stored base score becomes one of them. */
const OBJECTIVES: Readonly<Record<string, { link: ImportLink; toSum: (base: number) => number }>> = {
  ...Object.fromEntries(
    [
      ...[
        'reg:squarederror',
        'reg:linear',
        'reg:squaredlogerror',
        'reg:absoluteerror',
        'reg:pseudohubererror',
      ],
      ...['reg:quantileerror', 'rank:pairwise', 'rank:ndcg', 'rank:map'],
    ].map((name) => [name, { link: 'identity', toSum: (base: number) => base }]),
  ),
  ...Object.fromEntries(
    ['reg:gamma', 'reg:tweedie', 'count:poisson'].map((name) => [name, { link: 'exp', toSum: Math.log }]),
  ),
  'binary:logistic': { link: 'logistic', toSum: logit },
  'reg:logistic': { link: 'sigmoid', toSum: logit },
  'binary:logitraw': { link: 'identity', toSum: (base) => base },
  'multi:softprob': { link: 'softmax', toSum: (base) => base },
  'multi:softmax': { link: 'softmax', toSum: (base) => base },
};

function since(version: Float64Array, major: number, minor: number): boolean {
  return version[0]! > major || (version[0] === major && version[1]! >= minor);
}

function logit(probability: number): number {
  return Math.log(probability / (1 - probability));
}

/**
 * Returns the trees of a parsed file. Splits ask x < t in float32, as XGBoost does; NaN goes the default way. DART weights are multiplied
 * into the leaves. Ranking and `binary:logitraw` give raw sums; `multi:softmax` gives the probabilities of `multi:softprob`.
 * A model of early stopping needs `rounds`, because XGBoost itself takes all trees in one interface and the best ones in another.
 * Throws UnsupportedModelError (linear boosters, categories, vectors in leaves, several targets, other objectives), InvalidModelError,
 * InvalidOptionError without `rounds` where it matters.
 */
export function readXgboost(document: unknown, rounds?: Rounds): ImportedTrees {
  const file = new Field(document);
  const learner = file.at('learner');
  const objective = learner.at('objective').at('name').text();
  const rule = Object.hasOwn(OBJECTIVES, objective) ? OBJECTIVES[objective] : undefined;
  if (!rule)
    throw new UnsupportedModelError(`Expected a known objective, was ${objective.slice(0, 60)}`, 'objective');
  if (objective === 'binary:logitraw' && !since(file.at('version').numbers(3), 3, 2)) {
    // Before, its base score was a probability.
    throw new UnsupportedModelError('Expected binary:logitraw of version 3.2 or later', 'objective');
  }
  const parameters = learner.at('learner_model_param');
  const columns = parameters.at('num_feature').integer(1, IMPORT_LIMITS.columns);
  const targets = parameters.at('num_target');
  if (targets.present && targets.integer(0, 1e6) > 1) {
    throw new UnsupportedModelError('Expected one target, were several', 'num_target');
  }
  const outputs = Math.max(1, parameters.at('num_class').integer(0, IMPORT_LIMITS.outputs));
  const types = learner.at('feature_types');
  if (types.present && types.list().some((type) => type.text() === 'c')) {
    throw new UnsupportedModelError('Expected numeric features, were categories', 'feature_types');
  }
  const { model, weights } = booster(learner.at('gradient_booster'));
  const trees = model.at('trees').list();
  limit('trees', trees.length, IMPORT_LIMITS.trees);
  const outputOf = model.at('tree_info').numbers(trees.length);
  const used = usedTrees(learner, model, trees.length, outputs, rounds);
  const names = learner.at('feature_names');
  return {
    question: 'x < t',
    columns,
    names: names.present && names.list().length > 0 ? names.list().map((name) => name.text()) : null,
    outputs,
    trees: trees.slice(0, used).map((tree, i) => readTree(tree, outputOf[i]!, weights?.[i] ?? 1)),
    base: baseScores(parameters.at('base_score'), outputs).map(rule.toSum),
    link: rule.link,
    objective,
  };
}

/** The trees, and the weight of each with DART. */
function booster(gradientBooster: Field): { model: Field; weights: Float64Array | null } {
  const name = gradientBooster.at('name').text();
  if (name === 'gbtree') return { model: gradientBooster.at('model'), weights: null };
  if (name !== 'dart') {
    throw new UnsupportedModelError(`Expected a booster of trees, was ${name.slice(0, 60)}`, 'booster');
  }
  const model = gradientBooster.at('gbtree').at('model');
  const count = model.at('trees').list().length;
  return { model, weights: gradientBooster.at('weight_drop').numbers(count) };
}

/** How many trees count, from the best round that early stopping noted. */
function usedTrees(learner: Field, model: Field, trees: number, outputs: number, rounds?: Rounds): number {
  const attributes = learner.at('attributes');
  const best = attributes.present ? attributes.at('best_iteration') : attributes;
  if (!best.present) return trees;
  const parallel = model.at('gbtree_model_param').at('num_parallel_tree');
  const perRound = outputs * Math.max(1, parallel.present ? parallel.integer(0, IMPORT_LIMITS.trees) : 1);
  const upToBest = (best.integer(0, IMPORT_LIMITS.trees) + 1) * perRound;
  if (upToBest >= trees || rounds === 'all') return trees;
  if (rounds === 'best') return upToBest;
  throw new InvalidOptionError(
    'Expected rounds all or best: the file holds rounds after the best one of early stopping',
    [{ pointer: '/rounds', expected: 'all or best', received: 'missing' }],
  );
}

/** One number, or since version 3.1 a text with a list of them; one number stands for all outputs. */
function baseScores(field: Field, outputs: number): Float64Array {
  const text = field.text().trim();
  const listed = text.startsWith('[') ? text.slice(1, -1).split(',') : [text];
  const values = Float64Array.from(listed, (one) => Math.fround(Number(one)));
  if (text === '' || !values.every(Number.isFinite) || ![1, outputs].includes(values.length)) {
    throw new InvalidModelError(`Expected one base score, or one for each output, at ${field.path}`);
  }
  return values.length === outputs ? values : new Float64Array(outputs).fill(values[0]!);
}

function readTree(field: Field, output: number, weight: number): ImportedTree {
  const parameters = field.at('tree_param');
  const count = parameters.at('num_nodes').integer(1, IMPORT_LIMITS.nodes);
  const vector = parameters.at('size_leaf_vector');
  if (vector.present && vector.integer(0, 1e6) > 1) {
    throw new UnsupportedModelError('Expected one number in each leaf, were several', 'size_leaf_vector');
  }
  const splitTypes = field.at('split_type');
  if (splitTypes.present && splitTypes.numbers().some((type) => type !== 0)) {
    throw new UnsupportedModelError('Expected numeric splits, were categorical', 'split_type');
  }
  const left = Int32Array.from(field.at('left_children').numbers(count));
  const conditions = field.at('split_conditions').numbers(count);
  const isLeaf = Array.from(left, (child) => child === -1);
  return {
    feature: Int32Array.from(field.at('split_indices').numbers(count), (feature, i) =>
      isLeaf[i] ? -1 : feature,
    ),
    threshold: Float32Array.from(conditions),
    yes: left,
    no: Int32Array.from(field.at('right_children').numbers(count)),
    missingYes: Uint8Array.from(field.at('default_left').numbers(count)),
    leaf: conditions.map((value, i) => (isLeaf[i] ? value * weight : 0)),
    output,
  };
}
