// One connection to Redis that comes back by itself: back-off with jitter, pings that notice a link that is only half there.
import { isIP } from 'node:net';
import type { Redis, RedisOptions } from 'ioredis';
import { loadRedis } from '../core/ioredis.ts';
import type { RedisNode, RedisSettings } from '../core/redis-settings.ts';

/** Waits of a link, in milliseconds. */
export interface LinkTiming {
  /** Between two pings; a link without an answer to the last two is given up. */
  readonly pingMs: number;
  /** First and longest wait before connecting again. */
  readonly retryMs: { readonly first: number; readonly longest: number };
}

export const LINK_TIMING: LinkTiming = { pingMs: 1000, retryMs: { first: 50, longest: 2000 } };

/** Returns waits with which a server that is silent for `timeoutMs`, or for 3 s where that is shorter, is given up. */
export function linkTiming(timeoutMs: number): LinkTiming {
  return { ...LINK_TIMING, pingMs: Math.min(LINK_TIMING.pingMs, timeoutMs / (UNANSWERED_PINGS + 1)) };
}

export interface LinkEvents {
  /** A new connection that answers; the client is fresh and has no subscription. */
  opened(client: Redis): void;
  /** It is gone; `reason` holds no secret. Also called for each attempt that fails. */
  lost(reason: string): void;
}

/** Which server of several a link goes to; without it, the one of the settings. */
export interface LinkTarget {
  /** Finds the server, anew for each connection. */
  find(): Promise<RedisNode>;
  /** Sent instead of a ping; an error that the server answers gives the connection up. */
  readonly check?: (client: Redis) => Promise<unknown>;
}

const UNANSWERED_PINGS = 2;
const NOT_MASTER = 'NOT_MASTER';
const CONNECT_MS = 3000;

/** Returns the options of one connection that ends for good when it is lost, so that its owner decides what comes next. */
export function connectionOptions(settings: RedisSettings, name: string, node: RedisNode = settings) {
  const { db, tls, sentinels } = settings;
  const { host, port } = node;
  return {
    // A new connection asks the Sentinels anew, and so finds the master of the day.
    ...(sentinels
      ? {
          sentinels: [...sentinels.nodes],
          name: sentinels.name,
          sentinelRetryStrategy: () => null,
          // A master that was replaced takes what nobody else will have, until the Sentinels have told it: they tell us first.
          failoverDetector: true,
          sentinelReconnectStrategy: (times: number) =>
            Math.min(LINK_TIMING.retryMs.first * 2 ** Math.min(times, 10), LINK_TIMING.retryMs.longest),
        }
      : { host, port }),
    db,
    ...settings.credentials(),
    // A server proves the name that we call it by, or its address; an address is no name to ask for.
    ...(tls ? { tls: isIP(host) ? {} : { servername: host } } : {}),
    connectionName: name,
    // The older protocol does all that is needed here, and passes through proxies that know no other.
    protocol: 2,
    disableClientInfo: true,
    lazyConnect: true,
    enableOfflineQueue: false,
    // A server that still loads its data carries messages already.
    enableReadyCheck: false,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: null,
    retryStrategy: null,
    connectTimeout: CONNECT_MS,
    disconnectTimeout: 100,
  } satisfies RedisOptions;
}

/** Says in words why Redis failed. Errors of the client may hold the commands they were about, passwords included. */
export function reasonOf(error: unknown): string {
  const { code, message = '' } = (error ?? {}) as { code?: unknown; message?: string };
  if (/sentinels are unreachable/i.test(message)) return 'no Sentinel knows the master';
  if (code === NOT_MASTER) return 'not the master';
  if (code === 'ECONNREFUSED') return 'connection refused';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'unknown host';
  if (code === 'ETIMEDOUT') return 'no answer';
  if (/^(WRONGPASS|NOAUTH)|^ERR (AUTH|invalid password)/.test(message)) return 'user or password refused';
  if (/^CLUSTERDOWN/.test(message)) return 'the cluster is down';
  if (/^NOPERM/.test(message)) return 'the user may not do this';
  if (/^[A-Z]{3,20} /.test(message)) return `Redis answered ${message.split(' ', 1)[0]}`;
  return typeof code === 'string' ? `connection failed (${code})` : 'connection lost';
}

