// Open models by id: loaded once, shared, at most a few at a time, freed when nobody needs them.
import { ModelIntegrityError } from '../../src/onnx/errors.ts';
import type { ModelCard } from '../../src/onnx/model-card.ts';
import type { ModelRouting } from '../../src/onnx/provider.ts';
import { openModel } from '../../src/onnx/registry.ts';
import type { ModelSession } from '../../src/onnx/session.ts';

/** A model whose artefact has the hash of its card, ready to predict one number per row. */
export interface LoadedModel {
  readonly card: ModelCard;
  readonly session: ModelSession;
}

/** Sessions kept open beside the pinned one; each holds a few MiB and more for big models. */
const MAX_OPEN = 8;

/** Opens models of one registry directory on first use and keeps the most recently used ones. */
export class ModelCache {
  readonly #directory: string;
  readonly #routing: ModelRouting | undefined;
  readonly #maxOpen: number;
  // In order of use, oldest first.
  readonly #open = new Map<string, Promise<LoadedModel>>();
  readonly #pinned = new Set<string>();

  /** `routing` decides where models run. */
  constructor(directory: string, routing?: ModelRouting, maxOpen = MAX_OPEN) {
    this.#directory = directory;
    this.#routing = routing;
    this.#maxOpen = maxOpen;
  }

  get size(): number {
    return this.#open.size;
  }

  has(id: string): boolean {
    return this.#open.has(id);
  }

  /**
   * Returns the model of this id. Callers at the same time share one load; a failed load is forgotten, so that the next
   * call tries again. Use the session before anything else is awaited: a later call may close it, unless it is pinned.
   * Throws NotFoundError for an unknown id, ModelIntegrityError (hash, inputs, more than one number per row),
   * InvalidModelError, TooLargeError, BackendUnavailableError.
   */
  get(id: string): Promise<LoadedModel> {
    const known = this.#open.get(id);
    if (known) {
      this.#open.delete(id);
      this.#open.set(id, known);
      return known;
    }
    const loading = this.#load(id);
    this.#open.set(id, loading);
    loading.then(
      () => this.#evict(),
      () => this.#open.get(id) === loading && this.#open.delete(id),
    );
    return loading;
  }

  /** Keeps this model open until {@link close}. */
  pin(id: string): void {
    this.#pinned.add(id);
  }

  /** Frees every model once its running predictions have ended. */
  async close(): Promise<void> {
    const open = [...this.#open.values()];
    this.#open.clear();
    await Promise.allSettled(open.map(async (model) => (await model).session.close()));
  }

  async #load(id: string): Promise<LoadedModel> {
    const model = await openModel(this.#directory, id, this.#routing ? { routing: this.#routing } : {});
    if ((model.session.output.columns ?? 1) !== 1) {
      await model.session.close();
      throw new ModelIntegrityError(`Expected the graph of ${id} to give one number per row, was more`);
    }
    return model;
  }

  #evict(): void {
    for (const [id, model] of this.#open) {
      if (this.#open.size <= this.#maxOpen) return;
      if (this.#pinned.has(id)) continue;
      this.#open.delete(id);
      // A load that fails has already told its callers.
      model.then(({ session }) => session.close()).catch(() => undefined);
    }
  }
}
