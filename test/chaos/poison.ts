// An event that nobody can apply, put into the outbox of its owner.
import { Database } from 'bun:sqlite';
import { join } from 'node:path';
import type { World } from './world.ts';

/** Puts `payload` behind the last fill of a partition, in the outbox of its owner and behind its back. */
export async function poison(world: World, partition: number, payload: string): Promise<void> {
  const [topic, now] = ['strategy.fills', Date.now() * 1000];
  if (world.postgres) {
    const rows = await world.postgres.run(
      `WITH moved AS (UPDATE strategy.event_streams SET last = last + 1
         WHERE topic = '${topic}' AND part = ${partition} RETURNING last)
       INSERT INTO strategy.outbox (topic, part, position, ts_us, payload)
         SELECT '${topic}', ${partition}, last, ${now}, '${payload}' FROM moved RETURNING position`,
    );
    world.poisoned += rows.length;
    return;
  }
  const db = new Database(join(world.dataDir, 'strategy.sqlite'));
  db.run('PRAGMA busy_timeout = 5000');
  const put = db.transaction(() => {
    const moved = db
      .query('UPDATE event_streams SET last = last + 1 WHERE topic = ? AND part = ? RETURNING last')
      .get(topic, partition) as { last: number } | null;
    if (!moved) return;
    db.run('INSERT INTO outbox (topic, part, position, ts_us, payload) VALUES (?, ?, ?, ?, ?)', [
      topic,
      partition,
      moved.last,
      now,
      payload,
    ]);
    world.poisoned++;
  });
  put.immediate();
  db.close();
}
