// From bars to rows of the generic models: the posted inputs as they would be at each bar, and what happened after it.
import { FeatureStream } from '../../../../src/indicators/feature-set.ts';
import { derivedInput, SIGNAL_INPUTS } from '../../../../src/learning/templates/inputs.ts';
import type { ValidationData } from '../../../../src/learning/validation/data.ts';
import type { Series } from './panel.ts';

/** How far ahead, and of which bars. */
export interface Horizon {
  /** As in `prediction_horizon`. */
  readonly name: string;
  readonly bars: number;
  /** Nominal length of a bar. */
  readonly intervalUs: number;
  /** Whether a bar must be exactly so many intervals later; daily bars skip weekends and holidays. */
  readonly exact: boolean;
  /** US dollars of one unit of the currency of the prices, for the turnover. */
  readonly quoteUsd: number;
}

/** Rows of all series in time order, with the log return over the horizon as their target. */
export function rowsOf(all: readonly Series[], horizon: Horizon): ValidationData & { targets: Float32Array } {
  const rows = all.flatMap((series, index) => seriesRows(series, index, horizon));
  rows.sort((a, b) => a.startUs - b.startUs || a.series - b.series);
  const inputs = new Float32Array(rows.length * SIGNAL_INPUTS.length);
  for (const [i, row] of rows.entries()) inputs.set(row.inputs, i * SIGNAL_INPUTS.length);
  return {
    inputs,
    rows: rows.length,
    columns: SIGNAL_INPUTS.length,
    targets: Float32Array.from(rows, ({ change }) => change),
    returns: Float64Array.from(rows, ({ change }) => Math.expm1(change)),
    series: Uint32Array.from(rows, ({ series }) => series),
    spans: {
      startUs: Float64Array.from(rows, ({ startUs }) => startUs),
      endUs: Float64Array.from(rows, ({ endUs }) => endUs),
    },
  };
}

function seriesRows({ tsUs, adjusted, close, volume }: Series, series: number, horizon: Horizon) {
  const { bars, intervalUs, exact, quoteUsd } = horizon;
  const stream = new FeatureStream();
  return tsUs.flatMap((startUs, i) => {
    const bar = adjusted[i]!;
    const features = stream.update({ ...bar, volume: volume[i]! });
    const [endUs, later] = [tsUs[i + bars], adjusted[i + bars]];
    // The longest memory is that of the slow average behind MACD; twice its 26 bars and its 9 are warm enough.
    if (i < 70 || !features || features.rsi_14 === null || features.macd === null) return [];
    if (endUs === undefined || later === undefined) return [];
    if (exact && endUs - startUs !== bars * intervalUs) return [];
    const price = close[i]! * quoteUsd;
    const posted: Record<string, number> = {
      price_data: price,
      volume: volume[i]!,
      rsi: features.rsi_14,
      macd: (features.macd / bar.close) * price,
    };
    const inputs = SIGNAL_INPUTS.map(({ name }) => derivedInput(name, (of) => posted[of]) ?? Number.NaN);
    const change = Math.log(later.close / bar.close);
    return [...inputs, change].every(Number.isFinite) ? [{ series, startUs, endUs, inputs, change }] : [];
  });
}
