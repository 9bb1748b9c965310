// Follows bars and feature vectors: one prediction message per features message, in order, whether live or in a replay.

import type { Envelope } from '../../src/bus/envelope.ts';
import type { Participant, StreamPublisher } from '../../src/bus/participant.ts';
import { type BodyOf, type SessionSpec, topics } from '../../src/bus/topics.ts';
import { ConflictError } from '../../src/core/errors.ts';
import type { Log } from '../../src/core/log.ts';
import type { Counter, Histogram } from '../../src/http/prom.ts';
import { FEATURES, type FeatureValues, modelInputs } from '../../src/indicators/feature-set.ts';
import { type StrategyKind, strategyDefinitions } from '../../src/trading/strategies.ts';
import type { MarketHistory } from './market-history.ts';
import type { ServedCard } from './model-source.ts';
import type { StreamedRow } from './monitoring/service.ts';
import { BLOCK_ROWS } from './row-runs.ts';
import type { StreamedModel, StreamModel } from './stream-model.ts';

type Features = Envelope<BodyOf<typeof topics.featureValues>>;

const MAX_SYMBOLS = 10_000;

/** What the stream last said about one instrument. */
export interface Latest {
  readonly tsEventUs: number;
  /** Model inputs in float32; null where they have no finite value. */
  readonly row: Float32Array | null;
  /** True when every feature has a value. */
  readonly warm: boolean;
  /** Messages seen. */
  readonly messages: number;
}

/** What watches the predictions of the live stream. */
export interface StreamWatch {
  watches(id: string): boolean;
  bars(bars: readonly { readonly symbol: string; readonly tsUs: number; readonly close: number }[]): void;
  streamed(card: ServedCard, rows: readonly StreamedRow[], msEach: number): void;
}

/** Instruments of the engine's metrics that the stream feeds. */
export interface StreamMetrics {
  readonly predictions: Counter<'model_id' | 'source' | 'outcome'>;
  readonly inference: Histogram;
}

interface Tally {
  predictions: number;
  without_value: number;
}

/** The engine's part in the flow, and the newest inputs of each instrument. */
export class PredictionStream {
  readonly #model: StreamModel;
  readonly #metrics: StreamMetrics;
  readonly #log: Log;
  readonly #history: MarketHistory;
  readonly #watch: StreamWatch | null;
  readonly #latest = new Map<string, Latest>();
  // A replay keeps the model that it was opened with, so that a load in its course can't change its outcome.
  #replayModel: StreamedModel | null = null;
  #tally: Tally = { predictions: 0, without_value: 0 };
  #failureLogged = false;

  readonly participant: Participant = {
    consumes: [topics.marketLiveData, topics.featureValues],
    emits: [topics.mlPredictions],
    open: (spec) => this.#check(spec),
    begin: (spec) => this.#begin(spec),
    process: (batch, publisher) => {
      if (!publisher.spec) this.#tellBars(batch);
      return this.#process(this.#history.takeBars(batch), publisher);
    },
    close: () => ({ ...this.#tally, ...identity(this.#replayModel) }),
  };

  /** Bars go to `history`, which takes them out of what comes. */
  constructor(
    model: StreamModel,
    history: MarketHistory,
    metrics: StreamMetrics,
    log: Log,
    watch: StreamWatch | null = null,
  ) {
    this.#watch = watch;
    this.#model = model;
    this.#history = history;
    this.#metrics = metrics;
    this.#log = log;
  }

  get symbols(): number {
    return this.#latest.size;
  }

  /** Returns the newest inputs of an instrument; undefined when none came. */
  latest(symbol: string): Latest | undefined {
    return this.#latest.get(symbol);
  }

  async #check(spec: SessionSpec) {
    const model = await this.#model.retry();
    if (!model && strategyDefinitions[spec.strategy as StrategyKind]?.readsPrediction) {
      throw new ConflictError(
        `${spec.strategy} needs predictions, and no model is loaded: ${this.#model.reason}`,
      );
    }
    this.#replayModel = model;
    return identity(model);
  }

  #begin(spec: SessionSpec): void {
    this.#latest.delete(spec.symbol);
    this.#history.forget(spec.symbol);
    this.#tally = { predictions: 0, without_value: 0 };
  }

