// Changes of the registry's tables, each a unit of work: stored as a whole with what is said of it, or not at all.
import { topics } from '../../../src/bus/topics.ts';
import type { Unit, UnitRunner } from '../../../src/bus/unit.ts';
import type { Clock } from '../../../src/core/clock.ts';
import { ConflictError, InvalidOptionError, NotFoundError } from '../../../src/core/errors.ts';
import type { Database } from '../../../src/store/database.ts';
import { Queries } from './queries.ts';
import type {
  DeploymentRow,
  ModelRow,
  NewModel,
  NewVersion,
  ServedPrecision,
  Stage,
  Target,
  VariantRow,
} from './records.ts';
import {
  addVersion,
  touch,
  writeDeployment,
  writeModel,
  writeStage,
  writeTags,
  writeVariant,
} from './writes.ts';

/** What may be changed of a model; what is absent stays, what is given is replaced as a whole. */
export interface ModelChange {
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  readonly options?: object | undefined;
  readonly configuration?: object | undefined;
  readonly tags?: readonly string[] | undefined;
  /** Version of each alias. */
  readonly aliases?: Readonly<Record<string, number>> | undefined;
}

/** What shall serve from now on. */
export interface NewDeployment {
  readonly kind: 'deploy' | 'rollback';
  readonly version: number;
  readonly target: Target;
  readonly precision: ServedPrecision;
  readonly fallback: string | null;
  /** The newest deployment when this one was tried: another one since then wins. */
  readonly seq: number;
  /** The deployment that a rollback goes back to. */
  readonly below: number | null;
}

/** What is stored with a deployment, in its transaction, or not at all. */
export interface Joined {
  /** The newest deployment that it may follow. */
  readonly seq: number;
  /** Throws a refusal before anything is written. */
  check(unit: Unit): Promise<void>;
  write(unit: Unit, deployment: DeploymentRow, nowUs: number): Promise<void>;
}

/** What is stored with a new version, in its transaction, or not at all. */
export interface JoinedVersion {
  /** Throws a refusal before anything is written. */
  check(unit: Unit): Promise<void>;
  write(unit: Unit, modelId: string, version: number, nowUs: number): void;
}

/** What served at some time. */
export interface Served {
  readonly version: number;
  readonly target: Target;
  readonly precision: ServedPrecision;
  /** Why it served on the CPU although its target would not be; null where it did not. */
  readonly fallback: string | null;
  readonly below_seq: number | null;
}

/** Tables with rows of the versions of a model. */
const VERSION_TABLES = [
  'model_versions',
  'model_variants',
  'model_variant_files',
  'model_aliases',
  'model_tags',
];

/** What a deployment calculates in; the first ones did not say. */
export function precisionOf(row: Pick<DeploymentRow, 'precision'>): ServedPrecision {
  return row.precision ?? 'float32';
}

/** Changes models and versions. Every refusal comes before anything is written. */
export class RegistryStore {
  readonly #units: UnitRunner;
  readonly #clock: Clock;
  /** Reads what is stored. */
  readonly queries: Queries;

  constructor(parts: { readonly database: Database; readonly units: UnitRunner; readonly clock: Clock }) {
    this.#units = parts.units;
    this.#clock = parts.clock;
    this.queries = new Queries(parts.database);
  }

