// All clients of /ws: opens and closes them, answers their frames, hands messages out once a turn, keeps them alive.
import type { ServerWebSocket, WebSocketHandler } from 'bun';
import type { Envelope } from '../../../src/bus/envelope.ts';
import type { Clock } from '../../../src/core/clock.ts';
import {
  DependencyUnavailableError,
  ForbiddenError,
  InvalidOptionError,
  NautilusError,
} from '../../../src/core/errors.ts';
import type { SocketData } from '../../../src/http/engine.ts';
import { Connection, type SocketTotals } from './connection.ts';
import type { Demand } from './demand.ts';
import { CLIENT_TOPICS, type ClientFrame, errorFrame, idOf, parseFrame } from './protocol.ts';
import { Outgoing, View, viewKey } from './views.ts';

/** What clients may use up. */
export interface SocketLimits {
  readonly maxConnections: number;
  /** Patterns of one connection. */
  readonly maxSubscriptions: number;
  /** Bytes that may wait for one client before messages are dropped. */
  readonly backlogBytes: number;
  /** Bytes that may wait for all clients together: with more of them each has less. */
  readonly totalBacklogBytes: number;
  /** Time between two heartbeats; a client silent for three of them is closed. */
  readonly heartbeatMs: number;
}

export const SOCKET_LIMITS: SocketLimits = {
  maxConnections: 10_000,
  maxSubscriptions: 64,
  backlogBytes: 8 * 2 ** 20,
  totalBacklogBytes: 1024 * 2 ** 20,
  heartbeatMs: 15_000,
};

/** Largest frame that a client may send, in bytes; a larger one closes its connection (1009). */
export const MAX_CLIENT_FRAME_BYTES = 65_536;

// More than any turn of live running brings; a replay's barrier is handed out in parts of this size.
const MAX_PENDING = 8192;

/** The registry of connections. */
export class Connections {
  readonly totals: SocketTotals = {
    accepted: 0,
    refused: 0,
    messages_sent: 0,
    messages_dropped: 0,
    messages_conflated: 0,
  };
  readonly handlers: WebSocketHandler<SocketData>;
  readonly #limits: SocketLimits;
  readonly #clock: Clock;
  readonly #demand: Demand;
  readonly #onError: (error: unknown) => void;
  readonly #connections = new Map<string, Connection>();
  readonly #views = new Map<string, View<Connection>>();
  #pending: Outgoing[] = [];
  #flushScheduled = false;
  #heartbeat: ReturnType<typeof setInterval> | undefined;

  constructor(limits: SocketLimits, clock: Clock, demand: Demand, onError: (error: unknown) => void) {
    this.#limits = limits;
    this.#clock = clock;
    this.#demand = demand;
    this.#onError = onError;
    this.handlers = {
      maxPayloadLength: MAX_CLIENT_FRAME_BYTES,
      // Bun drops without a word beyond this; Connection keeps well below it.
      backpressureLimit: 4 * limits.backlogBytes,
      perMessageDeflate: false,
      idleTimeout: 120,
      sendPings: false,
      open: (ws) => this.#open(ws),
      message: (ws, data) => this.#message(ws, data),
      pong: (ws) => void this.#heard(ws),
      drain: (ws) => this.#connections.get(ws.data.id)?.catchUp(),
      close: (ws) => this.#close(ws),
    };
  }

  get size(): number {
    return this.#connections.size;
  }

  /** Starts the heartbeat. */
  start(): void {
    this.#heartbeat = setInterval(() => this.#beat(), this.#limits.heartbeatMs);
  }

