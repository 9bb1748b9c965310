// What one trade adds to the risk of a portfolio, and how values against thresholds become scores in [0, 1].

/** The 95% quantile of the standard normal distribution. */
export const NORMAL_95 = 1.6448536269514722;

/** Returns of one series at increasing times. */
export interface TimedReturns {
  /** [bars] */
  readonly times: Float64Array;
  /** [bars]: simple returns as fractions. */
  readonly returns: Float64Array;
}

/** Moments (ddof 1) of a portfolio and a symbol at the times that both have. */
export interface JointMoments {
  readonly portfolioVariance: number;
  readonly covariance: number;
  readonly symbolVariance: number;
  readonly observations: number;
}

/** Returns the joint moments; `portfolio` null is one of nothing but cash. All are 0 below 2 common times. */
export function jointMoments(portfolio: TimedReturns | null, symbol: TimedReturns): JointMoments {
  const own: number[] = [];
  const held: number[] = [];
  if (portfolio === null) own.push(...symbol.returns);
  else {
    for (let i = 0, j = 0; i < symbol.times.length && j < portfolio.times.length; ) {
      const apart = symbol.times[i]! - portfolio.times[j]!;
      if (apart === 0) {
        own.push(symbol.returns[i]!);
        held.push(portfolio.returns[j]!);
      }
      if (apart <= 0) i++;
      if (apart >= 0) j++;
    }
  }
  const observations = own.length;
  if (observations < 2) return { portfolioVariance: 0, covariance: 0, symbolVariance: 0, observations };
  const ownMean = meanOf(own);
  const heldMean = held.length === 0 ? 0 : meanOf(held);
  let [portfolioVariance, covariance, symbolVariance] = [0, 0, 0];
  for (let i = 0; i < observations; i++) {
    const x = own[i]! - ownMean;
    const p = portfolio === null ? 0 : held[i]! - heldMean;
    portfolioVariance += p * p;
    covariance += p * x;
    symbolVariance += x * x;
  }
  const n = observations - 1;
  return {
    portfolioVariance: portfolioVariance / n,
    covariance: covariance / n,
    symbolVariance: symbolVariance / n,
    observations,
  };
}

/**
 * Returns how much value at risk (95%, normal returns of mean zero) a trade of `weight`, a signed share of the portfolio, adds over
 * `horizonBars`, as a share of the portfolio; 0 where it takes some away. The deviation of portfolio and trade is a norm, which is
 * convex in the weight, so that a larger trade in one direction never adds less.
 */
export function addedVar(moments: JointMoments, weight: number, horizonBars: number): number {
  const { portfolioVariance, covariance, symbolVariance } = moments;
  const change = 2 * weight * covariance + weight * weight * symbolVariance;
  if (!(change > 0)) return 0;
  // The difference of two roots, without the digits that subtracting them would lose.
  const roots = Math.sqrt(portfolioVariance + change) + Math.sqrt(portfolioVariance);
  return (NORMAL_95 * Math.sqrt(horizonBars) * change) / roots;
}

/** Returns 1 at 0, falling in a line to 0 at `threshold` and beyond. */
export function scoreOf(value: number, threshold: number): number {
  return Math.min(1, Math.max(0, 1 - value / threshold));
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, x) => sum + x, 0) / values.length;
}
