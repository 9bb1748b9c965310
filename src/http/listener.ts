// The sockets of one engine: the published port, alone or shared with replicas, and a private one for a look at one replica.
import { DependencyUnavailableError, InvariantError, MalformedBodyError } from '../core/errors.ts';
import type { Peer } from './auth.ts';
import { type Guard, SOCKET_PROTOCOL } from './auth.ts';
import type { EngineContext, SocketData, SocketEndpoint } from './engine.ts';
import { problemResponse } from './problem.ts';

// Longer than any reply takes to begin; a connection that is idle for so long is closed.
const IDLE_TIMEOUT_S = 120;
const LOOPBACK = '127.0.0.1';

/** What answers on the sockets. */
export interface Answers {
  readonly engine: string;
  readonly app: (request: Request, peer?: Peer) => Response | Promise<Response>;
  readonly socket: SocketEndpoint | undefined;
  readonly guard: Guard;
}

/** Open sockets of one engine. */
export class Listener {
  /** The port of this process alone, on loopback; null where {@link port} is that already. */
  readonly privatePort: number | null = null;
  readonly #servers: Bun.Server<SocketData>[] = [];
  readonly #join: () => void = () => {};
  #port: number;

  /**
   * Listens on `port` (0 = any free one); a replica on a private one, until it joins the others. Throws
   * {@link DependencyUnavailableError} when the port is taken, naming it and what to do.
   */
  constructor(answers: Answers, context: EngineContext, port: number) {
    const { host, replica, replicaProxy } = context.config;
    const open = (hostname: string, wanted: number, reusePort = false) =>
      serve(answers, context, { hostname, port: wanted, reusePort });
    if (!replica) {
      this.#servers.push(open(host, port));
      this.#port = this.#servers[0]!.port!;
      return;
    }
    const door = open(LOOPBACK, 0);
    this.#servers.push(door);
    this.privatePort = door.port!;
    this.#port = replica.port ?? port;
    // A proxy has the published port already.
    if (replicaProxy) return;
    // A port that is shared takes everyone in, replicas of another system too: the first one looks whether it is free.
    if (replica.port === undefined && port !== 0) void open(host, port).stop(true);
    this.#join = () => {
      const shared = open(host, this.#port, true);
      this.#servers.push(shared);
      this.#port = shared.port!;
    };
  }

  /** The port that clients use. */
  get port(): number {
    return this.#port;
  }

  /**
   * Takes part in the port of the replicas, once this one is ready: the others answer until then. Throws
   * {@link DependencyUnavailableError} when another program has it.
   */
  join(): void {
    this.#join();
  }

  /** Takes no more requests; resolves when those under way have ended, at once when `force` breaks them off. */
  async stop(force = false): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.stop(force)));
  }
}

function serve(
  { engine, app, socket, guard }: Answers,
  { config, log }: EngineContext,
  where: { readonly hostname: string; readonly port: number; readonly reusePort: boolean },
): Bun.Server<SocketData> {
  const options = {
    ...where,
    idleTimeout: IDLE_TIMEOUT_S,
    // The kit's own limits answer with a problem; Bun's cuts off without a word, so that it only backs them up.
    maxRequestBodySize: 2 * Math.max(config.maxImportBytes, config.maxBodyBytes) + 2 ** 20,
    error: (error: Error) => {
      log.error({ err: error }, 'request failed outside its handler');
      return problemResponse(new InvariantError('unexpected failure'), 'unknown');
    },
  };
  try {
    return socket
      ? Bun.serve<SocketData>({
          ...options,
          websocket: socket.handlers,
          fetch: (request, server) =>
            isSocketRequest(request, socket) ? upgrade(request, server, socket, guard) : app(request, server),
        })
      : Bun.serve<SocketData>({ ...options, fetch: app });
  } catch (error) {
    if ((error as { code?: string }).code !== 'EADDRINUSE') throw error;
    throw new DependencyUnavailableError(
      `Port ${where.port} of the ${engine} engine is taken by another program: stop it (lsof -i :${where.port}) or set NAUTILUS_PORTS=free`,
    );
  }
}

function isSocketRequest(request: Request, socket: SocketEndpoint): boolean {
  // Every request passes here, so that the URL is parsed only when it may be the socket's.
  return request.url.includes(socket.path) && new URL(request.url).pathname === socket.path;
}

// An upgraded request gets no reply of ours.
function upgrade(
  request: Request,
  server: Bun.Server<SocketData>,
  socket: SocketEndpoint,
  guard: Guard,
): Response | undefined {
  const id = crypto.randomUUID();
  const { refusal, identity } = guard.admitSocket(request, server);
  const reason = refusal ?? socket.refuse?.(request);
  if (reason) return problemResponse(reason, id);
  const data: SocketData = { id, keyId: identity?.id ?? null };
  // Only the name of the protocol goes back: the offer may hold a key as well.
  const asked = request.headers.has('sec-websocket-protocol');
  const headers: Record<string, string> = asked ? { 'sec-websocket-protocol': SOCKET_PROTOCOL } : {};
  if (server.upgrade(request, { data, headers })) return undefined;
  return problemResponse(new MalformedBodyError(`Expected a WebSocket handshake on ${socket.path}`), id);
}
