// Connections of BullMQ to Redis: who adds fails soon while it is away, who works waits until it is back.
import type { Cluster, Redis, RedisOptions } from 'ioredis';
import { connectionOptions, LINK_TIMING } from '../bus/redis-link.ts';
import { loadRedis } from '../core/ioredis.ts';
import type { RedisSettings } from '../core/redis-settings.ts';

// Workers ask at least once a second, so that so long a silence is that of a link that is only half there.
const SILENCE_MS = 15_000;
/** Longest wait for an answer to who adds or reads, in milliseconds. */
const ANSWER_MS = 5000;
/** Longest wait for the masters of a cluster that has told of them, in milliseconds. */
const NODES_MS = 1000;

// Half of the wait is random, so that all processes do not come back in one instant.
function retryMs(times: number): number {
  const { first, longest } = LINK_TIMING.retryMs;
  return Math.min(first * 2 ** Math.min(times, 10), longest) * (0.5 + Math.random() / 2);
}

function lasting(settings: RedisSettings, name: string) {
  return {
    ...connectionOptions(settings, name),
    ...(settings.sentinels ? { sentinelRetryStrategy: retryMs } : {}),
    lazyConnect: false,
    enableReadyCheck: true,
    retryStrategy: retryMs,
    maxRetriesPerRequest: null,
  } satisfies RedisOptions;
}

/** A connection to one server, or to the nodes of a cluster. */
export type BullClient = Redis | Cluster;

/**
 * Connects for who adds and reads: a command that finds Redis away, or gets no answer within `timeoutMs`, or within 5 s where that
 * is shorter, fails.
 */
export function connectForCommands(
  settings: RedisSettings,
  name: string,
  timeoutMs = ANSWER_MS,
): Promise<BullClient> {
  const commandTimeout = Math.min(timeoutMs, ANSWER_MS);
  return connect(settings, name, { enableOfflineQueue: false, commandTimeout });
}

/** Connects for workers, which try until they are through. */
export function connectForWork(settings: RedisSettings, name: string): Promise<BullClient> {
  const waits = { enableOfflineQueue: true, autoResendUnfulfilledCommands: true };
  return connect(settings, `${name}-work`, { ...waits, socketTimeout: SILENCE_MS });
}

async function connect(
  settings: RedisSettings,
  name: string,
  options: Pick<RedisOptions, 'commandTimeout' | 'socketTimeout' | 'autoResendUnfulfilledCommands'> & {
    enableOfflineQueue: boolean;
  },
): Promise<BullClient> {
  const ioredis = await loadRedis();
  const all = { ...lasting(settings, name), ...options };
  // The mode of replies is that of the type: left to be found out, it makes the compiler compare whole clients, a sixth of its work.
  if (!settings.cluster) return new ioredis.Redis<'legacy'>(all);
  const cluster = {
    // Each node proves the name or the address under which the cluster knows it.
    redisOptions: {
      ...all,
      ...(settings.tls ? { tls: {} } : {}),
      // A node that is gone does not come back under its connection: what it was asked would wait for it for ever. The cluster asks again.
      autoResendUnfulfilledCommands: false,
      // What is lost all the same between two nodes fails; no command of a worker waits longer for work than 10 s.
      commandTimeout: options.commandTimeout ?? SILENCE_MS,
    },
    dnsLookup: (address: string, found: (error: null, address: string) => void) => found(null, address),
    enableOfflineQueue: options.enableOfflineQueue,
    // Who keeps no commands would be asked through a node that may still be connecting, and begin anew for ever: `ready` looks instead.
    enableReadyCheck: options.enableOfflineQueue,
    clusterRetryStrategy: retryMs,
    slotsRefreshTimeout: ANSWER_MS,
    // A node that hangs or was cut off tells of no move: looking once in a while finds its successor.
    slotsRefreshInterval: ANSWER_MS,
  };
  return new ioredis.Cluster<'legacy'>([...settings.cluster], cluster);
}

/** Resolves when the connection is open, in a cluster also to its masters if they answer soon; throws after `ms`. */
export async function ready(client: BullClient, ms: number): Promise<void> {
  if (!isReady(client)) await within(ms, opened(client));
  if (!('nodes' in client)) return;
  const masters = client.nodes('master').filter((node) => !isReady(node));
  // One that does not answer keeps only those waiting who need it.
  if (masters.length > 0) await within(NODES_MS, Promise.all(masters.map(opened))).catch(() => {});
}

const isReady = ({ status }: BullClient) => status === 'ready';

async function within(ms: number, done: Promise<unknown>): Promise<void> {
  const late = Promise.withResolvers<never>();
  const error = Object.assign(new Error('Connection timed out'), { code: 'ETIMEDOUT' });
  const timer = setTimeout(() => late.reject(error), ms);
  await Promise.race([done, late.promise]).finally(() => clearTimeout(timer));
}

function opened(client: BullClient): Promise<void> {
  if (isReady(client) || client.status === 'end') return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      for (const event of ['ready', 'end']) client.off(event, done);
      resolve();
    };
    for (const event of ['ready', 'end']) client.once(event, done);
  });
}
