// Which settings of a family a search goes over when it is not told, and the point that it tries first.
import { InvalidOptionError } from '../../core/errors.ts';
import type { Choice, Dimension, Point, Space } from './types.ts';

/** A dimension with the value that is tried first. */
type Start = readonly [Dimension, Choice];

const log = (name: string, low: number, high: number, first: number): Start => [
  { kind: 'float', name, low, high, log: true },
  first,
];
const line = (name: string, low: number, high: number, first: number): Start => [
  { kind: 'float', name, low, high },
  first,
];
const whole = (name: string, low: number, high: number, first: number): Start => [
  { kind: 'int', name, low, high },
  first,
];
const logWhole = (name: string, low: number, high: number, first: number): Start => [
  { kind: 'int', name, low, high, log: true },
  first,
];
const oneOf = (name: string, values: readonly Choice[], first: Choice): Start => [
  { kind: 'choice', name, values },
  first,
];

const shares = [line('row_share', 0.5, 1, 1), line('column_share', 0.3, 1, 1)];
const leafWise = [
  log('learning_rate', 0.05, 0.3, 0.1),
  logWhole('max_leaves', 7, 127, 31),
  logWhole('min_rows', 5, 300, 20),
  log('l2', 1e-3, 100, 1e-3),
  ...shares,
];
const levelWise = [
  log('learning_rate', 0.05, 0.3, 0.3),
  whole('max_depth', 2, 8, 6),
  logWhole('min_rows', 1, 300, 1),
  log('l2', 1e-3, 100, 1),
  ...shares,
];
const oblivious = [
  log('learning_rate', 0.05, 0.3, 0.1),
  whole('max_depth', 3, 8, 6),
  log('l2', 0.1, 100, 3),
  ...shares,
];
const rate = log('learning_rate', 1e-4, 2e-2, 1e-3);
const dropout = line('dropout', 0, 0.5, 0);
const decay = log('weight_decay', 1e-6, 0.1, 1e-4);
const recurrent = [
  rate,
  logWhole('hidden_units', 8, 128, 64),
  whole('hidden_layers', 1, 2, 1),
  dropout,
  decay,
];

const STARTS: Readonly<Record<string, readonly Start[]>> = {
  ridge: [log('alpha', 1e-4, 1e6, 1)],
  // In units of the target: returns need small penalties, prices large ones.
  lasso: [log('alpha', 1e-8, 10, 0.01)],
  elastic_net: [log('alpha', 1e-8, 10, 0.01), line('l1_ratio', 0.05, 1, 0.5)],
  logistic: [log('l2', 1e-4, 1e6, 1)],
  gradient_boosting: leafWise,
  lightgbm: leafWise,
  xgboost: levelWise,
  catboost: oblivious,
  random_forest: [
    logWhole('max_leaves', 16, 1024, 1024),
    logWhole('min_rows', 2, 200, 5),
    line('split_share', 0.1, 1, 0.33),
    line('row_share', 0.4, 1, 1),
  ],
  mlp: [rate, logWhole('hidden_units', 8, 256, 64), whole('hidden_layers', 1, 3, 2), dropout, decay],
  rnn: recurrent,
  gru: recurrent,
  lstm: recurrent,
  transformer: [rate, oneOf('width', [16, 32, 64], 64), whole('layers', 1, 3, 2), dropout, decay],
  cnn: [
    rate,
    logWhole('hidden_units', 8, 64, 32),
    whole('hidden_layers', 1, 3, 2),
    whole('kernel', 2, 5, 3),
    dropout,
    decay,
  ],
};

/** Families that a search goes over when it is not told. */
export const DEFAULT_FAMILIES: Readonly<Record<'regression' | 'classification', readonly string[]>> = {
  regression: ['gradient_boosting', 'xgboost', 'ridge'],
  classification: ['gradient_boosting', 'xgboost', 'logistic'],
};

/** Families that have a space of their own, those of each task. */
export const SEARCHED_FAMILIES = Object.keys(STARTS);

/** Returns the space of a family. Throws InvalidOptionError for one that has no target to be measured by. */
export function defaultSpace(family: string): Space {
  return startsOf(family).map(([dimension]) => dimension);
}

/** Returns the point of {@link defaultSpace} with the defaults of the family, or what is nearest to them there. */
export function defaultPoint(family: string): Point {
  return Object.fromEntries(startsOf(family).map(([{ name }, first]) => [name, first]));
}

function startsOf(family: string): readonly Start[] {
  const starts = STARTS[family];
  if (starts) return starts;
  const expected = `one of ${SEARCHED_FAMILIES.join(', ')}`;
  throw new InvalidOptionError(`Expected ${expected} for family, was another`, [
    { pointer: '/family', expected },
  ]);
}
