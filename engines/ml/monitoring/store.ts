// Statements of monitoring; which of them go together is the caller's matter.
import type { Reader, SqlValue, Transaction } from '../../../src/store/database.ts';
import type { MonitorState, Reference, StoredMonitor, StoredRetraining, WaitingAnswers } from './records.ts';
import type { WindowReport, WindowSummary } from './schemas.ts';
import { summaryOf } from './summary.ts';
import type { StoredWindow } from './window.ts';

/** Windows that are kept of each monitor, and those of them with all columns. */
export const KEPT_WINDOWS = 1000;
export const KEPT_REPORTS = 50;
/** Ids in one statement. */
const AT_ONCE = 500;

interface MonitorRow {
  readonly model_id: string;
  readonly config: string;
  readonly state: string;
  readonly created_us: number;
  readonly updated_us: number;
}

interface AnswersRow extends Omit<WaitingAnswers, 'answers' | 'matures'> {
  readonly answers: string;
  readonly matures: string | null;
}

const ANSWERS = 'prediction_id, key, version, ts_us, answers, matures';
const answersOf = ({ answers, matures, ...row }: AnswersRow): WaitingAnswers => ({
  ...row,
  answers: JSON.parse(answers),
  matures: matures === null ? null : JSON.parse(matures),
});

const monitorOf = ({ config, state, ...row }: MonitorRow): StoredMonitor => ({
  ...row,
  config: JSON.parse(config),
  state: JSON.parse(state),
});

/** Reads what is stored, from the database or within a transaction. */
export class MonitorQueries {
  readonly #reader: Reader;

  constructor(reader: Reader) {
    this.#reader = reader;
  }

  async monitor(id: string): Promise<StoredMonitor | null> {
    const row = await this.#reader.get<MonitorRow>('SELECT * FROM monitors WHERE model_id = ?', id);
    return row && monitorOf(row);
  }

  /** By id. */
  async monitors(): Promise<StoredMonitor[]> {
    return (await this.#reader.all<MonitorRow>('SELECT * FROM monitors ORDER BY model_id')).map(monitorOf);
  }

  async reference(id: string, version: string): Promise<Reference | null> {
    const sql = 'SELECT reference FROM monitor_references WHERE model_id = ? AND version = ?';
    const row = await this.#reader.get<{ reference: string }>(sql, id, version);
    return row && JSON.parse(row.reference);
  }

  /** The window that is open; null where none is. */
  async openWindow(id: string) {
    const sql = `SELECT seq, version, opened_us, sketch FROM monitor_windows
      WHERE model_id = ? AND closed_us IS NULL ORDER BY seq DESC LIMIT 1`;
    const row = await this.#reader.get<{
      seq: number;
      version: string;
      opened_us: number;
      sketch: string;
    }>(sql, id);
    return row && { ...row, sketch: JSON.parse(row.sketch) as StoredWindow };
  }

  async newestSeq(id: string): Promise<number> {
    const sql = 'SELECT MAX(seq) AS seq FROM monitor_windows WHERE model_id = ?';
    return (await this.#reader.get<{ seq: number | null }>(sql, id))?.seq ?? 0;
  }

  /** The report of the newest window that ended; null before the first. */
  async newestReport(id: string): Promise<WindowReport | null> {
    const sql = `SELECT report FROM monitor_windows WHERE model_id = ? AND report IS NOT NULL ORDER BY seq DESC LIMIT 1`;
    const row = await this.#reader.get<{ report: string }>(sql, id);
    return row && JSON.parse(row.report);
  }

  /** Windows that ended, newest first, those with numbers below `before`. */
  async summaries(id: string, limit: number, before = Number.MAX_SAFE_INTEGER): Promise<WindowSummary[]> {
    const sql = `SELECT summary FROM monitor_windows
      WHERE model_id = ? AND summary IS NOT NULL AND seq < ? ORDER BY seq DESC LIMIT ?`;
    const rows = await this.#reader.all<{ summary: string }>(sql, id, before, limit);
    return rows.map(({ summary }) => JSON.parse(summary));
  }

  /** Requests of these ids that wait, by id. */
  async answers(id: string, predictions: readonly string[]): Promise<Map<string, WaitingAnswers>> {
    const found = await this.#inParts(
      `SELECT ${ANSWERS} FROM monitor_answers WHERE model_id = ? AND prediction_id IN`,
      id,
      predictions,
    );
    return new Map(found.map((row) => [row.prediction_id, row]));
  }

