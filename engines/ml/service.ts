// What the ML engine does: keeps models, predicts on request, and has the stream predicted.

import type { Participant } from '../../src/bus/participant.ts';
import { topics } from '../../src/bus/topics.ts';
import type { EngineContext } from '../../src/http/engine.ts';
import { Counter, Gauge, Histogram } from '../../src/http/prom.ts';
import type { Jobs } from '../../src/jobs/jobs.ts';
import { openJobs } from '../../src/jobs/open.ts';
import { DatasetStore } from './datasets/store.ts';
import { Decisions } from './decisions/decisions.ts';
import { Deployments } from './deployments.ts';
import { Experiments } from './experiments/experiments.ts';
import { FeatureRoutesService } from './features/work.ts';
import { MarketHistory } from './market-history.ts';
import { ModelCache } from './model-cache.ts';
import { Monitoring } from './monitoring/service.ts';
import { PredictionStream } from './prediction-stream.ts';
import { ModelsService } from './registry/service.ts';
import { RiskStates } from './risk-states.ts';
import type { DeploymentsQuery } from './schemas.ts';
import { SearchService } from './search/service.ts';
import { PredictionJobs } from './serving/jobs.ts';
import type { PublishParts } from './serving/publish.ts';
import { Serving } from './serving/serving.ts';
import { PredictionSocket } from './serving/socket.ts';
import { StreamModel } from './stream-model.ts';
import { DeployedModels } from './templates/deployed.ts';
import { Templates } from './templates/service.ts';
import { sweepCheckpoints } from './training/checkpoints.ts';
import { Training } from './training/job.ts';
import { Validation } from './training/validation.ts';

/** Options of the engine beside its configuration. */
export interface MlOptions {
  /** Model of the stream; default: the only one, or btc-direction-15m among several. */
  readonly streamModel?: string;
}

