// What may happen to a registered model: made, given versions, changed, deployed, taken back, deleted.
import { ConflictError, InvalidOptionError, NotFoundError } from '../../../src/core/errors.ts';
import { newId } from '../../../src/core/ids.ts';
import type { Conversions } from '../conversion/conversions.ts';
import type { ConvertRequest } from '../conversion/schemas.ts';
import { type FoundModel, type ModelSource, splitReference } from '../model-source.ts';
import type { Artefacts } from './artefacts.ts';
import { importFile } from './import.ts';
import { accept, checkNoVersion } from './intake.ts';
import type { Lineage, ModelRow, NewVersion, ServedPrecision } from './records.ts';
import { deploymentReply, foundModel, modelReply, versionReply } from './replies.ts';
import type { ModelDefinition, ModelUpdate, PageQuery, VersionDefinition } from './schemas.ts';
import { type JoinedVersion, precisionOf, type RegistryStore } from './store.ts';
import { taskOfDefinition } from './task.ts';
import { withTemplate } from './template.ts';
import { acceptText, checkText } from './text-intake.ts';

/** Ends a reference to one form of a version. */
const FORM = /\+(int8|float16|float32)$/;

/** What the registry works with. */
export interface RegistryParts {
  readonly store: RegistryStore;
  readonly artefacts: Artefacts;
  readonly conversions: Pick<Conversions, 'ensure'>;
  /** Longest trial in milliseconds. */
  readonly trialMs: number;
  /** Told after each change of what a reference to this model may lead to. */
  readonly onChange: (id: string, change: 'changed' | 'deleted') => void;
  /** Whether the next deployment of a model is being tried. */
  readonly isDeploying: (id: string) => boolean;
}

/** The registered models. Ids of the folder of models are the caller's matter. */
export class ModelRegistry implements ModelSource {
  readonly #parts: RegistryParts;
  readonly #store: RegistryStore;
  readonly #artefacts: Artefacts;

  constructor(parts: RegistryParts) {
    this.#parts = parts;
    this.#store = parts.store;
    this.#artefacts = parts.artefacts;
  }

  get store(): RegistryStore {
    return this.#store;
  }

  /** Also of `<id>@<version>+<precision>`: a version in one of its forms, whatever is deployed. */
  async find(reference: string): Promise<FoundModel> {
    const { id, name: whole } = splitReference(reference);
    const asked = FORM.exec(whole ?? '')?.[1] as ServedPrecision | undefined;
    const name = whole?.replace(FORM, '') ?? null;
    const { queries } = this.#store;
    const model = await queries.model(id);
    const row = await (name === null ? queries.production(id) : queries.named(id, name));
    if (!row) {
      throw new ConflictError(
        `Expected a model with a version that serves: deploy one, or name it as ${id}@latest`,
      );
    }
    const deployment = row.version === model.production_version ? await this.#deploymentOf(model) : null;
    const variants = new Map(
      (await queries.variants(id, row.version)).map((variant) => [variant.precision, variant]),
    );
    if (asked && asked !== 'float32' && !variants.has(asked)) {
      throw new NotFoundError(`Expected a version of ${id} with a variant of ${asked}, was one without`);
    }
    const target = deployment?.target ?? null;
    const deployed = deployment && precisionOf(deployment);
    const isInt8 = (asked ?? ((name ?? 'production') === 'production' ? deployed : null)) === 'int8';
    // Who deployed the version itself for an accelerator wanted no rounding.
    const asItIs =
      asked === 'float32' ||
      (!asked && deployed === 'float32' && (target === 'neural_engine' || target === 'metal_gpu'));
    const served = {
      target,
      fellBack: (deployment?.fallback ?? null) !== null,
      int8: isInt8 ? variants.get('int8') : undefined,
      float16: isInt8 || asItIs ? undefined : variants.get('float16'),
    };
    return foundModel(model, row, served, this.#artefacts);
  }

  /**
   * Makes a model, with a first version where a file comes with it; without one, what a published type leaves open is its
   * template's. Throws ConflictError for an id that is taken, and what {@link withTemplate}, {@link taskOfDefinition},
   * {@link importFile}, {@link accept} and {@link Artefacts.keep} throw, and what `joined` refuses.
   */
  async create(
    given: ModelDefinition,
    bytes: Uint8Array | null,
    tokenizer: Uint8Array | null = null,
    joined?: JoinedVersion,
  ) {
    const { definition: brought, file } = await this.#imported(given, bytes, tokenizer);
    const definition = await withTemplate(brought, file !== null);
    const { model_type, tags = [], options = {}, configuration = {}, description = '' } = definition;
    const model_id = definition.model_id ?? madeId(model_type);
    const task = await taskOfDefinition(definition);
    const { name = model_id, family = null } = definition;
    const model = {
      model_id,
      name,
      description,
      model_type,
      task,
      family,
      options,
      configuration,
      tags,
    };
    const before = await this.#store.queries.row(model_id);
    if (before && before.deleted_us === null) {
      throw new ConflictError('Expected the id of no model, was taken', { model_id });
    }
    if (file)
      await this.#bring(definition, file, tokenizer, model_id, (first) =>
        this.#store.createModel(model, first, joined),
      );
    else {
      checkNoVersion(definition, tokenizer);
      await this.#store.createModel(model);
    }
    this.#parts.onChange(model_id, 'changed');
    return this.model(model_id);
  }

