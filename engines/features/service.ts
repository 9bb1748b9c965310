// What the Features engine does: follows every instrument on the stream, computes indicators on request.
import type { Envelope } from '../../src/bus/envelope.ts';
import type { Participant, StreamPublisher } from '../../src/bus/participant.ts';
import { type BodyOf, type SessionSpec, topics } from '../../src/bus/topics.ts';
import { NotFoundError } from '../../src/core/errors.ts';
import {
  computePanel,
  computePanelAsync,
  FEATURES,
  FeatureStream,
  type FeatureValues,
  INDICATORS,
  type InputName,
  indicator,
  parseOptions,
  warmupOf,
} from '../../src/indicators/index.ts';
import type { FloatArray } from '../../src/native/index.ts';
import type { IndicatorRequest } from './schemas.ts';

type LiveBar = BodyOf<typeof topics.marketLiveData>;

/** From about 100 us of work on. */
const OFF_THREAD_BARS = 10_000;

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
   * Computes one indicator over posted columns, in f64 with the bits of the stream; a long series off the thread. Throws
   * NotFoundError, InvalidOptionError, ShapeMismatchError, NonFiniteInputError, BackendUnavailableError, CancelledError.
   */
  async compute(name: string, request: IndicatorRequest, signal: AbortSignal) {
    const started = performance.now();
    const def = indicator(name);
    const options = parseOptions(def, request.options);
    const kind = request.dtype === 'f32' ? Float32Array : Float64Array;
    const inputs = Object.fromEntries(
      Object.entries(request.inputs).map(([column, values]) => [column, kind.from(values ?? [])]),
    ) as Record<InputName, FloatArray>;
    const bars = inputs[def.inputs[0]!]?.length ?? 0;
    const panel = { bars, series: 1, inputs, backend: request.backend };
    const ran =
      bars < OFF_THREAD_BARS
        ? computePanel(def, options, panel)
        : await computePanelAsync(def, options, panel, signal);
    return {
      indicator: name,
      options: { ...options },
      bars,
      warmup: warmupOf(def, options),
      outputs: Object.fromEntries(
        Object.entries(ran.outputs).map(([key, values]) => [key, nullable(values)]),
      ),
      processing_time_ms: Math.round((performance.now() - started) * 1000) / 1000,
      hardware_used: ran.backend,
      backend: ran.target,
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

function nullable(values: FloatArray): (number | null)[] {
  return Array.from(values, (value) => (Number.isNaN(value) ? null : value));
}
