// Scores of probability forecasts of classes.
import { InvalidOptionError, ShapeMismatchError } from '../../../core/errors.ts';
import { ascendingOrder, type Scorer } from './scorer.ts';

/** Probabilities beside what happened, in time order. */
export interface ClassForecasts {
  /** [rows, classes], row-major, each from 0 to 1. */
  readonly probabilities: Float64Array;
  /** [rows], 0 .. classes - 1. */
  readonly labels: ArrayLike<number>;
  readonly classes: number;
}

/** The conventions of each score, in words. */
export const CLASSIFICATION_SCORES = {
  accuracy: 'share of rows whose predicted class is right; two classes: class 1 from a probability of 0.5',
  balanced_accuracy: 'mean share of right rows over the classes that occur',
  precision:
    'right among predicted; of class 1 with two classes, else the mean over classes (0 where none was predicted)',
  recall:
    'right among what happened; of class 1 with two classes, else the mean over classes (0 where none happened)',
  f1: '2 tp / (2 tp + fp + fn); of class 1 with two classes, else the mean over classes',
  log_loss: 'mean of -log of the probability given to what happened, nats',
  brier: 'mean squared error of the probability: of class 1 with two classes, else summed over the classes',
  auc: 'area under the ROC curve, ties half; more than two classes: mean of each against the rest',
  pr_auc: 'average precision (steps, no interpolation); more than two classes: mean of each against the rest',
  calibration_error:
    'mean distance of confidence and share of right rows over 10 equal bins; confidence is the probability of class 1 with two classes, else the largest one',
} as const;

/** Name of a score of class forecasts. */
export type ClassificationScore = keyof typeof CLASSIFICATION_SCORES;

const BINS = 10;

/**
 * Returns the scorer of class forecasts. Definitions are those of scikit-learn 1.7 (`balanced_accuracy_score`,
 * `precision_recall_fscore_support` with zero_division 0, `average_precision_score`, `roc_auc_score` one-versus-rest macro), except
 * that a log-loss of a certain and wrong forecast is infinite, not clipped. Calibration error: Naeini, Cooper, Hauskrecht 2015.
 * Throws ShapeMismatchError when lengths differ, InvalidOptionError when empty, a label is no class or a probability not from 0 to 1.
 */
export function classificationScorer(forecasts: ClassForecasts): Scorer<ClassificationScore> {
  check(forecasts);
  const { probabilities, labels, classes } = forecasts;
  const rows = labels.length;
  const predicted = predictedClasses(probabilities, classes);
  const ranked = (classes === 2 ? [1] : Array.from({ length: classes }, (_, i) => i)).map((positive) => {
    const scores = Float64Array.from({ length: rows }, (_, i) => probabilities[i * classes + positive]!);
    const hits = Uint8Array.from({ length: rows }, (_, i) => (labels[i] === positive ? 1 : 0));
    return { scores, hits, order: ascendingOrder(scores) };
  });
  return {
    units: rows,
    score(weights) {
      const counts = confusion(labels, predicted, classes, weights);
      const areas = ranked.map((one) => rankAreas(one.scores, one.hits, one.order, weights));
      return {
        ...countScores(counts, classes),
        ...probabilityScores(forecasts, weights),
        auc: mean(areas.map((area) => area.roc)),
        pr_auc: mean(areas.map((area) => area.precision)),
        calibration_error: calibrationError(forecasts, predicted, weights),
      };
    },
  };
}

/** Returns the counts [classes, classes] of each class (row) predicted as each class (column). Throws as the scorer does. */
export function confusionMatrix(forecasts: ClassForecasts): Float64Array {
  check(forecasts);
  const predicted = predictedClasses(forecasts.probabilities, forecasts.classes);
  const once = new Float64Array(forecasts.labels.length).fill(1);
  return confusion(forecasts.labels, predicted, forecasts.classes, once);
}

/** Returns the predicted class of each row: with two classes 1 from a probability of 0.5, else the first of the likeliest. */
export function predictedClasses(probabilities: Float64Array, classes: number): Uint32Array {
  return Uint32Array.from({ length: probabilities.length / classes }, (_, row) => {
    const at = row * classes;
    if (classes === 2) return probabilities[at + 1]! >= 0.5 ? 1 : 0;
    let best = 0;
    for (let i = 1; i < classes; i++) if (probabilities[at + i]! > probabilities[at + best]!) best = i;
    return best;
  });
}

function confusion(
  labels: ArrayLike<number>,
  predicted: Uint32Array,
  classes: number,
  weights: Float64Array,
): Float64Array {
  const counts = new Float64Array(classes * classes);
  for (let i = 0; i < predicted.length; i++) counts[labels[i]! * classes + predicted[i]!]! += weights[i]!;
  return counts;
}

