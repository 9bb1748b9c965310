// Feature messages and the committed model's own formula, for the tests of this folder.
import { resolve } from 'node:path';
import type { BodyOf, topics } from '../../src/bus/topics.ts';
import {
  FEATURES,
  FeatureStream,
  type FeatureValues,
  modelInputs,
} from '../../src/indicators/feature-set.ts';
import type { Bar } from '../../src/market/bar.ts';
import type { LogisticParameters } from '../../src/onnx/logistic.ts';
import { loadModel } from '../../src/onnx/registry.ts';

type FeatureBody = BodyOf<typeof topics.featureValues>;

const none = Object.fromEntries(FEATURES.map((name) => [name, null])) as FeatureValues;
const { card } = await loadModel(resolve(import.meta.dir, '../../models'), 'btc-direction-15m');
const fitted = card.parameters as {
  mean: number[];
  std: number[];
  coefficients: number[];
  intercept: number;
};

/** The committed model: its card, and its parameters as the reference formula takes them. */
export const committed: { readonly card: typeof card; readonly parameters: LogisticParameters } = {
  card,
  parameters: { ...fitted, inputNames: card.inputs.map((input) => input.name) },
};

/** Returns what the features engine publishes for these bars. */
export function featureBodies(bars: readonly Bar[]): FeatureBody[] {
  const stream = new FeatureStream();
  return bars.map((bar) => ({
    symbol: bar.symbol,
    interval_us: bar.interval_us,
    close: bar.close,
    features: { ...(stream.update(bar) ?? none) },
  }));
}

/** Returns the model inputs of each message; null where it has none. */
export function expectedRows(bodies: readonly FeatureBody[]): (Float64Array | null)[] {
  return bodies.map((body) => modelInputs(body, body.features as FeatureValues));
}
