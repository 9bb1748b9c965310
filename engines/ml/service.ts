// What the ML engine does: lists models, predicts on request, and has the stream predicted.

import type { Participant } from '../../src/bus/participant.ts';
import {
  ConflictError,
  InsufficientHistoryError,
  InvalidOptionError,
  NonFiniteInputError,
  NotFoundError,
  ShapeMismatchError,
} from '../../src/core/errors.ts';
import type { EngineContext } from '../../src/http/engine.ts';
import { Counter, Gauge, Histogram } from '../../src/http/prom.ts';
import { FEATURE_BARS } from '../../src/indicators/feature-set.ts';
import { ModelIntegrityError } from '../../src/onnx/errors.ts';
import { listModels, type ModelListing } from '../../src/onnx/registry.ts';
import { strategyDefinitions } from '../../src/trading/strategies.ts';
import { Deployments } from './deployments.ts';
import { type LoadedModel, ModelCache } from './model-cache.ts';
import { fileModels } from './model-source.ts';
import { PredictionStream } from './prediction-stream.ts';
import type { DeploymentsQuery, PredictRequest } from './schemas.ts';
import { readsStream, StreamModel } from './stream-model.ts';

/** Options of the engine beside its configuration. */
export interface MlOptions {
  /** Model of the stream; default: the only one, or btc-direction-15m among several. */
  readonly streamModel?: string;
}

interface Rows {
  readonly values: Float32Array;
  readonly count: number;
  readonly of?: { readonly symbol: string; readonly ts_event_us: number };
}

/** State and decisions of the ML engine. */
export class MlService {
  readonly #directory: string;
  readonly #cache: ModelCache;
  readonly #deployments: Deployments;
  readonly #streamModel: StreamModel;
  readonly #stream: PredictionStream;
  readonly #predictions: Counter<'model_id' | 'source' | 'outcome'>;
  readonly #inference: Histogram;

