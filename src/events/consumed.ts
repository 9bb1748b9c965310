// What a consumer has had, in its own database: a place for each stream, fenced by the epoch of the lease, and the ids of its events.
import type { LogPlace, StreamId } from '../bus/event-log.ts';
import { ConflictError } from '../core/errors.ts';
import type { Reader, Transaction } from '../store/database.ts';

/** Another process has taken the stream over: this one must let it go. */
export class FencedError extends ConflictError {
  constructor({ topic, partition }: StreamId) {
    super(`Another process consumes ${topic}/${partition} now`);
  }
}

/** A place with the epoch of the lease under which it was written. */
export interface ConsumedPlace extends LogPlace {
  readonly epoch: number;
}

/** Every place that this database knows. */
export function consumedPlaces(db: Reader): Promise<ConsumedPlace[]> {
  return db.all('SELECT topic, part AS partition, generation, position, epoch FROM consumed');
}

/** The place of one stream; before everything when it was never read. */
export async function consumedPlace(db: Reader, stream: StreamId): Promise<ConsumedPlace> {
  const row = await db.get<ConsumedPlace>(
    'SELECT topic, part AS partition, generation, position, epoch FROM consumed WHERE topic = ? AND part = ?',
    stream.topic,
    stream.partition,
  );
  return row ?? { ...stream, generation: '', position: 0, epoch: 0 };
}

/** Moves the place of a stream to `place`. Throws {@link FencedError} when a later holder has moved it. */
export async function advance(tx: Transaction, place: ConsumedPlace): Promise<void> {
  const row = await tx.get(
    `INSERT INTO consumed (topic, part, generation, position, epoch) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (topic, part) DO UPDATE SET generation = excluded.generation, position = excluded.position, epoch = excluded.epoch
     WHERE consumed.epoch <= excluded.epoch RETURNING position`,
    place.topic,
    place.partition,
    place.generation,
    place.position,
    place.epoch,
  );
  if (!row) throw new FencedError(place);
}

/** Whether an event of this id has had its effect already, at whatever place it was. */
export async function isConsumed(db: Reader, topic: string, eventId: string): Promise<boolean> {
  return (
    (await db.get('SELECT 1 AS x FROM consumed_events WHERE topic = ? AND event_id = ?', topic, eventId)) !==
    null
  );
}

export function noteConsumed(tx: Transaction, topic: string, eventId: string, nowUs: number): void {
  tx.write(
    'INSERT INTO consumed_events (topic, event_id, ts_us) VALUES (?, ?, ?) ON CONFLICT (topic, event_id) DO NOTHING',
    topic,
    eventId,
    nowUs,
  );
}

/** Forgets ids of events of `topic` that are older than the log keeps them. */
export function forgetConsumed(tx: Transaction, topic: string, beforeUs: number): void {
  tx.write('DELETE FROM consumed_events WHERE topic = ? AND ts_us < ?', topic, beforeUs);
}
