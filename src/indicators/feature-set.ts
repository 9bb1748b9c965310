// The one feature vector of a bar: what the features engine publishes, the model reads and strategies decide on.
import { NonFiniteInputError } from '../core/errors.ts';
import atr from './atr/def.ts';
import bollinger from './bollinger/def.ts';
import { INPUTS, type OhlcvBar } from './define.ts';
import ema from './ema/def.ts';
import macd from './macd/def.ts';
import { IndicatorRun, type Part } from './native-run.ts';
import rsi from './rsi/def.ts';

/** The features of a bar, in the order of every listing. All but `rsi_14` (0 to 100) are in price units. */
export const FEATURES = [
  'rsi_14',
  'ema_12',
  'ema_26',
  'ema_50',
  'ema_200',
  'macd',
  'macd_signal',
  'macd_histogram',
  'bb_upper',
  'bb_middle',
  'bb_lower',
  'atr_14',
] as const;

export type FeatureName = (typeof FEATURES)[number];

/** The features of one bar; null where too few bars were seen. */
export type FeatureValues = Record<FeatureName, number | null>;

/** Bars after which every feature has a value. */
export const FEATURE_BARS = 200;

// In the order of FEATURES; one native call runs all of them.
const PARTS = [
  [rsi, { period: 14 }],
  [ema, { period: 12 }],
  [ema, { period: 26 }],
  [ema, { period: 50 }],
  [ema, { period: 200 }],
  [macd, { fast: 12, slow: 26, signal: 9 }],
  [bollinger, { period: 20, deviations: 2 }],
  [atr, { period: 14 }],
] as const satisfies readonly (readonly [unknown, Record<string, number>])[] as unknown as readonly Part[];

/**
 * Computes the features of one series, bar by bar. Each equals the indicator of the same name with its parameters
 * (`macd` 12, 26, 9; bands of 20 bars and 2 deviations) bit for bit. Deterministic: the same bars give the same bits.
 */
export class FeatureStream {
  readonly #run = new IndicatorRun(PARTS, 1, Float64Array);

  /**
   * Takes one closed bar and returns its features, a new object each time; null while no feature has a value yet.
   * @throws NonFiniteInputError when a column is NaN or infinite; nothing is remembered of such a bar.
   */
  update(bar: OhlcvBar): FeatureValues | null {
    for (let i = 0; i < INPUTS.length; i++) {
      const input = INPUTS[i] as (typeof INPUTS)[number];
      if (!Number.isFinite(bar[input])) {
        const error = { pointer: `/${input}`, expected: 'a finite number', received: 'not finite' };
        throw new NonFiniteInputError(`Expected a finite number for ${input}, was not finite`, [error]);
      }
      this.#run.row[i] = bar[input];
    }
    this.#run.step();
    const { values } = this.#run;
    const ema12 = value(values, 1);
    // The shortest warm-up of all; a test holds that no other feature comes before it.
    if (ema12 === null) return null;
    return {
      rsi_14: value(values, 0),
      ema_12: ema12,
      ema_26: value(values, 2),
      ema_50: value(values, 3),
      ema_200: value(values, 4),
      macd: value(values, 5),
      macd_signal: value(values, 6),
      macd_histogram: value(values, 7),
      bb_upper: value(values, 8),
      bb_middle: value(values, 9),
      bb_lower: value(values, 10),
      atr_14: value(values, 11),
    };
  }
}

/** The inputs of the baseline model, in order; all are free of the price scale and near zero. */
export const MODEL_INPUTS = [
  'rsi_14_centred',
  'close_to_ema_12',
  'ema_12_to_ema_26',
  'ema_50_to_ema_200',
  'macd_histogram_scaled',
  'bollinger_position',
  'atr_14_to_close',
] as const;

/**
 * Returns the model inputs of one bar, `Float64Array` of shape [MODEL_INPUTS.length]; null when a feature is missing,
 * when `atr_14` is 0 or when the close is not positive. In order: `rsi_14 / 100 - 0.5`; `(close - ema_12)`,
 * `(ema_12 - ema_26)`, `(ema_50 - ema_200)` and `macd_histogram`, each over `atr_14`;
 * `(close - bb_lower) / (bb_upper - bb_lower) - 0.5`, 0 when the bands touch; `atr_14 / close`.
 */
export function modelInputs(
  bar: { readonly close: number },
  features: FeatureValues | null,
): Float64Array | null {
  if (features === null) return null;
  const { rsi_14, ema_12, ema_26, ema_50, ema_200, macd_histogram, bb_upper, bb_lower, atr_14 } = features;
  if (rsi_14 === null || ema_12 === null || ema_26 === null || ema_50 === null || ema_200 === null)
    return null;
  if (macd_histogram === null || bb_upper === null || bb_lower === null || !atr_14 || !(bar.close > 0))
    return null;
  const band = bb_upper - bb_lower;
  const inputs = new Float64Array(MODEL_INPUTS.length);
  inputs[0] = rsi_14 / 100 - 0.5;
  inputs[1] = (bar.close - ema_12) / atr_14;
  inputs[2] = (ema_12 - ema_26) / atr_14;
  inputs[3] = (ema_50 - ema_200) / atr_14;
  inputs[4] = macd_histogram / atr_14;
  inputs[5] = band > 0 ? (bar.close - bb_lower) / band - 0.5 : 0;
  inputs[6] = atr_14 / bar.close;
  return inputs;
}

function value(values: Float64Array, feature: number): number | null {
  const number = values[feature] as number;
  return Number.isNaN(number) ? null : number;
}
