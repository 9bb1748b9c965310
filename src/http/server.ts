// The server that every engine shares: runs a definition on a bus and a port.

import { EngineStream } from '../bus/stream.ts';
import { topics } from '../bus/topics.ts';
import { monotonicSeconds } from '../core/clock.ts';
import { DependencyUnavailableError, InvariantError, MalformedBodyError } from '../core/errors.ts';
import { VERSION } from '../core/version.ts';
import { buildApp, type Health } from './app.ts';
import { Guard, SOCKET_PROTOCOL } from './auth.ts';
import type { EngineContext, EngineDefinition, EngineParts, SocketData, SocketEndpoint } from './engine.ts';
import { refuseOpenHost } from './key-ring.ts';
import { nativeInfo } from './native-info.ts';
import { problemResponse } from './problem.ts';

const PRESENCE_MS = 1000;
const POLITE_STOP_MS = 250;
// Longer than any reply takes to begin; a connection that is idle for so long is closed.
const IDLE_TIMEOUT_S = 120;

/** A running engine. */
export interface RunningEngine {
  readonly name: string;
  readonly port: number;
  health(): Health;
  /** Drains: finishes what is under way within `graceMs`, says goodbye on the bus, closes. */
  stop(graceMs: number): Promise<void>;
}

/**
 * Starts one engine on `port` (0 = any free one). Resolves when it is ready to answer. Throws
 * {@link DependencyUnavailableError} when the port is taken, naming it and what to do, and what {@link refuseOpenHost} throws.
 */
export async function startEngine(
  definition: EngineDefinition,
  context: EngineContext,
  port: number,
): Promise<RunningEngine> {
  refuseOpenHost(context.config);
  const parts = await definition.create(context);
  const engine = new Engine(definition, context, parts);
  await engine.start(port);
  return engine;
}

class Engine implements RunningEngine {
  readonly name: string;
  readonly #startedS = monotonicSeconds();
  readonly #stream: EngineStream | undefined;
  readonly #guard: Guard;
  #server: Bun.Server<SocketData> | undefined;
  #presence: ReturnType<typeof setInterval> | undefined;
  #ready = false;
  #stopping = false;

  constructor(
    readonly definition: EngineDefinition,
    readonly context: EngineContext,
    readonly parts: EngineParts,
  ) {
    this.name = definition.name;
    this.#guard = new Guard(definition.name, context);
    this.#stream = parts.participant && new EngineStream(context.bus, definition.name, parts.participant);
  }

  get port(): number {
    return this.#server?.port ?? 0;
  }

  async start(port: number): Promise<void> {
    this.#listen(port);
    await this.#stream?.start();
    await this.parts.start?.();
    this.#ready = true;
    this.#announce();
    this.#presence = setInterval(() => this.#tick(), PRESENCE_MS);
  }

  health(): Health {
    const missing = this.missing();
    return {
      status: missing.length === 0 ? 'healthy' : 'degraded',
      engine: this.name,
      version: VERSION,
      uptime_s: Math.round((monotonicSeconds() - this.#startedS) * 1000) / 1000,
      messagebus_connected: this.context.bus.connected,
      messagebus: this.context.bus.kind,
      native: nativeInfo(),
      missing,
    };
  }

  missing(): string[] {
    const missing = this.parts.missing?.() ?? [];
    return this.context.bus.connected ? missing : ['messagebus', ...missing];
  }

  notReady(): string | null {
    if (this.#stopping) return 'stopping';
    if (!this.#ready) return 'starting';
    return this.context.bus.connected ? null : 'messagebus is away';
  }

  systemStatus(): Record<string, unknown> {
    return {
      ...this.health(),
      pid: process.pid,
      port: this.port,
      memory_rss_bytes: process.memoryUsage.rss(),
      replay: this.#stream?.session?.session ?? null,
      bus: this.context.bus.stats(),
      activity: this.context.metrics.activity(),
      ...this.parts.status?.(),
    };
  }

  async stop(graceMs: number): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    clearInterval(this.#presence);
    this.#announce();
    // Intake ends first, so that nothing reaches an engine that has closed its files. An open WebSocket keeps a polite
    // stop waiting for ever, which is why both waits have an end.
    await Promise.race([this.#server?.stop(), Bun.sleep(Math.min(graceMs, POLITE_STOP_MS))]);
    await this.#server?.stop(true);
    await Promise.race([this.#stream?.stop(), Bun.sleep(graceMs)]);
    await this.parts.stop?.();
    await this.context.bus.close();
    this.#guard.close();
  }

  // Open sockets send no more requests that would notice that their key has ended.
  #tick(): void {
    this.#announce();
    if (this.#guard.keysChanged())
      this.parts.socket?.revalidate((data) => this.#guard.stillAllows(data.keyId));
  }

  #announce(): void {
    const missing = this.missing();
    this.context.bus.publish(topics.presence, {
      engine: this.name,
      port: this.port,
      pid: process.pid,
      status: this.#stopping ? 'stopping' : missing.length === 0 ? 'healthy' : 'degraded',
      missing,
      version: VERSION,
      uptime_s: Math.round(monotonicSeconds() - this.#startedS),
      rss_bytes: process.memoryUsage.rss(),
      lockstep: this.#stream !== undefined,
    });
  }

  #listen(port: number): void {
    const { config, log } = this.context;
    const app = buildApp(this.definition, this.context, this.parts, this, this.#guard);
    const socket = this.parts.socket;
    const options = {
      hostname: config.host,
      port,
      idleTimeout: IDLE_TIMEOUT_S,
      // The kit's own limits answer with a problem; Bun's cuts off without a word, so that it only backs them up.
      maxRequestBodySize: 2 * Math.max(config.maxImportBytes, config.maxBodyBytes) + 2 ** 20,
      error: (error: Error) => {
        log.error({ err: error }, 'request failed outside its handler');
        return problemResponse(new InvariantError('unexpected failure'), 'unknown');
      },
    };
    try {
      this.#server = socket
        ? Bun.serve<SocketData>({
            ...options,
            websocket: socket.handlers,
            fetch: (request, server) =>
              isSocketRequest(request, socket)
                ? upgrade(request, server, socket, this.#guard)
                : app(request, server),
          })
        : Bun.serve<SocketData>({ ...options, fetch: app });
    } catch (error) {
      if ((error as { code?: string }).code !== 'EADDRINUSE') throw error;
      throw new DependencyUnavailableError(
        `Port ${port} of the ${this.name} engine is taken by another program: stop it (lsof -i :${port}) or set NAUTILUS_PORTS=free`,
      );
    }
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