function countScores(counts: Float64Array, classes: number) {
  const each = Array.from({ length: classes }, (_, one) => {
    const right = counts[one * classes + one]!;
    let [happened, said] = [0, 0];
    for (let other = 0; other < classes; other++) {
      happened += counts[one * classes + other]!;
      said += counts[other * classes + one]!;
    }
    return { right, happened, said };
  });
  const share = (part: number, whole: number) => (whole > 0 ? part / whole : 0);
  // scikit-learn averages over the classes that happened or were predicted.
  const counted = classes === 2 ? [each[1]!] : each.filter((one) => one.happened + one.said > 0);
  const total = each.reduce((sum, one) => sum + one.happened, 0);
  return {
    accuracy: each.reduce((sum, one) => sum + one.right, 0) / total,
    balanced_accuracy: mean(each.filter((one) => one.happened > 0).map((one) => one.right / one.happened)),
    precision: mean(counted.map((one) => share(one.right, one.said))),
    recall: mean(counted.map((one) => share(one.right, one.happened))),
    f1: mean(counted.map((one) => share(2 * one.right, one.happened + one.said))),
  };
}

function probabilityScores({ probabilities, labels, classes }: ClassForecasts, weights: Float64Array) {
  let loss = 0;
  let squared = 0;
  let total = 0;
  for (let i = 0; i < labels.length; i++) {
    const weight = weights[i]!;
    const label = labels[i]!;
    total += weight;
    // A weight of 0 with an infinite loss would be NaN.
    if (weight > 0) loss -= weight * Math.log(probabilities[i * classes + label]!);
    for (let one = classes === 2 ? 1 : 0; one < classes; one++) {
      squared += weight * (probabilities[i * classes + one]! - (one === label ? 1 : 0)) ** 2;
    }
  }
  return { log_loss: loss / total, brier: squared / total };
}

/** Areas under the ROC curve (Mann-Whitney) and under the steps of precision over recall; NaN where a side is absent. */
function rankAreas(scores: Float64Array, hits: Uint8Array, order: Uint32Array, weights: Float64Array) {
  let pairs = 0;
  let below = 0;
  let [positives, negatives] = [0, 0];
  for (let i = 0; i < hits.length; i++) {
    if (hits[i]) positives += weights[i]!;
    else negatives += weights[i]!;
  }
  let precision = 0;
  // What lies at or above the threshold, as it rises.
  let [hitsAbove, missesAbove] = [positives, negatives];
  for (let from = 0; from < order.length; ) {
    const value = scores[order[from]!]!;
    let [tiedHits, tiedMisses] = [0, 0];
    let to = from;
    for (; to < order.length && scores[order[to]!] === value; to++) {
      const row = order[to]!;
      if (hits[row]) tiedHits += weights[row]!;
      else tiedMisses += weights[row]!;
    }
    pairs += tiedHits * (below + tiedMisses / 2);
    below += tiedMisses;
    if (tiedHits > 0) precision += (tiedHits / positives) * (hitsAbove / (hitsAbove + missesAbove));
    hitsAbove -= tiedHits;
    missesAbove -= tiedMisses;
    from = to;
  }
  return {
    roc: pairs / (positives * negatives),
    precision: positives > 0 ? precision : Number.NaN,
  };
}

function calibrationError(
  { probabilities, labels, classes }: ClassForecasts,
  predicted: Uint32Array,
  weights: Float64Array,
): number {
  const [said, right, counts] = [new Float64Array(BINS), new Float64Array(BINS), new Float64Array(BINS)];
  let total = 0;
  for (let i = 0; i < labels.length; i++) {
    const about = classes === 2 ? 1 : predicted[i]!;
    const confidence = probabilities[i * classes + about]!;
    const bin = Math.min(BINS - 1, Math.floor(confidence * BINS));
    said[bin]! += weights[i]! * confidence;
    if (labels[i] === about) right[bin]! += weights[i]!;
    counts[bin]! += weights[i]!;
    total += weights[i]!;
  }
  let sum = 0;
  for (let bin = 0; bin < BINS; bin++) if (counts[bin]! > 0) sum += Math.abs(said[bin]! - right[bin]!);
  return sum / total;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function check({ probabilities, labels, classes }: ClassForecasts): void {
  if (!Number.isInteger(classes) || classes < 2) throw new InvalidOptionError('Expected two classes or more');
  if (labels.length === 0) throw new InvalidOptionError('Expected at least one row');
  if (probabilities.length !== labels.length * classes) {
    throw new ShapeMismatchError(
      `Expected ${labels.length} x ${classes} probabilities, was ${probabilities.length} values`,
    );
  }
  if (!probabilities.every((value) => value >= 0 && value <= 1)) {
    throw new InvalidOptionError('Expected probabilities from 0 to 1');
  }
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!;
    if (!Number.isInteger(label) || label < 0 || label >= classes) {
      throw new InvalidOptionError(`Expected labels from 0 to ${classes - 1}, was another at row ${i}`);
    }
  }
}
