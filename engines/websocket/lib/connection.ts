// One client of /ws: its subscriptions, its numbering, and what becomes of messages that it reads too slowly.
import type { ServerWebSocket } from 'bun';
import { newestKey } from '../../../src/bus/topics.ts';
import type { SocketData } from '../../../src/http/engine.ts';
import type { Filter } from './protocol.ts';
import { framesOf, frameText, type Outgoing, type SharedFrame, type View } from './views.ts';

/** Counters of one connection, in messages. */
export interface ConnectionStats {
  readonly connection_id: string;
  readonly remote_address: string;
  readonly connected_at_us: number;
  readonly subscriptions: string[];
  readonly messages_sent: number;
  readonly messages_dropped: number;
  readonly messages_conflated: number;
  readonly buffered_bytes: number;
}

/** Counters since start. */
export interface SocketTotals {
  accepted: number;
  refused: number;
  messages_sent: number;
  messages_dropped: number;
  messages_conflated: number;
}

/** Series of which the newest message is kept for one client. */
const MAX_KEPT = 1024;

/** A connection; `backlogBytes` is the most that may wait for its client, `room` what of it there is now. */
export class Connection {
  readonly subscriptions = new Map<string, Filter | undefined>();
  view: View<Connection> | undefined;
  /** When the client was last heard, in milliseconds on a monotonic clock. */
  heardMs: number;
  closing = false;
  #seq = 1;
  #sent = 0;
  #dropped = 0;
  // Given up for a newer one of the same series.
  #conflated = 0;
  // Dropped or conflated, and not yet told.
  #untold = 0;
  // The newest message of each series, while there is no room for it.
  readonly #kept = new Map<string, Outgoing>();

  constructor(
    readonly ws: ServerWebSocket<SocketData>,
    readonly connectedAtUs: number,
    nowMs: number,
    readonly backlogBytes: number,
    readonly totals: Pick<SocketTotals, 'messages_sent' | 'messages_dropped' | 'messages_conflated'>,
    readonly room: () => number = () => backlogBytes,
  ) {
    this.heardMs = nowMs;
  }

  /**
   * Sends one shared frame, or none of it when too much waits already. Of topics where only the newest message of a series counts, that one is kept
   * and sent as soon as there is room; all others are dropped with their numbers, so that the client sees the gap, and told.
   */
  deliver(frame: SharedFrame): void {
    if (this.#isBehind) this.catchUp();
    // After a loss the client first catches up by half: it then gets long stretches instead of single messages.
    const full = this.#isBehind || this.ws.getBufferedAmount() > this.room();
    if (full || !this.#send(frame)) for (const message of frame.messages) this.#keepOrDrop(message);
  }

  /** Tells the client what it lost and sends what was kept for it, once it has read half of what waited. */
  catchUp(): void {
    if (!this.#isBehind || this.ws.getBufferedAmount() > this.room() / 2) return;
    if (this.#untold > 0) {
      if (this.ws.send(`{"type":"dropped","count":${this.#untold}}`) === 0) return;
      this.#untold = 0;
    }
    for (const frame of framesOf([...this.#kept.values()])) {
      if (!this.#send(frame)) return;
      for (const [key, message] of this.#kept) if (frame.messages.includes(message)) this.#kept.delete(key);
    }
  }

  get #isBehind(): boolean {
    return this.#untold > 0 || this.#kept.size > 0;
  }

  #send(frame: SharedFrame): boolean {
    if (this.ws.send(frameText(frame, this.#seq)) === 0) return false;
    this.#seq += frame.count;
    this.#sent += frame.count;
    this.totals.messages_sent += frame.count;
    return true;
  }

  #keepOrDrop(message: Outgoing): void {
    const key = newestKey(message.envelope);
    if (key !== null) {
      const isNew = !this.#kept.delete(key);
      if (!isNew || this.#kept.size < MAX_KEPT) {
        this.#kept.set(key, message);
        if (!isNew) this.#lose('conflated');
        return;
      }
    }
    this.#lose('dropped');
  }

  #lose(how: 'dropped' | 'conflated'): void {
    if (how === 'dropped') this.#dropped++;
    else this.#conflated++;
    this.totals[`messages_${how}`]++;
    this.#untold++;
    this.#seq++;
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
      messages_conflated: this.#conflated,
      buffered_bytes: this.ws.getBufferedAmount(),
    };
  }
}
