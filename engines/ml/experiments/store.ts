// Statements of experiments. Which of them go together is said by their callers, each a unit of work.
import type { Reader, SqlValue, Transaction } from '../../../src/store/database.ts';
import {
  type AuditRow,
  type Definition,
  type Experiment,
  type ExperimentRow,
  NO_TALLY,
  type PredictionRow,
  type Result,
  type Tally,
  WATCH,
} from './records.ts';
import type { AuditQuery, ExperimentsQuery } from './schemas.ts';

const COLUMNS = `experiment_id, model_id, mode, state, reason, definition, result, stage, winner, deployment_seq, promoted_seq,
  created_us, updated_us, ended_us`;
/** Values of one statement: below the least that both databases take. */
const CHUNK = 500;

/** Returns the row of an experiment; null where there is none. */
export function rowOf(reader: Reader, id: string): Promise<ExperimentRow | null> {
  return reader.get<ExperimentRow>(`SELECT ${COLUMNS} FROM experiments WHERE experiment_id = ?`, id);
}

/** Returns the rows of the experiments that have not ended, oldest first. */
export function activeRows(reader: Reader): Promise<ExperimentRow[]> {
  return reader.all<ExperimentRow>(
    `SELECT ${COLUMNS} FROM experiments WHERE ended_us IS NULL ORDER BY experiment_id`,
  );
}

/** Returns the experiment of a model that has not ended; null where there is none. */
export function activeOf(reader: Reader, modelId: string): Promise<ExperimentRow | null> {
  return reader.get<ExperimentRow>(
    `SELECT ${COLUMNS} FROM experiments WHERE model_id = ? AND ended_us IS NULL`,
    modelId,
  );
}

/** Returns experiments, newest first. */
export function listRows(
  reader: Reader,
  { model_id, state, limit, cursor }: ExperimentsQuery,
): Promise<ExperimentRow[]> {
  const where = ['1 = 1'];
  const values: SqlValue[] = [];
  const add = (condition: string, value: SqlValue | undefined) => {
    if (value === undefined) return;
    where.push(condition);
    values.push(value);
  };
  add('model_id = ?', model_id);
  add('state = ?', state);
  add('experiment_id < ?', cursor);
  return reader.all<ExperimentRow>(
    `SELECT ${COLUMNS} FROM experiments WHERE ${where.join(' AND ')} ORDER BY experiment_id DESC LIMIT ?`,
    ...values,
    limit,
  );
}

/** Returns the shares of each stage, oldest first. */
export async function rampsOf(reader: Reader, id: string): Promise<number[][]> {
  const rows = await reader.all<{ weights: string }>(
    'SELECT weights FROM experiment_ramps WHERE experiment_id = ? ORDER BY stage',
    id,
  );
  return rows.map(({ weights }) => JSON.parse(weights));
}

/** Returns an experiment with everything that decisions read. */
export async function experimentOf(reader: Reader, row: ExperimentRow): Promise<Experiment> {
  const definition: Definition = JSON.parse(row.definition);
  const stored = await reader.all<{ arm: string; tally: string }>(
    'SELECT arm, tally FROM experiment_tallies WHERE experiment_id = ?',
    row.experiment_id,
  );
  const tallies = new Map<string, Tally>(stored.map(({ arm, tally }) => [arm, JSON.parse(tally)]));
  return {
    row,
    definition,
    result: JSON.parse(row.result) as Result,
    ramps: await rampsOf(reader, row.experiment_id),
    tallies: definition.arms.map(({ name }) => tallies.get(name) ?? NO_TALLY),
    watch: tallies.get(WATCH) ?? NO_TALLY,
  };
}

