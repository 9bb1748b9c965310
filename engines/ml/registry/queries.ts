// Questions to the registry's tables. Each look-up of one model, version or alias is one row of an index.
import { NotFoundError } from '../../../src/core/errors.ts';
import type { Reader, SqlValue } from '../../../src/store/database.ts';
import type { DeploymentRow, ModelRow, Stage, VariantRow, VersionRow } from './records.ts';

const of = (alias: string, columns: readonly string[]) => columns.map((c) => `${alias}.${c}`).join(', ');
const MODEL = [
  'model_id',
  'name',
  'description',
  'model_type',
  'task',
  'family',
  'options',
  'configuration',
  'revision',
  'newest_version',
  'production_version',
  'deployment_seq',
  'created_us',
  'updated_us',
  'deleted_us',
] as const;
const VERSION = [
  'model_id',
  'version',
  'stage',
  'artefact_sha256',
  'artefact_bytes',
  'signature',
  'probe',
  'metrics',
  'lineage',
  'created_us',
  'updated_us',
] as const;
const DEPLOYMENT = [
  'model_id',
  'seq',
  'kind',
  'version',
  'previous_version',
  'artefact_sha256',
  'target',
  'precision',
  'fallback',
  'below_seq',
  'since_us',
] as const;

/** Statements of look-ups, so that tests can ask how they are planned. */
export const SQL = {
  model: `SELECT ${of('m', MODEL)} FROM models m WHERE m.model_id = ?`,
  version: `SELECT ${of('v', VERSION)} FROM model_versions v WHERE v.model_id = ? AND v.version = ?`,
  production: `SELECT ${of('v', VERSION)} FROM models m JOIN model_versions v
    ON v.model_id = m.model_id AND v.version = m.production_version WHERE m.model_id = ?`,
  alias: `SELECT ${of('v', VERSION)} FROM model_aliases a JOIN model_versions v
    ON v.model_id = a.model_id AND v.version = a.version WHERE a.model_id = ? AND a.alias = ?`,
  versions: `SELECT ${of('v', VERSION)} FROM model_versions v
    WHERE v.model_id = ? AND v.version < ? ORDER BY v.version DESC LIMIT ?`,
  aliases: 'SELECT alias, version FROM model_aliases WHERE model_id = ? ORDER BY alias',
  tags: 'SELECT tag FROM model_tags WHERE model_id = ? ORDER BY tag',
  deployment: `SELECT ${of('d', DEPLOYMENT)} FROM model_deployments d WHERE d.model_id = ? AND d.seq = ?`,
  deployments: `SELECT ${of('d', DEPLOYMENT)} FROM model_deployments d
    WHERE d.model_id = ? AND d.seq < ? ORDER BY d.seq DESC LIMIT ?`,
  answering: `SELECT m.model_id FROM model_tags t JOIN models m ON m.model_id = t.model_id
    JOIN model_deployments d ON d.model_id = m.model_id AND d.seq = m.deployment_seq
    WHERE t.tag = ? AND m.model_type = ? AND m.production_version IS NOT NULL AND m.deleted_us IS NULL
    AND (NOT EXISTS (SELECT 1 FROM model_tags h WHERE h.model_id = m.model_id AND h.tag >= 'horizon:' AND h.tag < 'horizon;')
      OR EXISTS (SELECT 1 FROM model_tags h WHERE h.tag = ? AND h.model_id = m.model_id))
    ORDER BY d.since_us DESC, m.model_id LIMIT 1`,
  byArtefact: 'SELECT 1 AS found FROM model_versions WHERE artefact_sha256 = ? LIMIT 1',
  byVariant: 'SELECT 1 AS found FROM model_variant_files WHERE sha256 = ? LIMIT 1',
  variants: `SELECT model_id, version, precision, report, answers, created_us FROM model_variants
    WHERE model_id = ? AND version >= ? AND version <= ? ORDER BY version, precision`,
} as const;

/** What a list of models is limited to. */
export interface ModelFilter {
  /** Part of the id or of the name, in any case of letters. */
  readonly name?: string | undefined;
  readonly type?: string | undefined;
  /** Models with a version in this stage. */
  readonly stage?: Stage | undefined;
  readonly tag?: string | undefined;
  /** Ids after this one. */
  readonly after: string;
  readonly limit: number;
}

/** A model of a list, with what is known of the version that serves, else of its newest; null before the first. */
export interface ListedModel extends ModelRow {
  readonly signature: string | null;
  readonly metrics: string | null;
}

/** Names that stand for a version without being stored. */
export const BUILT_IN_ALIASES = ['production', 'latest'] as const;

/** Reads models, versions and deployments, from the database or within a transaction of it. */
export class Queries {
  readonly #reader: Reader;

  constructor(reader: Reader) {
    this.#reader = reader;
  }

  /** The row of an id, also of a model that was deleted; null when there was none. */
  row(id: string): Promise<ModelRow | null> {
    return this.#reader.get<ModelRow>(SQL.model, id);
  }

  /** Throws NotFoundError. */
  async model(id: string): Promise<ModelRow> {
    const row = await this.row(id);
    if (!row || row.deleted_us !== null) throw new NotFoundError('Expected the id of a registered model');
    return row;
  }

