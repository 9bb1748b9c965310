// An engine's part in the flow of messages, as the engine writes it; stream.ts connects it to the bus.
import type { Transaction } from '../store/database.ts';
import type { Envelope } from './envelope.ts';
import type { SessionSpec, Topic } from './topics.ts';
import type { Unit } from './unit.ts';

/** What processing may do: it stores and says things in one unit of work, for the replay that the messages belong to. */
export interface StreamPublisher {
  /** The transaction of the engine's database; see {@link Unit}. */
  readonly tx: Transaction;
  /** Says something once the unit is stored. */
  publish<Body>(topic: Topic<Body>, body: Body, tsEventUs: number, correlationId: string): void;
  /** The replay in whose course this happens; undefined in live running. */
  readonly spec: SessionSpec | undefined;
}

/** An engine's part in the flow. In live running only `process` is called. */
export interface Participant {
  /** Topics that it reads; messages of one event time are processed in this order. */
  readonly consumes: readonly Topic<unknown>[];
  readonly emits: readonly Topic<unknown>[];
  /** `append` topics that it reads in live running only; their events go to `process` as well. */
  readonly follows?: readonly Topic<unknown>[];
  /**
   * Handles messages as one unit of work; in lockstep they come sorted by event time. Calls never overlap. Live events of `append`
   * topics come exactly once in effect, ordered for each key, in calls of their own.
   */
  process(batch: readonly Envelope[], publisher: StreamPublisher): void | Promise<void>;
  /** Prepares a replay (forgets the symbol's and portfolio's state); throws a NautilusError to refuse it. */
  open?(spec: SessionSpec): unknown | Promise<unknown>;
  /** `data`: what every engine's `open` returned. */
  begin?(spec: SessionSpec, data: Readonly<Record<string, unknown>>): void | Promise<void>;
  /** Ends a replay; what it returns goes to the coordinator. */
  close?(spec: SessionSpec): unknown | Promise<unknown>;
  /** Leaves a replay that was broken off: refused elsewhere, cancelled, failed, or without its coordinator. */
  abort?(spec: SessionSpec): void | Promise<void>;
}

/** What processing live messages gets of its unit. */
export function livePublisher(unit: Unit): StreamPublisher {
  return {
    spec: undefined,
    get tx() {
      return unit.tx;
    },
    publish: (topic, body, tsEventUs, correlationId) => {
      unit.publish(topic, body, { tsEventUs, correlationId });
    },
  };
}

/** What processing step `step` of a replay gets of its unit; counts in `emitted` what it says, by topic. */
export function replayPublisher(
  unit: Unit,
  spec: SessionSpec,
  step: number,
  emitted: Record<string, number>,
): StreamPublisher {
  return {
    spec,
    get tx() {
      return unit.tx;
    },
    publish: (topic, body, tsEventUs, correlationId) => {
      emitted[topic.name] = (emitted[topic.name] ?? 0) + 1;
      unit.publish(topic, body, { tsEventUs, correlationId, session: spec.session, step });
    },
  };
}
