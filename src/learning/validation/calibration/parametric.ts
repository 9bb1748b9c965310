// Calibration by one or two numbers: Platt's sigmoid over log-odds, and a temperature.
import { InvariantError } from '../../../core/errors.ts';

/** Probability = 1 / (1 + exp(-(slope z + intercept))) over a score z. */
export interface Sigmoid {
  readonly slope: number;
  readonly intercept: number;
}

const MAX_ITERATIONS = 100;

/**
 * Returns the sigmoid over scores [rows] that gives labels (0 or 1) the least log-loss, towards Platt's targets
 * (n1 + 1) / (n1 + 2) and 1 / (n0 + 2), which keep it finite where a score tells the labels apart.
 * Newton's method with halved steps (Lin, Lin, Weng 2007, A note on Platt's probabilistic outputs).
 */
export function fitSigmoid(raw: Float64Array, labels: ArrayLike<number>): Sigmoid {
  const rows = raw.length;
  // Over centred and scaled scores the system of Newton's method is well conditioned.
  const centre = raw.reduce((sum, score) => sum + score, 0) / rows;
  const spread = Math.sqrt(raw.reduce((sum, score) => sum + (score - centre) ** 2, 0) / rows);
  const scale = spread > 1e-12 * Math.max(1, Math.abs(centre)) ? 1 / spread : 0;
  const scores = raw.map((score) => (score - centre) * scale);
  let ones = 0;
  for (let i = 0; i < rows; i++) ones += labels[i]!;
  const targets = Float64Array.from(scores, (_, i) =>
    labels[i] ? (ones + 1) / (ones + 2) : 1 / (rows - ones + 2),
  );
  const loss = ({ slope, intercept }: Sigmoid) => {
    let sum = 0;
    for (let i = 0; i < rows; i++) {
      const z = slope * scores[i]! + intercept;
      // log(1 + e^z) - t z without overflow.
      sum += Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))) - targets[i]! * z;
    }
    return sum;
  };
  let fit: Sigmoid = { slope: 0, intercept: Math.log((ones + 1) / (rows - ones + 1)) };
  let lowest = loss(fit);
  for (let iteration = 0; iteration < MAX_ITERATIONS; iteration++) {
    const step = newtonStep(scores, targets, fit);
    let share = 1;
    let next = fit;
    let lowered = lowest;
    do {
      next = { slope: fit.slope - share * step.slope, intercept: fit.intercept - share * step.intercept };
      lowered = loss(next);
      share /= 2;
      // Close to the minimum the loss only changes in its last bits.
    } while (lowered > lowest * (1 + 1e-14) && share > 1e-10);
    fit = next;
    lowest = lowered;
    const small = (change: number, value: number) => Math.abs(change) <= 1e-11 * Math.max(1, Math.abs(value));
    if (small(step.slope, fit.slope) && small(step.intercept, fit.intercept)) {
      return { slope: fit.slope * scale, intercept: fit.intercept - fit.slope * scale * centre };
    }
  }
  throw new InvariantError("Newton's method did not converge on a sigmoid");
}

function newtonStep(scores: Float64Array, targets: Float64Array, { slope, intercept }: Sigmoid): Sigmoid {
  let [gradientA, gradientB, aa, ab, bb] = [0, 0, 0, 0, 0];
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i]!;
    const probability = 1 / (1 + Math.exp(-(slope * score + intercept)));
    const error = probability - targets[i]!;
    const curvature = probability * (1 - probability);
    gradientA += error * score;
    gradientB += error;
    aa += curvature * score * score;
    ab += curvature * score;
    bb += curvature;
  }
  const determinant = aa * bb - ab * ab;
  // Equal scores have no slope: they are all 0 here.
  if (!(determinant > 0)) return { slope: 0, intercept: gradientB / bb };
  return {
    slope: (bb * gradientA - ab * gradientB) / determinant,
    intercept: (aa * gradientB - ab * gradientA) / determinant,
  };
}

/** Limits of a temperature: beyond them a forecast is certain or says nothing, whatever the digits. */
const TEMPERATURES = { low: 1e-3, high: 1e3 };

/**
 * Returns the temperature T from 0.001 to 1000 for which softmax(z / T) gives `labels` the least log-loss; `z` [rows, classes] are
 * logarithms of probabilities (Guo, Pleiss, Sun, Weinberger 2017). The loss is convex in 1 / T, whose derivative is bisected.
 */
export function fitTemperature(z: Float64Array, labels: ArrayLike<number>, classes: number): number {
  let [low, high] = [Math.log(1 / TEMPERATURES.high), Math.log(1 / TEMPERATURES.low)];
  // 60 halvings of a width of 14 leave 1e-17.
  for (let halving = 0; halving < 60; halving++) {
    const middle = (low + high) / 2;
    if (lossSlope(z, labels, classes, Math.exp(middle)) > 0) high = middle;
    else low = middle;
  }
  return Math.exp(-(low + high) / 2);
}

/** Derivative of the summed log-loss of softmax(beta z) by beta: the expected z less the z of what happened. */
function lossSlope(z: Float64Array, labels: ArrayLike<number>, classes: number, beta: number): number {
  let slope = 0;
  for (let row = 0; row * classes < z.length; row++) {
    const at = row * classes;
    let top = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < classes; k++) top = Math.max(top, z[at + k]!);
    let [total, weighted] = [0, 0];
    for (let k = 0; k < classes; k++) {
      const share = Math.exp(beta * (z[at + k]! - top));
      total += share;
      weighted += share * z[at + k]!;
    }
    slope += weighted / total - z[at + labels[row]!]!;
  }
  return slope;
}
