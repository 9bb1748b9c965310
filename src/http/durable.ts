// The database of an engine with its durable events, and its share of the work where others do some.
import { DividedWork } from '../bus/work-share.ts';
import type { Config } from '../core/config.ts';
import { EngineEvents } from '../events/engine-events.ts';
import { EVENT_TABLES } from '../events/schema.ts';
import { WORK_TABLES, WorkPartitions } from '../events/work-partitions.ts';
import type { Database } from '../store/database.ts';
import { openDatabase } from '../store/open.ts';
import { AUDIT_TABLES } from './audit-table.ts';
import type { EngineDefinition, EngineHost } from './engine.ts';

/** The database of an engine with the events that are stored in it. */
export interface Durable {
  readonly database: Database;
  readonly events: EngineEvents;
  /** The share of this process; undefined where there is no other. */
  readonly work: WorkPartitions | undefined;
  /** The same as the flow of messages sees it. */
  readonly divided: DividedWork | undefined;
}

/** Opens the database of an engine that has one, and brings its tables up to date. */
export async function openDurable(
  { name, migrations, schemas, replicas }: EngineDefinition,
  host: EngineHost,
): Promise<Durable | undefined> {
  if (!migrations) return undefined;
  const { bus, config, eventLog, leases, log, member = name, onHung } = host;
  const { leaseMs } = config;
  const by = typeof replicas === 'object' ? replicas.partitionBy : undefined;
  const database = await openDatabase(config, name, {
    engine: migrations,
    events: EVENT_TABLES,
    ...schemas,
    ...(config.postgres && { audit: AUDIT_TABLES }),
    ...(by && { work: WORK_TABLES }),
  });
  const events = await EngineEvents.open({
    engine: name,
    member,
    database,
    bus,
    log: eventLog,
    leases,
    logger: log,
    keepDays: config.eventsDays,
    leaseMs,
    hangMs: hangLimit(config),
    attempts: config.eventAttempts,
    onHung: (stream, sinceMs) => {
      log.fatal({ ...stream, since_ms: Math.round(sinceMs) }, 'applying an event does not end');
      onHung?.();
    },
  });
  if (!by || !config.replica) return { database, events, work: undefined, divided: undefined };
  const share = { group: `work:${name}`, member, database, leases, leaseMs, log };
  const work = new WorkPartitions(share);
  // Half as long again as others may need to take over from one that is paused in the middle of a transaction, until it is ended.
  const keepMs = 1.5 * (leaseMs + config.hangS * 1000);
  return { database, events, work, divided: new DividedWork(work, by, keepMs) };
}

// A Postgres that is silent is away, not an event that hangs: its own limit, and the second that comes on top, end first.
function hangLimit({ eventHangMs, postgres, defaultTimeoutMs }: Config): number {
  return eventHangMs > 0 && postgres ? Math.max(eventHangMs, defaultTimeoutMs + 2000) : eventHangMs;
}