  constructor(context: EngineContext, options: MlOptions = {}) {
    const { config, log, metrics } = context;
    const registers = [metrics.registry];
    this.#directory = config.modelsDir;
    this.#cache = new ModelCache(fileModels(config.modelsDir), context.routing);
    this.#deployments = new Deployments(context);
    this.#streamModel = new StreamModel(
      config.modelsDir,
      this.#cache,
      log,
      (card) => this.#deployments.note(card),
      options.streamModel,
    );
    this.#predictions = new Counter({
      name: 'nautilus_ml_predictions_total',
      help: 'Predictions by model, by what asked for them, and whether they have a value',
      labelNames: ['model_id', 'source', 'outcome'],
      registers,
    });
    this.#inference = new Histogram({
      name: 'nautilus_ml_inference_seconds',
      help: 'Seconds of one posted request, or for one row of the stream: the mean of those that came together',
      buckets: [5e-7, 1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 1e-2, 0.1, 1],
      registers,
    });
    const streamModel = this.#streamModel;
    new Gauge({
      name: 'nautilus_ml_model_loaded',
      help: '1 while the model of the stream is loaded',
      registers,
      collect() {
        this.set(streamModel.loaded ? 1 : 0);
      },
    });
    const streamMetrics = { predictions: this.#predictions, inference: this.#inference };
    this.#stream = new PredictionStream(this.#streamModel, streamMetrics, log);
  }

  get participant(): Participant {
    return this.#stream.participant;
  }

  /** Begins to load the model of the stream; what needs it waits for it. */
  start(): void {
    void this.#streamModel.current();
  }

  stop(): Promise<void> {
    this.#deployments.stop();
    return this.#cache.close();
  }

  missing(): string[] {
    return this.#streamModel.loaded ? [] : ['model'];
  }

  status(): Record<string, unknown> {
    const model = this.#streamModel.loaded;
    return {
      model: {
        model_id: this.#streamModel.id,
        loaded: model !== null,
        reason: this.#streamModel.reason,
        version: model?.card.version ?? null,
        artefact_sha256: model?.card.artefact.sha256 ?? null,
        provider: model?.session.provider.provider ?? null,
        provider_reason: model?.session.provider.reason ?? null,
      },
      open_models: this.#cache.size,
      instruments: this.#stream.symbols,
    };
  }

  async models() {
    const { models, rejected } = await this.#listing();
    return {
      models: models.map((card) => ({
        model_id: card.model_id,
        model_type: card.model_type,
        version: card.version,
        algorithm: card.algorithm,
        inputs: card.inputs.map((input) => input.name),
        output: card.output.meaning,
        out_of_sample: card.out_of_sample.metrics,
        created: card.created,
        loaded: this.#cache.has(`${card.model_id}@${card.version}`),
      })),
      rejected: rejected.map(({ model_id, reason }) => ({ model_id, reason })),
      stream: {
        model_id: this.#streamModel.id,
        loaded: this.#streamModel.loaded !== null,
        reason: this.#streamModel.reason,
      },
    };
  }

  /** Which models have served the stream, newest first. */
  async deployments({ limit, cursor }: DeploymentsQuery) {
    const deployments = await this.#deployments.list(limit, cursor);
    return {
      deployments,
      next_cursor: deployments.length === limit ? deployments.at(-1)!.seq : null,
    };
  }

  /** Returns a model's card. Throws NotFoundError, and ModelIntegrityError when its card does not hold. */
  async model(id: string) {
    const { models, rejected } = await this.#listing();
    const broken = rejected.find((model) => model.model_id === id);
    if (broken) throw new ModelIntegrityError(broken.reason);
    const card = models.find((model) => model.model_id === id);
    if (!card) throw new NotFoundError('Expected the id of a registered model');
    return card;
  }

  /**
   * Predicts posted rows in one session run, or the newest features of an instrument. Publishes nothing.
   * Throws NotFoundError (model, symbol), ShapeMismatchError, NonFiniteInputError, InsufficientHistoryError,
   * ModelIntegrityError and what `openModel` throws.
   */
  async predict(request: PredictRequest) {
    const started = performance.now();
    const model = await this.#resolve(request.model_id);
    const { card, session } = model;
    const rows = request.inputs ? postedRows(model, request.inputs) : this.#newestRow(model, request.symbol!);
    const running = performance.now();
    const output = await session.predict(rows.values, rows.count);
    if (output.length !== rows.count) {
      throw new ModelIntegrityError(`Expected the graph of ${card.model_id} to give one number per row`);
    }
    // Inputs that float32 holds can still overflow inside the model.
    const bad = output.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) {
      const error = { pointer: `/inputs/${bad}`, expected: 'inputs for which the model has a finite answer' };
      throw new NonFiniteInputError(`Expected ${error.expected}, was not in row ${bad}`, [error]);
    }
    this.#inference.observe((performance.now() - running) / 1000);
    const labels = { model_id: card.model_id, source: 'request', outcome: 'value' };
    this.#predictions.inc(labels, rows.count);
    const predictions = Array.from(output);
    return {
      model_id: card.model_id,
      model_version: card.version,
      inputs: card.inputs.map((input) => input.name),
      ...rows.of,
      predictions,
      ...(card.model_type === 'classification' ? decide(predictions) : UNDECIDED),
      processing_time_ms: Math.round((performance.now() - started) * 1000) / 1000,
      hardware_used: session.ranOn(output).provider,
      backend: 'onnxruntime',
    };
  }

  async #resolve(id: string | undefined): Promise<LoadedModel> {
    if (id === undefined) return this.#streamModel.required();
    // The stream's own model goes through its loader too, so that a request after a repair mends the stream as well.
    if (id === this.#streamModel.id) await this.#streamModel.retry();
    return this.#cache.get(id);
  }

  #newestRow({ card }: LoadedModel, symbol: string): Rows {
    const latest = this.#stream.latest(symbol);
    if (!latest) throw new NotFoundError('No features of this symbol have arrived on the stream');
    if (!readsStream(card)) {
      const error = {
        pointer: '/symbol',
        expected: 'inputs: this model reads other columns than the stream has',
      };
      throw new InvalidOptionError(`Expected ${error.expected}`, [error]);
    }
    if (!latest.warm) {
      const received = Math.min(latest.messages, FEATURE_BARS - 1);
      throw new InsufficientHistoryError(
        `Expected ${FEATURE_BARS} bars of this symbol, was fewer`,
        FEATURE_BARS,
        received,
      );
    }
    if (!latest.row) {
      throw new ConflictError(
        'The newest bar has no model inputs: its average true range is 0 or out of range',
      );
    }
    return { values: latest.row, count: 1, of: { symbol, ts_event_us: latest.tsEventUs } };
  }

  async #listing(): Promise<ModelListing> {
    try {
      return await listModels(this.#directory);
    } catch (error) {
      // An absent directory is an empty registry; `stream.reason` says so.
      if (error instanceof NotFoundError) return { models: [], rejected: [] };
      throw error;
    }
  }
}

const { enter, exit } = strategyDefinitions['ml-threshold'].options.parse({});
const UNDECIDED = { confidence: null, signal: null, thresholds: null };

function decide(predictions: readonly number[]) {
  return {
    confidence: predictions.map((p) => Math.max(p, 1 - p)),
    signal: predictions.map(
      (p) => (p > enter ? 'BUY' : p < exit ? 'SELL' : 'HOLD') as 'BUY' | 'SELL' | 'HOLD',
    ),
    thresholds: { buy_above: enter, sell_below: exit },
  };
}

function postedRows({ session }: LoadedModel, inputs: readonly (readonly number[])[]): Rows {
  const { columns } = session.input;
  const values = new Float32Array(inputs.length * columns);
  for (let r = 0; r < inputs.length; r++) {
    const row = inputs[r]!;
    if (row.length !== columns) {
      const error = { pointer: `/inputs/${r}`, expected: `${columns} numbers`, received: `${row.length}` };
      throw new ShapeMismatchError(`Expected ${columns} numbers per row, was ${row.length} in row ${r}`, [
        error,
      ]);
    }
    values.set(row, r * columns);
  }
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i]!)) continue;
    const pointer = `/inputs/${Math.floor(i / columns)}/${i % columns}`;
    const error = { pointer, expected: 'a number that is finite in float32', received: 'not finite' };
    throw new NonFiniteInputError(`Expected ${error.expected} for ${pointer}`, [error]);
  }
  return { values, count: inputs.length };
}
