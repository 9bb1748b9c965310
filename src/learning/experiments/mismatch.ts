// Whether the arms of an experiment have the shares that they were given: where not, the comparison of them is worth nothing.
import { chiSquareTail, logGamma } from '../../core/special.ts';

/** Keys of each arm while the shares were the same. */
export interface Stage {
  readonly weights: readonly number[];
  readonly counts: readonly number[];
}

/** How far counts are from their shares. */
export interface Mismatch {
  readonly keys: number;
  /** Of the counts of all stages beside what their shares expect. */
  readonly chiSquare: number;
  /** Probability of so large a chi-square: for one look, planned before. */
  readonly chiSquareP: number;
  /** Of the shares being right: below a limit with at most that probability, however often one looks. */
  readonly p: number;
}

/** Keys that the prior of the sequential test is worth. */
const PRIOR = 100;

/**
 * Compares counts with their shares: Pearson's chi-square, and a Dirichlet mixture over other shares. Source: Lindon and Malek, "Anytime-valid
 * inference for multinomial count data" (NeurIPS 2022). A key in an arm of weight 0 is a mismatch of p = 0.
 */
export function mismatchOf(stages: readonly Stage[]): Mismatch {
  const arms = Math.max(0, ...stages.map(({ weights }) => weights.length));
  const seen = new Float64Array(arms);
  const expected = new Float64Array(arms);
  let keys = 0;
  let evidence = 0;
  for (const { weights, counts } of stages) {
    const sum = weights.reduce((total, weight) => total + weight, 0);
    const n = counts.reduce((total, count) => total + count, 0);
    keys += n;
    evidence += logGamma(PRIOR) - logGamma(PRIOR + n);
    for (const [arm, count] of counts.entries()) {
      const share = weights[arm]! / sum;
      seen[arm]! += count;
      expected[arm]! += n * share;
      if (share === 0) evidence += count > 0 ? Number.POSITIVE_INFINITY : 0;
      else evidence += logGamma(PRIOR * share + count) - logGamma(PRIOR * share) - count * Math.log(share);
    }
  }
  const used = [...expected.keys()].filter((arm) => expected[arm]! > 0);
  const chiSquare = used.reduce((sum, arm) => sum + (seen[arm]! - expected[arm]!) ** 2 / expected[arm]!, 0);
  const chiSquareP = used.length < 2 ? 1 : chiSquareTail(chiSquare, used.length - 1);
  return { keys, chiSquare, chiSquareP, p: Math.min(1, Math.exp(-evidence)) };
}
