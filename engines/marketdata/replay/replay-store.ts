// Replays as they are stored: what each said last, so that an engine that was ended in the middle of one can say what became of it.
import type { z } from 'zod';
import type { Clock } from '../../../src/core/clock.ts';
import { NotFoundError } from '../../../src/core/errors.ts';
import type { Log } from '../../../src/core/log.ts';
import type { Database } from '../../../src/store/database.ts';

/** Replays of each sort that are remembered. */
export const KEPT = 100;
const SAVE_MS = 1000;

const INTERRUPTED = {
  type: '/problems/interrupted',
  detail: 'The engine ended in the middle of the replay: this is where it was up to a second before',
};

/** What every sort of replay says. */
interface Reply {
  readonly replay_id: string;
  readonly state: string;
  readonly error: { readonly type: string; readonly detail: string } | null;
}

export interface ReplayStoreParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
}

/** The stored replays of one sort. */
export class ReplayStore<R extends Reply> {
  readonly #parts: ReplayStoreParts;
  readonly #sort: 'paced' | 'lockstep';
  readonly #schema: z.ZodType<R>;
  #past: R[] = [];

  constructor(parts: ReplayStoreParts, sort: 'paced' | 'lockstep', schema: z.ZodType<R>) {
    this.#parts = parts;
    this.#sort = sort;
    this.#schema = schema;
  }

  /** Replays of earlier processes, newest first. */
  get past(): readonly R[] {
    return this.#past;
  }

  /** Returns one of them, which has ended. Throws NotFoundError. */
  pastOf(id: string): R {
    const reply = this.#past.find((past) => past.replay_id === id);
    if (!reply) throw new NotFoundError('No such replay');
    return reply;
  }

  /** Reads what earlier processes have stored; returns the replays that were under way when theirs ended, which are failed from now on. */
  async load(): Promise<R[]> {
    const rows = await this.#parts.database.all<{ reply: string; under_way: number }>(
      'SELECT reply, under_way FROM market_replays WHERE sort = ? ORDER BY replay_id DESC LIMIT ?',
      this.#sort,
      KEPT,
    );
    const interrupted: R[] = [];
    this.#past = rows.flatMap(({ reply, under_way }): R[] => {
      // One of another version says nothing that could be told.
      const read = this.#schema.safeParse(JSON.parse(reply));
      if (!read.success) return [];
      if (under_way === 0) return [read.data];
      const failed = { ...read.data, state: 'failed', error: INTERRUPTED };
      interrupted.push(failed);
      return [failed];
    });
    for (const reply of interrupted) await this.#save(reply, false);
    return interrupted;
  }

  /** Stores a replay that begins, and where it is each second until {@link end}. Throws StorageUnavailableError. */
  async begin(reply: () => R): Promise<() => Promise<void>> {
    await this.#save(reply(), true);
    const again = setInterval(() => void this.#try(reply(), true), SAVE_MS);
    return async () => {
      clearInterval(again);
      await this.#try(reply(), false);
    };
  }

  async #try(reply: R, underWay: boolean): Promise<void> {
    await this.#save(reply, underWay).catch((err) =>
      this.#parts.log.warn({ err, replay: reply.replay_id }, 'where a replay is cannot be stored'),
    );
  }

  async #save(reply: R, underWay: boolean): Promise<void> {
    const { database, clock } = this.#parts;
    await database.transaction((tx) => {
      tx.write(
        `INSERT INTO market_replays (replay_id, sort, under_way, reply, updated_us) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (replay_id) DO UPDATE SET under_way = excluded.under_way, reply = excluded.reply, updated_us = excluded.updated_us`,
        reply.replay_id,
        this.#sort,
        underWay ? 1 : 0,
        JSON.stringify(reply),
        clock.nowUs(),
      );
      if (underWay) return;
      tx.write(
        `DELETE FROM market_replays WHERE sort = ? AND replay_id NOT IN
           (SELECT replay_id FROM market_replays WHERE sort = ? ORDER BY replay_id DESC LIMIT ${KEPT})`,
        this.#sort,
        this.#sort,
      );
    });
  }
}
