// RSI: a panel of many series, and one long series.
import { computePanel, rsi } from '../../../src/indicators/index.ts';
import { pool } from '../../../src/native/index.ts';
import { relativeStrength } from '../../baseline/rsi.ts';
import { columnsOf, fillPrices } from '../../inputs.ts';
import { type Bench, measure, mustAgree, mustAgreeWith, type RowResult, rival } from '../measure.ts';

const period = 14;

export async function relativeStrengthIndex(bench: Bench): Promise<RowResult> {
  const [bars, series] = bench.quick ? [2000, 500] : [10_000, 1000];
  const measurements = [...(await shape(bench, bars, series)), ...(await shape(bench, 1_000_000, 1))];
  return {
    note: `Before: one loop for each series, each series in an array of its own, one thread. Now: \`computePanel\` over [bars, series], ${bench.threads} threads. Python computes series by series (TA-Lib) or the whole frame (pandas).`,
    measurements,
  };
}

async function shape(bench: Bench, bars: number, series: number) {
  // Big pages, as NumPy asks for on the other side.
  const memory = pool.scope();
  const close = memory.take('f64', bars * series);
  fillPrices(close, series);
  const out = memory.take('f64', bars * series);
  const columns = columnsOf(close, series);
  const plain = columns.map((column) => new Float64Array(column.length));
  const panel = { bars, series, inputs: { close }, outputs: { rsi: out } };
  const now = () => computePanel(rsi, { period }, panel);
  const before = () => {
    for (let i = 0; i < series; i++) relativeStrength(columns[i]!, period, plain[i]!);
  };
  now();
  before();
  mustAgree('rsi', out.at(-1)!, plain.at(-1)!.at(-1)!, 1e-9);
  const options = { bars, series, period };
  if (bench.rivals?.versions['TA-Lib']) await mustAgreeWith(bench, 'rsi_talib', options, out.at(-1)!, 1e-9);
  const measured = await measure(bench, {
    workload: `RSI ${period} of ${series.toLocaleString('en-US')} series of ${bars.toLocaleString('en-US')} bars, f64`,
    now,
    before,
    rivals: [
      rival(bench, 'TA-Lib', '', 'rsi_talib', options),
      series > 1 && !bench.quick ? rival(bench, 'pandas', '', 'rsi_pandas', options) : null,
    ],
  });
  memory.release();
  return measured;
}
