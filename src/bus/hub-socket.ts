// A client's connection to the hub: connects, comes back with back-off, cuts what arrives into frames.
import type { Socket } from 'bun';
import { encodeFrame, type Frame, FrameDecoder, FrameType } from './frame.ts';
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

/** What the owner of a connection hears of it. */
export interface HubSocketEvents {
  /** Connected, and the hub knows the name: the owner sends what the hub has to know of it. */
  opened(): void;
  frame(frame: Frame): void;
  /** The connection is gone; what was sent may not have arrived. Also when a try to connect fails. */
  lost(): void;
  dropped(messages: number): void;
  /** The hub broke the format: it is cut off and connected again. */
  broken(): void;
}

/** Stays connected to the hub until it is closed. */
export class HubSocket {
  readonly #options: HubClientOptions;
  readonly #events: HubSocketEvents;
  #socket: Socket | undefined;
  #queue: WriteQueue | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #wait: number;
  #closed = false;

  constructor(options: HubClientOptions, events: HubSocketEvents) {
    this.#options = options;
    this.#events = events;
    this.#wait = options.retryMs?.first ?? 50;
  }

  get connected(): boolean {
    return this.#socket !== undefined;
  }

  async connect(): Promise<void> {
    if (this.#closed) return;
    const decoder = new FrameDecoder();
    try {
      await Bun.connect({
        unix: this.#options.socketPath,
        socket: {
          open: (socket) => this.#opened(socket),
          data: (socket, chunk) => {
            try {
              decoder.push(chunk, (frame) => this.#events.frame(frame));
            } catch {
              this.#events.broken();
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

  /** Sends a frame of so many messages (0: may not be dropped); returns false when there is no connection. */
  send(frame: Buffer, messages = 0): boolean {
    this.#queue?.push(frame, messages);
    return this.#queue !== undefined;
  }

  /** Sends what is buffered, then closes for good. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    await this.#queue?.idle();
    this.#socket?.end();
    this.#disconnected();
  }

  #opened(socket: Socket): void {
    // The close may have come while the connection was being made.
    if (this.#closed) {
      socket.end();
      return;
    }
    this.#socket = socket;
    this.#wait = this.#options.retryMs?.first ?? 50;
    this.#queue = new WriteQueue(socket, this.#options.maxQueuedBytes ?? 64 * 2 ** 20, (messages) =>
      this.#events.dropped(messages),
    );
    this.#queue.push(encodeFrame(FrameType.Hello, 1, this.#options.name));
    this.#events.opened();
  }

  #disconnected(): void {
    this.#socket = undefined;
    this.#queue?.abandon();
    this.#queue = undefined;
    this.#events.lost();
  }

  #lost(): void {
    this.#disconnected();
    if (this.#closed) return;
    clearTimeout(this.#retry);
    // Half of the wait is random, so that nine engines do not come back in one instant.
    this.#retry = setTimeout(() => void this.connect(), this.#wait * (0.5 + Math.random() / 2));
    this.#wait = Math.min(this.#wait * 2, this.#options.retryMs?.longest ?? 2000);
  }
}
