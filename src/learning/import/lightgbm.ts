// Models that LightGBM saved as text (versions v3 and v4 of its format).
import { InvalidModelError } from '../../onnx/errors.ts';
import { UnsupportedModelError } from '../errors.ts';
import {
  floorFloat32,
  IMPORT_LIMITS,
  type ImportedTree,
  type ImportedTrees,
  type ImportLink,
  limit,
} from './trees.ts';

const OBJECTIVES: Readonly<Record<string, ImportLink>> = {
  ...Object.fromEntries(
    [
      ...['regression', 'regression_l1', 'huber', 'fair', 'quantile', 'mape', 'lambdarank', 'rank_xendcg'],
    ].map((name) => [name, 'identity' as const]),
  ),
  ...{ poisson: 'exp', gamma: 'exp', tweedie: 'exp', cross_entropy: 'sigmoid' },
  ...{ binary: 'logistic', multiclass: 'softmax', multiclassova: 'one_versus_all' },
};

/** Bits of `decision_type`. */
const CATEGORICAL = 1;
const DEFAULT_LEFT = 2;
const MISSING = { none: 0, zero: 1, nan: 2 };

/** `kZeroThreshold` of LightGBM, a float32. */
const ZERO = Math.fround(1e-35);

type Section = ReadonlyMap<string, string>;

/**
 * Returns the trees of a model file. Splits ask x <= t with a threshold of 64 bits, which becomes the largest float32 that is not
 * above it, so that every float32 gets the same answer. NaN goes the default way where training saw NaN, else it counts as 0, as
 * in LightGBM; so does what is within 1e-35 of 0. Averages of a random forest are folded into the leaves, as LightGBM itself does with the weights of DART.
 * `multiclassova` gives each class a sigmoid of its own: they don't sum to 1. Ranking gives raw sums.
 * Throws UnsupportedModelError (categorical splits, linear leaves, zero as missing, other objectives), InvalidModelError.
 */
export function readLightgbm(text: string): ImportedTrees {
  const [header, sections] = split(text);
  const outputs = integer(header, 'num_tree_per_iteration', 1, IMPORT_LIMITS.outputs);
  const columns = integer(header, 'max_feature_idx', 0, IMPORT_LIMITS.columns - 1) + 1;
  const { objective, link, steepness } = objectiveOf(header);
  if ((link === 'softmax' || link === 'one_versus_all') !== outputs > 1) {
    throw new InvalidModelError('Expected as many trees a round as the objective has classes');
  }
  if (sections.length % outputs !== 0) throw new InvalidModelError('Expected whole rounds of trees');
  const rounds = sections.length / outputs;
  const scale = steepness / (header.has('average_output') ? rounds : 1);
  return {
    question: 'x <= t',
    columns,
    names: header.get('feature_names')?.split(' ') ?? null,
    outputs,
    trees: sections.map((section, i) => readTree(section, i, i % outputs, scale)),
    base: new Float64Array(outputs),
    link,
    objective,
  };
}

/** The header and the sections of the trees, as lines of key=value. */
function split(text: string): [Section, Section[]] {
  const end = text.indexOf('\nend of trees');
  if (!/^tree\r?\n/.test(text) || end < 0) {
    throw new InvalidModelError(
      'Expected a LightGBM model: a line "tree" first and "end of trees" after the trees',
    );
  }
  const parts = text.slice(0, end).split(/^Tree=/m);
  limit('trees', parts.length - 1, IMPORT_LIMITS.trees);
  const sections = parts.map((part) => {
    const lines = part.split(/\r?\n/).filter((line) => line.trim() !== '');
    return new Map(
      lines.map((line) => {
        const at = line.indexOf('=');
        return at < 0 ? [line.trim(), ''] : [line.slice(0, at), line.slice(at + 1)];
      }),
    );
  });
  for (const [place, section] of sections.slice(1).entries()) {
    if (!section.has(String(place))) throw new InvalidModelError(`Expected tree ${place} in its place`);
  }
  const version = sections[0]!.get('version') ?? 'none';
  if (version !== 'v3' && version !== 'v4') {
    throw new UnsupportedModelError(`Expected version v3 or v4, was ${version.slice(0, 20)}`, 'version');
  }
  return [sections[0]!, sections.slice(1)];
}

