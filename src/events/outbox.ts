// The owner's side of durable events on disk: positions, the outbox, the generation. No network here.
import type { LogEvent, StreamId } from '../bus/event-log.ts';
import type { Database, Reader, Transaction } from '../store/database.ts';

/** Events of one stream in order of their positions, which count up from `first`. */
export interface Appended extends StreamId {
  readonly first: number;
  readonly payloads: readonly string[];
}

/** Stores events behind the last ones of their stream and returns where they are. */
export async function storeEvents(
  tx: Transaction,
  stream: StreamId,
  payloads: readonly string[],
  nowUs: number,
): Promise<Appended> {
  const { topic, partition } = stream;
  const row = await tx.get<{ last: number }>(
    `INSERT INTO event_streams (topic, part, last) VALUES (?, ?, ?)
     ON CONFLICT (topic, part) DO UPDATE SET last = event_streams.last + excluded.last RETURNING last`,
    topic,
    partition,
    payloads.length,
  );
  const first = row!.last - payloads.length + 1;
  for (const [i, payload] of payloads.entries()) {
    tx.write(
      'INSERT INTO outbox (topic, part, position, ts_us, payload) VALUES (?, ?, ?, ?, ?)',
      topic,
      partition,
      first + i,
      nowUs,
      payload,
    );
  }
  return { topic, partition, first, payloads };
}

/** Returns up to `limit` stored events after `position`, and at most about `maxChars` of them, without holes. */
export async function eventsAfter(
  db: Reader,
  { topic, partition }: StreamId,
  position: number,
  limit: number,
): Promise<LogEvent[]> {
  return db.all<LogEvent>(
    'SELECT position, payload FROM outbox WHERE topic = ? AND part = ? AND position > ? ORDER BY position LIMIT ?',
    topic,
    partition,
    position,
    limit,
  );
}

/** Every stream that this database owns, with the position of its last event. */
export async function ownStreams(db: Reader): Promise<(StreamId & { readonly last: number })[]> {
  return db.all('SELECT topic, part AS partition, last FROM event_streams ORDER BY topic, part');
}

/** Removes events of `topic` that are older than `beforeUs`, except those after `kept` (not in the log yet). */
export function forgetEvents(
  tx: Transaction,
  { topic, partition }: StreamId,
  kept: number,
  beforeUs: number,
): void {
  tx.write(
    'DELETE FROM outbox WHERE topic = ? AND part = ? AND position <= ? AND ts_us < ?',
    topic,
    partition,
    kept,
    beforeUs,
  );
}

/** Names this database among all that ever owned its streams; made at first use. */
export async function generationOf(db: Database, nowUs: number): Promise<string> {
  return db.transaction(async (tx) => {
    const stored = await tx.get<{ value: string }>(
      "SELECT value FROM event_settings WHERE name = 'generation'",
    );
    return stored ? stored.value : setGeneration(tx, nowUs);
  });
}

/** Begins a new generation, whose name compares greater than that of every earlier one. */
export function setGeneration(tx: Transaction, nowUs: number): string {
  const generation = `${Math.floor(nowUs).toString(36).padStart(11, '0')}-${crypto.randomUUID().slice(0, 8)}`;
  tx.write(
    `INSERT INTO event_settings (name, value) VALUES ('generation', ?)
     ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
    generation,
  );
  return generation;
}