  /** Throws NotFoundError. */
  async version(id: string, version: number): Promise<VersionRow> {
    const row = await this.#reader.get<VersionRow>(SQL.version, id, version);
    if (!row) throw new NotFoundError(`Expected a version of ${id}, was another`);
    return row;
  }

  async hasVersion(id: string, version: number): Promise<boolean> {
    return (await this.#reader.get(SQL.version, id, version)) !== null;
  }

  /** The version that serves; null where none does. */
  production(id: string): Promise<VersionRow | null> {
    return this.#reader.get<VersionRow>(SQL.production, id);
  }

  /** The version of a number or an alias, `latest` and `production` among them. Throws NotFoundError. */
  async named(id: string, name: string): Promise<VersionRow> {
    const unknown = () => new NotFoundError(`Expected a version or an alias of ${id}, was neither`);
    if (/^[1-9][0-9]{0,14}$/.test(name)) return this.version(id, Number(name));
    let row: VersionRow | null;
    if (name === 'production') row = await this.production(id);
    else if (name === 'latest') [row = null] = await this.versions(id, 1);
    else row = await this.#reader.get<VersionRow>(SQL.alias, id, name);
    if (!row) throw unknown();
    return row;
  }

  /** Newest first; `before` is the last one of the page before. */
  versions(id: string, limit: number, before = Number.MAX_SAFE_INTEGER): Promise<VersionRow[]> {
    return this.#reader.all<VersionRow>(SQL.versions, id, before, limit);
  }

  async aliases(id: string): Promise<Record<string, number>> {
    const rows = await this.#reader.all<{ alias: string; version: number }>(SQL.aliases, id);
    return Object.fromEntries(rows.map(({ alias, version }) => [alias, version]));
  }

  async tags(id: string): Promise<string[]> {
    return (await this.#reader.all<{ tag: string }>(SQL.tags, id)).map(({ tag }) => tag);
  }

  deployment(id: string, seq: number): Promise<DeploymentRow | null> {
    return this.#reader.get<DeploymentRow>(SQL.deployment, id, seq);
  }

  /** Newest first, also of a model that was deleted; `before` is the `seq` of the last one of the page before. */
  deployments(id: string, limit: number, before = Number.MAX_SAFE_INTEGER): Promise<DeploymentRow[]> {
    return this.#reader.all<DeploymentRow>(SQL.deployments, id, before, limit);
  }

  /** Models by id. */
  list(filter: ModelFilter): Promise<ListedModel[]> {
    const { sql, values } = listSql(filter);
    return this.#reader.all<ListedModel>(sql, ...values);
  }

  /**
   * Returns the id of the model of a type that serves and has the tag of a symbol, the one deployed last; null where there is none. A model with a
   * tag of a horizon answers for that horizon only.
   */
  async answering(type: string, symbolTag: string, horizonTag: string): Promise<string | null> {
    const found = await this.#reader.get<{ model_id: string }>(SQL.answering, symbolTag, type, horizonTag);
    return found?.model_id ?? null;
  }

  /** Variants of the versions from one to another, oldest version first. */
  variants(id: string, from: number, to = from): Promise<VariantRow[]> {
    return this.#reader.all<VariantRow>(SQL.variants, id, from, to);
  }

  /** Returns those among `hashes` that a version or a variant has. */
  async withVersions(hashes: readonly string[]): Promise<ReadonlySet<string>> {
    const found = await Promise.all(
      hashes.map(
        async (hash) =>
          (await this.#reader.get(SQL.byArtefact, hash)) ?? (await this.#reader.get(SQL.byVariant, hash)),
      ),
    );
    return new Set(hashes.filter((_, i) => found[i] !== null));
  }
}

/** Returns the statement of a list. Type, tag and stage are found by an index; a part of a name is looked for among what is left. */
export function listSql(filter: ModelFilter): { readonly sql: string; readonly values: readonly SqlValue[] } {
  const { name, type, stage, tag, after, limit } = filter;
  const where = ['m.deleted_us IS NULL', 'm.model_id > ?'];
  const values: SqlValue[] = [after];
  const add = (condition: string, ...given: SqlValue[]) => {
    where.push(condition);
    values.push(...given);
  };
  if (type !== undefined) add('m.model_type = ?', type);
  if (tag !== undefined) add('m.model_id IN (SELECT model_id FROM model_tags WHERE tag = ?)', tag);
  if (stage !== undefined) add('m.model_id IN (SELECT model_id FROM model_versions WHERE stage = ?)', stage);
  if (name !== undefined) {
    const part = `%${name.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`;
    add(`(m.model_id LIKE ? ESCAPE '\\' OR lower(m.name) LIKE ? ESCAPE '\\')`, part, part);
  }
  const sql = `SELECT ${of('m', MODEL)}, v.signature, v.metrics FROM models m LEFT JOIN model_versions v
    ON v.model_id = m.model_id AND v.version = COALESCE(m.production_version, m.newest_version)
    WHERE ${where.join(' AND ')} ORDER BY m.model_id LIMIT ?`;
  return { sql, values: [...values, limit] };
}
