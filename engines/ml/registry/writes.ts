// Statements that change the registry's tables; which of them go together is said in store.ts.
import type { Transaction } from '../../../src/store/database.ts';
import type { DeploymentRow, ModelRow, NewModel, NewVersion, Stage, VariantRow } from './records.ts';

const INSERT_VERSION = `INSERT INTO model_versions (model_id, version, stage, artefact_sha256, artefact_bytes, signature,
  probe, metrics, lineage, created_us, updated_us) VALUES (?, ?, 'none', ?, ?, ?, ?, ?, ?, ?, ?)`;
const INSERT_MODEL = `INSERT INTO models (name, description, model_type, task, family, options, configuration, revision,
  created_us, updated_us, model_id, newest_version, deployment_seq) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0)`;
const REVIVE_MODEL = `UPDATE models SET name = ?, description = ?, model_type = ?, task = ?, family = ?, options = ?,
  configuration = ?, revision = ?, created_us = ?, updated_us = ?, deleted_us = NULL WHERE model_id = ?`;
const INSERT_DEPLOYMENT = `INSERT INTO model_deployments (model_id, seq, kind, version, previous_version, artefact_sha256,
  target, precision, fallback, below_seq, since_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const INSERT_VARIANT = `INSERT INTO model_variants (model_id, version, precision, report, answers, created_us)
  VALUES (?, ?, ?, ?, ?, ?)`;
const INSERT_VARIANT_FILE =
  'INSERT INTO model_variant_files (sha256, model_id, version, precision) VALUES (?, ?, ?, ?)';
const SET_STAGE = 'UPDATE model_versions SET stage = ?, updated_us = ? WHERE model_id = ? AND version = ?';

/** Writes a new model, into the row of a deleted one of this id where there is one. */
export function writeModel(tx: Transaction, model: NewModel, before: ModelRow | null, now: number): void {
  tx.write(
    before ? REVIVE_MODEL : INSERT_MODEL,
    model.name,
    model.description,
    model.model_type,
    model.task,
    model.family,
    JSON.stringify(model.options),
    JSON.stringify(model.configuration),
    (before?.revision ?? 0) + 1,
    now,
    now,
    model.model_id,
  );
}

/** Moves a version to a stage. */
export function writeStage(tx: Transaction, id: string, version: number, stage: Stage, now: number): void {
  tx.write(SET_STAGE, stage, now, id, version);
}

/** Counts a change of a model. */
export function touch(tx: Transaction, id: string, now: number): void {
  tx.write('UPDATE models SET revision = revision + 1, updated_us = ? WHERE model_id = ?', now, id);
}

/** Adds tags to a model. */
export function writeTags(tx: Transaction, id: string, tags: readonly string[]): void {
  for (const tag of tags) tx.write('INSERT INTO model_tags (tag, model_id) VALUES (?, ?)', tag, id);
}

/** Writes the version after `newest` and returns its number. */
export function addVersion(
  tx: Transaction,
  id: string,
  newest: number,
  version: NewVersion,
  now: number,
): number {
  const number = newest + 1;
  tx.write(
    INSERT_VERSION,
    id,
    number,
    version.artefact.sha256,
    version.artefact.bytes,
    JSON.stringify(version.signature),
    JSON.stringify(version.probe),
    JSON.stringify(version.metrics),
    JSON.stringify(version.lineage),
    now,
    now,
  );
  tx.write('UPDATE models SET newest_version = ? WHERE model_id = ?', number, id);
  return number;
}

/** Writes a variant and which files it has, in place of an earlier one. */
export function writeVariant(tx: Transaction, row: VariantRow, hashes: readonly string[]): void {
  const { model_id, version, precision } = row;
  for (const table of ['model_variants', 'model_variant_files']) {
    const where = 'WHERE model_id = ? AND version = ? AND precision = ?';
    tx.write(`DELETE FROM ${table} ${where}`, model_id, version, precision);
  }
  tx.write(INSERT_VARIANT, model_id, version, precision, row.report, row.answers, row.created_us);
  for (const hash of new Set(hashes)) tx.write(INSERT_VARIANT_FILE, hash, model_id, version, precision);
}

/** Writes a row of the history, which becomes the newest. */
export function writeDeployment(tx: Transaction, row: DeploymentRow): void {
  tx.write(
    INSERT_DEPLOYMENT,
    row.model_id,
    row.seq,
    row.kind,
    row.version,
    row.previous_version,
    row.artefact_sha256,
    row.target,
    row.precision,
    row.fallback,
    row.below_seq,
    row.since_us,
  );
  tx.write('UPDATE models SET deployment_seq = ? WHERE model_id = ?', row.seq, row.model_id);
}