  async #process(messages: readonly Envelope[], publisher: StreamPublisher): Promise<void> {
    const batch = messages as readonly Features[];
    if (batch.length === 0) return;
    const model = publisher.spec ? this.#replayModel : await this.#model.current();
    const ids = identity(model, this.#model.id);
    for (let from = 0; from < batch.length; from += BLOCK_ROWS) {
      const part = batch.slice(from, from + BLOCK_ROWS);
      const values = await this.#predict(model, part, publisher.spec ? null : this.#watch);
      const { hardware_used } = identity(model);
      let valued = 0;
      for (let i = 0; i < part.length; i++) {
        const { body, ts_event_us, correlation_id } = part[i]!;
        const prediction = values[i]!;
        if (prediction !== null) valued++;
        publisher.publish(
          topics.mlPredictions,
          {
            symbol: body.symbol,
            model_id: ids.model_id,
            timestamp: ts_event_us / 1e6,
            prediction,
            confidence: prediction === null ? 0 : Math.max(prediction, 1 - prediction),
            model_version: ids.model_version,
            hardware_used,
          },
          ts_event_us,
          correlation_id,
        );
      }
      this.#count(ids.model_id, valued, part.length - valued, publisher.spec !== undefined);
    }
  }

  /** One number or null per message. Never throws: the chain behind waits for a message per bar. */
  async #predict(
    model: StreamedModel | null,
    part: readonly Features[],
    watch: StreamWatch | null,
  ): Promise<(number | null)[]> {
    const started = performance.now();
    const rows = part.map((message) => this.#remember(message));
    const asked = rows.filter((row) => row !== null);
    if (asked.length === 0 || !model) return rows.map(() => null);
    const values = await model.rows.predict(asked, (error) => this.#failed(error));
    const meanSeconds = (performance.now() - started) / asked.length / 1000;
    for (let i = 0; i < asked.length; i++) this.#metrics.inference.observe(meanSeconds);
    let next = 0;
    const said = rows.map((row) => (row === null ? null : probabilityOf(values[next++]!)));
    if (watch?.watches(model.card.model_id))
      watch.streamed(model.card, streamedRows(part, rows, said), meanSeconds * 1000);
    return said;
  }

  #tellBars(batch: readonly Envelope[]): void {
    if (!this.#watch) return;
    const bars = batch.flatMap(({ topic, body, ts_event_us }) => {
      if (topic !== topics.marketLiveData.name) return [];
      const { symbol, close } = body as BodyOf<typeof topics.marketLiveData>;
      return [{ symbol, close, tsUs: ts_event_us }];
    });
    if (bars.length > 0) this.#watch.bars(bars);
  }

  #remember({ body, ts_event_us }: Features): Float32Array | null {
    const known = this.#latest.get(body.symbol);
    if (!known && this.#latest.size >= MAX_SYMBOLS) {
      this.#latest.delete(this.#latest.keys().next().value!);
    }
    const features = body.features as FeatureValues;
    const inputs = modelInputs(body, features);
    const row = inputs && finiteRow(inputs);
    this.#latest.set(body.symbol, {
      tsEventUs: ts_event_us,
      row,
      warm: row !== null || FEATURES.every((name) => typeof features[name] === 'number'),
      messages: (known?.messages ?? 0) + 1,
    });
    return row;
  }

  #failed(error: unknown): void {
    if (!this.#failureLogged)
      this.#log.error({ err: error }, 'a prediction failed; later ones are not logged');
    this.#failureLogged = true;
  }

  #count(model_id: string, valued: number, empty: number, replay: boolean): void {
    const source = replay ? 'replay' : 'stream';
    if (valued > 0) this.#metrics.predictions.inc({ model_id, source, outcome: 'value' }, valued);
    if (empty > 0) this.#metrics.predictions.inc({ model_id, source, outcome: 'null' }, empty);
    if (!replay) return;
    this.#tally.predictions += valued + empty;
    this.#tally.without_value += empty;
  }
}

/** What messages and replies say about a model; `none` where there is no model. */
function identity(model: StreamedModel | null, id: string | null = null) {
  return {
    model_id: model?.card.model_id ?? id ?? 'none',
    model_version: model?.card.version ?? 'none',
    hardware_used: model?.session.provider.provider ?? 'none',
  };
}

/** Rows that were answered, with the bars that they are of. */
function streamedRows(
  part: readonly Features[],
  rows: readonly (Float32Array | null)[],
  said: readonly (number | null)[],
): StreamedRow[] {
  return part.flatMap(({ body, ts_event_us }, i) => {
    const [inputs, value] = [rows[i], said[i]];
    if (!inputs || value === null || value === undefined) return [];
    const { symbol, interval_us, close } = body;
    return [{ symbol, tsUs: ts_event_us, intervalUs: interval_us, close, inputs, value }];
  });
}

/** Float32 of the inputs, or null when one of them is too big for it or no number at all. */
function finiteRow(inputs: Float64Array): Float32Array | null {
  const row = Float32Array.from(inputs);
  for (let i = 0; i < row.length; i++) if (!Number.isFinite(row[i]!)) return null;
  return row;
}

/** A classifier that answers outside [0, 1] has said nothing. */
function probabilityOf(value: number): number | null {
  return value >= 0 && value <= 1 ? value : null;
}
