// What was begun with the events of a stream, stored before it is: from it a process knows which event ended the one before it.
import type { StreamId } from '../bus/event-log.ts';
import type { Database, Reader, Transaction } from '../store/database.ts';
import { type ConsumedPlace, FencedError } from './consumed.ts';

/** Events that were about to be applied, and how often the first of them has been tried by itself, this time included. */
interface Begun {
  readonly generation: string;
  readonly first: number;
  readonly last: number;
  readonly tries: number;
}

/** An event that has failed and was neither applied nor set aside yet. */
export interface Failing extends StreamId {
  readonly position: number;
  readonly tries: number;
}

/**
 * The tries of one stream, from its gain to its loss. A holder stores what it begins for its first batch only: a stream whose batch
 * was applied is trusted, and costs no further write. A holder that dies in a later batch leaves nothing; the one after it begins
 * with the same events, so that what it leaves names them; the third then tries them one by one.
 */
export class Tries {
  readonly #stream: StreamId;
  /** What the database holds. */
  #begun: Begun | undefined;
  #trusted = false;
  #failed = { generation: '', position: 0, times: 0 };

  private constructor(stream: StreamId, begun: Begun | undefined) {
    this.#stream = stream;
    this.#begun = begun;
    if (begun) this.#failed = { generation: begun.generation, position: begun.first, times: begun.tries };
  }

  /** Reads what the holder before has left. */
  static async of({ topic, partition }: StreamId, db: Reader): Promise<Tries> {
    const begun = await db.get<Begun>(
      'SELECT generation, first_position AS first, last_position AS last, tries FROM event_tries WHERE topic = ? AND part = ?',
      topic,
      partition,
    );
    return new Tries({ topic, partition }, begun ?? undefined);
  }

  /** Whether a batch was applied since the gain, so that later ones are applied without an announcement. */
  get isTrusted(): boolean {
    return this.#trusted;
  }

  /** Whether the event at `position` is among those with which a process has ended. */
  isDoubtful(generation: string, position: number): boolean {
    return this.#begun?.generation === generation && position <= this.#begun.last;
  }

  /** How often an event was tried by itself in vain. */
  failures(generation: string, position: number): number {
    const failed = this.#failed;
    return failed.generation === generation && failed.position === position ? failed.times : 0;
  }

  /** The event that fails at the moment; none when the stream has passed it. */
  failing(place: ConsumedPlace): Failing | undefined {
    const { generation, position, times } = this.#failed;
    if (times === 0 || (generation === place.generation && position <= place.position)) return undefined;
    return { ...this.#stream, position, tries: times };
  }

  /** The event at `position` has failed while the process lived. */
  failed(generation: string, position: number): void {
    this.#failed = { generation, position, times: this.failures(generation, position) + 1 };
  }

  /**
   * Stores that the events from `first` to `last` are about to be applied: together, or the first of them alone. Throws
   * {@link FencedError} when a later holder has begun.
   */
  async begin(
    db: Database,
    { generation, epoch }: ConsumedPlace,
    first: number,
    last: number,
    alone: boolean,
  ) {
    const { topic, partition } = this.#stream;
    const doubtful = this.isDoubtful(generation, first) ? this.#begun!.last : last;
    const tries = alone ? this.failures(generation, first) + 1 : 0;
    const begun = { generation, first, last: Math.max(last, doubtful), tries };
    await db.transaction(async (tx) => {
      const row = await tx.get(
        `INSERT INTO event_tries (topic, part, generation, first_position, last_position, tries, epoch) VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (topic, part) DO UPDATE SET generation = excluded.generation, first_position = excluded.first_position,
         last_position = excluded.last_position, tries = excluded.tries, epoch = excluded.epoch
         WHERE event_tries.epoch <= excluded.epoch RETURNING epoch`,
        topic,
        partition,
        generation,
        first,
        begun.last,
        tries,
        epoch,
      );
      if (!row) throw new FencedError(this.#stream);
    });
    this.#begun = begun;
  }

  /** Forgets, in the transaction that moves the stream to `to`, what was begun up to there. */
  end(tx: Transaction, to: ConsumedPlace): void {
    if (!this.#begun || this.isDoubtful(to.generation, to.position + 1)) return;
    tx.write('DELETE FROM event_tries WHERE topic = ? AND part = ?', to.topic, to.partition);
  }

  /** The stream has moved to `to`, and that is stored. */
  moved(to: ConsumedPlace): void {
    this.#failed = { generation: '', position: 0, times: 0 };
    if (this.isDoubtful(to.generation, to.position + 1)) return;
    this.#begun = undefined;
    this.#trusted = true;
  }
}
