// Open models: loaded once, shared, at most a few at a time, freed when nobody needs them.
import { ModelIntegrityError } from '../../src/onnx/errors.ts';
import type { ModelRouting } from '../../src/onnx/provider.ts';
import { type ModelSession, openSession } from '../../src/onnx/session.ts';
import { type FoundModel, type ModelSource, type ServedCard, splitReference } from './model-source.ts';

/** A model whose artefact has the hash of its card, ready to predict one number per row. */
export interface LoadedModel {
  readonly card: ServedCard;
  readonly session: ModelSession;
}

/** Sessions kept open beside the pinned one; each holds a few MiB and more for big models. */
const MAX_OPEN = 8;
/** References whose version is remembered. */
const MAX_NAMED = 1000;

/** Opens models of a source on first use and keeps the most recently used ones. */
export class ModelCache {
  readonly #source: ModelSource;
  readonly #routing: ModelRouting | undefined;
  readonly #maxOpen: number;
  // By the key of a version, in order of use, oldest first.
  readonly #open = new Map<string, Promise<LoadedModel>>();
  // What each reference led to, so that a prediction asks neither disk nor database.
  readonly #named = new Map<string, string>();
  readonly #pinned = new Set<string>();
  /** Counts what was forgotten: a version that was looked up before is not remembered after. */
  #changes = 0;

  /** `routing` decides where models run. */
  constructor(source: ModelSource, routing?: ModelRouting, maxOpen = MAX_OPEN) {
    this.#source = source;
    this.#routing = routing;
    this.#maxOpen = maxOpen;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Whether the version of this key is open, or opens. */
  has(key: string): boolean {
    return this.#open.has(key) || this.#open.has(`${key}+int8`);
  }

  /**
   * Returns the model that a reference leads to. Callers at the same time share one load; a failed load is forgotten, so that
   * the next call tries again. Use the session before anything else is awaited: a later call may close it, unless it is pinned.
   * Throws what {@link ModelSource.find} throws, ModelIntegrityError (hash, inputs, more than one number per row),
   * InvalidModelError, TooLargeError, BackendUnavailableError.
   */
  async get(reference: string): Promise<LoadedModel> {
    const named = this.#named.get(reference);
    const known = named === undefined ? undefined : this.#used(named);
    if (known) return known;
    const changes = this.#changes;
    const found = await this.#source.find(reference);
    if (changes === this.#changes) this.#remember(reference, found.key);
    return this.#used(found.key) ?? this.#begin(found);
  }

  /** Keeps the model that a reference leads to open until {@link close}. */
  pin(reference: string): void {
    const key = this.#named.get(reference);
    if (key !== undefined) this.#pinned.add(key);
  }

  /** Looks up again what the references of a model lead to. Open versions stay: their running predictions end in peace. */
  forget(id: string): void {
    this.#changes++;
    for (const reference of this.#named.keys()) {
      if (splitReference(reference).id === id) this.#named.delete(reference);
    }
  }

  /** Also frees the versions of a model, once their running predictions have ended. */
  drop(id: string): void {
    this.forget(id);
    for (const key of this.#open.keys()) if (splitReference(key).id === id) this.#release(key);
  }

  /** Frees every model once its running predictions have ended. */
  async close(): Promise<void> {
    const open = [...this.#open.values()];
    this.#open.clear();
    await Promise.allSettled(open.map(async (model) => (await model).session.close()));
  }

  #used(key: string): Promise<LoadedModel> | undefined {
    const known = this.#open.get(key);
    if (!known) return undefined;
    this.#open.delete(key);
    this.#open.set(key, known);
    return known;
  }

  #remember(reference: string, key: string): void {
    if (this.#named.size >= MAX_NAMED) this.#named.delete(this.#named.keys().next().value!);
    this.#named.set(reference, key);
  }

  #begin(found: FoundModel): Promise<LoadedModel> {
    const { key } = found;
    const loading = openFound(found, this.#routing);
    this.#open.set(key, loading);
    loading.then(
      () => this.#evict(),
      () => this.#open.get(key) === loading && this.#open.delete(key),
    );
    return loading;
  }

  #evict(): void {
    for (const key of this.#open.keys()) {
      if (this.#open.size <= this.#maxOpen) return;
      if (!this.#pinned.has(key)) this.#release(key);
    }
  }

  #release(key: string): void {
    const model = this.#open.get(key);
    this.#open.delete(key);
    // A load that fails has already told its callers.
    model?.then(({ session }) => session.close()).catch(() => undefined);
  }
}

/** Opens a version. Beside the checks of `openSession`, the graph has as many input columns as the card and one number per row. */
async function openFound(found: FoundModel, routing: ModelRouting | undefined): Promise<LoadedModel> {
  const { card, input, provider } = found;
  const variant = await found.variant?.files();
  const session = await openSession(await found.bytes(), {
    ...(variant && { variant }),
    output: card.output.name,
    ...(input === undefined ? {} : { input }),
    ...(provider === undefined ? {} : { provider }),
    ...(routing ? { routing } : {}),
  });
  const broken =
    session.input.columns !== card.inputs.length
      ? 'take the inputs of its card, was another number'
      : (session.output.columns ?? 1) !== 1
        ? 'give one number per row, was more'
        : null;
  if (broken === null) return { card, session };
  await session.close();
  throw new ModelIntegrityError(`Expected the graph of ${card.model_id} to ${broken}`);
}