function objectiveOf(header: Section): { objective: string; link: ImportLink; steepness: number } {
  const [objective = '', ...details] = (header.get('objective') ?? '').split(' ');
  const link = Object.hasOwn(OBJECTIVES, objective) ? OBJECTIVES[objective] : undefined;
  if (!link) {
    throw new UnsupportedModelError(
      `Expected a known objective, was ${objective.slice(0, 60) || 'none'}`,
      'objective',
    );
  }
  if (details.includes('sqrt')) {
    throw new UnsupportedModelError('Expected an objective of the target itself, was of its root', 'sqrt');
  }
  const sigmoid = details.find((detail) => detail.startsWith('sigmoid:'));
  const steepness = sigmoid ? Number(sigmoid.slice('sigmoid:'.length)) : 1;
  if (!(steepness > 0 && Number.isFinite(steepness)))
    throw new InvalidModelError('Expected a sigmoid above 0');
  return { objective, link, steepness };
}

function readTree(section: Section, place: number, output: number, scale: number): ImportedTree {
  if ((section.get('is_linear') ?? '0') !== '0') {
    throw new UnsupportedModelError(`Expected constant leaves, were linear in tree ${place}`, 'is_linear');
  }
  if (integer(section, 'num_cat', 0, 1e9) > 0) {
    throw new UnsupportedModelError(`Expected numeric splits, were categorical in tree ${place}`, 'num_cat');
  }
  const leaves = integer(section, 'num_leaves', 1, IMPORT_LIMITS.nodes);
  const inner = leaves - 1;
  const values = numbers(section, 'leaf_value', leaves).map((value) => value * scale);
  const count = inner + leaves;
  const list = (name: string) => (inner > 0 ? numbers(section, name, inner) : new Float64Array(0));
  const [features, thresholds, decisions] = [list('split_feature'), list('threshold'), list('decision_type')];
  // Inner nodes keep their numbers; leaf k, written as -k - 1, comes after all of them.
  const child = (number: number) => (number >= 0 ? (number < inner ? number : count) : inner - 1 - number);
  const padded = (values: Iterable<number>, fill: number) => {
    const all = new Int32Array(count).fill(fill);
    all.set([...values]);
    return all;
  };
  const missingYes = new Uint8Array(count);
  const threshold = new Float32Array(count);
  for (let node = 0; node < inner; node++) {
    missingYes[node] = nanGoesLeft(decisions[node]!, thresholds[node]!, place) ? 1 : 0;
    threshold[node] = thresholdOf(thresholds[node]!);
  }
  const leaf = new Float64Array(count);
  leaf.set(values, inner);
  return {
    feature: padded(features, -1),
    threshold,
    yes: padded(list('left_child').map(child), 0),
    no: padded(list('right_child').map(child), 0),
    missingYes,
    leaf,
    output,
  };
}

/**
 * LightGBM reads a value this close to 0 as 0, so that all of them get the answer of 0: the threshold moves to the edge of their range,
 * on the side that gives it.
 */
function thresholdOf(threshold: number): number {
  if (threshold >= 0 && threshold < ZERO) return ZERO;
  if (threshold < 0 && threshold >= -ZERO) return floorFloat32(-ZERO * (1 + Number.EPSILON));
  return floorFloat32(threshold);
}

function nanGoesLeft(decision: number, threshold: number, place: number): boolean {
  if (decision & CATEGORICAL) {
    throw new UnsupportedModelError(
      `Expected numeric splits, was categorical in tree ${place}`,
      'decision_type',
    );
  }
  const missing = (decision >> 2) & 3;
  if (missing === MISSING.zero) {
    throw new UnsupportedModelError(`Expected NaN as missing, was zero in tree ${place}`, 'zero_as_missing');
  }
  return missing === MISSING.nan ? (decision & DEFAULT_LEFT) !== 0 : 0 <= threshold;
}

function integer(section: Section, name: string, low: number, high: number): number {
  const value = Number(section.get(name) ?? Number.NaN);
  if (!Number.isInteger(value) || value < low || value > high) {
    throw new InvalidModelError(`Expected an integer from ${low} to ${high} for ${name}`);
  }
  return value;
}

// C++ writes infinity as `inf`: the threshold of a split into all numbers and the missing ones.
const numberOf = (word: string): number =>
  word === 'inf' ? Number.POSITIVE_INFINITY : word === '-inf' ? Number.NEGATIVE_INFINITY : Number(word);

function numbers(section: Section, name: string, length: number): Float64Array {
  const words = section.get(name)?.trim().split(/\s+/) ?? [];
  const values = Float64Array.from(words, numberOf);
  if (values.length !== length || values.some(Number.isNaN)) {
    throw new InvalidModelError(`Expected ${length} numbers for ${name}`);
  }
  return values;
}
