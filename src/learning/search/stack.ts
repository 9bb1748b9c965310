// Weights of a stack: the mean of several trials' forecasts that is best on rows which none of their fits has seen.
import { InvalidOptionError } from '../../core/errors.ts';
import type { ValidationData } from '../validation/data.ts';
import type { TrialForecasts } from './evaluate.ts';
import { lossOf, type MetricName, type ScoringContext, scoresOf } from './metric.ts';

/** A stack. */
export interface Stack {
  /** [members], at least 0, sum 1. */
  readonly weights: Float64Array;
  /** Of the weighted forecasts on the rows that the weights were chosen on. */
  readonly loss: number;
}

/** Members that are picked at most; each pick adds its share to the weight. */
export const PICKS = 30;

/**
 * Returns the weights of a stack by greedy selection with replacement (Caruana, Niculescu-Mizil, Crew and Ksikes 2004): begins with the best
 * member, adds the one whose mean with those picked before is best, and keeps the picks up to the best of these means, the first of equals. So the
 * loss is never above that of the best member. Throws InvalidOptionError without members or where they forecast other rows, DivergedError when no
 * member has the metric.
 */
export function stackOf(
  members: readonly TrialForecasts[],
  data: ValidationData,
  metric: MetricName,
  context: ScoringContext,
): Stack {
  const [first] = members;
  if (!first) throw new InvalidOptionError('Expected at least one member of a stack');
  const { rows, width } = first;
  if (members.some((one) => one.width !== width || !sameRows(one.rows, rows)))
    throw new InvalidOptionError('Expected members of a stack that forecast the same rows');
  const lossAt = (predictions: Float64Array): number => {
    const scores = scoresOf({ rows, width, predictions }, data, context, [metric]);
    return scores[metric] === null ? Number.POSITIVE_INFINITY : lossOf(metric, scores);
  };
  const counts = new Uint32Array(members.length);
  const sum = new Float64Array(rows.length * width);
  let best = { weights: new Float64Array(members.length), loss: Number.POSITIVE_INFINITY };
  for (let picked = 1; picked <= PICKS; picked++) {
    const losses = members.map(({ predictions }) =>
      lossAt(sum.map((value, i) => (value + predictions[i]!) / picked)),
    );
    const least = losses.reduce((at, loss, i) => (loss < losses[at]! ? i : at), 0);
    counts[least]!++;
    const { predictions } = members[least]!;
    for (let i = 0; i < sum.length; i++) sum[i]! += predictions[i]!;
    if (losses[least]! < best.loss)
      best = { weights: Float64Array.from(counts, (count) => count / picked), loss: losses[least]! };
  }
  // Says which metric is not defined.
  if (best.loss === Number.POSITIVE_INFINITY) lossOf(metric, {});
  return best;
}

function sameRows(one: Uint32Array, other: Uint32Array): boolean {
  return one.length === other.length && one.every((row, i) => row === other[i]);
}
