// For tests: the engines before this one in the flow, real features and a computed prediction, on the test's own bus.
import { Bus } from '../../src/bus/client.ts';
import type { MemoryHub } from '../../src/bus/memory.ts';
import type { Participant } from '../../src/bus/participant.ts';
import { EngineStream } from '../../src/bus/stream.ts';
import { type BodyOf, topics } from '../../src/bus/topics.ts';
import { FEATURES, type FeatureName, FeatureStream } from '../../src/indicators/index.ts';
import type { Bar } from '../../src/market/bar.ts';

type FeatureBody = BodyOf<typeof topics.featureValues>;
type PredictionBody = BodyOf<typeof topics.mlPredictions>;

const NONE = Object.fromEntries(FEATURES.map((name) => [name, null])) as Record<FeatureName, null>;

/** Returns the features message of the next bar of `stream`. */
export function featuresOf(stream: FeatureStream, bar: Bar): FeatureBody {
  const { symbol, interval_us, close } = bar;
  return { symbol, interval_us, close, features: { ...(stream.update(bar) ?? NONE) } };
}

/** Returns a prediction that follows the relative strength; null before it has a value. */
export function predictionOf({ symbol, features }: FeatureBody): PredictionBody {
  const { rsi_14: rsi = null } = features;
  const prediction = rsi === null ? null : rsi / 100;
  return {
    symbol,
    model_id: 'test-model',
    timestamp: 0,
    prediction,
    confidence: prediction === null ? 0 : Math.max(prediction, 1 - prediction),
    model_version: '1',
    hardware_used: 'cpu',
  };
}

/** Joins `features` and `ml` to the hub of a test and returns the bus of the coordinator, `marketdata`. */
export async function startChain(hub: MemoryHub): Promise<Bus> {
  let stream = new FeatureStream();
  const features: Participant = {
    consumes: [topics.marketLiveData],
    emits: [topics.featureValues],
    open() {
      stream = new FeatureStream();
    },
    process(batch, publisher) {
      for (const { body, ts_event_us, correlation_id } of batch) {
        publisher.publish(topics.featureValues, featuresOf(stream, body as Bar), ts_event_us, correlation_id);
      }
    },
  };
  const ml: Participant = {
    consumes: [topics.featureValues],
    emits: [topics.mlPredictions],
    process(batch, publisher) {
      for (const { body, ts_event_us, correlation_id } of batch) {
        const prediction = predictionOf(body as FeatureBody);
        publisher.publish(topics.mlPredictions, prediction, ts_event_us, correlation_id);
      }
    },
  };
  await new EngineStream(new Bus('features', hub.connect()), 'features', features).start();
  await new EngineStream(new Bus('ml', hub.connect()), 'ml', ml).start();
  return new Bus('marketdata', hub.connect());
}
