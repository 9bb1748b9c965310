// The durable log of engines that share one process, for tests and `--in-process`: it lives as long as the process.
import { ConflictError } from '../core/errors.ts';
import {
  checkAppend,
  type EventLog,
  type LogBatch,
  type LogBounds,
  type LogEvent,
  type LogPlace,
  type StreamId,
} from './event-log.ts';
import { LocalLog, type LocalStore } from './local-log.ts';
import { LogReaders, type LogSlices, streamKey } from './log-readers.ts';

const KEPT_EVENTS = 100_000;

class MemoryStream {
  generation = '';
  last = 0;
  /** The newest events; the last one is at position `last`. */
  events: LogEvent[] = [];

  get first(): number {
    return this.last - this.events.length + 1;
  }
}

/** The meeting point of memory logs; keeps the newest `maxEvents` of each stream. */
export class MemoryLogStore implements LogSlices, LocalStore {
  readonly readers = new LogReaders(this);
  readonly #streams = new Map<string, MemoryStream>();
  readonly #maxEvents: number;

  constructor(maxEvents = KEPT_EVENTS) {
    this.#maxEvents = maxEvents;
  }

  /** Returns a new client. */
  connect(): EventLog {
    return new LocalLog('memory', this);
  }

  append(id: StreamId, generation: string, first: number, payloads: readonly string[]): number {
    checkAppend(generation, first, payloads);
    const stream = this.#streams.get(streamKey(id)) ?? new MemoryStream();
    if (generation < stream.generation) throw olderGeneration(id);
    if (generation > stream.generation) {
      stream.generation = generation;
      stream.events = [];
      stream.last = first - 1;
      this.#streams.set(streamKey(id), stream);
    }
    if (first > stream.last + 1) return stream.last;
    const known = stream.last - first + 1;
    for (const payload of payloads.slice(known)) stream.events.push({ position: ++stream.last, payload });
    // Cutting off a tenth at a time keeps the cost of each append even.
    if (stream.events.length > this.#maxEvents * 1.1) stream.events = stream.events.slice(-this.#maxEvents);
    if (known < payloads.length) this.readers.wake(id);
    return stream.last;
  }

  bounds(id: StreamId): LogBounds {
    const stream = this.#streams.get(streamKey(id));
    if (!stream) return { generation: '', first: 0, last: 0 };
    return { generation: stream.generation, first: stream.first, last: stream.last };
  }

  slice(place: LogPlace, maxEvents: number, maxUnits: number): LogBatch | undefined {
    const stream = this.#streams.get(streamKey(place));
    if (!stream || place.generation > stream.generation) return undefined;
    const after = place.generation === stream.generation ? place.position : 0;
    const from = Math.max(0, after - stream.first + 1);
    const events: LogEvent[] = [];
    for (let units = 0; events.length < maxEvents && units < maxUnits; ) {
      const event = stream.events[from + events.length];
      if (!event) break;
      events.push(event);
      units += event.payload.length;
    }
    if (events.length === 0) return undefined;
    return { topic: place.topic, partition: place.partition, generation: stream.generation, events };
  }

  trim(id: StreamId, position: number): void {
    const stream = this.#streams.get(streamKey(id));
    if (stream) stream.events.splice(0, Math.max(0, position - stream.first + 1));
  }
}

/** The refusal of an append whose generation a newer one has replaced. */
export function olderGeneration({ topic, partition }: StreamId): ConflictError {
  return new ConflictError(`Partition ${partition} of ${topic} belongs to a newer generation of its owner`);
}
