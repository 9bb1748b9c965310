// Models that are open for serving: each tried in a child process before it counts as ready, kept up to so many bytes of artefacts.
import { TooLargeError } from '../../../src/core/errors.ts';
import { chooseProvider, type ModelRouting, type ProviderChoice } from '../../../src/onnx/provider.ts';
import { type ModelSession, openSession } from '../../../src/onnx/session.ts';
import { TEXT_COLUMNS } from '../../../src/text/rows.ts';
import { type FoundModel, type ModelSource, type ServedCard, splitReference } from '../model-source.ts';
import { ModelLimitError } from './errors.ts';
import { IN_PROCESS_BYTES, IN_PROCESS_US, TEXT_ROWS } from './limits.ts';
import type { ModelPool } from './pool.ts';
import { SIDE_BYTES } from './shared-memory.ts';
import type { PooledModel, RunControl } from './task.ts';

/** What a request asks a model to run on; `auto` is what its deployment asks for, else what the router says. */
export type Asked = 'auto' | ProviderChoice['provider'];

/** A model that a process has tried. */
export type ReadyModel = PooledModel & Required<Pick<PooledModel, 'profile' | 'width'>>;

/** A model that is ready. */
export interface ServedModel {
  readonly card: ServedCard;
  /** As child processes know it. */
  readonly pooled: ReadyModel;
  /** Open in this process too; null where it takes too long for that, or runs on an accelerator. */
  readonly session: ModelSession | null;
  /** Where it was to run, and why. */
  readonly choice: ProviderChoice;
}

/** What the models of a serving engine need. */
export interface ModelsOptions {
  readonly source: ModelSource;
  readonly pool: ModelPool;
  /** Bytes of all artefacts together. */
  readonly cacheBytes: number;
  /** Most rows of one run. */
  readonly maxBatchRows: number;
  readonly routing?: ModelRouting | undefined;
  /** For tests: another platform. */
  readonly platform?: string;
}

interface Entry {
  /** `<model_id>@<version>`. */
  readonly key: string;
  readonly name: string;
  readonly pooled: PooledModel;
  readonly opening: Promise<ServedModel>;
}

/** References whose version is remembered. */
const MAX_NAMED = 1000;

/** Opens models by reference and by what they run on. */
export class ServedModels {
  readonly #options: ModelsOptions;
  // In order of use, oldest first.
  readonly #entries = new Map<string, Entry>();
  // What each reference led to, so that a prediction asks neither disk nor database.
  readonly #named = new Map<string, FoundModel>();
  readonly #aside = new Map<string, { readonly error: ModelLimitError; readonly untilMs: number }>();
  /** Counts what was forgotten: what was looked up before is not remembered after. */
  #changes = 0;

  constructor(options: ModelsOptions) {
    this.#options = options;
  }