  /** Says goodbye to every client. */
  stop(): void {
    clearInterval(this.#heartbeat);
    this.flush();
    for (const { ws } of this.#connections.values()) ws.close(1001, 'the engine stops');
  }

  /** Returns why a handshake is refused, or null. */
  refuse(request: Request): NautilusError | null {
    const reason = this.#refusal(request);
    if (reason) this.totals.refused++;
    return reason;
  }

  #refusal(request: Request): NautilusError | null {
    const { maxConnections } = this.#limits;
    if (this.#connections.size >= maxConnections) {
      return new DependencyUnavailableError(`All ${maxConnections} connections are in use`);
    }
    // Browsers let any page open a WebSocket to this machine: only our own page may.
    const origin = request.headers.get('origin');
    if (origin !== null && hostOf(origin) !== request.headers.get('host')) {
      return new ForbiddenError('Expected a page of this engine as origin of the connection');
    }
    return null;
  }

  /** Closes the connections that are no longer allowed. */
  revalidate(isAllowed: (data: SocketData) => boolean): void {
    for (const connection of this.#connections.values()) {
      if (connection.closing || isAllowed(connection.ws.data)) continue;
      connection.closing = true;
      this.#leave(connection);
      connection.ws.close(1008, 'the API key is no longer valid');
    }
  }

  /** Takes messages for whoever wants them; nothing happens when nobody listens. */
  offer(batch: readonly Envelope[]): void {
    if (this.#views.size === 0) return;
    for (const envelope of batch) this.#pending.push(new Outgoing(envelope));
    if (this.#pending.length >= MAX_PENDING) this.flush();
    else if (!this.#flushScheduled && this.#pending.length > 0) {
      // At the end of the turn: what many topics brought in it travels in one frame.
      this.#flushScheduled = true;
      setImmediate(() => this.flush());
    }
  }

  /** Hands out everything offered so far. */
  flush(): void {
    this.#flushScheduled = false;
    const pending = this.#pending;
    if (pending.length === 0) return;
    this.#pending = [];
    for (const view of this.#views.values()) {
      const frames = view.frames(pending);
      if (frames.length === 0) continue;
      for (const connection of view.clients) {
        for (const frame of frames) connection.deliver(frame);
      }
    }
  }

  /** Sends one frame to every client, after everything offered before. */
  announce(frame: Readonly<Record<string, unknown>>): void {
    this.flush();
    const text = JSON.stringify(frame);
    for (const connection of this.#connections.values()) if (!connection.closing) connection.reply(text);
  }

  /** Connections in order of their opening. */
  list(offset: number, limit: number) {
    return [...this.#connections.values()].slice(offset, offset + limit).map((c) => c.stats());
  }

  #open(ws: ServerWebSocket<SocketData>): void {
    const connection = new Connection(
      ws,
      this.#clock.nowUs(),
      performance.now(),
      this.#limits.backlogBytes,
      this.totals,
      () => this.#room(),
    );
    this.#connections.set(ws.data.id, connection);
    this.totals.accepted++;
    const { heartbeatMs } = this.#limits;
    const catalogue = CLIENT_TOPICS.map(({ name, owner, description }) => ({ name, owner, description }));
    connection.reply(
      JSON.stringify({
        type: 'welcome',
        connection_id: ws.data.id,
        heartbeat_interval_ms: heartbeatMs,
        topics: catalogue,
      }),
    );
  }

  #room(): number {
    const { backlogBytes, totalBacklogBytes } = this.#limits;
    return Math.min(backlogBytes, totalBacklogBytes / this.#connections.size);
  }

  #close(ws: ServerWebSocket<SocketData>): void {
    const connection = this.#connections.get(ws.data.id);
    if (!connection) return;
    this.#connections.delete(ws.data.id);
    this.#leave(connection);
  }

  #heard(ws: ServerWebSocket<SocketData>): Connection | undefined {
    const connection = this.#connections.get(ws.data.id);
    if (connection) connection.heardMs = performance.now();
    return connection;
  }

  #message(ws: ServerWebSocket<SocketData>, data: string | Buffer): void {
    const connection = this.#heard(ws);
    if (!connection || connection.closing) return;
    try {
      const frame = parseFrame(data);
      const answer = this.#answer(connection, frame);
      // Acknowledged when its messages come: whoever asks for a state after that misses nothing.
      const ready =
        frame.type === 'subscribe' ? this.#demand.ready(connection.view?.topics ?? []) : undefined;
      if (!ready) connection.reply(answer);
      else void ready.then(() => this.#connections.has(ws.data.id) && connection.reply(answer));
    } catch (error) {
      if (!(error instanceof NautilusError)) this.#onError(error);
      connection.reply(errorFrame(idOf(data), error));
    }
  }

  #answer(connection: Connection, frame: ClientFrame): string {
    if (frame.type === 'ping')
      return JSON.stringify({ type: 'pong', id: frame.id, ts_us: this.#clock.nowUs() });
    const { subscriptions } = connection;
    let changed = frame.topics;
    if (frame.type === 'subscribe') {
      const { maxSubscriptions } = this.#limits;
      if (new Set([...subscriptions.keys(), ...frame.topics]).size > maxSubscriptions) {
        throw new InvalidOptionError(`Expected at most ${maxSubscriptions} subscriptions of one connection`, [
          { pointer: '/topics', expected: `at most ${maxSubscriptions} subscriptions of one connection` },
        ]);
      }
      // What came before this frame belongs to the subscriptions before it.
      this.flush();
      for (const pattern of frame.topics) subscriptions.set(pattern, frame.filter);
    } else {
      this.flush();
      changed = frame.topics.filter((pattern) => subscriptions.delete(pattern));
    }
    this.#leave(connection);
    this.#join(connection);
    return JSON.stringify({ type: 'ack', id: frame.id, action: frame.type, topics: changed });
  }

  #leave(connection: Connection): void {
    const { view } = connection;
    if (!view) return;
    connection.view = undefined;
    view.clients.delete(connection);
    if (view.clients.size > 0) return;
    this.#views.delete(view.key);
    this.#demand.release(view.topics);
  }

  #join(connection: Connection): void {
    if (connection.subscriptions.size === 0) return;
    const key = viewKey(connection.subscriptions);
    let view = this.#views.get(key);
    if (!view) {
      view = new View(connection.subscriptions);
      this.#views.set(key, view);
      this.#demand.want(view.topics);
    }
    view.clients.add(connection);
    connection.view = view;
  }

  #beat(): void {
    const now = performance.now();
    const silence = 3 * this.#limits.heartbeatMs;
    const text = JSON.stringify({ type: 'heartbeat', ts_us: this.#clock.nowUs() });
    for (const connection of this.#connections.values()) {
      // A dead peer never answers the close either: what is still here a beat later is cut off.
      if (connection.closing) connection.ws.terminate();
      else if (now - connection.heardMs >= silence) {
        connection.closing = true;
        this.#leave(connection);
        connection.ws.close(1001, 'no sign of life');
      } else {
        connection.catchUp();
        connection.reply(text);
        connection.ws.ping();
      }
    }
  }
}

function hostOf(origin: string): string | null {
  try {
    return new URL(origin).host;
  } catch {
    return null;
  }
}
