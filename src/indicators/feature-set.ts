// The one feature vector of a bar: what the features engine publishes, the model reads and strategies decide on.
import { NonFiniteInputError } from '../core/errors.ts';
import atr from './atr/def.ts';
import bollinger from './bollinger/def.ts';
import { INPUTS, type OhlcvBar, type Step } from './define.ts';
import ema from './ema/def.ts';
import macd from './macd/def.ts';
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

/**
 * Computes the features of one series, bar by bar. Each equals the indicator of the same name with its parameters
 * (`macd` 12, 26, 9; bands of 20 bars and 2 deviations) bit for bit. Deterministic: the same bars give the same bits.
 */
export class FeatureStream {
  readonly #rsi: Step<'close'> = rsi.create({ period: 14 });
  readonly #ema12: Step<'close'> = ema.create({ period: 12 });
  readonly #ema26: Step<'close'> = ema.create({ period: 26 });
  readonly #ema50: Step<'close'> = ema.create({ period: 50 });
  readonly #ema200: Step<'close'> = ema.create({ period: 200 });
  readonly #macd: Step<'close'> = macd.create({ fast: 12, slow: 26, signal: 9 });
  readonly #bands: Step<'close'> = bollinger.create({ period: 20, deviations: 2 });
  readonly #atr: Step<'high' | 'low' | 'close'> = atr.create({ period: 14 });

  /**
   * Takes one closed bar and returns its features, a new object each time; null while no feature has a value yet.
   * @throws NonFiniteInputError when a column is NaN or infinite; nothing is remembered of such a bar.
   */
  update(bar: OhlcvBar): FeatureValues | null {
    for (const input of INPUTS) {
      if (!Number.isFinite(bar[input])) {
        const error = { pointer: `/${input}`, expected: 'a finite number', received: 'not finite' };
        throw new NonFiniteInputError(`Expected a finite number for ${input}, was not finite`, [error]);
      }
    }
    this.#rsi.update(bar);
    this.#ema12.update(bar);
    this.#ema26.update(bar);
    this.#ema50.update(bar);
    this.#ema200.update(bar);
    this.#macd.update(bar);
    this.#bands.update(bar);
    this.#atr.update(bar);
    const ema12 = value(this.#ema12, 0);
    // The shortest warm-up of all; a test holds that no other feature comes before it.
    if (ema12 === null) return null;
    return {
      rsi_14: value(this.#rsi, 0),
      ema_12: ema12,
      ema_26: value(this.#ema26, 0),
      ema_50: value(this.#ema50, 0),
      ema_200: value(this.#ema200, 0),
      macd: value(this.#macd, 0),
      macd_signal: value(this.#macd, 1),
      macd_histogram: value(this.#macd, 2),
      bb_upper: value(this.#bands, 0),
      bb_middle: value(this.#bands, 1),
      bb_lower: value(this.#bands, 2),
      atr_14: value(this.#atr, 0),
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

function value(step: Step<never>, output: number): number | null {
  const number = step.values[output] as number;
  return Number.isNaN(number) ? null : number;
}
