// Where Redis is and who we are there, read from the environment; the secret stays out of everything that can be printed.
import { readFileSync } from 'node:fs';
import { InvalidOptionError } from './errors.ts';

/** One server of a group. */
export interface RedisNode {
  readonly host: string;
  readonly port: number;
}

/** How to reach Redis. */
export interface RedisSettings {
  readonly host: string;
  readonly port: number;
  readonly db: number;
  readonly tls: boolean;
  /** The Sentinels that know the master, which then replaces `host` and `port`. */
  readonly sentinels: { readonly name: string; readonly nodes: readonly RedisNode[] } | undefined;
  /** Nodes of a cluster to ask where the others are; they replace `host` and `port`. */
  readonly cluster: readonly RedisNode[] | undefined;
  /** Put before every channel, so that several systems can share one Redis. */
  readonly prefix: string;
  /** Address for messages and logs: no user, no password. */
  readonly address: string;
  /** User and password. A function, so that printing the settings cannot show them. */
  credentials(): { readonly username?: string; readonly password?: string };
}

/** The variables that say where Redis is. */
export interface RedisEnvironment {
  readonly url: string;
  readonly passwordFile?: string | undefined;
  readonly prefix: string;
  /** `host:port,host:port`. */
  readonly sentinels?: string | undefined;
  readonly sentinelName?: string | undefined;
  /** `host:port,host:port`. */
  readonly clusterNodes?: string | undefined;
}

const REDIS_PORT = 6379;
const SENTINEL_PORT = 26379;
const URL_FORM = 'redis://[user:password@]host[:port][/database], or rediss:// for TLS';
const DATABASE = /^\/?(\d{0,5})$/;

/**
 * Returns the settings. The password of the file wins over the one of the URL; a line end after it is not part of it.
 * Throws {@link InvalidOptionError} that names the variable and never its value.
 */
export function redisSettings(env: RedisEnvironment): RedisSettings {
  const url = parseUrl(env.url);
  const database = DATABASE.exec(url.pathname);
  if (!/^rediss?:$/.test(url.protocol) || url.hostname === '' || !database || url.search !== '')
    throw badUrl();
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = url.port === '' ? REDIS_PORT : Number(url.port);
  const db = Number(database[1]);
  const username = decoded(url.username);
  const password = env.passwordFile === undefined ? decoded(url.password) : secretOf(env.passwordFile);
  const sentinels = sentinelsOf(env, url.protocol === 'rediss:');
  const cluster = clusterOf(env, db);
  return {
    host,
    port,
    db,
    tls: url.protocol === 'rediss:',
    sentinels,
    cluster,
    prefix: env.prefix,
    address: sentinels
      ? `${env.sentinels} (master ${sentinels.name} of ${sentinels.nodes.length} Sentinels)`
      : cluster
        ? `${env.clusterNodes} (cluster)`
        : `${url.protocol}//${url.hostname}:${port}/${db}`,
    credentials: () => ({ ...(username ? { username } : {}), ...(password ? { password } : {}) }),
  };
}

function parseUrl(text: string): URL {
  try {
    return new URL(text);
  } catch {
    throw badUrl();
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw badUrl();
  }
}

function bad(variable: string, expected: string): InvalidOptionError {
  const message = `Bad configuration: ${variable}: ${expected}`;
  return new InvalidOptionError(message, [{ pointer: `env/${variable}`, expected }]);
}

const badUrl = () => bad('REDIS_URL', URL_FORM);

function sentinelsOf(env: RedisEnvironment, tls: boolean): RedisSettings['sentinels'] {
  if (env.sentinels === undefined) return undefined;
  if (tls) throw bad('REDIS_SENTINELS', 'nothing beside rediss:// (Sentinels work without TLS only)');
  const nodes = nodesOf(env.sentinels, SENTINEL_PORT);
  if (!nodes) throw bad('REDIS_SENTINELS', 'host:port of each Sentinel, separated by commas');
  if (env.sentinelName === undefined)
    throw bad('REDIS_SENTINEL_NAME', 'the name of the master that the Sentinels watch');
  return { name: env.sentinelName, nodes };
}

function clusterOf(env: RedisEnvironment, db: number): RedisSettings['cluster'] {
  if (env.clusterNodes === undefined) return undefined;
  if (env.sentinels !== undefined) throw bad('REDIS_CLUSTER_NODES', 'nothing beside REDIS_SENTINELS');
  if (db !== 0) throw bad('REDIS_URL', 'no database but 0 beside REDIS_CLUSTER_NODES (a cluster has one)');
  const nodes = nodesOf(env.clusterNodes, REDIS_PORT);
  if (!nodes) throw bad('REDIS_CLUSTER_NODES', 'host:port of some nodes, separated by commas');
  return nodes;
}

function nodesOf(list: string, defaultPort: number): RedisNode[] | undefined {
  const nodes: RedisNode[] = [];
  for (const text of list.split(',')) {
    const match = /^([\w.-]+|\[[\da-fA-F:]+\])(?::(\d{1,5}))?$/.exec(text.trim());
    if (!match) return undefined;
    nodes.push({ host: match[1]!.replace(/^\[(.*)\]$/, '$1'), port: Number(match[2] ?? defaultPort) });
  }
  return nodes;
}

function secretOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch {
    throw bad('REDIS_PASSWORD_FILE', 'the path of a file that can be read');
  }
}
