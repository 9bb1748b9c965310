// Factors of dispersion: how widely returns spread. All per bar, never annualised.
import { defineFactor, type FactorDef } from './define.ts';
import { sampleDeviation } from './window.ts';

function volatility(span: number): FactorDef {
  return defineFactor({
    name: `volatility_${span}`,
    title: `Volatility over ${span} bars`,
    category: 'volatility',
    lookback: span + 1,
    inputs: ['close'],
    formula: `standard deviation (ddof 1) of the last ${span} log returns, per bar`,
    source:
      'Ang, Hodrick, Xing and Zhang 2006, The Cross-Section of Volatility and Expected Returns, Journal of Finance 61',
    compute: ({ log, bars }) => sampleDeviation(log, bars - span, bars),
  });
}

/** The factors of this file. */
export const volatilityFactors: readonly FactorDef[] = [
  volatility(20),
  volatility(60),
  defineFactor({
    name: 'downside_volatility_60',
    title: 'Downside volatility over 60 bars',
    category: 'volatility',
    lookback: 61,
    inputs: ['close'],
    formula:
      'sqrt(sum(min(r, 0)^2) / 60) over the last 60 log returns r: target 0, divisor all returns (ddof 0), per bar',
    source: 'Sortino and van der Meer 1991, Downside Risk, Journal of Portfolio Management 17',
    compute: ({ log, bars }) => {
      let sum = 0;
      for (let i = bars - 60; i < bars; i++) sum += Math.min(log[i] as number, 0) ** 2;
      return Math.sqrt(sum / 60);
    },
  }),
];
