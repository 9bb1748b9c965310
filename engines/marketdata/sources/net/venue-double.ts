// A local server that stands in for a venue: HTTP and WebSocket on a free port, with the faults that venues have.
import type { Server, ServerWebSocket } from 'bun';

/** What of a client's connection the venue's side knows. */
export interface Peer {
  /** Path and query that it connected to. */
  readonly path: string;
  /** What it subscribed to, as the venue names it. */
  readonly channels: Set<string>;
}

export type PeerSocket = ServerWebSocket<Peer>;

/** The common part of the doubles: each venue's own adds its protocol. All faults are switched by the test. */
export abstract class VenueDouble {
  readonly #server: Server<Peer>;
  readonly sockets = new Set<PeerSocket>();
  /** Path and query of every REST request so far. */
  readonly requests: string[] = [];
  /** Messages of clients so far. */
  readonly heard: unknown[] = [];
  /** Answers that come instead of the next ones of REST. */
  readonly instead: (() => Response | Promise<Response>)[] = [];
  /** No connection is accepted, and no request answered but with 503. */
  down = false;
  /** Sockets stay open and nothing is said on them, not even answers. */
  silent = false;
  /** How far the venue's clock is ahead. */
  clockOffsetUs = 0;
  readonly #nowUs: () => number;
  #held: (() => void)[] | null = null;
  #connections = 0;

  constructor(nowUs: () => number) {
    this.#nowUs = nowUs;
    this.#server = Bun.serve<Peer>({
      port: 0,
      hostname: '127.0.0.1',
      idleTimeout: 0,
      fetch: (request, server) => this.#fetch(request, server),
      websocket: {
        idleTimeout: 0,
        open: (socket) => {
          this.#connections++;
          this.sockets.add(socket);
          this.opened(socket);
        },
        message: (socket, text) => {
          const message: unknown = JSON.parse(String(text));
          this.heard.push(message);
          this.message(socket, message as Record<string, unknown>);
        },
        close: (socket) => void this.sockets.delete(socket),
      },
    });
  }

  /** Addresses in the form of SourceContext.endpoint. */
  endpoint(name: string): string | undefined {
    const host = `127.0.0.1:${this.#server.port}`;
    return name === 'rest' ? `http://${host}` : name === 'stream' ? `ws://${host}` : undefined;
  }

  /** Connections since the start. */
  get connections(): number {
    return this.#connections;
  }

  /** The venue's clock. */
  nowUs(): number {
    return this.#nowUs() + this.clockOffsetUs;
  }

  /** Cuts all connections, without a goodbye unless there is a code. */
  drop(code?: number): void {
    for (const socket of this.sockets) {
      if (code === undefined) socket.terminate();
      else socket.close(code);
    }
  }

  /** Sends a text to all connections as it is: garbage, or a recorded message. */
  say(text: string): void {
    for (const socket of this.sockets) this.#send(socket, text);
  }

  /** Keeps everything back until {@link release}: a venue that is slow. */
  hold(): void {
    this.#held ??= [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const send of held) send();
  }

  async stop(): Promise<void> {
    await this.#server.stop(true);
  }

  /** A new connection. */
  protected opened(_socket: PeerSocket): void {}

  protected abstract message(socket: PeerSocket, message: Record<string, unknown>): void;

  protected abstract rest(url: URL): unknown;

  /** Sends to one connection. */
  protected send(socket: PeerSocket, message: unknown): void {
    this.#send(socket, JSON.stringify(message));
  }

  /** Sends to all that subscribed to `channel`. */
  protected publish(channel: string, message: unknown): void {
    for (const socket of this.sockets) if (socket.data.channels.has(channel)) this.send(socket, message);
  }

  #send(socket: PeerSocket, text: string): void {
    if (this.silent) return;
    if (this.#held) this.#held.push(() => socket.send(text));
    else socket.send(text);
  }

  #fetch(request: Request, server: Server<Peer>): Response | Promise<Response> | undefined {
    const url = new URL(request.url);
    if (request.headers.get('upgrade') !== null) {
      const data: Peer = { path: url.pathname + url.search, channels: new Set() };
      if (!this.down && server.upgrade(request, { data })) return;
      return new Response('no', { status: 503 });
    }
    this.requests.push(url.pathname + url.search);
    if (this.down) return new Response('down', { status: 503 });
    const instead = this.instead.shift();
    if (instead) return instead();
    const body = this.rest(url);
    return body instanceof Response ? body : Response.json(body);
  }
}
