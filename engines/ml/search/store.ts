// Searches and their trials in the engine's database. Every change is one transaction; a trial is counted once.
import type { Clock } from '../../../src/core/clock.ts';
import { NotFoundError } from '../../../src/core/errors.ts';
import type { Database, Reader, Transaction } from '../../../src/store/database.ts';
import type {
  Outcome,
  Reason,
  SearchKind,
  SearchRow,
  SearchState,
  Settings,
  TrialRow,
  TrialState,
} from './records.ts';

interface SearchText extends Omit<SearchRow, 'settings' | 'reason'> {
  readonly settings: string;
  readonly reason: string | null;
}

interface TrialText extends Omit<TrialRow, 'point' | 'outcome'> {
  readonly point: string;
  readonly outcome: string | null;
}

const COLUMNS = 'search_id, kind, settings, state, reason, created_us, started_us, finished_us';
const TRIAL = 'number, point, state, job_id, started_us, finished_us, outcome';
const GIVE_UP =
  "UPDATE search_trials SET state = 'cancelled', finished_us = ? WHERE search_id = ? AND state = 'running'";
const UNFINISHED = "(state IN ('waiting', 'running'))";

/** A new search. */
export interface NewSearch {
  readonly search_id: string;
  readonly kind: SearchKind;
  readonly settings: Settings;
}

/** Reads and changes searches. */
export class SearchStore {
  readonly #db: Database;
  readonly #clock: Clock;

  constructor({ database, clock }: { readonly database: Database; readonly clock: Clock }) {
    this.#db = database;
    this.#clock = clock;
  }

  async create({ search_id, kind, settings }: NewSearch): Promise<void> {
    const values = [search_id, kind, JSON.stringify(settings), this.#clock.nowUs()];
    await this.#db.transaction((tx) =>
      tx.write(
        "INSERT INTO searches (search_id, kind, settings, state, created_us) VALUES (?, ?, ?, 'waiting', ?)",
        ...values,
      ),
    );
  }

  /** Throws NotFoundError. */
  async get(id: string): Promise<SearchRow> {
    const row = await this.#db.get<SearchText>(`SELECT ${COLUMNS} FROM searches WHERE search_id = ?`, id);
    if (!row) throw new NotFoundError('Expected the id of a search');
    return searchOf(row);
  }

