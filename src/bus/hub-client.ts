// The hub transport as an engine's process uses it: connects, reconnects with back-off, subscribes again.
import type { Socket } from 'bun';
import type { Envelope } from './envelope.ts';
import { encodeFrame, type Frame, FrameDecoder, FrameType } from './frame.ts';
import { deliverBatch } from './hub-server.ts';
import type { Transport, TransportSink } from './transport.ts';
import { WriteQueue } from './write-queue.ts';

export interface HubClientOptions {
  readonly socketPath: string;
  /** Name that the hub shows for this client. */
  readonly name: string;
  /** Bytes kept while the hub reads slowly. */
  readonly maxQueuedBytes?: number;
  /** First and longest wait before connecting again, in milliseconds. */
  readonly retryMs?: { readonly first: number; readonly longest: number };
}

/** Speaks the frames of `frame.ts` to a {@link HubServer}. */
export class HubTransport implements Transport {
  readonly kind = 'hub';
  readonly #options: HubClientOptions;
  readonly #patterns = new Set<string>();
  readonly #waiting = new Map<number, () => void>();
  #sink: TransportSink | undefined;
  #socket: Socket | undefined;
  #queue: WriteQueue | undefined;
  #nextRequest = 1;
  #closed = false;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #wait: number;

  constructor(options: HubClientOptions) {
    this.#options = options;
    this.#wait = options.retryMs?.first ?? 50;
  }

  get connected(): boolean {
    return this.#socket !== undefined;
  }

  start(sink: TransportSink): void {
    this.#sink = sink;
    void this.#connect();
  }

  send(topic: string, batch: readonly Envelope[]): boolean {
    if (!this.#queue) return false;
    this.#queue.push(encodeFrame(FrameType.Batch, batch.length, topic, JSON.stringify(batch)), batch.length);
    return true;
  }

  subscribe(pattern: string): Promise<void> {
    if (this.#patterns.has(pattern) && this.connected) return Promise.resolve();
    this.#patterns.add(pattern);
    return new Promise((resolve) => this.#requestSubscription(pattern, resolve));
  }

  async unsubscribe(pattern: string): Promise<void> {
    this.#patterns.delete(pattern);
    this.#queue?.push(encodeFrame(FrameType.Unsubscribe, 0, pattern));
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    await this.#queue?.idle();
    this.#socket?.end();
    this.#disconnected();
  }

  async #connect(): Promise<void> {
    if (this.#closed) return;
    const decoder = new FrameDecoder();
    try {
      await Bun.connect({
        unix: this.#options.socketPath,
        socket: {
          open: (socket) => this.#opened(socket),
          data: (socket, chunk) => {
            try {
              decoder.push(chunk, (frame) => this.#handle(frame));
            } catch {
              this.#sink?.onPoison();
              socket.end();
            }
          },
          drain: () => this.#queue?.flush(),
          close: () => this.#lost(),
          error: () => this.#lost(),
        },
      });
    } catch {
      this.#lost();
    }
  }

  #opened(socket: Socket): void {
    this.#socket = socket;
    this.#wait = this.#options.retryMs?.first ?? 50;
    this.#queue = new WriteQueue(socket, this.#options.maxQueuedBytes ?? 64 * 2 ** 20, (messages) =>
      this.#sink?.onDropped(messages),
    );
    this.#queue.push(encodeFrame(FrameType.Hello, 1, this.#options.name));
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    let open = this.#patterns.size;
    for (const pattern of this.#patterns) {
      this.#requestSubscription(pattern, () => {
        if (--open === 0) for (const resolve of waiting) resolve();
      });
    }
  }

  #requestSubscription(pattern: string, resolve: () => void): void {
    const request = this.#nextRequest++;
    this.#waiting.set(request, resolve);
    this.#queue?.push(encodeFrame(FrameType.Subscribe, request, pattern));
  }

  #handle(frame: Frame): void {
    if (frame.type === FrameType.Batch) deliverBatch(frame, this.#sink);
    else if (frame.type === FrameType.Dropped) this.#sink?.onDropped(frame.number);
    else if (frame.type === FrameType.Subscribed) {
      this.#waiting.get(frame.number)?.();
      this.#waiting.delete(frame.number);
    }
  }

  #disconnected(): void {
    this.#socket = undefined;
    this.#queue?.abandon();
    this.#queue = undefined;
  }

  #lost(): void {
    this.#disconnected();
    if (this.#closed) return;
    clearTimeout(this.#retry);
    // Half of the wait is random, so that nine engines do not come back in one instant.
    this.#retry = setTimeout(() => void this.#connect(), this.#wait * (0.5 + Math.random() / 2));
    this.#wait = Math.min(this.#wait * 2, this.#options.retryMs?.longest ?? 2000);
  }
}