  /** Adds a version to a model. Throws NotFoundError, and as {@link create} does. */
  async addVersion(
    id: string,
    given: VersionDefinition,
    bytes: Uint8Array | null,
    tokenizer: Uint8Array | null = null,
    joined?: JoinedVersion,
  ) {
    await this.#store.queries.model(id);
    const { definition, file } = await this.#imported(given, bytes, tokenizer);
    if (!file) {
      const field = { pointer: '/artefact_base64', expected: 'an ONNX file', received: 'missing' };
      throw new InvalidOptionError(`Expected ${field.expected}, was missing`, [field]);
    }
    const version = await this.#bring(definition, file, tokenizer, id, (version) =>
      this.#store.createVersion(id, version, joined),
    );
    this.#parts.onChange(id, 'changed');
    return this.version(id, `${version}`);
  }

  /** Throws NotFoundError. */
  async model(id: string) {
    const { queries } = this.#store;
    const row = await queries.model(id);
    const deployment = await this.#deploymentOf(row);
    return modelReply(row, await queries.tags(id), await queries.aliases(id), deployment?.target ?? null);
  }

  /** The version of a number or an alias. Throws NotFoundError. */
  async version(id: string, name: string) {
    const { queries } = this.#store;
    await queries.model(id);
    const row = await queries.named(id, name);
    return versionReply(row, await queries.aliases(id), await queries.variants(id, row.version));
  }

  async versions(id: string, { limit, cursor }: PageQuery) {
    const { queries } = this.#store;
    await queries.model(id);
    const aliases = await queries.aliases(id);
    const rows = await queries.versions(id, limit, cursor);
    const next_cursor = rows.length === limit ? rows.at(-1)!.version : null;
    const variants = rows[0] ? await queries.variants(id, rows.at(-1)!.version, rows[0].version) : [];
    return { versions: rows.map((row) => versionReply(row, aliases, variants)), next_cursor };
  }

  /** What served when, also of a model that was deleted. Throws NotFoundError for an id that never was. */
  async deployments(id: string, { limit, cursor }: PageQuery) {
    const { queries } = this.#store;
    if (!(await queries.row(id))) throw new NotFoundError('Expected the id of a registered model');
    const rows = await queries.deployments(id, limit, cursor);
    const next_cursor = rows.length === limit ? rows.at(-1)!.seq : null;
    return { deployments: rows.map(deploymentReply), next_cursor };
  }

  async status(id: string) {
    const row = await this.#store.queries.model(id);
    const deployment = await this.#deploymentOf(row);
    const { newest_version, production_version } = row;
    const settled = deployment ? 'deployed' : newest_version > 0 ? 'registered' : 'defined';
    return {
      model_id: id,
      status: this.#parts.isDeploying(id)
        ? ('deploying' as const)
        : (settled as 'deployed' | 'registered' | 'defined'),
      production_version: production_version === null ? null : `${production_version}`,
      newest_version: newest_version === 0 ? null : `${newest_version}`,
      deployed_since_us: deployment?.since_us ?? null,
      target: deployment?.target ?? null,
    };
  }

  /** Throws NotFoundError, ConflictError (revision), InvalidOptionError (an alias of no version). */
  async update(id: string, { aliases, ...change }: ModelUpdate, revision: number | null) {
    const entries =
      aliases && Object.entries(aliases).map(([alias, version]) => [alias, Number(version)] as const);
    await this.#store.update(
      id,
      { ...change, ...(entries ? { aliases: Object.fromEntries(entries) } : {}) },
      revision,
    );
    this.#parts.onChange(id, 'changed');
    return this.model(id);
  }

  /** Makes a variant of a version, or returns the one that there is. Throws NotFoundError, and as `Conversions.ensure` does. */
  async convert(id: string, name: string, { precision, max_cost }: ConvertRequest) {
    const row = await this.#store.queries.named(id, name);
    const { conversion, reused } = await this.#parts.conversions.ensure(row, precision, max_cost);
    this.#parts.onChange(id, 'changed');
    return { ...conversion, reused };
  }

  /** Throws NotFoundError, ConflictError for the version that serves. */
  async setStage(id: string, name: string, stage: 'none' | 'staging' | 'archived') {
    const { version } = await this.#store.queries.named(id, name);
    await this.#store.setStage(id, version, stage);
    this.#parts.onChange(id, 'changed');
    return this.version(id, `${version}`);
  }

  /** Throws NotFoundError, ConflictError (a version serves and not `force`; revision). */
  async delete(id: string, force: boolean, revision: number | null) {
    const versions = await this.#store.delete(id, { force, revision });
    this.#parts.onChange(id, 'deleted');
    return { model_id: id, versions };
  }

  /** The deployment of the version that serves; null where none does. */
  async #deploymentOf({ model_id, production_version, deployment_seq }: ModelRow) {
    return production_version === null ? null : this.#store.queries.deployment(model_id, deployment_seq);
  }

  /** What came, with a file of another library as ONNX. A file that comes with a tokenizer is ONNX. */
  async #imported<D extends VersionDefinition>(
    definition: D,
    file: Uint8Array | null,
    tokenizer: Uint8Array | null,
  ): Promise<{ readonly definition: D; readonly file: Uint8Array | null }> {
    if (!file || tokenizer) return { definition, file };
    return importFile(definition, file, this.#parts.trialMs);
  }

  async #bring<T>(
    definition: VersionDefinition,
    model: Uint8Array,
    tokenizer: Uint8Array | null,
    id: string,
    store: (version: NewVersion) => Promise<T>,
  ): Promise<T> {
    const lineage = await this.#lineage(definition.lineage ?? {}, id);
    const { trialMs } = this.#parts;
    checkText(definition, tokenizer);
    const { signature, probe, file } = tokenizer
      ? await acceptText(model, tokenizer, definition, trialMs)
      : { ...(await accept(model, definition, trialMs)), file: model };
    const { metrics = {} } = definition;
    return this.#artefacts.keep(file, (artefact) => store({ artefact, signature, probe, lineage, metrics }));
  }

  /** Lineage whose parent is a version that there is. */
  async #lineage(given: Lineage, id: string): Promise<Lineage> {
    const { parent_version } = given;
    if (parent_version === undefined) return given;
    const whole = parent_version.includes('@') ? parent_version : `${id}@${parent_version}`;
    const { id: parent, name } = splitReference(whole);
    if (await this.#store.queries.hasVersion(parent, Number(name)))
      return { ...given, parent_version: whole };
    const field = {
      pointer: '/lineage/parent_version',
      expected: '<version> or <id>@<version> of a registered model',
    };
    throw new InvalidOptionError(`Expected ${field.expected} for ${field.pointer}`, [field]);
  }
}

/** An id that says what the model is for; unique without a look. */
function madeId(model_type: string): string {
  return `${model_type.replaceAll('_', '-').slice(0, 40)}-${newId().replaceAll('-', '').slice(-12)}`;
}