  /** Newest first. */
  async list(kind: SearchKind | undefined, limit: number, before: string | undefined): Promise<SearchRow[]> {
    const where = [
      ...(kind === undefined ? [] : ['kind = ?']),
      ...(before === undefined ? [] : ['search_id < ?']),
    ];
    const values = [kind, before].filter((value) => value !== undefined);
    const rows = await this.#db.all<SearchText>(
      `SELECT ${COLUMNS} FROM searches ${where.length > 0 ? `WHERE ${where.join(' AND ')}` : ''} ORDER BY search_id DESC LIMIT ?`,
      ...values,
      limit,
    );
    return rows.map(searchOf);
  }

  /** How many searches have not ended. */
  async unfinished(): Promise<number> {
    const row = await this.#db.get<{ n: number }>(`SELECT count(*) AS n FROM searches WHERE ${UNFINISHED}`);
    return row!.n;
  }

  /** Ids of searches that have not ended. */
  async open(): Promise<string[]> {
    const rows = await this.#db.all<{ search_id: string }>(
      `SELECT search_id FROM searches WHERE ${UNFINISHED}`,
    );
    return rows.map(({ search_id }) => search_id);
  }

  /** Forgets all but the newest `keep` searches that have ended, with their trials. */
  async prune(keep: number): Promise<void> {
    await this.#db.transaction(async (tx) => {
      const old = await tx.all<{ search_id: string }>(
        `SELECT search_id FROM searches WHERE NOT ${UNFINISHED} ORDER BY search_id DESC LIMIT 1000 OFFSET ?`,
        keep,
      );
      for (const { search_id } of old) {
        for (const table of ['search_trials', 'search_versions', 'searches'])
          tx.write(`DELETE FROM ${table} WHERE search_id = ?`, search_id);
      }
    });
  }

  async has(id: string): Promise<boolean> {
    return (await this.#db.get('SELECT 1 FROM searches WHERE search_id = ?', id)) !== null;
  }

  /** A search begins, or goes on. */
  async begin(id: string): Promise<SearchRow> {
    const now = this.#clock.nowUs();
    await this.#db.transaction((tx) =>
      tx.write(
        `UPDATE searches SET state = 'running', started_us = COALESCE(started_us, ?) WHERE search_id = ? AND ${UNFINISHED}`,
        now,
        id,
      ),
    );
    return this.get(id);
  }

  /** Ends a search and those of its trials that still run; resolves to whether it had not ended. */
  async end(
    id: string,
    state: Exclude<SearchState, 'waiting' | 'running'>,
    more: { readonly reason?: Reason | null; readonly result?: unknown } = {},
  ): Promise<boolean> {
    const now = this.#clock.nowUs();
    const reason = more.reason ? JSON.stringify(more.reason) : null;
    const result = more.result === undefined ? null : JSON.stringify(more.result);
    return this.#db.transaction(async (tx) => {
      const ended = await tx.get(
        `UPDATE searches SET state = ?, reason = ?, result = ?, finished_us = ? WHERE search_id = ? AND ${UNFINISHED} RETURNING search_id`,
        ...[state, reason, result, now, id],
      );
      if (ended) tx.write(GIVE_UP, now, id);
      return ended !== null;
    });
  }

  /** Gives up the trials that still run: what comes of them counts no more. */
  async giveUp(id: string): Promise<void> {
    const now = this.#clock.nowUs();
    await this.#db.transaction((tx) => tx.write(GIVE_UP, now, id));
  }

  /** What was found at the end of a search; null before that. */
  async result(id: string): Promise<unknown> {
    const row = await this.#db.get<{ result: string | null }>(
      'SELECT result FROM searches WHERE search_id = ?',
      id,
    );
    return row?.result ? JSON.parse(row.result) : null;
  }

  /** Trials from one number up to, and with, another, in order. */
  async trials(id: string, from = 0, to = Number.MAX_SAFE_INTEGER): Promise<TrialRow[]> {
    const rows = await this.#db.all<TrialText>(
      `SELECT ${TRIAL} FROM search_trials WHERE search_id = ? AND number >= ? AND number <= ? ORDER BY number`,
      ...[id, from, to],
    );
    return rows.map(trialOf);
  }

  async trial(id: string, number: number): Promise<TrialRow | null> {
    return (await this.trials(id, number, number))[0] ?? null;
  }

  /** Stores a trial that is about to begin. */
  async propose(id: string, number: number, point: TrialRow['point']): Promise<void> {
    const values = [id, number, JSON.stringify(point), this.#clock.nowUs()];
    await this.#db.transaction((tx) =>
      tx.write(
        "INSERT INTO search_trials (search_id, number, point, state, started_us) VALUES (?, ?, ?, 'running', ?)",
        ...values,
      ),
    );
  }

  /** Which job runs a trial; resolves to how the trial is, null where it is gone. */
  async assign(id: string, number: number, jobId: string): Promise<TrialState | null> {
    const row = await this.#db.transaction((tx) =>
      tx.get<{ state: TrialState }>(
        'UPDATE search_trials SET job_id = ? WHERE search_id = ? AND number = ? RETURNING state',
        ...[jobId, id, number],
      ),
    );
    return row?.state ?? null;
  }

  /** Stores what came of a trial; resolves to false where that was known already. */
  async endTrial(id: string, number: number, outcome: Outcome): Promise<boolean> {
    const values = [outcome.state, this.#clock.nowUs(), JSON.stringify(outcome), id, number];
    const ended = await this.#db.transaction((tx) =>
      tx.get(
        `UPDATE search_trials SET state = ?, finished_us = ?, outcome = ? WHERE search_id = ? AND number = ? AND state = 'running'
         RETURNING number`,
        ...values,
      ),
    );
    return ended !== null;
  }

  /** Until the transaction ends no other one, in whatever process, is further than this with the same search. */
  hold(tx: Transaction, id: string): void {
    tx.write('UPDATE searches SET state = state WHERE search_id = ?', id);
  }

  /** The version that a choice of a search became in a model, or in any where none is named; null before. */
  async version(
    id: string,
    choice: string,
    modelId: string | undefined,
    reader: Reader = this.#db,
  ): Promise<{ readonly model_id: string; readonly version: number } | null> {
    const named = modelId === undefined ? '' : 'AND model_id = ?';
    return reader.get(
      `SELECT model_id, version FROM search_versions WHERE search_id = ? AND choice = ? ${named} ORDER BY created_us, model_id LIMIT 1`,
      ...[id, choice, ...(modelId === undefined ? [] : [modelId])],
    );
  }

  /** Remembers the version that a choice became, in place of one that was deleted. */
  keepVersion(
    tx: Transaction,
    id: string,
    choice: string,
    { model_id, version }: { readonly model_id: string; readonly version: number },
  ): void {
    tx.write(
      `INSERT INTO search_versions (search_id, choice, model_id, version, created_us) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (search_id, choice, model_id) DO UPDATE SET version = excluded.version, created_us = excluded.created_us`,
      ...[id, choice, model_id, version, this.#clock.nowUs()],
    );
  }
}

function searchOf(row: SearchText): SearchRow {
  return {
    ...row,
    settings: JSON.parse(row.settings),
    reason: row.reason === null ? null : JSON.parse(row.reason),
  };
}

function trialOf(row: TrialText): TrialRow {
  return {
    ...row,
    point: JSON.parse(row.point),
    outcome: row.outcome === null ? null : JSON.parse(row.outcome),
  };
}
