// The one model that the stream is predicted with: which it is, whether it is loaded, and why not.
import { ConflictError, NautilusError, NotFoundError } from '../../src/core/errors.ts';
import type { Log } from '../../src/core/log.ts';
import { MODEL_INPUTS } from '../../src/indicators/feature-set.ts';
import { ModelIntegrityError } from '../../src/onnx/errors.ts';
import { listModels } from '../../src/onnx/registry.ts';
import type { LoadedModel, ModelCache } from './model-cache.ts';
import type { ServedCard } from './model-source.ts';
import { RowRuns } from './row-runs.ts';

/** The model of the stream where several are registered and none was named. */
export const DEFAULT_STREAM_MODEL = 'btc-direction-15m';

/** The model of the stream, ready for the rows that come together. */
export interface StreamedModel extends LoadedModel {
  readonly rows: RowRuns;
}

/** Loads the model of the stream and remembers the outcome. */
export class StreamModel {
  readonly #directory: string;
  readonly #cache: ModelCache;
  readonly #log: Log;
  readonly #onLoaded: (card: ServedCard) => void;
  #id: string | null;
  #loading: Promise<StreamedModel | null> | undefined;
  #loaded: StreamedModel | null = null;
  #failure: NautilusError | null = null;

  /** `onLoaded` is called with each model that begins to serve the stream. */
  constructor(
    directory: string,
    cache: ModelCache,
    log: Log,
    onLoaded: (card: ServedCard) => void,
    asked?: string,
  ) {
    this.#directory = directory;
    this.#cache = cache;
    this.#log = log;
    this.#onLoaded = onLoaded;
    this.#id = asked ?? null;
  }

  /** Its id; null before it is known which one it is. */
  get id(): string | null {
    return this.#id;
  }

  /** Null while it loads and after it failed to. */
  get loaded(): StreamedModel | null {
    return this.#loaded;
  }

  /** Why it is not loaded, or null. */
  get reason(): string | null {
    if (this.#loaded) return null;
    return this.#failure?.message ?? 'loading';
  }

  /** Waits for the load under way (starting the first one) and returns its model; null when it failed. */
  current(): Promise<StreamedModel | null> {
    this.#loading ??= this.#load();
    return this.#loading;
  }

  /** As {@link current}, but tries a failed load once more: its files may have been put right. */
  async retry(): Promise<StreamedModel | null> {
    const model = await this.current();
    if (model) return model;
    // Whoever failed to wait first starts the next try; the others join it.
    if (this.#failure) {
      this.#failure = null;
      this.#loading = this.#load();
    }
    return this.current();
  }

  /** As {@link retry}, but throws what the load failed with. */
  async required(): Promise<StreamedModel> {
    const model = await this.retry();
    if (!model) throw this.#failure ?? new ConflictError('Expected a loaded model, was none');
    return model;
  }

  async #load(): Promise<StreamedModel | null> {
    try {
      this.#id ??= await choose(this.#directory);
      const loaded = await this.#cache.get(this.#id);
      checkStreamCard(loaded.card);
      this.#cache.pin(this.#id);
      const model = { ...loaded, rows: await RowRuns.of(loaded.session) };
      this.#loaded = model;
      this.#log.info(
        { model_id: this.#id, model_version: model.card.version, provider: model.session.provider.provider },
        'model loaded',
      );
      this.#onLoaded(model.card);
      return model;
    } catch (error) {
      this.#failure =
        error instanceof NautilusError
          ? error
          : new ConflictError('Expected a model that loads, see the log');
      this.#log.error({ err: error, model_id: this.#id }, 'no model: predictions are null');
      return null;
    }
  }
}

/** True when a model reads what the stream gives: the inputs of `modelInputs`, in their order. */
export function readsStream(card: ServedCard): boolean {
  return (
    card.inputs.length === MODEL_INPUTS.length &&
    card.inputs.every((input, i) => input.name === MODEL_INPUTS[i])
  );
}

function checkStreamCard(card: ServedCard): void {
  if (card.model_type !== 'classification') {
    throw new ModelIntegrityError(`Expected ${card.model_id} to give a probability, was a regression`);
  }
  if (!readsStream(card)) {
    throw new ModelIntegrityError(`Expected ${card.model_id} to read the inputs ${MODEL_INPUTS.join(', ')}`);
  }
}

// A folder with a broken card counts: another model must not take its place unasked.
async function choose(directory: string): Promise<string> {
  const { models, rejected } = await listModels(directory);
  const ids = [...models, ...rejected].map((model) => model.model_id);
  if (ids.length === 1) return ids[0]!;
  if (ids.includes(DEFAULT_STREAM_MODEL)) return DEFAULT_STREAM_MODEL;
  throw ids.length === 0
    ? new NotFoundError('Expected a model in the registry, was none')
    : new ConflictError(`Expected one model or ${DEFAULT_STREAM_MODEL} among several, was neither`);
}
