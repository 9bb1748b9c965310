// Calibrated probabilities: fitted on held-out rows, part of the graph that serves.
import { z } from 'zod';
import { InsufficientHistoryError, InvalidOptionError } from '../../../core/errors.ts';
import type { ModelSpec } from '../../../onnx/graph.ts';
import { isotonicRegression, type MonotoneLine, valueOnLine } from './isotonic.ts';
import { fitSigmoid, fitTemperature } from './parametric.ts';
import { constant, integers, node, RAW, type Tail, withTail } from './tail.ts';

/** How probabilities are calibrated. */
export const calibrationSchema = z.strictObject({
  kind: z
    .enum(['sigmoid', 'isotonic', 'temperature'])
    .describe(
      'sigmoid: two classes; temperature: any number, one parameter; isotonic: any number, needs many rows',
    ),
  held_out_fraction: z
    .number()
    .gt(0)
    .lt(1)
    .default(0.25)
    .describe('share of the training rows, the latest ones, that calibrate and fit nothing else'),
});

/** A calibration with all its options. */
export type Calibration = z.output<typeof calibrationSchema>;

/** Probabilities of rows that the model was not fitted on, beside what happened. */
export interface HeldOutClasses {
  /** [rows, classes], as the served graph gives them. */
  readonly probabilities: ArrayLike<number>;
  /** [rows], 0 .. classes - 1. */
  readonly labels: ArrayLike<number>;
  readonly classes: number;
}

/** A fitted calibration. */
export interface Calibrator {
  readonly kind: Calibration['kind'];
  readonly rows: number;
  /** Its numbers: `slope` and `intercept`, `temperature`, or `knots`. */
  readonly facts: Readonly<Record<string, number>>;
  /** Returns the model with the calibration at the end of its graph. */
  apply(model: ModelSpec): ModelSpec;
  /** Returns the calibrated probabilities of one row in float64: the reference of the graph. */
  probabilities(row: ArrayLike<number>): number[];
}

/** Fewest held-out rows of a calibration. */
export const FEWEST_ROWS = 30;
/** Knots of an isotonic line: a row is compared with each. */
const MOST_KNOTS = 200;
/** Smallest probability whose logarithm is taken; float32 holds it. */
const SMALLEST = 1e-12;

/**
 * Fits a calibration. `sigmoid` (Platt 1999) acts on the log-odds of class 1; `temperature` on the logarithms of all
 * probabilities; `isotonic` (Zadrozny and Elkan 2002) on the probability of class 1, or of each class alone and then divided by
 * their sum. An isotonic probability stays between 1 / (rows + 2) and 1 less that: `rows` rows show no certainty.
 * Throws InsufficientHistoryError below 30 rows or without a class among them, InvalidOptionError for a sigmoid of several classes.
 */
export function fitCalibration(kind: Calibration['kind'], heldOut: HeldOutClasses): Calibrator {
  const { labels, classes } = heldOut;
  if (labels.length < FEWEST_ROWS) {
    throw new InsufficientHistoryError(
      'Expected more held-out rows to calibrate on',
      FEWEST_ROWS,
      labels.length,
    );
  }
  const seen = new Set(Array.from(labels));
  if (seen.size < classes) {
    throw new InsufficientHistoryError('Expected every class among the held-out rows', classes, seen.size);
  }
  if (kind === 'sigmoid') return sigmoid(heldOut);
  return kind === 'temperature' ? temperature(heldOut) : isotonic(heldOut);
}

const logOf = (value: number) => Math.log(Math.max(value, SMALLEST));
const logs: Tail = {
  nodes: [node('Max', [RAW, 'tail_least'], 'tail_bounded'), node('Log', ['tail_bounded'], 'tail_logs')],
  constants: [constant('tail_least', [SMALLEST], [1])],
};
/** From the probability of class 1 [rows, 1] to those of both. */
const pair: Tail = {
  nodes: [
    node('Sub', ['tail_one', 'tail_second'], 'tail_first'),
    node('Concat', ['tail_first', 'tail_second'], 'output', { axis: { int: 1 } }),
  ],
  constants: [constant('tail_one', [1], [1])],
};
const join = (...tails: Tail[]): Tail => ({
  nodes: tails.flatMap((tail) => tail.nodes),
  constants: tails.flatMap((tail) => tail.constants),
});

function sigmoid({ probabilities, labels, classes }: HeldOutClasses): Calibrator {
  if (classes !== 2)
    throw new InvalidOptionError('Expected two classes for a sigmoid; temperature takes more');
  const score = (row: ArrayLike<number>) => logOf(row[1]!) - logOf(row[0]!);
  const scores = Float64Array.from(labels, (_, i) =>
    score([probabilities[2 * i]!, probabilities[2 * i + 1]!]),
  );
  const { slope, intercept } = fitSigmoid(scores, labels);
  // [-slope, slope] over the two logarithms is the slope over the log-odds.
  const line: Tail = {
    nodes: [
      node('Gemm', ['tail_logs', 'tail_slope', 'tail_intercept'], 'tail_odds'),
      node('Sigmoid', ['tail_odds'], 'tail_second'),
    ],
    constants: [
      constant('tail_slope', [-slope, slope], [2, 1]),
      constant('tail_intercept', [intercept], [1]),
    ],
  };
  return {
    kind: 'sigmoid',
    rows: labels.length,
    facts: { slope, intercept },
    apply: (model) => withTail(model, join(logs, line, pair)),
    probabilities(row) {
      const second = 1 / (1 + Math.exp(-(slope * score(row) + intercept)));
      return [1 - second, second];
    },
  };
}

