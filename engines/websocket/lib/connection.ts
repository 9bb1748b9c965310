// One client of /ws: its subscriptions, its numbering, and what becomes of messages that it reads too slowly.
import type { ServerWebSocket } from 'bun';
import type { SocketData } from '../../../src/http/engine.ts';
import type { Filter } from './protocol.ts';
import { frameText, type SharedFrame, type View } from './views.ts';

/** Counters of one connection, in messages. */
export interface ConnectionStats {
  readonly connection_id: string;
  readonly remote_address: string;
  readonly connected_at_us: number;
  readonly subscriptions: string[];
  readonly messages_sent: number;
  readonly messages_dropped: number;
  readonly buffered_bytes: number;
}

/** A connection; `backlogBytes` is the most that may wait for its client. */
export class Connection {
  readonly subscriptions = new Map<string, Filter | undefined>();
  view: View<Connection> | undefined;
  /** When the client was last heard, in milliseconds on a monotonic clock. */
  heardMs: number;
  closing = false;
  #seq = 1;
  #sent = 0;
  #dropped = 0;
  // Dropped and not yet told.
  #untold = 0;

  constructor(
    readonly ws: ServerWebSocket<SocketData>,
    readonly connectedAtUs: number,
    nowMs: number,
    readonly backlogBytes: number,
  ) {
    this.heardMs = nowMs;
  }

  /**
   * Sends one shared frame and returns its messages that were sent; 0 means that all were dropped because too much
   * waits already. Dropped messages take their numbers with them, so that the client sees the gap, and are told.
   */
  deliver(frame: SharedFrame): number {
    if (this.#untold > 0) this.tellDropped();
    // After a loss the client first catches up by half: it then gets long stretches instead of single messages.
    const full = this.#untold > 0 || this.ws.getBufferedAmount() > this.backlogBytes;
    if (full || this.ws.send(frameText(frame, this.#seq)) === 0) {
      this.#dropped += frame.count;
      this.#untold += frame.count;
      this.#seq += frame.count;
      return 0;
    }
    this.#seq += frame.count;
    this.#sent += frame.count;
    return frame.count;
  }

  /** Tells the client what it lost, once it has read half of what waited. */
  tellDropped(): void {
    if (this.#untold === 0 || this.ws.getBufferedAmount() > this.backlogBytes / 2) return;
    if (this.ws.send(`{"type":"dropped","count":${this.#untold}}`) !== 0) this.#untold = 0;
  }

  /** Sends what may not be lost: a client that does not even read its replies is closed. */
  reply(text: string): void {
    if (this.ws.getBufferedAmount() <= 2 * this.backlogBytes && this.ws.send(text) !== 0) return;
    this.closing = true;
    this.ws.close(1008, 'replies are not read');
  }

  stats(): ConnectionStats {
    return {
      connection_id: this.ws.data.id,
      remote_address: this.ws.remoteAddress,
      connected_at_us: this.connectedAtUs,
      subscriptions: [...this.subscriptions.keys()],
      messages_sent: this.#sent,
      messages_dropped: this.#dropped,
      buffered_bytes: this.ws.getBufferedAmount(),
    };
  }
}
