// What the ML engine does: lists models, predicts on request, and has the stream predicted.

import type { Participant } from '../../src/bus/participant.ts';
import { NotFoundError } from '../../src/core/errors.ts';
import type { EngineContext } from '../../src/http/engine.ts';
import { Counter, Gauge, Histogram } from '../../src/http/prom.ts';
import { ModelIntegrityError } from '../../src/onnx/errors.ts';
import { listModels, type ModelListing } from '../../src/onnx/registry.ts';
import { Deployments } from './deployments.ts';
import { ModelCache } from './model-cache.ts';
import { fileModels } from './model-source.ts';
import { PredictionStream } from './prediction-stream.ts';
import type { DeploymentsQuery } from './schemas.ts';
import { Serving } from './serving/serving.ts';
import { StreamModel } from './stream-model.ts';

/** Options of the engine beside its configuration. */
export interface MlOptions {
  /** Model of the stream; default: the only one, or btc-direction-15m among several. */
  readonly streamModel?: string;
}

/** State and decisions of the ML engine. */
export class MlService {
  readonly #directory: string;
  readonly #cache: ModelCache;
  readonly #deployments: Deployments;
  readonly #streamModel: StreamModel;
  readonly #stream: PredictionStream;
  /** Predictions on request. */
  readonly serving: Serving;
  readonly #predictions: Counter<'model_id' | 'source' | 'outcome'>;
  readonly #inference: Histogram;

  constructor(context: EngineContext, options: MlOptions = {}) {
    const { config, log, metrics } = context;
    const registers = [metrics.registry];
    this.#directory = config.modelsDir;
    const source = fileModels(config.modelsDir);
    this.#cache = new ModelCache(source, context.routing);
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
    this.serving = new Serving(context, {
      source,
      reference: (asked) => this.#reference(asked),
      latest: (symbol) => this.#stream.latest(symbol),
      answered: ({ model_id }, rows, seconds) => {
        this.#inference.observe(seconds);
        this.#predictions.inc({ model_id, source: 'request', outcome: 'value' }, rows);
      },
    });
  }

  get participant(): Participant {
    return this.#stream.participant;
  }

  /** Begins to load the model of the stream; what needs it waits for it. */
  start(): void {
    void this.#streamModel.current();
  }

  async stop(): Promise<void> {
    this.#deployments.stop();
    await this.serving.stop();
    await this.#cache.close();
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
      ...this.serving.status(),
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

  // The model of the stream goes through its loader, so that a request after a repair mends the stream as well.
  async #reference(asked: string | undefined): Promise<string> {
    if (asked === undefined) return (await this.#streamModel.required()).card.model_id;
    if (asked === this.#streamModel.id) await this.#streamModel.retry();
    return asked;
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
