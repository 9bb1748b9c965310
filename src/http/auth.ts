// The guard before every route: who sends a request, whether it may, and how many it may send.

import {
  DependencyUnavailableError,
  ForbiddenError,
  MalformedBodyError,
  type NautilusError,
  TooManyRequestsError,
  UnauthenticatedError,
} from '../core/errors.ts';
import type { Database } from '../store/database.ts';
import { type Access, accessOf, COMMON_ACCESS, type Right, rightsOf } from './access.ts';
import { allows } from './api-keys.ts';
import { AuditLog } from './audit.ts';
import { AuditTable } from './audit-table.ts';
import type { EngineHost } from './engine.ts';
import { type Identity, KeyRing } from './key-ring.ts';
import { Counter } from './prom.ts';
import { clientOf, type Quota, RateLimiter } from './rate-limiter.ts';

/** Subprotocol of `/ws`; a client that cannot send headers offers its key beside it, as {@link SOCKET_KEY} and the key. */
export const SOCKET_PROTOCOL = 'nautilus.v1';
export const SOCKET_KEY = 'nautilus.key.';

/** What the guard asks the server about a request. */
export type Peer = Pick<Bun.Server<unknown>, 'requestIP' | 'pendingRequests' | 'pendingWebSockets'>;

/** What the guard decided. */
export interface Admission {
  /** Why the request goes no further; null lets it pass. */
  readonly refusal: NautilusError | null;
  /** Who sends it; null where no key was asked for. */
  readonly identity: Identity | null;
  readonly right: Right | null;
  readonly quota: Quota | null;
}

