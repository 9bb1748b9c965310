// Events that could not be applied, set aside in the consumer's database so that the others go on: list, replay, discard.
import type { Envelope } from '../bus/envelope.ts';
import type { StreamId } from '../bus/event-log.ts';
import { ConflictError, NotFoundError } from '../core/errors.ts';
import type { Database, Transaction } from '../store/database.ts';

export type DeadLetterState = 'parked' | 'replayed' | 'discarded';

/** One event that was set aside. */
export interface DeadLetter {
  readonly id: number;
  readonly topic: string;
  readonly partition: number;
  readonly generation: string;
  readonly position: number;
  /** The envelope as the log gave it. */
  readonly payload: string;
  /** Why it could not be applied. */
  readonly reason: string;
  readonly attempts: number;
  readonly state: DeadLetterState;
  /** When it was set aside, in microseconds since the epoch. */
  readonly ts_us: number;
}

const COLUMNS = 'id, topic, part AS partition, generation, position, payload, reason, attempts, state, ts_us';

/** Sets an event aside. */
export function park(tx: Transaction, letter: Omit<DeadLetter, 'id' | 'state'>): void {
  tx.write(
    `INSERT INTO dead_letters (topic, part, generation, position, payload, reason, attempts, state, ts_us)
     VALUES (?, ?, ?, ?, ?, ?, ?, 'parked', ?)`,
    letter.topic,
    letter.partition,
    letter.generation,
    letter.position,
    letter.payload,
    letter.reason,
    letter.attempts,
    letter.ts_us,
  );
}

type Apply = (
  stream: StreamId,
  envelope: Envelope,
  first: (tx: Transaction) => Promise<void>,
) => Promise<void>;

/** The dead letters of one engine. `apply` runs an event as one unit that begins with `first`. */
export class DeadLetters {
  readonly #database: Database;
  readonly #apply: Apply;
  readonly #check: (topic: string, payload: string) => Envelope;

  constructor(database: Database, check: (topic: string, payload: string) => Envelope, apply: Apply) {
    this.#database = database;
    this.#check = check;
    this.#apply = apply;
  }

  async count(): Promise<number> {
    const row = await this.#database.get<{ n: number }>(
      "SELECT count(*) AS n FROM dead_letters WHERE state = 'parked'",
    );
    return row!.n;
  }

  /** Newest first; `before` is the id of the last one of the page before. */
  list(state: DeadLetterState, limit: number, before = Number.MAX_SAFE_INTEGER): Promise<DeadLetter[]> {
    return this.#database.all<DeadLetter>(
      `SELECT ${COLUMNS} FROM dead_letters WHERE state = ? AND id < ? ORDER BY id DESC LIMIT ?`,
      state,
      before,
      limit,
    );
  }

  /** Throws NotFoundError. */
  async get(id: number): Promise<DeadLetter> {
    const row = await this.#database.get<DeadLetter>(`SELECT ${COLUMNS} FROM dead_letters WHERE id = ?`, id);
    if (!row) throw new NotFoundError('No dead letter of this id');
    return row;
  }

  /**
   * Applies an event again, after what came behind it. Throws NotFoundError, ConflictError when it is not parked (any more) or can
   * still not be applied; it stays parked then.
   */
  async replay(id: number): Promise<DeadLetter> {
    const letter = await this.get(id);
    let envelope: Envelope;
    try {
      envelope = this.#check(letter.topic, letter.payload);
    } catch (error) {
      throw new ConflictError(`The event still can't be applied: ${(error as Error).message}`);
    }
    const { topic, partition } = letter;
    await this.#apply({ topic, partition }, envelope, (tx) => settle(tx, id, 'replayed'));
    return this.get(id);
  }

  /** Gives an event up; it stays on record. Throws NotFoundError and ConflictError when it is not parked. */
  async discard(id: number): Promise<DeadLetter> {
    await this.get(id);
    await this.#database.transaction((tx) => settle(tx, id, 'discarded'));
    return this.get(id);
  }
}

async function settle(tx: Transaction, id: number, state: DeadLetterState): Promise<void> {
  const row = await tx.get(
    "UPDATE dead_letters SET state = ? WHERE id = ? AND state = 'parked' RETURNING id",
    state,
    id,
  );
  if (!row) throw new ConflictError('Expected a parked dead letter: it was replayed or discarded already');
}