  /** Bytes of the artefacts of open models. */
  get bytes(): number {
    let sum = 0;
    for (const { pooled } of this.#entries.values()) {
      sum += pooled.bytes.length;
      for (const { bytes } of pooled.variant ?? []) sum += bytes.length;
    }
    return sum;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Whether `<model_id>@<version>` is open, or opens. */
  has(version: string): boolean {
    for (const { key } of this.#entries.values())
      if (key === version || key === `${version}+int8`) return true;
    return false;
  }

  /**
   * Returns the model that a reference leads to, warm. Callers at the same time share one opening; one that fails is forgotten, so that the
   * next call tries again. Throws what `ModelSource.find` and opening throw, TooLargeError for one that is larger than the cache,
   * BackendUnavailableError for hardware that is not here, ModelLimitError for one that took too much time or memory a moment ago.
   */
  async get(reference: string, asked: Asked, control: RunControl): Promise<ServedModel> {
    const named = this.#named.get(reference);
    const known = named && this.#known(named, this.#choose(named, asked));
    if (known) return known;
    // What is not open is looked up again: its files may have been put right.
    const found = await this.#find(reference);
    const choice = this.#choose(found, asked);
    const opening = this.#known(found, choice);
    if (opening) return opening;
    const bytes = await this.#read(found);
    const variant = await variantOn(found, choice)?.files();
    const pooled = this.#pooledOf(found, bytes, variant, choice);
    // Another caller may have been quicker.
    const begun = this.#known(found, choice);
    if (begun) return begun;
    this.#refuseAside(pooled.key);
    const opened = this.#open(found, pooled, choice, control);
    const entry: Entry = { key: found.key, name: nameOf(found, choice), pooled, opening: opened };
    this.#use(entry);
    entry.opening.catch(() => this.#drop(entry));
    this.#makeRoom(entry);
    return entry.opening;
  }

  /** Looks up again what the references of a model lead to. Open versions stay. */
  forget(id: string): void {
    this.#changes++;
    for (const reference of this.#named.keys())
      if (splitReference(reference).id === id) this.#named.delete(reference);
  }

  /** Also closes the versions of a model, once what runs has ended. */
  drop(id: string): void {
    this.forget(id);
    for (const entry of this.#entries.values()) if (splitReference(entry.key).id === id) this.#drop(entry);
  }

  /** Refuses a model for as long as `error` says. */
  setAside(key: string, error: ModelLimitError): void {
    const untilMs = performance.now() + Number(error.extras.retry_after_s) * 1000;
    this.#aside.set(key, { error, untilMs });
  }

  /** Frees what is open in this process. */
  async close(): Promise<void> {
    const open = [...this.#entries.values()];
    this.#entries.clear();
    await Promise.allSettled(open.map(async ({ opening }) => (await opening).session?.close()));
  }

  #known(found: FoundModel, choice: ProviderChoice): Promise<ServedModel> | undefined {
    const entry = this.#entries.get(nameOf(found, choice));
    if (entry) this.#use(entry);
    return entry?.opening;
  }

  async #find(reference: string): Promise<FoundModel> {
    const changes = this.#changes;
    const found = await this.#options.source.find(reference);
    if (changes === this.#changes) {
      if (this.#named.size >= MAX_NAMED) this.#named.delete(this.#named.keys().next().value!);
      this.#named.set(reference, found);
    }
    return found;
  }

  #choose({ card, provider }: FoundModel, asked: Asked): ProviderChoice {
    // Text models run on the CPU only.
    const wanted = card.text ? 'cpu' : asked === 'auto' ? (provider ?? 'auto') : asked;
    const { platform = process.platform, routing } = this.#options;
    return chooseProvider(wanted, card.artefact.bytes, platform, routing?.router);
  }

  async #read(found: FoundModel): Promise<Uint8Array> {
    const { cacheBytes } = this.#options;
    if (found.card.artefact.bytes > cacheBytes)
      throw new TooLargeError('Expected a model within MODEL_CACHE_SIZE', cacheBytes);
    return found.bytes();
  }

  #pooledOf(
    { card, input = 'input', variant: its }: FoundModel,
    bytes: Uint8Array,
    variant: PooledModel['variant'],
    { provider }: ProviderChoice,
  ): PooledModel {
    const columns = card.text ? TEXT_COLUMNS : card.inputs.length;
    const output = card.output.name;
    const fitting = Math.floor(SIDE_BYTES / Float32Array.BYTES_PER_ELEMENT / columns);
    const maxRows = Math.max(1, Math.min(card.text ? TEXT_ROWS : this.#options.maxBatchRows, fitting));
    const parts = [card.artefact.sha256, input, output, columns, provider, ...(variant ? [its!.key] : [])];
    const key = parts.join('/');
    return { key, modelId: card.model_id, bytes, variant, input, output, columns, provider, maxRows };
  }

  async #open(
    found: FoundModel,
    pooled: PooledModel,
    choice: ProviderChoice,
    { timeoutMs }: RunControl,
  ): Promise<ServedModel> {
    // Others may wait for it too, so that no single caller's signal ends it.
    await this.#options.pool.prepare(pooled, { timeoutMs });
    const ready = pooled as ReadyModel;
    return {
      card: found.card,
      pooled: ready,
      // What a tokenizer of a stranger does with a text is for a process of its own.
      session: !found.card.text && isQuick(ready) ? await openHere(ready) : null,
      choice,
    };
  }

  #refuseAside(key: string): void {
    const aside = this.#aside.get(key);
    if (!aside) return;
    const restS = (aside.untilMs - performance.now()) / 1000;
    if (restS > 0) throw new ModelLimitError(aside.error.message, Math.ceil(restS));
    this.#aside.delete(key);
  }

  #use(entry: Entry): void {
    this.#entries.delete(entry.name);
    this.#entries.set(entry.name, entry);
  }

  // The one that was asked for last stays.
  #makeRoom(newest: Entry): void {
    for (const entry of this.#entries.values()) {
      if (this.bytes <= this.#options.cacheBytes) return;
      if (entry !== newest) this.#drop(entry);
    }
  }

  #drop(entry: Entry): void {
    const { name, pooled, opening } = entry;
    if (this.#entries.get(name) !== entry) return;
    this.#entries.delete(name);
    // Another version may have the same artefact.
    const shared = [...this.#entries.values()].some((other) => other.pooled.key === pooled.key);
    if (!shared) this.#options.pool.retire(pooled);
    opening.then(({ session }) => session?.close()).catch(() => undefined);
  }
}

// The CPU runs the model itself.
function variantOn({ variant }: FoundModel, { provider }: ProviderChoice): FoundModel['variant'] {
  return provider === 'cpu' ? undefined : variant;
}

// A deployment can give the version that is open another variant, or none.
function nameOf(found: FoundModel, choice: ProviderChoice): string {
  return [found.key, choice.provider, variantOn(found, choice)?.key].join('/');
}

function isQuick({ profile, bytes, provider }: ReadyModel): boolean {
  return provider === 'cpu' && bytes.length <= IN_PROCESS_BYTES && profile.oneRowUs <= IN_PROCESS_US / 2;
}

// A child process has opened and run it already, so that nothing of it is unknown.
function openHere({ bytes, input, output, provider }: ReadyModel): Promise<ModelSession> {
  return openSession(bytes, { input, output, provider, finite: false });
}
