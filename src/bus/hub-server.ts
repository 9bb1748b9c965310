// The hub: routes batches between processes over a Unix-domain socket, and answers requests to the log and the leases. It runs
// in the supervisor and parses no message.
import { chmodSync, rmSync } from 'node:fs';
import type { Socket } from 'bun';
import { deliverJson } from './delivery.ts';
import type { Envelope } from './envelope.ts';
import { encodeFrame, type Frame, FrameDecoder, FrameType } from './frame.ts';
import { HubServices, RequestDesk } from './hub-services.ts';
import type { LeaseBoard } from './lease-board.ts';
import type { LogStore } from './log-store.ts';
import { MemoryLeases } from './memory-leases.ts';
import { type Port, Router } from './router.ts';
import type { Transport, TransportSink } from './transport.ts';
import { WriteQueue } from './write-queue.ts';

export interface HubServerOptions {
  readonly socketPath: string;
  /** Bytes kept for one slow subscriber. */
  readonly maxQueuedBytes: number;
  /** The durable log; closed with the hub. */
  readonly log?: LogStore;
  readonly onProtocolError?: (client: string, error: unknown) => void;
}

/** What the hub knows of one client. */
export interface HubClientInfo {
  readonly name: string;
  readonly queuedBytes: number;
  readonly droppedMessages: number;
}

/** A running hub. */
export class HubServer {
  /** Members and leases of this hub; they live as long as it does. */
  readonly leases: LeaseBoard = new MemoryLeases();
  readonly #services: HubServices;
  readonly #router = new Router<Buffer>();
  readonly #connections = new Set<Connection>();
  readonly #options: HubServerOptions;
  #listener: { stop(closeActive?: boolean): void } | undefined;

  constructor(options: HubServerOptions) {
    this.#options = options;
    this.#services = new HubServices(options.log, this.leases);
  }

  /** Starts to listen; a socket file left by a dead hub is replaced. Only the owner may connect. */
  listen(): void {
    rmSync(this.#options.socketPath, { force: true });
    this.#listener = Bun.listen<Connection>({
      unix: this.#options.socketPath,
      socket: {
        open: (socket) => {
          socket.data = new Connection(socket, this.#router, this.#options, this.#services);
          this.#connections.add(socket.data);
        },
        data: (socket, chunk) => socket.data.receive(chunk),
        drain: (socket) => socket.data.queue.flush(),
        close: (socket) => {
          socket.data.detach();
          this.#connections.delete(socket.data);
        },
        error: (socket) => socket.data.detach(),
      },
    });
    chmodSync(this.#options.socketPath, 0o600);
  }

  /** Returns a transport for the hub's own process. */
  connect(): Transport {
    return new LocalTransport(this.#router);
  }

  clients(): HubClientInfo[] {
    return [...this.#connections].map((c) => ({
      name: c.name,
      queuedBytes: c.queue.queuedBytes,
      droppedMessages: c.droppedMessages,
    }));
  }

  close(): void {
    this.#listener?.stop(true);
    this.#options.log?.close();
    rmSync(this.#options.socketPath, { force: true });
  }
}

class Connection implements Port<Buffer> {
  name = 'unnamed';
  droppedMessages = 0;
  readonly queue: WriteQueue;
  readonly #decoder = new FrameDecoder();
  readonly #desk: RequestDesk;

  constructor(
    readonly socket: Socket<Connection>,
    readonly router: Router<Buffer>,
    readonly options: HubServerOptions,
    services: HubServices,
  ) {
    this.#desk = new RequestDesk(services, (id, name, payload) =>
      this.queue.push(encodeFrame(FrameType.Reply, id, name, payload)),
    );
    this.queue = new WriteQueue(
      socket,
      options.maxQueuedBytes,
      (messages) => {
        this.droppedMessages += messages;
      },
      (messages) => encodeFrame(FrameType.Dropped, messages, ''),
    );
    router.attach(this);
  }

  receive(chunk: Buffer): void {
    try {
      this.#decoder.push(chunk, (frame) => this.#handle(frame));
    } catch (error) {
      this.options.onProtocolError?.(this.name, error);
      this.detach();
      this.socket.end();
    }
  }

  deliver(_topic: string, count: number, raw: Buffer): void {
    this.queue.push(raw, count);
  }

  detach(): void {
    this.router.detach(this);
    this.#desk.close();
  }

  #handle(frame: Frame): void {
    switch (frame.type) {
      case FrameType.Hello:
        this.name = frame.name;
        return;
      case FrameType.Subscribe:
        this.router.subscribe(this, frame.name);
        this.queue.push(encodeFrame(FrameType.Subscribed, frame.number, frame.name));
        return;
      case FrameType.Unsubscribe:
        this.router.unsubscribe(this, frame.name);
        return;
      case FrameType.Batch:
        this.router.route(frame.name, frame.number, frame.raw);
        return;
      case FrameType.Request:
        // Replies are never dropped: whoever asks without reading the answers is cut off.
        if (this.queue.queuedBytes > this.options.maxQueuedBytes) {
          throw new RangeError('replies are not read');
        }
        this.#desk.request(frame.number, frame.name, frame.payload);
        return;
      case FrameType.Cancel:
        this.#desk.cancel(frame.number);
        return;
      default:
        throw new RangeError(`unknown frame type ${frame.type}`);
    }
  }
}

// The supervisor takes part in its own hub: rarely, so that coding its messages as bytes costs nothing that matters.
class LocalTransport implements Transport, Port<Buffer> {
  readonly kind = 'hub';
  connected = false;
  #sink: TransportSink | undefined;
  readonly #decoder = new FrameDecoder();

  constructor(readonly router: Router<Buffer>) {}

  start(sink: TransportSink): void {
    this.#sink = sink;
    this.router.attach(this);
    this.connected = true;
  }

  send(topic: string, batch: readonly Envelope[]): boolean {
    if (!this.connected) return false;
    this.router.route(
      topic,
      batch.length,
      encodeFrame(FrameType.Batch, batch.length, topic, JSON.stringify(batch)),
    );
    return true;
  }

  deliver(_topic: string, _count: number, raw: Buffer): void {
    this.#decoder.push(raw, (frame) => deliverBatch(frame, this.#sink));
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

/** Decodes the messages of a batch frame and hands them to `sink`; what cannot be decoded is counted as poison. */
export function deliverBatch(frame: Frame, sink: TransportSink | undefined): void {
  deliverJson(frame.name, frame.payload.toString('utf8'), sink);
}
