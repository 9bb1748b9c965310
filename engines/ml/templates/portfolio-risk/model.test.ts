// What a trained model is asked about a portfolio, and what its answer becomes.
import { expect, test } from 'bun:test';
import type { TemplateContext } from '../template.ts';
import { estimate, RISK_INPUTS, riskInputs } from './model.ts';

const DAY_US = 86_400e6;
/** Two assets of which the second moves against the first, half as far. */
const history = {
  returns: Float64Array.from([0.02, -0.01, -0.02, 0.01, 0.04, -0.02, -0.04, 0.02]),
  bars: 4,
  times: Float64Array.from([1, 2, 3, 4], (day) => day * DAY_US),
  intervalUs: DAY_US,
};
const portfolio = { weights: Float64Array.from([0.5, 0.5]), history, horizonBars: 4 };

test('inputs are the volatility over the horizon, the mean correlation and the concentration', () => {
  const { portfolio_volatility, mean_correlation, weight_concentration } = riskInputs(portfolio);
  // Returns of the portfolio are 0.005, -0.005, 0.01 and -0.01: variance 2.5e-4 / 3, over four bars.
  expect(portfolio_volatility).toBeCloseTo(Math.sqrt((2.5e-4 / 3) * 4), 14);
  expect(mean_correlation).toBeCloseTo(-1, 12);
  expect(weight_concentration).toBe(0.5);
  const flat = riskInputs({ ...portfolio, weights: new Float64Array(2) });
  expect([flat.portfolio_volatility, flat.weight_concentration]).toEqual([0, 0]);
});

test('the answer has the conformal interval that the model was calibrated with', async () => {
  const names = Object.keys(RISK_INPUTS);
  const asked: unknown[] = [];
  const context = {
    model: async () => ({ card: { model_type: 'regression', inputs: names.map((name) => ({ name })) } }),
    run: async (_: string, inputs: unknown) => {
      asked.push(inputs);
      return {
        predictions: [0.03],
        interval: { level: 0.9, low: [0.02], high: [0.04] },
        model_id: 'm',
        model_version: '2',
        hardware_used: 'cpu',
        hardware_reason: 'asked for',
      };
    },
  } as unknown as TemplateContext;
  const { var_estimate, ran } = await estimate('m', portfolio, context);
  const inputs = riskInputs(portfolio);
  expect(asked).toEqual([[Object.values(inputs)]]);
  const interval = { low: 0.02, high: 0.04, level: 0.9 };
  expect(var_estimate).toEqual({ value: 0.03, interval, model_id: 'm', model_version: '2', inputs });
  expect(ran.hardware_used).toBe('cpu');
});
