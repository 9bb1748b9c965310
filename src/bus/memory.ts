// The in-process transport: all engines in one thread, the same frozen objects on both sides.
import type { Envelope } from './envelope.ts';
import type { EventLog } from './event-log.ts';
import type { LeaseBoard } from './lease-board.ts';
import { MemoryLeases } from './memory-leases.ts';
import { MemoryLogStore } from './memory-log.ts';
import { type Port, Router } from './router.ts';
import type { Transport, TransportSink } from './transport.ts';

type Batch = readonly Envelope[];

/** The meeting point of memory transports. */
export class MemoryHub {
  readonly router = new Router<Batch>();
  readonly leases: LeaseBoard = new MemoryLeases();
  readonly #log = new MemoryLogStore();

  /** Returns a new transport that is attached to this hub. */
  connect(): Transport {
    return new MemoryTransport(this.router);
  }

  /** Returns a new client of the log that everybody on this hub shares. */
  connectLog(): EventLog {
    return this.#log.connect();
  }
}

class MemoryTransport implements Transport, Port<Batch> {
  readonly kind = 'memory';
  connected = false;
  #sink: TransportSink | undefined;

  constructor(readonly router: Router<Batch>) {}

  start(sink: TransportSink): void {
    this.#sink = sink;
    this.router.attach(this);
    this.connected = true;
  }

  send(topic: string, batch: Batch): boolean {
    if (!this.connected) return false;
    this.router.route(topic, batch.length, batch);
    return true;
  }

  deliver(topic: string, _count: number, payload: Batch): void {
    this.#sink?.onBatch(topic, payload);
  }

  async subscribe(pattern: string): Promise<void> {
    this.router.subscribe(this, pattern);
  }

  async unsubscribe(pattern: string): Promise<void> {
    this.router.unsubscribe(this, pattern);
  }

  async close(): Promise<void> {
    this.connected = false;
    this.router.detach(this);
  }
}