  /**
   * Makes a model, with its first version where one is given; returns its number or null. Throws ConflictError for an id that is taken, and
   * what `joined` refuses.
   */
  createModel(model: NewModel, first?: NewVersion, joined?: JoinedVersion): Promise<number | null> {
    return this.#change(async (unit, queries, now) => {
      const { tx } = unit;
      const { model_id } = model;
      await joined?.check(unit);
      const before = await queries.row(model_id);
      if (before && before.deleted_us === null) {
        throw new ConflictError('Expected the id of no model, was taken', { model_id });
      }
      writeModel(tx, model, before, now);
      writeTags(tx, model_id, model.tags);
      if (!first) return null;
      const number = addVersion(tx, model_id, before?.newest_version ?? 0, first, now);
      joined?.write(unit, model_id, number, now);
      return number;
    });
  }

  /** Adds a version and returns its number. Throws NotFoundError, and what `joined` refuses. */
  createVersion(id: string, version: NewVersion, joined?: JoinedVersion): Promise<number> {
    return this.#change(async (unit, queries, now) => {
      await joined?.check(unit);
      const { newest_version } = await queries.model(id);
      touch(unit.tx, id, now);
      const number = addVersion(unit.tx, id, newest_version, version, now);
      joined?.write(unit, id, number, now);
      return number;
    });
  }

  /** Throws NotFoundError, ConflictError when `revision` is given and another one is stored, InvalidOptionError for an alias of no version. */
  update(id: string, change: ModelChange, revision: number | null): Promise<void> {
    return this.#change(async ({ tx }, queries, now) => {
      checkRevision(await queries.model(id), revision);
      for (const [alias, version] of Object.entries(change.aliases ?? {})) {
        await queries.version(id, version).catch((error) => {
          if (!(error instanceof NotFoundError)) throw error;
          const field = { pointer: `/aliases/${alias}`, expected: `a version of ${id}` };
          throw new InvalidOptionError(`Expected ${field.expected} for ${field.pointer}`, [field]);
        });
      }
      touch(tx, id, now);
      const { name, description, options, configuration, tags, aliases } = change;
      if (name !== undefined) tx.write('UPDATE models SET name = ? WHERE model_id = ?', name, id);
      if (description !== undefined) {
        tx.write('UPDATE models SET description = ? WHERE model_id = ?', description, id);
      }
      if (options !== undefined) {
        tx.write('UPDATE models SET options = ? WHERE model_id = ?', JSON.stringify(options), id);
      }
      if (configuration !== undefined) {
        tx.write('UPDATE models SET configuration = ? WHERE model_id = ?', JSON.stringify(configuration), id);
      }
      if (tags !== undefined) {
        tx.write('DELETE FROM model_tags WHERE model_id = ?', id);
        writeTags(tx, id, tags);
      }
      if (aliases === undefined) return;
      tx.write('DELETE FROM model_aliases WHERE model_id = ?', id);
      for (const [alias, version] of Object.entries(aliases)) {
        tx.write('INSERT INTO model_aliases (model_id, alias, version) VALUES (?, ?, ?)', id, alias, version);
      }
    });
  }

  /** Moves a version to a stage. Throws NotFoundError, and ConflictError for the version that serves. */
  setStage(id: string, version: number, stage: Exclude<Stage, 'production'>): Promise<void> {
    return this.#change(async ({ tx }, queries, now) => {
      await queries.model(id);
      const { stage: before } = await queries.version(id, version);
      if (before === 'production') {
        throw new ConflictError('Expected a version that does not serve: deploy another one, or roll back');
      }
      writeStage(tx, id, version, stage, now);
      touch(tx, id, now);
    });
  }

  /** Keeps a variant of a version with the hashes of its files, and returns its row. Throws NotFoundError for a version that is gone. */
  keepVariant(given: Omit<VariantRow, 'created_us'>, hashes: readonly string[]): Promise<VariantRow> {
    return this.#change(async ({ tx }, queries, now) => {
      const row = { ...given, created_us: now };
      await queries.model(row.model_id);
      await queries.version(row.model_id, row.version);
      writeVariant(tx, row, hashes);
      return row;
    });
  }

  /**
   * Makes a version serve and returns the row of its deployment; of the last one when it serves there already. What served before is
   * archived. Throws NotFoundError, ConflictError when something else was deployed since `seq`, and what `joined` refuses.
   */
  deploy(id: string, wanted: NewDeployment, joined?: Joined): Promise<DeploymentRow> {
    return this.#change(async (unit, queries, now) => {
      const { tx } = unit;
      const model = await queries.model(id);
      const { artefact_sha256 } = await queries.version(id, wanted.version);
      if (model.deployment_seq !== wanted.seq) {
        throw new ConflictError('Expected no other deployment meanwhile, was one', { model_id: id });
      }
      const last = await queries.deployment(id, wanted.seq);
      const isSame =
        model.production_version === wanted.version &&
        last?.target === wanted.target &&
        precisionOf(last) === wanted.precision &&
        (last.fallback === null) === (wanted.fallback === null);
      await joined?.check(unit);
      // Asked for again, as after a reply that was lost.
      if (wanted.kind === 'deploy' && isSame) {
        await joined?.write(unit, last!, now);
        return last!;
      }
      const row: DeploymentRow = {
        model_id: id,
        seq: wanted.seq + 1,
        kind: wanted.kind,
        version: wanted.version,
        previous_version: model.production_version,
        artefact_sha256,
        target: wanted.target,
        precision: wanted.precision,
        fallback: wanted.fallback,
        below_seq: wanted.below,
        since_us: now,
      };
      // In this order there is at no moment a second version in production, which the database would refuse.
      if (row.previous_version !== null) writeStage(tx, id, row.previous_version, 'archived', now);
      writeStage(tx, id, wanted.version, 'production', now);
      writeDeployment(tx, row);
      tx.write('UPDATE models SET production_version = ? WHERE model_id = ?', wanted.version, id);
      touch(tx, id, now);
      unit.publish(topics.modelDeployments, {
        model_id: id,
        model_version: `${wanted.version}`,
        artefact_sha256,
        previous_version: row.previous_version === null ? null : `${row.previous_version}`,
      });
      await joined?.write(unit, row, now);
      return row;
    });
  }

  /**
   * Deletes a model with its versions, tags and aliases; its deployments stay on record. Returns how many versions went. Throws NotFoundError,
   * and ConflictError while a version serves unless `force`, or when `revision` is given and another one is stored.
   */
  delete(id: string, { force, revision }: { force: boolean; revision: number | null }): Promise<number> {
    return this.#change(async ({ tx }, queries, now) => {
      const model = await queries.model(id);
      checkRevision(model, revision);
      if (model.production_version !== null && !force) {
        throw new ConflictError('Expected a model of which no version serves, or force=true', {
          production_version: `${model.production_version}`,
        });
      }
      const count = await tx.get<{ n: number }>(
        'SELECT COUNT(*) AS n FROM model_versions WHERE model_id = ?',
        id,
      );
      if (model.production_version !== null) {
        writeDeployment(tx, {
          model_id: id,
          seq: model.deployment_seq + 1,
          kind: 'delete',
          version: null,
          previous_version: model.production_version,
          artefact_sha256: null,
          target: null,
          precision: null,
          fallback: null,
          below_seq: null,
          since_us: now,
        });
      }
      for (const table of VERSION_TABLES) {
        tx.write(`DELETE FROM ${table} WHERE model_id = ?`, id);
      }
      tx.write('UPDATE models SET production_version = NULL, deleted_us = ? WHERE model_id = ?', now, id);
      touch(tx, id, now);
      return count!.n;
    });
  }

  /** The deployment that a rollback of `model` goes back to. Throws ConflictError where nothing served before. */
  async below({ model_id, production_version, deployment_seq }: ModelRow): Promise<Served> {
    const now = production_version === null ? null : await this.queries.deployment(model_id, deployment_seq);
    const below = now?.below_seq == null ? null : await this.queries.deployment(model_id, now.below_seq);
    if (below?.version == null || below.target === null) {
      throw new ConflictError('Expected a version that served before, was none', { model_id });
    }
    const { version, target, fallback, below_seq } = below;
    return { version, target, precision: precisionOf(below), fallback, below_seq };
  }

  #change<T>(work: (unit: Unit, queries: Queries, nowUs: number) => Promise<T>): Promise<T> {
    return this.#units.run((unit) => work(unit, new Queries(unit.tx), this.#clock.nowUs()));
  }
}

function checkRevision(model: ModelRow, revision: number | null): void {
  if (revision === null || revision === model.revision) return;
  throw new ConflictError('Expected the newest revision of the model, was an older one', {
    revision: model.revision,
  });
}
