// What the Features engine does: follows every instrument on the stream, computes indicators on request.
import type { Envelope } from '../../src/bus/envelope.ts';
import type { Participant, StreamPublisher } from '../../src/bus/participant.ts';
import { type BodyOf, type SessionSpec, topics } from '../../src/bus/topics.ts';
import { NotFoundError } from '../../src/core/errors.ts';
import {
  compute,
  FEATURES,
  FeatureStream,
  type FeatureValues,
  INDICATORS,
  indicator,
  parseOptions,
  warmupOf,
} from '../../src/indicators/index.ts';
import type { IndicatorRequest } from './schemas.ts';

type LiveBar = BodyOf<typeof topics.marketLiveData>;

interface Followed {
  readonly stream: FeatureStream;
  bars: number;
  last: { readonly tsEventUs: number; readonly close: number; readonly features: FeatureValues };
}

const NO_FEATURES = Object.fromEntries(FEATURES.map((name) => [name, null])) as FeatureValues;

/** State and decisions of the Features engine. */
export class FeatureService {
  readonly #followed = new Map<string, Followed>();

  readonly participant: Participant = {
    consumes: [topics.marketLiveData],
    emits: [topics.featureValues],
    begin: (spec: SessionSpec) => void this.#followed.delete(spec.symbol),
    process: (batch, publisher) => this.#process(batch, publisher),
  };

  listIndicators() {
    return {
      indicators: INDICATORS.map(({ name, title, group, inputs, options, outputs, source }) => ({
        name,
        title,
        group,
        inputs: [...inputs],
        options,
        outputs,
        source,
      })),
    };
  }

  /**
   * Computes one indicator over posted columns, with the bits of the stream. Throws NotFoundError, InvalidOptionError,
   * ShapeMismatchError, NonFiniteInputError.
   */
  compute(name: string, request: IndicatorRequest) {
    const started = performance.now();
    const def = indicator(name);
    const options = parseOptions(def, request.options);
    const inputs = Object.fromEntries(
      Object.entries(request.inputs).map(([column, values]) => [column, Float64Array.from(values ?? [])]),
    );
    const outputs = compute(def, options, inputs as Parameters<typeof compute>[2]);
    const first = Object.values<Float64Array>(outputs)[0]!;
    return {
      indicator: name,
      options: { ...options },
      bars: first.length,
      warmup: warmupOf(def, options),
      outputs: Object.fromEntries(Object.entries(outputs).map(([key, values]) => [key, nullable(values)])),
      processing_time_ms: Math.round((performance.now() - started) * 1000) / 1000,
      hardware_used: 'cpu',
      backend: 'native',
    };
  }

  symbols(): string[] {
    return [...this.#followed.keys()].sort();
  }

  latest(symbol: string) {
    const followed = this.#followed.get(symbol);
    if (!followed) throw new NotFoundError('No bar of this symbol has arrived on the stream');
    const { tsEventUs, close, features } = followed.last;
    return { symbol, ts_event_us: tsEventUs, bars: followed.bars, close, features: { ...features } };
  }

  #process(batch: readonly Envelope[], publisher: StreamPublisher): void {
    for (const { body, ts_event_us, correlation_id } of batch as readonly Envelope<LiveBar>[]) {
      let followed = this.#followed.get(body.symbol);
      if (!followed) {
        followed = {
          stream: new FeatureStream(),
          bars: 0,
          last: { tsEventUs: 0, close: 0, features: NO_FEATURES },
        };
        this.#followed.set(body.symbol, followed);
      }
      const features = followed.stream.update(body) ?? NO_FEATURES;
      followed.bars++;
      followed.last = { tsEventUs: ts_event_us, close: body.close, features };
      // One message for each bar, also before warm-up: readers join by event time and never wait in vain.
      publisher.publish(
        topics.featureValues,
        { symbol: body.symbol, interval_us: body.interval_us, close: body.close, features },
        ts_event_us,
        correlation_id,
      );
    }
  }
}

function nullable(values: Float64Array): (number | null)[] {
  return Array.from(values, (value) => (Number.isNaN(value) ? null : value));
}