  /** The newest request of each key that waits. */
  async answersOfKeys(id: string, keys: readonly string[]): Promise<Map<string, WaitingAnswers>> {
    const found = await this.#inParts(
      `SELECT ${ANSWERS} FROM monitor_answers WHERE model_id = ? AND key IN`,
      id,
      keys,
      'ORDER BY seq',
    );
    return new Map(found.map((row) => [row.key!, row]));
  }

  /** Those that a bar of the stream will tell, oldest first. */
  async maturing(id: string): Promise<WaitingAnswers[]> {
    const sql = `SELECT ${ANSWERS} FROM monitor_answers WHERE model_id = ? AND matures IS NOT NULL ORDER BY seq`;
    return (await this.#reader.all<AnswersRow>(sql, id)).map(answersOf);
  }

  async waitingRows(id: string): Promise<{ readonly newest: number; readonly requests: number }> {
    const sql = 'SELECT MAX(seq) AS newest, COUNT(*) AS requests FROM monitor_answers WHERE model_id = ?';
    const row = await this.#reader.get<{ newest: number | null; requests: number }>(sql, id);
    return { newest: row?.newest ?? 0, requests: row?.requests ?? 0 };
  }

  /** Newest first. */
  async retrainings(id: string, limit: number): Promise<StoredRetraining[]> {
    const sql =
      'SELECT * FROM monitor_retrainings WHERE model_id = ? ORDER BY started_us DESC, retraining_id DESC LIMIT ?';
    return (await this.#reader.all<RetrainingRow>(sql, id, limit)).map(retrainingOf);
  }

  async retraining(id: string): Promise<StoredRetraining | null> {
    const sql = 'SELECT * FROM monitor_retrainings WHERE retraining_id = ?';
    const row = await this.#reader.get<RetrainingRow>(sql, id);
    return row && retrainingOf(row);
  }

  async running(model_id: string): Promise<StoredRetraining | null> {
    const sql = "SELECT * FROM monitor_retrainings WHERE model_id = ? AND state = 'running'";
    const row = await this.#reader.get<RetrainingRow>(sql, model_id);
    return row && retrainingOf(row);
  }

  async #inParts(head: string, id: string, names: readonly string[], tail = ''): Promise<WaitingAnswers[]> {
    const unique = [...new Set(names)];
    const found: WaitingAnswers[] = [];
    for (let from = 0; from < unique.length; from += AT_ONCE) {
      const part = unique.slice(from, from + AT_ONCE);
      const places = part.map(() => '?').join(', ');
      const rows = await this.#reader.all<AnswersRow>(`${head} (${places}) ${tail}`, id, ...part);
      found.push(...rows.map(answersOf));
    }
    return found;
  }
}

interface RetrainingRow extends Omit<StoredRetraining, 'report'> {
  readonly report: string;
}

const retrainingOf = ({ report, ...row }: RetrainingRow): StoredRetraining => ({
  ...row,
  report: JSON.parse(report),
});

/** Writes a monitor; of one that is stored what it remembers stays as it is. */
export function writeMonitor(tx: Transaction, { config, state, ...monitor }: StoredMonitor): void {
  tx.write(
    `INSERT INTO monitors (model_id, config, state, created_us, updated_us) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (model_id) DO UPDATE SET config = excluded.config, updated_us = excluded.updated_us`,
    monitor.model_id,
    JSON.stringify(config),
    JSON.stringify(state),
    monitor.created_us,
    monitor.updated_us,
  );
}

/** Writes what a monitor remembers. */
export function writeState(tx: Transaction, id: string, state: MonitorState): void {
  tx.write('UPDATE monitors SET state = ? WHERE model_id = ?', JSON.stringify(state), id);
}

export function writeReference(tx: Transaction, id: string, reference: Reference): void {
  tx.write(
    `INSERT INTO monitor_references (model_id, version, reference, made_us) VALUES (?, ?, ?, ?)
     ON CONFLICT (model_id, version) DO UPDATE SET reference = excluded.reference, made_us = excluded.made_us`,
    id,
    reference.info.version,
    JSON.stringify(reference),
    reference.info.made_us,
  );
}

