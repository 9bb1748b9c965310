// An estimate of value at risk by a trained model of a portfolio's volatility, correlation and concentration.
import { InvalidOptionError } from '../../../../src/core/errors.ts';
import { correlation, covariance } from '../../../../src/native/index.ts';
import type { Ran, TemplateContext } from '../template.ts';
import type { AssetReturns } from './assess.ts';
import type { PortfolioReply } from './schemas.ts';

/** What inputs of such a model are called and mean; the horizon is that of the request. */
export const RISK_INPUTS = {
  portfolio_volatility: "standard deviation of the portfolio's returns over the horizon",
  mean_correlation: 'mean correlation of two different positions; 1 for a single one',
  weight_concentration: 'sum of squared weights over the square of their absolute sum; 1 for a single one',
} as const;

type Inputs = Record<keyof typeof RISK_INPUTS, number>;

/** Weights and the returns behind them. */
export interface Portfolio {
  readonly weights: Float64Array;
  readonly history: AssetReturns;
  readonly horizonBars: number;
}

/** Returns the inputs of a portfolio. */
export function riskInputs({ weights, history: { returns, bars }, horizonBars }: Portfolio): Inputs {
  const assets = weights.length;
  const sizes = { observations: bars, assets, values: returns };
  const moments = covariance(sizes).out;
  const related = correlation(sizes).out;
  let variance = 0;
  let sum = 0;
  let pairs = 0;
  for (let i = 0; i < assets; i++) {
    for (let j = 0; j < assets; j++) {
      variance += weights[i]! * weights[j]! * moments[i * assets + j]!;
      const one = related[i * assets + j]!;
      // A symbol that does not move has no correlation.
      if (j <= i || Number.isNaN(one)) continue;
      sum += one;
      pairs++;
    }
  }
  const gross = weights.reduce((total, weight) => total + Math.abs(weight), 0);
  const squares = weights.reduce((total, weight) => total + weight * weight, 0);
  return {
    portfolio_volatility: Math.sqrt(Math.max(0, variance) * horizonBars),
    mean_correlation: pairs === 0 ? 1 : sum / pairs,
    weight_concentration: gross === 0 ? 0 : squares / gross ** 2,
  };
}

/** Returns what the model of a reference says, and what ran it. Throws InvalidOptionError for one of other inputs. */
export async function estimate(
  reference: string,
  portfolio: Portfolio,
  context: TemplateContext,
): Promise<{ var_estimate: PortfolioReply['var_estimate']; ran: Ran }> {
  const { card } = await context.model(reference);
  const inputs = riskInputs(portfolio);
  const names = card.inputs.map(({ name }) => name);
  if (card.model_type !== 'regression' || names.some((name) => !Object.hasOwn(inputs, name))) {
    const expected = `a regression of ${Object.keys(RISK_INPUTS).join(', ')}`;
    throw new InvalidOptionError(`Expected ${expected} for /model_id`, [{ pointer: '/model_id', expected }]);
  }
  const reply = await context.run(reference, [names.map((name) => inputs[name as keyof Inputs])]);
  const [value] = [reply.predictions[0]!].flat();
  const { interval } = reply;
  return {
    var_estimate: {
      value: value!,
      interval: interval && { low: interval.low[0]!, high: interval.high[0]!, level: interval.level },
      model_id: reply.model_id,
      model_version: reply.model_version,
      inputs,
    },
    ran: { hardware_used: reply.hardware_used, hardware_reason: reply.hardware_reason },
  };
}