const PASS: Admission = { refusal: null, identity: null, right: null, quota: null };
const SOCKET: Right = { access: 'read', pattern: '/ws', changes: false };
const LOCAL_HOST = /^https?:\/\/(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?(?:[/?]|$)/i;
const BEARER = /^Bearer +(\S+) *$/i;

/** Keys, roles, limits and the audit log of one engine. */
export class Guard {
  readonly #engine: string;
  readonly #keys: KeyRing;
  readonly #rightOf: (method: string, path: string) => Right;
  readonly #limiter: RateLimiter | undefined;
  readonly #maxConnections: number;
  readonly #audit: AuditLog | AuditTable;
  #generation: number;

  /** The audit log goes into `database` where one is given, else into a file. */
  constructor(
    engine: string,
    { config, log, metrics }: Pick<EngineHost, 'config' | 'log' | 'metrics'>,
    database?: Database,
  ) {
    this.#engine = engine;
    this.#keys = new KeyRing(config, log);
    this.#generation = this.#keys.generation;
    this.#rightOf = rightsOf(engine);
    this.#limiter = config.rateLimit > 0 ? new RateLimiter(config.rateLimit) : undefined;
    this.#maxConnections = config.maxConnections;
    const audit = new AuditLog(config.dataDir, engine, log);
    this.#audit = database ? new AuditTable(database, audit, log) : audit;
    new Counter({
      name: 'nautilus_audit_failures_total',
      help: 'Lines that the audit log lost because they could not be written',
      registers: [metrics.registry],
      collect() {
        this.reset();
        this.inc(audit.failures);
      },
    });
  }

  /** Decides on a request before any route is looked for. Without `peer` (in tests) there are no limits. */
  admit(request: Request, peer?: Peer): Admission {
    const now = performance.now();
    this.#keys.refresh(now);
    const isGet = request.method === 'GET';
    const busy = this.#refuseBusy(peer) ?? this.#refuseForeignHost(request.url);
    if (isGet && !busy && !this.#keys.enforced && !this.#limiter) return PASS;
    const right = this.#rightOf(request.method, pathOf(request.url));
    if (right.access === 'open' && `GET ${right.pattern}` in COMMON_ACCESS) return PASS;
    return busy ?? this.#decide(request, right, keyOf(request.headers), now, peer);
  }

  /** Decides on a handshake of a WebSocket, whose key may come as a subprotocol. */
  admitSocket(request: Request, peer: Peer): Admission {
    const now = performance.now();
    this.#keys.refresh(now);
    const offered = (request.headers.get('sec-websocket-protocol') ?? '').split(',').map((p) => p.trim());
    if (offered[0] !== '' && !offered.includes(SOCKET_PROTOCOL)) {
      // A browser fails a connection whose server chooses none of its protocols, and the key must not be echoed.
      return { ...PASS, refusal: new MalformedBodyError(`Expected the subprotocol ${SOCKET_PROTOCOL}`) };
    }
    const key = offered.find((p) => p.startsWith(SOCKET_KEY))?.slice(SOCKET_KEY.length);
    return (
      this.#refuseBusy(peer, peer.pendingWebSockets + 1) ??
      this.#refuseForeignHost(request.url) ??
      this.#decide(request, SOCKET, keyOf(request.headers) ?? key ?? null, now, peer)
    );
  }

  /**
   * Checks the route that the router has found against what was admitted, so that no difference between the two in
   * reading a path can open a route. Throws what {@link Guard.admit} would have refused with.
   */
  confirm({ identity }: Admission, method: string, pattern: string): void {
    if (!this.#keys.enforced) return;
    const refusal = refusalOf(identity, accessOf(this.#engine, method, pattern), null);
    if (refusal) throw refusal;
  }

  /** Adds what the reply says of limits, and writes the audit log: the reply leaves behind its line. */
  finish(
    { quota, right, identity }: Admission,
    request: Request,
    response: Response,
    id: string,
  ): Response | Promise<Response> {
    if (quota && this.#limiter) {
      const { burst, windowS } = this.#limiter;
      response.headers.set('ratelimit-policy', `"requests";q=${burst};w=${windowS}`);
      response.headers.set('ratelimit', `"requests";r=${quota.remaining};t=${quota.resetS}`);
    }
    if (right?.changes && (identity || !this.#keys.enforced)) {
      const written = this.#audit.append({
        time: new Date().toISOString(),
        engine: this.#engine,
        key_id: identity?.id ?? 'local',
        key_name: identity?.name ?? 'local',
        method: request.method,
        route: right.pattern,
        status: response.status,
        request_id: id,
      });
      if (written) return written.then(() => response);
    }
    return response;
  }

  /** Returns whether keys have changed since this was asked last. */
  keysChanged(): boolean {
    this.#keys.refresh(performance.now());
    const changed = this.#keys.generation !== this.#generation;
    this.#generation = this.#keys.generation;
    return changed;
  }

  /** Whether a connection that a key opened (null: none) may stay. */
  stillAllows(keyId: string | null): boolean {
    return !this.#keys.enforced || (keyId !== null && this.#keys.has(keyId));
  }

  close(): void {
    this.#audit.close();
  }

  #decide(
    request: Request,
    right: Right,
    key: string | null,
    now: number,
    peer: Peer | undefined,
  ): Admission {
    const { enforced } = this.#keys;
    const identity = enforced && key !== null ? this.#keys.identify(key) : null;
    // A valid key has its own limit, so that many users behind one address do not share theirs.
    const client = identity ? `key ${identity.id}` : clientOf(peer?.requestIP(request)?.address ?? 'unknown');
    const quota = peer && this.#limiter ? this.#limiter.take(client, now) : null;
    const decided = { identity, right, quota };
    if (quota && !quota.allowed) {
      const { retryAfterS } = quota;
      const detail = `Expected fewer requests: ${identity ? 'this key' : 'this address'} is over its limit`;
      return { ...decided, refusal: new TooManyRequestsError(detail, Math.ceil(retryAfterS)) };
    }
    return { ...decided, refusal: enforced ? refusalOf(identity, right.access, key) : null };
  }

  /**
   * Without keys the address is all that guards an engine: a page of another site whose name was made to point here
   * (DNS rebinding) has the browser send that name as Host.
   */
  #refuseForeignHost(url: string): Admission | null {
    if (this.#keys.enforced || LOCAL_HOST.test(url)) return null;
    const detail = 'Expected localhost or a loopback address as Host, was another name';
    return { ...PASS, refusal: new ForbiddenError(detail) };
  }

  #refuseBusy(peer: Peer | undefined, open = peer?.pendingRequests ?? 0): Admission | null {
    if (open <= this.#maxConnections) return null;
    const detail = `All ${this.#maxConnections} connections of this engine are in use`;
    return { ...PASS, refusal: new DependencyUnavailableError(detail) };
  }
}

function refusalOf(identity: Identity | null, needed: Access, key: string | null): NautilusError | null {
  if (needed === 'open') return null;
  if (!identity) {
    const was = key === null ? 'none' : 'one that is unknown or revoked';
    return new UnauthenticatedError(
      `Expected an API key as \`Authorization: Bearer <key>\` or \`x-api-key: <key>\`, was ${was}`,
    );
  }
  if (allows(identity.role, needed)) return null;
  return new ForbiddenError(`Expected a key with the role ${needed}, was ${identity.role}`, {
    needed_role: needed,
  });
}

function keyOf(headers: Headers): string | null {
  const authorization = headers.get('authorization');
  if (authorization !== null) return BEARER.exec(authorization)?.[1] ?? '';
  return headers.get('x-api-key');
}

/** The path of a whole URL as it was sent and as the router reads it, without parsing it. */
function pathOf(url: string): string {
  const start = url.indexOf('/', url.indexOf('//') + 2);
  if (start < 0) return '/';
  const end = url.indexOf('?', start);
  return end < 0 ? url.slice(start) : url.slice(start, end);
}