export function insertExperiment(tx: Transaction, row: ExperimentRow): void {
  tx.write(
    `INSERT INTO experiments (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    row.experiment_id,
    row.model_id,
    row.mode,
    row.state,
    row.reason,
    row.definition,
    row.result,
    row.stage,
    row.winner,
    row.deployment_seq,
    row.promoted_seq,
    row.created_us,
    row.updated_us,
    row.ended_us,
  );
}

/** Writes what may change of an experiment. */
export function updateExperiment(tx: Transaction, row: ExperimentRow): void {
  tx.write(
    `UPDATE experiments SET state = ?, reason = ?, result = ?, stage = ?, winner = ?, promoted_seq = ?, updated_us = ?, ended_us = ?
     WHERE experiment_id = ?`,
    row.state,
    row.reason,
    row.result,
    row.stage,
    row.winner,
    row.promoted_seq,
    row.updated_us,
    row.ended_us,
    row.experiment_id,
  );
}

export function writeRamp(
  tx: Transaction,
  id: string,
  stage: number,
  weights: readonly number[],
  nowUs: number,
): void {
  tx.write(
    'INSERT INTO experiment_ramps (experiment_id, stage, weights, since_us) VALUES (?, ?, ?, ?)',
    id,
    stage,
    JSON.stringify(weights),
    nowUs,
  );
}

export function writeTally(tx: Transaction, id: string, arm: string, tally: Tally): void {
  tx.write(
    `INSERT INTO experiment_tallies (experiment_id, arm, tally) VALUES (?, ?, ?)
     ON CONFLICT (experiment_id, arm) DO UPDATE SET tally = excluded.tally`,
    id,
    arm,
    JSON.stringify(tally),
  );
}

/** Adds an entry of what happened. */
export async function writeAudit(
  tx: Transaction,
  id: string,
  action: string,
  actor: AuditRow['actor'],
  detail: object,
  nowUs: number,
): Promise<void> {
  const last = await tx.get<{ seq: number | null }>(
    'SELECT MAX(seq) AS seq FROM experiment_audit WHERE experiment_id = ?',
    id,
  );
  tx.write(
    'INSERT INTO experiment_audit (experiment_id, seq, action, actor, detail, at_us) VALUES (?, ?, ?, ?, ?, ?)',
    id,
    (last?.seq ?? 0) + 1,
    action,
    actor,
    JSON.stringify(detail),
    nowUs,
  );
}

/** Returns what happened, newest first. */
export function auditRows(
  reader: Reader,
  id: string,
  { limit, cursor = Number.MAX_SAFE_INTEGER }: AuditQuery,
): Promise<AuditRow[]> {
  return reader.all<AuditRow>(
    `SELECT seq, action, actor, detail, at_us FROM experiment_audit WHERE experiment_id = ? AND seq < ?
     ORDER BY seq DESC LIMIT ?`,
    id,
    cursor,
    limit,
  );
}

export function writePrediction(tx: Transaction, id: string, row: PredictionRow): void {
  tx.write(
    `INSERT INTO experiment_predictions (experiment_id, prediction_id, subject, arm, stage, said, settled, at_us)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    id,
    row.prediction_id,
    row.subject,
    row.arm,
    row.stage,
    row.said,
    row.settled,
    row.at_us,
  );
}

/** Returns the predictions whose `column` is among `values`. */
export async function predictionsBy(
  reader: Reader,
  id: string,
  column: 'prediction_id' | 'subject',
  values: readonly string[],
): Promise<PredictionRow[]> {
  const found = await inChunks(values, (part) =>
    reader.all<PredictionRow>(
      `SELECT prediction_id, subject, arm, stage, said, settled, at_us FROM experiment_predictions
       WHERE experiment_id = ? AND ${column} IN (${marks(part)})`,
      id,
      ...part,
    ),
  );
  return found.flat();
}

/** Marks predictions as settled. */
export async function settle(tx: Transaction, id: string, predictionIds: readonly string[]): Promise<void> {
  await inChunks(predictionIds, async (part) =>
    tx.write(
      `UPDATE experiment_predictions SET settled = 1 WHERE experiment_id = ? AND prediction_id IN (${marks(part)})`,
      id,
      ...part,
    ),
  );
}

/** Removes predictions that are older than `beforeUs`. */
export function forgetPredictions(tx: Transaction, id: string, beforeUs: number): void {
  tx.write('DELETE FROM experiment_predictions WHERE experiment_id = ? AND at_us < ?', id, beforeUs);
}

/** Removes what only a running experiment needs. */
export function clearExperiment(tx: Transaction, id: string): void {
  for (const table of ['experiment_predictions', 'experiment_keys'])
    tx.write(`DELETE FROM ${table} WHERE experiment_id = ?`, id);
}

/** Returns how many predictions are kept, and how many of them wait. */
export async function countPredictions(
  reader: Reader,
  id: string,
): Promise<{ readonly kept: number; readonly waiting: number }> {
  const found = await reader.get<{ kept: number; settled: number | null }>(
    'SELECT COUNT(*) AS kept, SUM(settled) AS settled FROM experiment_predictions WHERE experiment_id = ?',
    id,
  );
  const kept = found?.kept ?? 0;
  return { kept, waiting: kept - Number(found?.settled ?? 0) };
}

/** Adds the hashes of keys that were not there, and returns them. */
export async function addKeys(tx: Transaction, id: string, hashes: readonly number[]): Promise<Set<number>> {
  const asked = [...new Set(hashes)];
  const known = await inChunks(asked, (part) =>
    tx.all<{ key_hash: number }>(
      `SELECT key_hash FROM experiment_keys WHERE experiment_id = ? AND key_hash IN (${marks(part)})`,
      id,
      ...part,
    ),
  );
  const there = new Set(known.flat().map(({ key_hash }) => key_hash));
  const fresh = asked.filter((hash) => !there.has(hash));
  for (const hash of fresh)
    tx.write('INSERT INTO experiment_keys (experiment_id, key_hash) VALUES (?, ?)', id, hash);
  return new Set(fresh);
}

const marks = (values: readonly unknown[]) => values.map(() => '?').join(', ');

async function inChunks<V, R>(values: readonly V[], work: (part: readonly V[]) => Promise<R>): Promise<R[]> {
  const done: R[] = [];
  for (let from = 0; from < values.length; from += CHUNK)
    done.push(await work(values.slice(from, from + CHUNK)));
  return done;
}
