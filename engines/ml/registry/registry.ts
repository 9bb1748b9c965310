// What may happen to a registered model: made, given versions, changed, deployed, taken back, deleted.
import { ConflictError, InvalidOptionError, NautilusError, NotFoundError } from '../../../src/core/errors.ts';
import { newId } from '../../../src/core/ids.ts';
import type { Log } from '../../../src/core/log.ts';
import { chooseProvider, type ModelRouting } from '../../../src/onnx/provider.ts';
import { type FoundModel, type ModelSource, splitReference } from '../model-source.ts';
import type { Artefacts } from './artefacts.ts';
import { accept } from './intake.ts';
import { checkFinite, checkSame, defaultProbe, fromText } from './probe.ts';
import {
  type ModelRow,
  PROVIDERS,
  type Probe,
  type Signature,
  TASKS,
  type Target,
  type VersionRow,
} from './records.ts';
import { deploymentReply, foundModel, modelReply, versionReply } from './replies.ts';
import type { DeployRequest, ModelDefinition, ModelUpdate, PageQuery, VersionDefinition } from './schemas.ts';
import type { NewDeployment, NewVersion, RegistryStore } from './store.ts';
import { tryModel } from './trial.ts';

/** What the registry works with. */
export interface RegistryParts {
  readonly store: RegistryStore;
  readonly artefacts: Artefacts;
  readonly routing?: ModelRouting;
  readonly log: Log;
  /** Longest trial in milliseconds. */
  readonly trialMs: number;
  /** Told after each change of what a reference to this model may lead to. */
  readonly onChange: (id: string, change: 'changed' | 'deleted') => void;
  /** Told how each deployment and rollback ended. */
  readonly onDeploy: (outcome: 'deployed' | 'refused') => void;
}

/** The registered models. Ids of the folder of models are the caller's matter. */
export class ModelRegistry implements ModelSource {
  readonly #parts: RegistryParts;
  readonly #store: RegistryStore;
  readonly #artefacts: Artefacts;
  /** Models whose next deployment is being tried. */
  readonly #deploying = new Set<string>();

  constructor(parts: RegistryParts) {
    this.#parts = parts;
    this.#store = parts.store;
    this.#artefacts = parts.artefacts;
  }

  get store(): RegistryStore {
    return this.#store;
  }

  isDeploying(id: string): boolean {
    return this.#deploying.has(id);
  }

  async find(reference: string): Promise<FoundModel> {
    const { id, name } = splitReference(reference);
    const { queries } = this.#store;
    const model = await queries.model(id);
    const row = await (name === null ? queries.production(id) : queries.named(id, name));
    if (!row) {
      throw new ConflictError(
        `Expected a model with a version that serves: deploy one, or name it as ${id}@latest`,
      );
    }
    const serves = row.version === model.production_version;
    const deployment = serves ? await queries.deployment(id, model.deployment_seq) : null;
    return foundModel(model, row, deployment?.target ?? null, this.#artefacts);
  }

  /**
   * Makes a model, with a first version where a file comes with it. Throws ConflictError for an id that is taken, and what
   * {@link accept} and {@link Artefacts.keep} throw.
   */
  async create(definition: ModelDefinition, file: Uint8Array | null) {
    const { model_type, tags = [], options = {}, configuration = {}, description = '' } = definition;
    const model_id = definition.model_id ?? madeId(model_type);
    const task = definition.task ?? TASKS.find((known) => known === model_type) ?? 'regression';
    const named = definition.name ?? model_id;
    const { family = null } = definition;
    const model = {
      model_id,
      name: named,
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
    if (file) await this.#bring(definition, file, model_id, (first) => this.#store.createModel(model, first));
    else {
      checkNoVersion(definition);
      await this.#store.createModel(model);
    }
    this.#parts.onChange(model_id, 'changed');
    return this.model(model_id);
  }

  /** Adds a version to a model. Throws NotFoundError, and as {@link create} does. */
  async addVersion(id: string, definition: VersionDefinition, file: Uint8Array | null) {
    await this.#store.queries.model(id);
    if (!file) {
      const field = { pointer: '/artefact_base64', expected: 'an ONNX file', received: 'missing' };
      throw new InvalidOptionError(`Expected ${field.expected}, was missing`, [field]);
    }
    const version = await this.#bring(definition, file, id, (given) => this.#store.createVersion(id, given));
    this.#parts.onChange(id, 'changed');
    return this.version(id, `${version}`);
  }

  /** Throws NotFoundError. */
  async model(id: string) {
    const { queries } = this.#store;
    const row = await queries.model(id);
    const serves = row.production_version !== null;
    const deployment = serves ? await queries.deployment(id, row.deployment_seq) : null;
    return modelReply(row, await queries.tags(id), await queries.aliases(id), deployment?.target ?? null);
  }

  /** The version of a number or an alias. Throws NotFoundError. */
  async version(id: string, name: string) {
    const { queries } = this.#store;
    await queries.model(id);
    return versionReply(await queries.named(id, name), await queries.aliases(id));
  }

  async versions(id: string, { limit, cursor }: PageQuery) {
    const { queries } = this.#store;
    await queries.model(id);
    const aliases = await queries.aliases(id);
    const rows = await queries.versions(id, limit, cursor);
    const next_cursor = rows.length === limit ? rows.at(-1)!.version : null;
    return { versions: rows.map((row) => versionReply(row, aliases)), next_cursor };
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
    const { queries } = this.#store;
    const row = await queries.model(id);
    const serves = row.production_version !== null;
    const deployment = serves ? await queries.deployment(id, row.deployment_seq) : null;
    const { newest_version, production_version } = row;
    const settled = serves ? 'deployed' : newest_version > 0 ? 'registered' : 'defined';
    return {
      model_id: id,
      status: this.isDeploying(id)
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

  /** Throws NotFoundError, ConflictError for the version that serves. */
  async setStage(id: string, name: string, stage: 'none' | 'staging' | 'archived') {
    const { version } = await this.#store.queries.named(id, name);
    await this.#store.setStage(id, version, stage);
    return this.version(id, `${version}`);
  }

  /** Throws NotFoundError, ConflictError (a version serves and not `force`; revision). */
  async delete(id: string, force: boolean, revision: number | null) {
    const versions = await this.#store.delete(id, { force, revision });
    this.#parts.onChange(id, 'deleted');
    return { model_id: id, versions };
  }

  /**
   * Makes a version serve once it has loaded, and answered its probe as it did when it came, in a process of its own. Throws NotFoundError,
   * ConflictError (another deployment under way or meanwhile, another answer), InvalidModelError, ModelIntegrityError,
   * BackendUnavailableError.
   */
  deploy(id: string, { version = 'latest', target = 'auto' }: DeployRequest) {
    return this.#serve(id, async ({ deployment_seq: seq, production_version }) => {
      const row = await this.#store.queries.named(id, version);
      const below = production_version === null ? null : seq;
      return { row, wanted: { kind: 'deploy', version: row.version, target, seq, below } };
    });
  }

  /** Makes serve again what served before the version that does; a second rollback goes one further back. Throws as {@link deploy}. */
  rollback(id: string) {
    return this.#serve(id, async ({ deployment_seq: seq, production_version }) => {
      const { queries } = this.#store;
      const now = production_version === null ? null : await queries.deployment(id, seq);
      const below = now?.below_seq == null ? null : await queries.deployment(id, now.below_seq);
      if (!below || below.version === null || below.target === null) {
        throw new ConflictError('Expected a version that served before, was none');
      }
      const row = await queries.version(id, below.version);
      const { target, below_seq } = below;
      return { row, wanted: { kind: 'rollback', version: row.version, target, seq, below: below_seq } };
    });
  }

