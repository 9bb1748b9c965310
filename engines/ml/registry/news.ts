// Tells of models on `ml.models`: one after each change of it, all of them when a websocket engine has started.
import type { Bus } from '../../../src/bus/client.ts';
import { EngineWatch } from '../../../src/bus/presence.ts';
import { type BodyOf, topics } from '../../../src/bus/topics.ts';
import type { Log } from '../../../src/core/log.ts';
import type { EngineContext } from '../../../src/http/engine.ts';
import type { ModelCard } from '../../../src/onnx/model-card.ts';
import type { Catalogue } from './catalogue.ts';
import type { Queries } from './queries.ts';
import type { ModelRow, VersionRow } from './records.ts';
import { versionText } from './replies.ts';

type Told = BodyOf<typeof topics.models>;

/** Models that are told when somebody starts, by id. */
const MAX_MODELS = 200;
const MAX_VERSIONS = 5;
const MAX_METRICS = 12;

/** What news are read from. */
type Models = Pick<Catalogue, 'card' | 'list'>;

/** Reads what has changed, one model after the other, so that a burst of changes of one costs one look. */
export class ModelNews {
  readonly #bus: Bus;
  readonly #log: Log;
  readonly #models: Models;
  readonly #queries: Pick<Queries, 'row' | 'versions'>;
  readonly #watch: EngineWatch;
  readonly #noted = new Set<string>();
  #telling: Promise<void> | undefined;
  #isStopped = false;

  constructor(
    { bus, clock, log }: EngineContext,
    models: Models,
    queries: Pick<Queries, 'row' | 'versions'>,
  ) {
    this.#bus = bus;
    this.#log = log;
    this.#models = models;
    this.#queries = queries;
    this.#watch = new EngineWatch(bus, clock);
  }

  async start(): Promise<void> {
    await this.#watch.start(({ engine }) => {
      if (engine === 'websocket') void this.#noteAll();
    });
  }

  /** Tells no more; resolves when nothing is read any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#noted.clear();
    await this.#telling;
  }

  /** Tells of a model soon. */
  note(id: string): void {
    if (this.#isStopped) return;
    this.#noted.add(id);
    this.#begin();
  }

  #begin(): void {
    this.#telling ??= this.#tell().then(() => {
      this.#telling = undefined;
      // What was noted after the last look, and before this.
      if (this.#noted.size > 0) this.#begin();
    });
  }

  async #noteAll(): Promise<void> {
    try {
      const { models } = await this.#models.list({ limit: MAX_MODELS }, () => false);
      for (const { model_id } of models) this.note(model_id);
    } catch (err) {
      this.#log.warn({ err }, 'the models could not be told');
    }
  }

  // Never throws: what is not told now is told with the next change.
  async #tell(): Promise<void> {
    for (const id of this.#noted) {
      this.#noted.delete(id);
      try {
        const told = await this.#news(id);
        if (told && !this.#isStopped) this.#bus.publish(topics.models, told);
      } catch (err) {
        this.#log.warn({ err, model_id: id }, 'a change of a model could not be told');
      }
    }
  }

  async #news(id: string): Promise<Told | null> {
    const card = await this.#models.card(id);
    if (card) return cardNews(card);
    const row = await this.#queries.row(id);
    return row && rowNews(row, row.deleted_us === null ? await this.#queries.versions(id, MAX_VERSIONS) : []);
  }
}

function cardNews({ model_id, model_type, algorithm, version, out_of_sample, created }: ModelCard): Told {
  const createdUs = Date.parse(created) * 1000;
  return {
    model_id,
    source: 'file',
    name: model_id,
    model_type,
    algorithm,
    deleted: false,
    deployed_version: version,
    versions: [
      {
        version,
        stage: 'production',
        metrics: some(out_of_sample.metrics),
        created_us: Number.isNaN(createdUs) ? null : createdUs,
      },
    ],
  };
}

function rowNews(row: ModelRow, versions: readonly VersionRow[]): Told {
  const { model_id, name, model_type, family, deleted_us, production_version } = row;
  return {
    model_id,
    source: 'registry',
    name,
    model_type,
    algorithm: family,
    deleted: deleted_us !== null,
    deployed_version: versionText(production_version),
    versions: versions.map(({ version, stage, metrics, created_us }) => ({
      version: versionText(version),
      stage,
      metrics: some(JSON.parse(metrics)),
      created_us,
    })),
  };
}

function some(metrics: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(metrics).slice(0, MAX_METRICS));
}
