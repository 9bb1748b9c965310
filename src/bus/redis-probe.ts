// One short visit to Redis, or to each node of a cluster: is it there, which version, and what it does with its data. Used at start and by the doctor.
import { DependencyUnavailableError } from '../core/errors.ts';
import { loadRedis } from '../core/ioredis.ts';
import type { RedisNode, RedisSettings } from '../core/redis-settings.ts';
import { addressOf, busTarget, clusterMembers } from './redis-cluster.ts';
import { connectionOptions, type LinkTarget, reasonOf } from './redis-link.ts';

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
  try {
    const target = busTarget(settings, false);
    return await visit(settings, await target?.find(), timeoutMs, target?.check);
  } catch (error) {
    const reason = reasonOf(error);
    throw new DependencyUnavailableError(
      `Redis at ${settings.address} cannot be used (${reason}): ${mendOf(reason)}, or unset REDIS_URL to use the embedded hub`,
    );
  }
}

/** What a cluster says of itself, and each of its nodes. */
export interface ClusterFacts {
  readonly missingSlots: number;
  /** Addresses of masters without a replica. */
  readonly alone: readonly string[];
  readonly nodes: readonly NodeFacts[];
}

export interface NodeFacts {
  readonly address: string;
  readonly isMaster: boolean;
  /** What it says, or why it says nothing. */
  readonly facts: RedisFacts | string;
}

/** Asks each node of a cluster. Rejects as {@link probeRedis} when none answers. */
export async function probeCluster(settings: RedisSettings, timeoutMs = LONGEST_MS): Promise<ClusterFacts> {
  const { masters, replicas, alone, missingSlots } = await clusterMembers(settings);
  const ask = async (node: RedisNode, isMaster: boolean): Promise<NodeFacts> => {
    const facts = await visit(settings, node, timeoutMs).catch(reasonOf);
    return { address: addressOf(node), isMaster, facts };
  };
  const asked = [...masters.map((node) => ask(node, true)), ...replicas.map((node) => ask(node, false))];
  return { missingSlots, alone, nodes: await Promise.all(asked) };
}

async function visit(
  settings: RedisSettings,
  node: RedisNode | undefined,
  timeoutMs: number,
  check: LinkTarget['check'] = (client) => client.ping(),
): Promise<RedisFacts> {
  const { Redis } = await loadRedis();
  const client = new Redis(connectionOptions(settings, 'nautilus-probe', node));
  let failure: unknown;
  client.on('error', (error) => {
    failure ??= error;
  });
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject({ code: 'ETIMEDOUT' }), Math.min(timeoutMs, LONGEST_MS));
  const look = async (): Promise<RedisFacts> => {
    await client.connect();
    await check(client);
    // A user without the right to ask still carries messages.
    const info = await client.info('server').catch(() => '');
    const rows = await client.config('GET', ...SETTINGS).catch(() => undefined);
    return { version: /^redis_version:(\S+)/m.exec(info)?.[1], settings: pairs(rows) };
  };
  try {
    return await Promise.race([look(), late.promise]);
  } catch (error) {
    throw failure ?? error;
  } finally {
    clearTimeout(timer);
    client.disconnect();
  }
}

function mendOf(reason: string): string {
  if (reason === 'user or password refused')
    return 'check the user and password in REDIS_URL or REDIS_PASSWORD_FILE';
  if (reason.includes('CERT')) return 'name the file of its authority in NODE_EXTRA_CA_CERTS';
  if (reason === 'the cluster is down') return 'look at `redis-cli cluster info` of its nodes';
  return 'start it, or correct REDIS_URL';
}

function pairs(rows: unknown): RedisFacts['settings'] {
  if (!Array.isArray(rows)) return undefined;
  const found: Record<string, string> = {};
  for (let i = 0; i + 1 < rows.length; i += 2) found[rows[i] as string] = rows[i + 1] as string;
  return SETTINGS.every((name) => name in found) ? (found as NonNullable<RedisFacts['settings']>) : undefined;
}
