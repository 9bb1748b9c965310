// A proxy of TCP connections to replicas on this machine: round robin, without reading what passes.
import { connect, createServer, type Server, type Socket } from 'node:net';

/** Which replicas take connections; sent by the supervisor after each change. */
export interface Backends {
  readonly type: 'backends';
  /** Loopback ports. */
  readonly ports: readonly number[];
}

const LOOPBACK = '127.0.0.1';
const CONNECT_MS = 1000;

/** A listening proxy. Each connection goes to one replica for as long as it lasts, WebSockets too. */
export class TcpProxy {
  readonly #server: Server;
  readonly #pairs = new Set<Socket>();
  #ports: readonly number[] = [];
  #next = 0;

  constructor() {
    // Either side may say that it has sent everything and still wait for the other.
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (client) => {
      this.#track(client);
      void this.#serve(client);
    });
  }

  /** Listens on `port` (0 = any free one) and resolves with it. Rejects with the system's error. */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host, port }, () => {
        this.#server.off('error', reject);
        resolve((this.#server.address() as { port: number }).port);
      });
    });
  }

  /** New connections go to these loopback ports; those that stand are left alone. */
  setBackends(ports: readonly number[]): void {
    this.#ports = ports;
  }

  /** Takes no more connections and ends those that stand. */
  close(): void {
    this.#server.close();
    for (const socket of this.#pairs) socket.destroy();
  }

  async #serve(client: Socket): Promise<void> {
    const backend = await this.#connect();
    if (!backend || client.destroyed) {
      backend?.destroy();
      client.resetAndDestroy();
      return;
    }
    this.#track(backend);
    // Both directions take no more than the other side takes away: pipes pause their source.
    client.pipe(backend);
    backend.pipe(client);
    // A side that breaks takes the other with it, so that nobody waits for a reply that never comes.
    client.on('close', () => backend.destroy());
    backend.on('close', () => client.destroy());
  }

  // Nothing of the client was read yet, so that another replica can be tried without a loss.
  async #connect(): Promise<Socket | null> {
    const ports = this.#ports;
    for (let tries = 0; tries < ports.length; tries++) {
      const socket = await attempt(ports[this.#next++ % ports.length]!);
      if (socket) return socket;
    }
    return null;
  }

  #track(socket: Socket): void {
    this.#pairs.add(socket);
    socket.on('close', () => this.#pairs.delete(socket));
    // What breaks is closed, and is handled there.
    socket.on('error', () => {});
  }
}

function attempt(port: number): Promise<Socket | null> {
  return new Promise((resolve) => {
    const socket = connect({ host: LOOPBACK, port, allowHalfOpen: true, noDelay: true });
    const failed = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve(null);
    };
    const timer = setTimeout(failed, CONNECT_MS);
    socket.once('error', failed);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('error', failed);
      resolve(socket);
    });
  });
}
