// One short visit to Redis: is it there, which version, and what it does with its data. Used at start and by the doctor.
import { DependencyUnavailableError } from '../core/errors.ts';
import type { RedisSettings } from '../core/redis-settings.ts';
import { connectionOptions, reasonOf } from './redis-link.ts';

/** What Redis says of itself; undefined where the user may not ask. */
export interface RedisFacts {
  readonly version: string | undefined;
  readonly settings:
    | Readonly<Record<'appendonly' | 'appendfsync' | 'save' | 'maxmemory' | 'maxmemory-policy', string>>
    | undefined;
}

const SETTINGS = ['appendonly', 'appendfsync', 'save', 'maxmemory', 'maxmemory-policy'] as const;
const LONGEST_MS = 4000;

/**
 * Connects once and asks. Throws {@link DependencyUnavailableError} that names the address, the reason and the way out,
 * and no secret, when Redis does not answer within `timeoutMs`, or 4 s where that is longer.
 */
export async function probeRedis(settings: RedisSettings, timeoutMs = LONGEST_MS): Promise<RedisFacts> {
  const { Redis } = await import('ioredis');
  const client = new Redis(connectionOptions(settings, 'nautilus-probe'));
  let failure: unknown;
  client.on('error', (error) => {
    failure ??= error;
  });
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject({ code: 'ETIMEDOUT' }), Math.min(timeoutMs, LONGEST_MS));
  const visit = async (): Promise<RedisFacts> => {
    await client.connect();
    await client.ping();
    // A user without the right to ask still carries messages.
    const info = await client.info('server').catch(() => '');
    const rows = await client.config('GET', ...SETTINGS).catch(() => undefined);
    return { version: /^redis_version:(\S+)/m.exec(info)?.[1], settings: pairs(rows) };
  };
  try {
    return await Promise.race([visit(), late.promise]);
  } catch (error) {
    const reason = reasonOf(failure ?? error);
    throw new DependencyUnavailableError(
      `Redis at ${settings.address} cannot be used (${reason}): ${mendOf(reason)}, or unset REDIS_URL to use the embedded hub`,
    );
  } finally {
    clearTimeout(timer);
    client.disconnect();
  }
}

function mendOf(reason: string): string {
  if (reason === 'user or password refused')
    return 'check the user and password in REDIS_URL or REDIS_PASSWORD_FILE';
  if (reason.includes('CERT')) return 'name the file of its authority in NODE_EXTRA_CA_CERTS';
  return 'start it, or correct REDIS_URL';
}

function pairs(rows: unknown): RedisFacts['settings'] {
  if (!Array.isArray(rows)) return undefined;
  const found: Record<string, string> = {};
  for (let i = 0; i + 1 < rows.length; i += 2) found[rows[i] as string] = rows[i + 1] as string;
  return SETTINGS.every((name) => name in found) ? (found as NonNullable<RedisFacts['settings']>) : undefined;
}