  async #serve(id: string, choose: (model: ModelRow) => Promise<{ row: VersionRow; wanted: NewDeployment }>) {
    const model = await this.#store.queries.model(id);
    if (this.#deploying.has(id)) {
      throw new ConflictError('Expected no other deployment of this model under way, was one', {
        model_id: id,
      });
    }
    this.#deploying.add(id);
    try {
      const { row, wanted } = await choose(model);
      const provider = await this.#try(row, wanted.target);
      const deployment = await this.#store.deploy(id, wanted);
      this.#parts.onDeploy('deployed');
      this.#parts.onChange(id, 'changed');
      return { ...deploymentReply(deployment), hardware_used: provider };
    } catch (error) {
      if (error instanceof NautilusError) this.#parts.onDeploy('refused');
      throw error;
    } finally {
      this.#deploying.delete(id);
    }
  }

  /** Returns what ran the version in a process of its own, with the answers that are stored. */
  async #try(row: VersionRow, target: Target): Promise<string> {
    const artefact = { sha256: row.artefact_sha256, bytes: row.artefact_bytes };
    const { router } = this.#parts.routing ?? {};
    const { provider } = chooseProvider(PROVIDERS[target], artefact.bytes, process.platform, router);
    const model = await this.#artefacts.read(artefact);
    const { input, output } = JSON.parse(row.signature) as Signature;
    const { rows, inputs, outputs } = JSON.parse(row.probe) as Probe;
    const header = { rows, columns: input.columns, input: input.name, output: output.name, provider };
    const values = inputs === null ? defaultProbe(input.columns) : fromText(inputs);
    const said = await tryModel({ ...header, model, inputs: values }, { timeoutMs: this.#parts.trialMs });
    checkFinite(said.outputs);
    checkSame(said.outputs, fromText(outputs));
    return said.provider;
  }

  async #bring<T>(
    definition: VersionDefinition,
    file: Uint8Array,
    id: string,
    store: (version: NewVersion) => Promise<T>,
  ): Promise<T> {
    const lineage = await this.#lineage(definition.lineage ?? {}, id);
    const { signature, probe } = await accept(file, definition, this.#parts.trialMs);
    const { metrics = {} } = definition;
    return this.#artefacts.keep(file, (artefact) => store({ artefact, signature, probe, lineage, metrics }));
  }

  /** Lineage whose parent is a version that there is. */
  async #lineage(given: NonNullable<VersionDefinition['lineage']>, id: string) {
    const { parent_version } = given;
    if (parent_version === undefined) return given;
    const whole = parent_version.includes('@') ? parent_version : `${id}@${parent_version}`;
    const { id: parent, name } = splitReference(whole);
    const row = await this.#store.queries.version(parent, Number(name)).catch(() => null);
    if (row) return { ...given, parent_version: whole };
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

/** What is said of a version needs one. */
function checkNoVersion(definition: ModelDefinition): void {
  const fields = ['inputs', 'output', 'probe', 'metrics', 'lineage'] as const;
  const errors = fields
    .filter((field) => definition[field] !== undefined)
    .map((field) => ({ pointer: `/${field}`, expected: 'no such field without an ONNX file' }));
  if (errors.length > 0) throw new InvalidOptionError(`Expected ${errors[0]!.expected}`, errors);
}