interface WindowHead {
  readonly seq: number;
  readonly version: string;
  readonly openedUs: number;
}

const UPSERT_WINDOW = `INSERT INTO monitor_windows (model_id, seq, version, opened_us, closed_us, sketch, report, summary)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (model_id, seq)
  DO UPDATE SET version = excluded.version, opened_us = excluded.opened_us, closed_us = excluded.closed_us,
    sketch = excluded.sketch, report = excluded.report, summary = excluded.summary`;

/** Writes the open window. */
export function writeWindow(
  tx: Transaction,
  id: string,
  { seq, version, openedUs }: WindowHead,
  sketch: StoredWindow,
): void {
  tx.write(UPSERT_WINDOW, id, seq, version, openedUs, null, JSON.stringify(sketch), null, null);
}

/** Closes a window with its report; its sketches go, and windows and reports beyond those that are kept too. */
export function closeWindow(tx: Transaction, id: string, report: WindowReport): void {
  const { seq, version, opened_us, closed_us } = report;
  const [whole, summary] = [JSON.stringify(report), JSON.stringify(summaryOf(report))];
  tx.write(UPSERT_WINDOW, id, seq, version, opened_us, closed_us, null, whole, summary);
  tx.write('DELETE FROM monitor_windows WHERE model_id = ? AND seq <= ?', id, seq - KEPT_WINDOWS);
  tx.write(
    'UPDATE monitor_windows SET report = NULL WHERE model_id = ? AND seq <= ? AND report IS NOT NULL',
    id,
    seq - KEPT_REPORTS,
  );
}

/** Writes requests that wait for their outcomes, `seq` being the number of rows before them, and removes those beyond `keep` rows. */
export function writeAnswers(
  tx: Transaction,
  id: string,
  requests: readonly WaitingAnswers[],
  seq: number,
  keep: number,
): number {
  let at = seq;
  for (const { prediction_id, key, version, ts_us, answers, matures } of requests) {
    at += answers.length;
    tx.write(
      `INSERT INTO monitor_answers (model_id, prediction_id, key, version, seq, ts_us, answers, matures) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      ...([id, prediction_id, key, version, at, ts_us, JSON.stringify(answers)] satisfies SqlValue[]),
      matures && JSON.stringify(matures),
    );
  }
  tx.write('DELETE FROM monitor_answers WHERE model_id = ? AND seq <= ?', id, at - keep);
  return at;
}

/** Writes which rows of a request still wait; removes it when none do. */
export function writeMatched(tx: Transaction, id: string, { prediction_id, answers }: WaitingAnswers): void {
  const where = 'WHERE model_id = ? AND prediction_id = ?';
  if (answers.every((answer) => answer === null))
    tx.write(`DELETE FROM monitor_answers ${where}`, id, prediction_id);
  else
    tx.write(`UPDATE monitor_answers SET answers = ? ${where}`, JSON.stringify(answers), id, prediction_id);
}

/** Writes a retraining, new or changed. */
export function writeRetraining(tx: Transaction, { report, ...row }: StoredRetraining): void {
  tx.write(
    `INSERT INTO monitor_retrainings (retraining_id, model_id, reason, state, from_version, train_job, report, started_us, ended_us)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (retraining_id) DO UPDATE SET
     state = excluded.state, train_job = excluded.train_job, report = excluded.report, ended_us = excluded.ended_us`,
    row.retraining_id,
    row.model_id,
    row.reason,
    row.state,
    row.from_version,
    row.train_job,
    JSON.stringify(report),
    row.started_us,
    row.ended_us,
  );
}

/** Forgets what a model was compared with. */
export function deleteReferences(tx: Transaction, id: string): void {
  tx.write('DELETE FROM monitor_references WHERE model_id = ?', id);
}

/** Removes all that is stored of a monitor. */
export function deleteMonitor(tx: Transaction, id: string): void {
  for (const table of [
    'monitors',
    'monitor_references',
    'monitor_windows',
    'monitor_answers',
    'monitor_retrainings',
  ])
    tx.write(`DELETE FROM ${table} WHERE model_id = ?`, id);
}
