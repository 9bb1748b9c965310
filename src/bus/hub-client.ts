// The hub transport as an engine's process uses it: publishes, and subscribes again when the connection is back.
import type { Envelope } from './envelope.ts';
import { encodeFrame, type Frame, FrameType } from './frame.ts';
import { deliverBatch } from './hub-server.ts';
import { type HubClientOptions, HubSocket } from './hub-socket.ts';
import type { Transport, TransportSink } from './transport.ts';

export type { HubClientOptions } from './hub-socket.ts';

/** A subscription that the hub has not confirmed yet. */
interface Waiting {
  readonly pattern: string;
  readonly resolve: () => void;
}

/** Speaks the frames of `frame.ts` to a {@link HubServer}. */
export class HubTransport implements Transport {
  readonly kind = 'hub';
  readonly #socket: HubSocket;
  readonly #patterns = new Set<string>();
  readonly #waiting = new Map<number, Waiting>();
  #sink: TransportSink | undefined;
  #nextRequest = 1;

  constructor(options: HubClientOptions) {
    this.#socket = new HubSocket(options, {
      opened: () => this.#subscribeAgain(),
      frame: (frame) => this.#handle(frame),
      lost: () => {},
      dropped: (messages) => this.#sink?.onDropped(messages),
      broken: () => this.#sink?.onPoison(),
    });
  }

  get connected(): boolean {
    return this.#socket.connected;
  }

  start(sink: TransportSink): void {
    this.#sink = sink;
    void this.#socket.connect();
  }

  send(topic: string, batch: readonly Envelope[]): boolean {
    if (!this.connected) return false;
    const frame = encodeFrame(FrameType.Batch, batch.length, topic, JSON.stringify(batch));
    return this.#socket.send(frame, batch.length);
  }

  subscribe(pattern: string): Promise<void> {
    // Also where it is asked for already: that may not be confirmed yet.
    this.#patterns.add(pattern);
    return new Promise((resolve) => this.#requestSubscription(pattern, resolve));
  }

  async unsubscribe(pattern: string): Promise<void> {
    this.#patterns.delete(pattern);
    // Whoever still waits for it would wait for ever: after a loss it is not asked for again.
    for (const [request, waiting] of this.#waiting) {
      if (waiting.pattern !== pattern) continue;
      this.#waiting.delete(request);
      waiting.resolve();
    }
    this.#socket.send(encodeFrame(FrameType.Unsubscribe, 0, pattern));
  }

  close(): Promise<void> {
    return this.#socket.close();
  }

  #subscribeAgain(): void {
    const waiting = Map.groupBy(this.#waiting.values(), ({ pattern }) => pattern);
    this.#waiting.clear();
    for (const pattern of this.#patterns) {
      const resolves = waiting.get(pattern) ?? [];
      this.#requestSubscription(pattern, () => {
        for (const { resolve } of resolves) resolve();
      });
    }
  }

  #requestSubscription(pattern: string, resolve: () => void): void {
    const request = this.#nextRequest++;
    this.#waiting.set(request, { pattern, resolve });
    this.#socket.send(encodeFrame(FrameType.Subscribe, request, pattern));
  }

  #handle(frame: Frame): void {
    if (frame.type === FrameType.Batch) deliverBatch(frame, this.#sink);
    else if (frame.type === FrameType.Dropped) this.#sink?.onDropped(frame.number);
    else if (frame.type === FrameType.Subscribed) {
      this.#waiting.get(frame.number)?.resolve();
      this.#waiting.delete(frame.number);
    }
  }
}
