// What the parts of the log suite share: places, payloads, and clusters that end with each test.
import { afterEach, expect } from 'bun:test';
import type { EventLog, LogPlace, StreamId } from './event-log.ts';

/** One place that keeps a log, to which the suite connects several clients. */
export interface LogCluster {
  /** Resolves when the client is connected. */
  connect(): Promise<EventLog>;
  /** Ends whatever keeps the log and starts it again over the same data; clients come back by themselves. */
  restart?(): Promise<void>;
  close(): Promise<void> | void;
}

export const GEN = '2026-01-01';
export const NEWER = '2026-01-02';

let topicCount = 0;
/** A stream that no other test has touched. */
export const freshStream = (partition = 0): StreamId => ({ topic: `test.log-${topicCount++}`, partition });
export const start = (stream: StreamId): LogPlace => ({ ...stream, generation: '', position: 0 });
export const numbered = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => JSON.stringify({ n: from + i }));
export const ONCE = { maxEvents: 1000, waitMs: 0 } as const;

/** Reads a stream to its end as a consumer does; fails when numbers repeat or fall. */
export async function readAll(log: EventLog, stream: StreamId, maxEvents = 1000) {
  let place = start(stream);
  const events: { position: number; payload: string }[] = [];
  for (;;) {
    const [batch] = await log.read([place], { maxEvents, waitMs: 0 });
    if (!batch) return events;
    expect(batch.events.length).toBeLessThanOrEqual(maxEvents);
    for (const event of batch.events) {
      expect(event.position).toBeGreaterThan(place.position);
      place = { ...stream, generation: batch.generation, position: event.position };
      events.push(event);
    }
  }
}

/** Connects the tests of one group. */
export interface LogHarness {
  cluster(): Promise<LogCluster>;
  /** A client of a cluster of its own. */
  open(): Promise<EventLog>;
}

/** Makes clusters with `begin` and ends them after each test. */
export function logHarness(begin: () => Promise<LogCluster>): LogHarness {
  const clusters: LogCluster[] = [];
  const logs: EventLog[] = [];

  async function cluster(): Promise<LogCluster> {
    const made = await begin();
    clusters.push(made);
    return {
      restart: () => made.restart!(),
      close: () => made.close(),
      connect: async () => {
        const log = await made.connect();
        logs.push(log);
        return log;
      },
    };
  }

  afterEach(async () => {
    await Promise.all(logs.splice(0).map((log) => log.close()));
    for (const made of clusters.splice(0)) await made.close();
  });

  return { cluster, open: async () => (await cluster()).connect() };
}