/** State and decisions of the ML engine. */
export class MlService {
  /** Models of the registry and of the models directory. */
  readonly models: ModelsService;
  readonly #cache: ModelCache;
  readonly #deployments: Deployments;
  readonly #streamModel: StreamModel;
  readonly #stream: PredictionStream;
  /** Returns of the instruments on the stream. */
  readonly history: MarketHistory;
  /** What the risk engine last said of each portfolio. */
  readonly riskStates: RiskStates;
  /** Predictions on request. */
  readonly serving: Serving;
  readonly predictions: PredictionJobs;
  /** Comparisons of versions on requests. */
  readonly experiments: Experiments;
  /** Tables to train on. */
  readonly datasets: DatasetStore;
  readonly training: Training;
  readonly validation: Validation;
  readonly search: SearchService;
  readonly monitoring: Monitoring;
  readonly features: FeatureRoutesService;
  readonly jobs: Jobs;
  readonly #dataDir: string;
  readonly #graceMs: number;
  readonly socket: PredictionSocket;
  readonly publishing: PublishParts;
  /** Bodies with a model_type. */
  readonly templates: Templates;
  readonly decisions: Decisions;
  readonly #deployedFor = new DeployedModels((...asked) =>
    this.models.registry.store.queries.answering(...asked),
  );
  readonly #predictions: Counter<'model_id' | 'source' | 'outcome'>;
  readonly #inference: Histogram;

  constructor(context: EngineContext, options: MlOptions = {}) {
    const { config, log, metrics } = context;
    const registers = [metrics.registry];
    this.models = new ModelsService(context, {
      isLoaded: (version) => this.#cache.has(version) || this.serving.models.has(version),
      warm: (reference, provider) =>
        this.serving.models.get(reference, provider, { timeoutMs: config.defaultTimeoutMs }),
      changed: (id) => {
        this.#deployedFor.forget();
        this.#cache.forget(id);
        this.serving.models.forget(id);
        this.experiments.changed(id);
        this.monitoring.changed(id);
      },
      deleted: (id) => {
        this.#deployedFor.forget();
        this.#cache.drop(id);
        this.serving.models.drop(id);
        this.experiments.changed(id);
        this.monitoring.changed(id);
      },
      stream: () => {
        const { id, loaded, reason } = this.#streamModel;
        return { model_id: id, loaded: loaded !== null, reason };
      },
    });
    const source = this.models.source;
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
    this.history = new MarketHistory(metrics.registry);
    this.riskStates = new RiskStates(context.bus);
    const watch = {
      watches: (id: string) => this.monitoring.watches(id),
      bars: (bars: Parameters<Monitoring['bars']>[0]) => this.monitoring.bars(bars),
      streamed: (...told: Parameters<Monitoring['streamed']>) => this.monitoring.streamed(...told),
    };
    this.#stream = new PredictionStream(this.#streamModel, this.history, streamMetrics, log, watch);
    this.serving = new Serving(context, {
      source,
      reference: (asked) => this.#reference(asked),
      latest: (symbol) => this.#stream.latest(symbol),
      answered: ({ model_id }, rows, seconds) => {
        this.#inference.observe(seconds);
        this.#predictions.inc({ model_id, source: 'request', outcome: 'value' }, rows);
      },
      observe: (...answered) => this.monitoring.observe(...answered),
    });
    this.experiments = new Experiments(context, { models: this.models, serving: this.serving });
    this.datasets = new DatasetStore(
      config.dataDir,
      config.durability === 'power',
      config.serving.datasetBytes,
    );
    this.templates = new Templates({
      serving: this.serving,
      latest: (symbol) => this.#stream.latest(symbol),
      deployed: (...asked) => this.#deployedFor.find(...asked),
      nowUs: () => context.clock.nowUs(),
      history: this.history,
      riskStates: this.riskStates,
      datasets: this.datasets,
    });
    this.decisions = new Decisions(context, this.serving, this.templates);
    this.predictions = new PredictionJobs(this.serving);
    this.training = new Training(context, this.models, this.datasets);
    this.validation = new Validation(context, this.models, this.datasets);
    this.features = new FeatureRoutesService(context, this.datasets, this.models);
    this.search = new SearchService(context, this.models, this.datasets);
    const { searches } = this.search;
    const { models, datasets, training } = this;
    const startExperiment = (request: Parameters<Experiments['create']>[0]) =>
      this.experiments.create(request);
    this.monitoring = new Monitoring(context, { models, datasets, training, startExperiment });
    const kinds = [this.predictions, this.training, this.validation, searches];
    const definitions = [
      ...kinds.map(({ definition }) => definition),
      searches.trials.definition,
      ...this.monitoring.definitions,
      ...this.features.definitions,
    ];
    this.jobs = openJobs(context, { engine: 'ml', definitions });
    for (const kind of [...kinds, this.monitoring, this.features]) kind.bind(this.jobs);
    this.#dataDir = config.dataDir;
    this.#graceMs = config.graceMs / 2;
    this.publishing = {
      predict: (request, signal) => this.serving.predict(request, signal),
      deployed: () => this.#streamModel.loaded?.card ?? null,
      publish: (body, tsEventUs) => void context.bus.publish(topics.mlPredictions, body, { tsEventUs }),
      nowUs: () => context.clock.nowUs(),
    };
    this.socket = new PredictionSocket(this.serving, config.maxBodyBytes);
  }

  get participant(): Participant {
    return this.#stream.participant;
  }

  /** Begins to load the model of the stream; what needs it waits for it. */
  async start(): Promise<void> {
    void this.#streamModel.current();
    this.models.start();
    await this.models.news.start();
    await this.riskStates.start();
    await this.decisions.questions.start();
    await this.datasets.start();
    await sweepCheckpoints(this.#dataDir, async (id) => (await this.jobs.find(id))?.finished_ts_us === null);
    await this.experiments.start();
    await this.jobs.start();
    await this.search.searches.start();
    await this.monitoring.start();
  }

  async stop(): Promise<void> {
    this.#deployments.stop();
    await this.models.stop();
    this.socket.stop();
    await this.decisions.questions.stop();
    await this.jobs.stop(this.#graceMs);
    this.search.searches.stop();
    await this.experiments.stop();
    await this.monitoring.stop();
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
      jobs: this.jobs.stats(),
      experiments: this.experiments.status(),
      prediction_sockets: this.socket.size,
      instruments: this.#stream.symbols,
      history: this.history.status(),
      portfolios: this.riskStates.size,
      monitoring: this.monitoring.status(),
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

  // The model of the stream goes through its loader, so that a request after a repair mends the stream as well.
  async #reference(asked: string | undefined): Promise<string> {
    if (asked === undefined) return (await this.#streamModel.required()).card.model_id;
    if (asked === this.#streamModel.id) await this.#streamModel.retry();
    return asked;
  }
}
