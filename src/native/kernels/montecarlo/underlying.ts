// What options on one underlying have in common: its process, its parameters, the contract's plain terms.
import { choice, number, optional } from '../../define.ts';

/** The sides of the local volatility grid; 0 without one. */
export const gridSizes = {
  gridTimes: { about: 'rows of the local volatility grid, even from now to maturity', max: 4096, default: 0 },
  gridSpots: { about: 'columns of it, even in log(spot level / spot)', max: 4096, default: 0 },
} as const;

/** Process, market and the plain terms of the contract. */
export const underlying = {
  process: choice(['gbm', 'merton', 'heston', 'local_vol'], 'gbm', 'how the underlying moves'),
  spot: number({ min: 1e-30, max: 1e30, unit: 'currency' }),
  strike: number({ min: 0, max: 1e30, default: 0, unit: 'currency' }),
  rate: number({ min: -10, max: 10, default: 0, unit: 'a year, continuous' }),
  dividend: number({ min: -10, max: 10, default: 0, unit: 'a year, continuous' }),
  volatility: number({ min: 0, max: 100, default: 0.2, unit: 'a square root of a year; Heston: initial' }),
  maturity: number({ min: 1e-9, max: 1000, default: 1, unit: 'years' }),
  jumpRate: number({ min: 0, max: 1000, default: 0, unit: 'jumps a year' }),
  jumpMean: number({ min: -10, max: 10, default: 0, unit: 'mean log jump' }),
  jumpVolatility: number({ min: 0, max: 10, default: 0, unit: 'deviation of a log jump' }),
  meanReversion: number({ min: 1e-9, max: 1000, default: 1, unit: 'a year' }),
  longVariance: number({ min: 0, max: 100, default: 0.04, unit: 'a year' }),
  varianceVolatility: number({ min: 0.01, max: 100, default: 0.5, unit: 'a square root of a year' }),
  correlation: number({ min: -1, max: 1, default: 0, unit: 'of spot and variance' }),
  gridLow: number({ min: -100, max: 100, default: -1, unit: 'log(spot level / spot) of the first column' }),
  gridHigh: number({ min: -100, max: 100, default: 1, unit: 'log(spot level / spot) of the last column' }),
} as const;

/** The volatilities of process `local_vol`. */
export const localVolatility = optional(['gridTimes', 'gridSpots'], {
  type: 'f64',
  values: 'probability',
  about:
    'linear between its points, level beyond them; its volatility holds for a step from where the step begins',
});
