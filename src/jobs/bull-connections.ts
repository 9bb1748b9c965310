// Connections of BullMQ to Redis: who adds fails soon while it is away, who works waits until it is back.
import type { Redis, RedisOptions } from 'ioredis';
import { connectionOptions, LINK_TIMING } from '../bus/redis-link.ts';
import type { RedisSettings } from '../core/redis-settings.ts';

// Workers ask at least once a second, so that so long a silence is that of a link that is only half there.
const SILENCE_MS = 15_000;
/** Longest wait for an answer to who adds or reads, in milliseconds. */
const ANSWER_MS = 5000;

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

/** Of the connection that adds and reads: a command that finds Redis away, or gets no answer in time, fails. */
export function commandOptions(settings: RedisSettings, name: string) {
  const options = { enableOfflineQueue: false, commandTimeout: ANSWER_MS };
  return { ...lasting(settings, name), ...options } satisfies RedisOptions;
}

/** Of the connections of workers, which try until they are through. */
export function workerOptions(settings: RedisSettings, name: string) {
  const waits = { enableOfflineQueue: true, autoResendUnfulfilledCommands: true };
  return { ...lasting(settings, `${name}-work`), ...waits, socketTimeout: SILENCE_MS } satisfies RedisOptions;
}

/** Resolves when the connection is open; throws after `ms`. */
export function ready(client: Redis, ms: number): Promise<void> {
  if (client.status === 'ready') return Promise.resolve();
  return new Promise((resolve, reject) => {
    const opened = () => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(() => {
      client.off('ready', opened);
      reject(Object.assign(new Error('Connection timed out'), { code: 'ETIMEDOUT' }));
    }, ms);
    client.once('ready', opened);
  });
}
