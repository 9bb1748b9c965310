// What an engine is: its definition, what it gets, what it gives back. The shared server is in server.ts.
import type { WebSocketHandler } from 'bun';
import type { AnyElysia } from 'elysia';
import type { Bus } from '../bus/client.ts';
import type { EventLog } from '../bus/event-log.ts';
import type { LeaseBoard } from '../bus/lease-board.ts';
import type { Participant } from '../bus/participant.ts';
import type { UnitRunner } from '../bus/unit.ts';
import type { PartitionField, WorkShare } from '../bus/work-share.ts';
import type { Clock } from '../core/clock.ts';
import type { Config } from '../core/config.ts';
import type { NautilusError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Placement, Urgency, Utilization } from '../hardware/index.ts';
import type { Database, Migrations, Schemas } from '../store/database.ts';
import type { HardwareRouting } from './hardware-routing.ts';
import type { EngineMetrics } from './metrics.ts';
import type { Telemetry } from './otel.ts';

/** What the process gives to the server of an engine. */
export interface EngineHost {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly config: Config;
  readonly log: Log;
  readonly metrics: EngineMetrics;
  /** The export of telemetry; undefined where none is configured. */
  readonly telemetry?: Telemetry | undefined;
  readonly eventLog: EventLog;
  readonly leases: LeaseBoard;
  /** Name of this process among those that run the engine; the same after a restart. The engine's name when absent. */
  readonly member?: string;
  /** Where its process runs; absent where several engines share one. */
  readonly placement?: Placement | undefined;
  /** Ends the process that applies an event without end; it comes back and tries again. */
  readonly onHung?: () => void;
}

/** What every engine receives. */
export interface EngineContext extends EngineHost {
  /** The engine's own database. Throws InvariantError in an engine without `migrations`. */
  readonly database: Database;
  /** Runs what changes the engine's state, so that what is stored and what is said go together. */
  readonly units: UnitRunner;
  /** The part of the work that this process does, where others share it. */
  readonly work: WorkShare;
  /** Where work runs: router, and health of the accelerators. */
  readonly routing: HardwareRouting;
}

/** Data that travels with one WebSocket connection. */
export interface SocketData {
  id: string;
  /** Id of the key that opened it; null where none was asked for. */
  keyId: string | null;
}

/** WebSocket endpoint of an engine. */
export interface SocketEndpoint {
  /** Path that upgrades: `/ws`. */
  readonly path: string;
  readonly handlers: WebSocketHandler<SocketData>;
  /** Returns why a connection is refused, or null to accept it. */
  refuse?(request: Request): NautilusError | null;
  /** Closes the connections that are no longer allowed; called when keys change. */
  revalidate(isAllowed: (data: SocketData) => boolean): void;
}

/** What an engine hands to the shared server. */
export interface EngineParts {
  /** Its routes, as an Elysia plugin. */
  readonly routes: AnyElysia;
  /** Paths, as `/bars/import` or `/models/:id/versions`, that read `request.body` themselves with a limit of their own; all others get parsed JSON. */
  readonly rawBodies?: readonly string[];
  /** Its part in the flow of messages. */
  readonly participant?: Participant;
  readonly socket?: SocketEndpoint;
  /** Takes the state in memory from the database again, after a unit of work that failed. */
  reload?(): Promise<void>;
  /** What it misses right now; anything makes it `degraded`. */
  missing?(): string[];
  /** Hears what it told of the machine and of itself on `hardware.metrics`, to tell it under other names too. */
  onHardware?(told: Utilization): void;
  /** Its own part of `/system/status`. */
  status?(): Record<string, unknown>;
  /** Called once when the bus is connected and subscribed, before the engine is ready. */
  start?(): void | Promise<void>;
  /** Stops work under way, writes what must be written, closes files. */
  stop?(): void | Promise<void>;
}

/** One engine; its folder exports exactly this. */
export interface EngineDefinition {
  readonly name: string;
  /** Published port. */
  readonly port: number;
  readonly title: string;
  readonly description: string;
  /** How urgent its work is, for its [place](../hardware/placement.ts) among the cores; default throughput. */
  readonly urgency?: Urgency;
  /** Steps of the schema of its own tables; an engine without them has no database. */
  readonly migrations?: Migrations;
  /** Tables of the parts that it uses in its database, such as those of jobs. */
  readonly schemas?: Schemas;
  /**
   * How its work can be divided among several processes: any of them can do all of it, or each does that of the partitions it holds
   * (all live messages that it consumes have the field; some are handled again after a take-over).
   * Absent: only one process may run, since what it keeps in memory is not divided.
   */
  readonly replicas?: 'stateless' | { readonly partitionBy: PartitionField };
  create(context: EngineContext): EngineParts | Promise<EngineParts>;
}