function temperature({ probabilities, labels, classes }: HeldOutClasses): Calibrator {
  const z = Float64Array.from(probabilities, logOf);
  const degree = fitTemperature(z, labels, classes);
  const cooled: Tail = {
    nodes: [
      node('Div', ['tail_logs', 'tail_temperature'], 'tail_cooled'),
      node('Softmax', ['tail_cooled'], 'output', { axis: { int: 1 } }),
    ],
    constants: [constant('tail_temperature', [degree], [1])],
  };
  return {
    kind: 'temperature',
    rows: labels.length,
    facts: { temperature: degree },
    apply: (model) => withTail(model, join(logs, cooled)),
    probabilities(row) {
      const shares = Array.from(row, (value) => Math.max(value, SMALLEST) ** (1 / degree));
      const total = shares.reduce((sum, share) => sum + share, 0);
      return shares.map((share) => share / total);
    },
  };
}

function isotonic({ probabilities, labels, classes }: HeldOutClasses): Calibrator {
  const rows = labels.length;
  const least = 1 / (rows + 2);
  const about = classes === 2 ? [1] : Array.from({ length: classes }, (_, k) => k);
  const lines = about.map((k) => {
    const x = Float64Array.from({ length: rows }, (_, i) => Math.fround(probabilities[i * classes + k]!));
    const hits = Uint8Array.from({ length: rows }, (_, i) => (labels[i] === k ? 1 : 0));
    const line = thinned(isotonicRegression(x, hits));
    return { x: line.x, y: line.y.map((value) => Math.min(1 - least, Math.max(least, value))) };
  });
  const outputs = about.map((k) => (classes === 2 ? 'tail_second' : `tail_line_${k}`));
  const drawn = join(...lines.map((line, i) => lineTail(line, about[i]!, outputs[i]!)));
  const shares: Tail = {
    nodes: [
      node('Concat', outputs, 'tail_lines', { axis: { int: 1 } }),
      node('ReduceSum', ['tail_lines', 'tail_axis'], 'tail_total'),
      node('Div', ['tail_lines', 'tail_total'], 'output'),
    ],
    constants: [integers('tail_axis', [1])],
  };
  return {
    kind: 'isotonic',
    rows,
    facts: { knots: lines.reduce((sum, line) => sum + line.x.length, 0) },
    apply: (model) => withTail(model, join(drawn, classes === 2 ? pair : shares)),
    probabilities(row) {
      const values = lines.map((line, i) => valueOnLine(line, row[about[i]!]!));
      if (classes === 2) return [1 - values[0]!, values[0]!];
      const total = values.reduce((sum, value) => sum + value, 0);
      return values.map((value) => value / total);
    },
  };
}

/** A line as a sum of ramps from 0 to 1, one between each pair of knots, times how far the line rises there. */
function lineTail({ x, y }: MonotoneLine, column: number, output: string): Tail {
  const rises = Array.from(x.keys()).filter((k) => k > 0 && y[k]! > y[k - 1]!);
  // A level line still needs a value for each row: a ramp that rises by nothing.
  const ramps = rises.length > 0 ? rises : [0];
  const name = (part: string) => `${output}_${part}`;
  const from = ramps.map((k) => x[Math.max(0, k - 1)]!);
  const wide = ramps.map((k) => (k > 0 ? x[k]! - x[k - 1]! : 1));
  const high = ramps.map((k) => (k > 0 ? y[k]! - y[k - 1]! : 0));
  return {
    nodes: [
      node('Gather', [RAW, name('column')], name('raw'), { axis: { int: 1 } }),
      node('Sub', [name('raw'), name('from')], name('past')),
      node('Div', [name('past'), name('wide')], name('share')),
      node('Clip', [name('share'), name('zero'), name('unit')], name('ramps')),
      node('Gemm', [name('ramps'), name('high'), name('start')], output),
    ],
    constants: [
      integers(name('column'), [column]),
      constant(name('from'), from, [ramps.length]),
      constant(name('wide'), wide, [ramps.length]),
      constant(name('zero'), [0], []),
      constant(name('unit'), [1], []),
      constant(name('high'), high, [ramps.length, 1]),
      constant(name('start'), [y[0]!], [1]),
    ],
  };
}

/** Keeps both ends and evenly spaced knots between them; the line still never falls. */
function thinned({ x, y }: MonotoneLine): MonotoneLine {
  if (x.length <= MOST_KNOTS) return { x, y };
  const kept = Array.from({ length: MOST_KNOTS }, (_, i) =>
    Math.round((i * (x.length - 1)) / (MOST_KNOTS - 1)),
  );
  return { x: Float64Array.from(kept, (k) => x[k]!), y: Float64Array.from(kept, (k) => y[k]!) };
}
