// What the benches of the event log have in common: the event, and how long one takes to a waiting reader.
import type { EventLog } from '../../src/bus/event-log.ts';
import { formatNs, quantile } from '../pairs.ts';

const MOST_MS = 1;
export const GENERATION = '2026-01-01';

/** An event as large as a fill. */
export const payload = JSON.stringify({
  id: 'x'.repeat(26),
  topic: 'strategy.fills',
  body: { text: 'y'.repeat(400) },
});

/**
 * Returns cells of one row: how long an event takes from the call of append to the answer of a read that waits on `places` streams, one
 * event at a time, `count` times (the first 100 are not counted): p50, p95, p99, and whether p50 is below a millisecond.
 */
export async function latencyCells(
  writer: EventLog,
  reader: EventLog,
  places: number,
  count: number,
): Promise<string[]> {
  const streams = Array.from({ length: places }, (_, i) => ({
    topic: `t${places}-${i >> 3}`,
    partition: i & 7,
  }));
  const at = streams.map(() => 0);
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const stream = i % places;
    const wanted = streams.map((id, k) => ({ ...id, generation: GENERATION, position: at[k]! }));
    const waiting = reader.read(wanted, { maxEvents: 100, waitMs: 10_000 });
    // Until the reader waits, as it does between two events.
    await Bun.sleep(1);
    const start = Bun.nanoseconds();
    const sent = writer.append(streams[stream]!, GENERATION, at[stream]! + 1, [payload]);
    await waiting;
    times.push(Bun.nanoseconds() - start);
    at[stream] = await sent;
  }
  // The first ones are interpreted.
  const warm = times.slice(100);
  const p50 = quantile(warm, 0.5);
  return [
    formatNs(p50),
    formatNs(quantile(warm, 0.95)),
    formatNs(quantile(warm, 0.99)),
    held(p50 < MOST_MS * 1e6, `p50 below ${MOST_MS} ms`),
  ];
}

/** Returns whether a goal was reached, in words. */
export function held(is: boolean, what: string): string {
  return `${what}: ${is ? 'held' : 'missed'}`;
}
