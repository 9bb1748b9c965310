// All models: folders of the models directory, which are only read, and those of the registry.
import { ConflictError, NotFoundError } from '../../../src/core/errors.ts';
import { ModelIntegrityError } from '../../../src/onnx/errors.ts';
import type { ModelCard } from '../../../src/onnx/model-card.ts';
import { listModels, type ModelListing, readCard } from '../../../src/onnx/registry.ts';
import { type FoundModel, fileModels, type ModelSource } from '../model-source.ts';
import type { ListedModel } from './queries.ts';
import type { Signature } from './records.ts';
import type { ModelRegistry } from './registry.ts';
import { columnNames } from './replies.ts';
import type { ModelSummary, ModelsQuery } from './schemas.ts';

/** One list of models of two sources. An id of both is the folder's: it serves also while the database is away. */
export class Catalogue implements ModelSource {
  readonly #directory: string;
  readonly #files: ModelSource;
  readonly #registry: ModelRegistry;

  constructor(directory: string, registry: ModelRegistry) {
    this.#directory = directory;
    this.#files = fileModels(directory);
    this.#registry = registry;
  }

  async find(reference: string): Promise<FoundModel> {
    const id = reference.replace(/@.*$/, '');
    return (await this.#isFile(id)) ? this.#files.find(reference) : this.#registry.find(reference);
  }

  /** Returns a card, or the page of a registered model. Throws NotFoundError, ModelIntegrityError for a card that does not hold. */
  async model(id: string) {
    return (await this.card(id)) ?? this.#registry.model(id);
  }

  /** Returns the card of a folder; null where there is none. Throws ModelIntegrityError for one that does not hold. */
  async card(id: string): Promise<ModelCard | null> {
    try {
      return await readCard(this.#directory, id);
    } catch (error) {
      if (error instanceof NotFoundError) return null;
      throw error;
    }
  }

  /** Throws ConflictError for a model of the models directory. */
  async checkRegistered(id: string): Promise<void> {
    if (await this.#isFile(id)) {
      throw new ConflictError(
        'Expected a registered model, was one of the models directory, which is only read',
      );
    }
  }

  /** One page of all models. `isLoaded` says whether the version of a key is open. */
  async list(query: ModelsQuery, isLoaded: (key: string) => boolean) {
    const { limit, cursor: after = '' } = query;
    const { models, rejected } = await this.#listing();
    const taken = new Set([...models, ...rejected].map(({ model_id }) => model_id));
    const cards = models.filter((card) => card.model_id > after && fits(card, query));
    const rows = await this.#registry.store.queries.list({ ...query, after, limit });
    const all = [
      ...cards.map((card) => cardSummary(card, isLoaded)),
      ...rows.filter((row) => !taken.has(row.model_id)).map((row) => rowSummary(row, isLoaded)),
    ].sort((a, b) => (a.model_id < b.model_id ? -1 : 1));
    const page = all.slice(0, limit);
    const isLast = all.length <= limit && rows.length < limit;
    return {
      models: page,
      next_cursor: isLast ? null : (page.at(-1)?.model_id ?? null),
      rejected: rejected.map(({ model_id, reason }) => ({ model_id, reason })),
    };
  }

  async #isFile(id: string): Promise<boolean> {
    try {
      return (await this.card(id)) !== null;
    } catch (error) {
      // A broken card keeps its id: another model must not take its place unasked.
      if (error instanceof ModelIntegrityError) return true;
      throw error;
    }
  }

  async #listing(): Promise<ModelListing> {
    try {
      return await listModels(this.#directory);
    } catch (error) {
      // An absent directory is an empty one; `stream.reason` says so.
      if (error instanceof NotFoundError) return { models: [], rejected: [] };
      throw error;
    }
  }
}

// A folder has no tags, and its one version serves.
function fits(card: ModelCard, { name, type, stage, tag }: ModelsQuery): boolean {
  return (
    tag === undefined &&
    (stage === undefined || stage === 'production') &&
    (type === undefined || type === card.model_type) &&
    (name === undefined || card.model_id.includes(name.toLowerCase()))
  );
}

function cardSummary(card: ModelCard, isLoaded: (key: string) => boolean): ModelSummary {
  return {
    model_id: card.model_id,
    source: 'file',
    name: card.model_id,
    model_type: card.model_type,
    version: card.version,
    deployed: true,
    algorithm: card.algorithm,
    inputs: card.inputs.map((input) => input.name),
    output: card.output.meaning,
    out_of_sample: card.out_of_sample.metrics,
    created: card.created,
    loaded: isLoaded(`${card.model_id}@${card.version}`),
  };
}

function rowSummary(row: ListedModel, isLoaded: (key: string) => boolean): ModelSummary {
  const signature = row.signature === null ? null : (JSON.parse(row.signature) as Signature);
  const version = row.production_version ?? (row.newest_version === 0 ? null : row.newest_version);
  return {
    model_id: row.model_id,
    source: 'registry',
    name: row.name,
    model_type: row.model_type,
    version: version === null ? null : `${version}`,
    deployed: row.production_version !== null,
    algorithm: row.family,
    inputs: signature && [...columnNames(signature.input)],
    output: signature?.output.meaning ?? null,
    out_of_sample: row.metrics === null ? null : JSON.parse(row.metrics),
    created: new Date(row.created_us / 1000).toISOString(),
    loaded: version !== null && isLoaded(`${row.model_id}@${version}`),
  };
}
