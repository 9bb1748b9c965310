// Feature engineering: the twelve features of the Features engine over a panel.
import { atr, bollinger, computePanel, ema, macd, rsi } from '../../../src/indicators/index.ts';
import { seriesFeatures } from '../../baseline/features.ts';
import { barsAround, columnsOf, fillPrices } from '../../inputs.ts';
import { type Bench, measure, mustAgree, type RowResult, rival } from '../measure.ts';

export async function featureEngineering(bench: Bench): Promise<RowResult> {
  const [bars, series] = bench.quick ? [1000, 100] : [5000, 100];
  const close = new Float64Array(bars * series);
  fillPrices(close, series);
  const inputs = barsAround(close);
  const outs = Array.from({ length: 12 }, () => new Float64Array(bars * series));
  const panel = (outputs: Record<string, Float64Array>) => ({ bars, series, inputs, outputs });
  const [macdLine, signal, histogram, upper, middle, lower] = outs.slice(5, 11) as [
    Float64Array,
    ...Float64Array[],
  ];
  const averages = [12, 26, 50, 200].map((period, at) => ({ period, panel: panel({ ema: outs[1 + at]! }) }));
  const now = () => {
    computePanel(rsi, { period: 14 }, panel({ rsi: outs[0]! }));
    for (const { period, panel } of averages) computePanel(ema, { period }, panel);
    computePanel(macd, {}, panel({ macd: macdLine, signal: signal!, histogram: histogram! }));
    computePanel(bollinger, {}, panel({ upper: upper!, middle: middle!, lower: lower! }));
    computePanel(atr, { period: 14 }, panel({ atr: outs[11]! }));
  };
  const high = columnsOf(inputs.high, series);
  const low = columnsOf(inputs.low, series);
  const each = columnsOf(close, series).map((one, at) => ({ close: one, high: high[at]!, low: low[at]! }));
  const plain = each.map(() => Array.from({ length: 12 }, () => new Float64Array(bars)));
  const before = () => {
    for (let i = 0; i < series; i++) seriesFeatures(each[i]!, plain[i]!);
  };
  now();
  before();
  for (let at = 0; at < 12; at++) {
    // The bands by running sums lose a few digits.
    mustAgree(`feature ${at}`, outs[at]!.at(-1)!, plain.at(-1)![at]!.at(-1)!, 1e-7);
  }
  return {
    note: `RSI 14, four exponential averages, MACD, Bollinger bands, ATR: twelve columns. Before: a loop for each indicator and series, one thread. Now: \`computePanel\`, ${bench.threads} threads.`,
    measurements: await measure(bench, {
      workload: `Twelve features of ${series} series of ${bars.toLocaleString('en-US')} bars, f64`,
      now,
      before,
      rivals: [rival(bench, 'TA-Lib', '', 'features', { bars, series })],
    }),
  };
}