// Sentinels that were away tell of the master of yesterday.
async function refuseReplica(client: Redis): Promise<void> {
  const role = await client.role().catch((error) => {
    // A user that may not ask has to believe it.
    if (error.name !== 'ReplyError') throw error;
  });
  if (role && role[0] !== 'master') throw Object.assign(new Error('not the master'), { code: NOT_MASTER });
}

/** Keeps one connection until it is closed. */
export class RedisLink {
  readonly #settings: RedisSettings;
  readonly #name: string;
  readonly #events: LinkEvents;
  readonly #timing: LinkTiming;
  readonly #target: LinkTarget | undefined;
  #client: Redis | undefined;
  #open = false;
  #closed = false;
  #wait: number;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #pinger: ReturnType<typeof setInterval> | undefined;
  #unanswered = 0;

  constructor(
    settings: RedisSettings,
    name: string,
    events: LinkEvents,
    timing: LinkTiming = LINK_TIMING,
    target?: LinkTarget,
  ) {
    this.#settings = settings;
    this.#name = name;
    this.#events = events;
    this.#timing = timing;
    this.#target = target;
    this.#wait = timing.retryMs.first;
  }

  /** The connection while it is open. */
  get client(): Redis | undefined {
    return this.#open ? this.#client : undefined;
  }

  /** Connects now, and again after each loss. */
  async start(): Promise<void> {
    if (this.#closed) return;
    // Loaded here: it costs a start with the embedded hub nothing.
    const { Redis } = await loadRedis();
    let node: RedisNode | undefined;
    try {
      node = await this.#target?.find();
    } catch (error) {
      this.#again(reasonOf(error));
      return;
    }
    if (this.#closed) return;
    const client = new Redis(connectionOptions(this.#settings, this.#name, node));
    this.#client = client;
    this.#unanswered = 0;
    let reason: unknown;
    client.on('error', (error) => {
      reason ??= error;
    });
    client.on('end', () => this.#lost(client, reasonOf(reason)));
    // Open means that it answers: a connection without the needed password connects as well.
    const opening = client
      .connect()
      .then(() => this.#check(client))
      .then(() => (this.#settings.sentinels ? refuseReplica(client) : undefined));
    opening.then(
      () => this.#opened(client),
      (error) => this.#lost(client, reasonOf(reason ?? error)),
    );
    this.#pinger = setInterval(() => this.#ping(client), this.#timing.pingMs);
  }

  /** Gives the connection up and makes a new one. */
  restart(client: Redis, error: unknown): void {
    this.#lost(client, reasonOf(error));
  }

  /** Gives the connection up and stays closed. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    const client = this.#client;
    if (client) this.#drop(client);
  }

  #opened(client: Redis): void {
    if (client !== this.#client) return;
    this.#open = true;
    this.#unanswered = 0;
    this.#events.opened(client);
  }

  // Counts pings rather than time: a process that was busy itself must not take its own delay for the server's.
  #ping(client: Redis): void {
    if (this.#unanswered >= UNANSWERED_PINGS) {
      this.#lost(client, 'no answer');
      return;
    }
    this.#unanswered++;
    if (!this.#open) return;
    const heard = () => {
      this.#unanswered = 0;
      this.#wait = this.#timing.retryMs.first;
    };
    // An error that Redis sends is an answer too; a link that broke says so by itself.
    this.#check(client).then(heard, (error) => {
      if (error.name !== 'ReplyError') return;
      if (this.#target?.check) this.#lost(client, reasonOf(error));
      else heard();
    });
  }

  #check(client: Redis): Promise<unknown> {
    return this.#target?.check?.(client) ?? client.ping();
  }

  #drop(client: Redis): void {
    clearInterval(this.#pinger);
    this.#client = undefined;
    this.#open = false;
    // Ends within `disconnectTimeout` even when the other side does not answer, and fails what is under way.
    client.disconnect();
  }

  #lost(client: Redis, reason: string): void {
    if (client !== this.#client) return;
    this.#drop(client);
    this.#again(reason);
  }

  #again(reason: string): void {
    if (this.#closed) return;
    this.#events.lost(reason);
    // Half of the wait is random, so that nine engines do not come back in one instant.
    this.#retry = setTimeout(() => void this.start(), this.#wait * (0.5 + Math.random() / 2));
    this.#wait = Math.min(this.#wait * 2, this.#timing.retryMs.longest);
  }
}
