// The models of the engine: the registry with its files, its sweep and its metrics, and the models directory beside it.
import { join } from 'node:path';
import type { EngineContext } from '../../../src/http/engine.ts';
import { Counter } from '../../../src/http/prom.ts';
import { Conversions } from '../conversion/conversions.ts';
import type { ModelSource } from '../model-source.ts';
import { Artefacts } from './artefacts.ts';
import { Catalogue } from './catalogue.ts';
import { Deployer, type DeployerParts } from './deployer.ts';
import { ModelNews } from './news.ts';
import { ModelRegistry } from './registry.ts';
import type { ModelDefinition, ModelsQuery } from './schemas.ts';
import { RegistryStore } from './store.ts';
import { Uploads } from './upload.ts';

const SWEEP_MS = 3_600_000;

/** What the registry has to know of serving, and what serving hears of it. */
export interface ServingSide {
  /** Whether `<id>@<version>` is open. */
  readonly isLoaded: (version: string) => boolean;
  readonly warm: DeployerParts['warm'];
  /** A reference to this model may lead to another version now. */
  readonly changed: (id: string) => void;
  readonly deleted: (id: string) => void;
  /** What the list says of the stream. */
  readonly stream: () => {
    readonly model_id: string | null;
    readonly loaded: boolean;
    readonly reason: string | null;
  };
}

/** State of the routes of models. */
export class ModelsService {
  readonly #context: EngineContext;
  readonly #artefacts: Artefacts;
  readonly #catalogue: Catalogue;
  readonly registry: ModelRegistry;
  readonly deployer: Deployer;
  readonly uploads: Uploads;
  /** Tells of models on the bus. */
  readonly news: ModelNews;
  readonly #serving: ServingSide;
  #sweeping: ReturnType<typeof setInterval> | undefined;

  constructor(context: EngineContext, serving: ServingSide) {
    const { config, metrics, routing } = context;
    this.#context = context;
    this.#serving = serving;
    this.#artefacts = new Artefacts(join(config.dataDir, 'models'), undefined, config.serving.artefactBytes);
    this.uploads = new Uploads(config.maxBodyBytes);
    const deploys = new Counter({
      name: 'nautilus_ml_deploys_total',
      help: 'Deployments and rollbacks of registered models, by how they ended',
      labelNames: ['outcome'],
      registers: [metrics.registry],
    });
    const parts = {
      store: new RegistryStore(context),
      artefacts: this.#artefacts,
      trialMs: config.defaultTimeoutMs,
    };
    const conversions = new Conversions({ ...parts, config });
    this.deployer = new Deployer({
      ...parts,
      conversions,
      routing,
      warm: serving.warm,
      onChange: (id) => {
        serving.changed(id);
        this.news.note(id);
      },
      onDeploy: (outcome) => deploys.inc({ outcome }),
    });
    this.registry = new ModelRegistry({
      ...parts,
      conversions,
      isDeploying: (id) => this.deployer.isDeploying(id),
      onChange: (id, change) => {
        serving[change](id);
        this.news.note(id);
      },
    });
    this.#catalogue = new Catalogue(config.modelsDir, this.registry);
    this.news = new ModelNews(context, this.#catalogue, parts.store.queries);
  }

  /** Finds models of the registry and of the models directory. */
  get source(): ModelSource {
    return this.#catalogue;
  }

  /** Sweeps now and every hour. */
  start(): void {
    void this.sweep();
    this.#sweeping = setInterval(() => void this.sweep(), SWEEP_MS);
    this.#sweeping.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#sweeping);
    await this.news.stop();
  }

  /** Removes the files that no version has. Never throws: what could not be removed is tried again in an hour. */
  async sweep(): Promise<void> {
    const { log } = this.#context;
    try {
      const { queries } = this.registry.store;
      const removed = await this.#artefacts.sweep((hashes) => queries.withVersions(hashes), Date.now());
      if (removed > 0) log.info({ removed }, 'files of models that no version has are removed');
    } catch (err) {
      log.warn({ err }, 'files of models that no version has stay for now');
    }
  }

  async list(query: ModelsQuery) {
    const page = await this.#catalogue.list(query, this.#serving.isLoaded);
    return { ...page, stream: this.#serving.stream() };
  }

  model(id: string) {
    return this.#catalogue.model(id);
  }

  async status(id: string) {
    const card = await this.#catalogue.card(id);
    if (!card) {
      const status = await this.registry.status(id);
      const { production_version } = status;
      return {
        ...status,
        loaded: production_version !== null && this.#serving.isLoaded(`${id}@${production_version}`),
      };
    }
    return {
      model_id: id,
      status: 'deployed' as const,
      production_version: card.version,
      newest_version: card.version,
      loaded: this.#serving.isLoaded(`${id}@${card.version}`),
      deployed_since_us: null,
      target: null,
    };
  }

  /** Throws ConflictError for an id of the models directory, and as {@link ModelRegistry.create} does. */
  create(definition: ModelDefinition, file: Uint8Array | null, tokenizer: Uint8Array | null) {
    const { model_id } = definition;
    const made = () => this.registry.create(definition, file, tokenizer);
    return model_id === undefined ? made() : this.change(model_id, made);
  }

  /** Runs a change of a registered model. Throws ConflictError for an id of the models directory. */
  async change<T>(id: string, work: () => Promise<T>): Promise<T> {
    await this.#catalogue.checkRegistered(id);
    return work();
  }
}
