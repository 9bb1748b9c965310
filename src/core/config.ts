// Configuration: environment variables, checked once at start; every variable is documented in docs/configuration.md.
import { readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { DECISION_VARIABLES, type DecisionSettings, decisionSettings } from './decision-settings.ts';
import { InvalidOptionError } from './errors.ts';
import { HARDWARE_VARIABLES, type HardwareSettings, hardwareSettings } from './hardware-settings.ts';
import { HISTORY_VARIABLES, type HistorySettings, historySettings } from './history-settings.ts';
import { MONITORING_VARIABLES, type MonitoringSettings, monitoringSettings } from './monitoring-settings.ts';
import { type OtelSettings, otelSettings } from './otel-settings.ts';
import { type PostgresSettings, postgresSettings } from './postgres-settings.ts';
import { type RedisSettings, redisSettings } from './redis-settings.ts';
import { MAX_REPLICAS, type ReplicaSettings, replicaCounts } from './replica-settings.ts';
import { SERVING_VARIABLES, type ServingSettings, servingSettings } from './serving-settings.ts';

const LOOPBACK = /^(127(\.\d{1,3}){3}|::1|localhost)$/;
const REMOTE_RATE_LIMIT = 200;
/** Below it DEFAULT_TIMEOUT is in seconds, as in the published settings (30). */
const LEAST_TIMEOUT_MS = 100;

const envSchema = z.object({
  /** Folder for databases, logs and run files. */
  NAUTILUS_DATA_DIR: z.string().min(1).default('./data'),
  /** Address to listen on; any but loopback needs an API key with the role admin, which is checked at start. */
  NAUTILUS_HOST: z
    .string()
    .refine((host) => host === 'localhost' || isIP(host) !== 0, 'an IP address or localhost')
    .default('127.0.0.1'),
  /** `auto` = API keys are asked for as soon as there is one, `required` = always. */
  NAUTILUS_AUTH: z.enum(['auto', 'required']).default('auto'),
  /** Read-only file of hashed API keys, instead of `keys.json` in the data folder. */
  NAUTILUS_API_KEYS_FILE: z.string().min(1).optional(),
  /** Requests per second of one client; 0 = no limit. Absent: none on loopback, 200 elsewhere. */
  NAUTILUS_RATE_LIMIT: z.coerce.number().int().min(0).max(1_000_000).optional(),
  /** Requests under way and open WebSockets of one engine; 1..1000000. */
  NAUTILUS_MAX_CONNECTIONS: z.coerce.number().int().min(1).max(1_000_000).default(10_000),
  /** `published` = 8100..8900, `free` = any free port each (reported at start and in `ps`). */
  NAUTILUS_PORTS: z.enum(['published', 'free']).default('published'),
  /** Native threads for the whole machine, divided among the engines; 1..1024. */
  NAUTILUS_THREADS: z.coerce.number().int().min(1).max(1024).default(availableParallelism()),
  /** `auto` keeps urgent engines on fast cores where a machine has two kinds; `off` leaves it to the system. */
  NAUTILUS_PLACEMENT: z.enum(['auto', 'off']).default('auto'),
  /** Largest JSON body in bytes; 1 KiB..1 GiB. */
  NAUTILUS_MAX_BODY_BYTES: z.coerce
    .number()
    .int()
    .min(1024)
    .max(2 ** 30)
    .default(1_048_576),
  /** Largest imported file in bytes (as sent, compressed or not); 1 KiB..16 GiB. */
  NAUTILUS_MAX_IMPORT_BYTES: z.coerce
    .number()
    .int()
    .min(1024)
    .max(2 ** 34)
    .default(536_870_912),
  /** The only folder from which files are read because a request names them; `import` in the data folder when absent. */
  NAUTILUS_IMPORT_DIR: z.string().min(1).optional(),
  /** `simulated` publishes the simulated market; `none` stays silent until a replay. */
  NAUTILUS_FEED: z.enum(['simulated', 'none']).default('simulated'),
  /** Milliseconds between two bars of the simulated market; 10..60000. */
  NAUTILUS_FEED_INTERVAL_MS: z.coerce.number().int().min(10).max(60_000).default(1000),
  /** Seed of the simulated market. */
  NAUTILUS_FEED_SEED: z.coerce
    .number()
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .default(42),
  /** Folder of the model registry. */
  NAUTILUS_MODELS_DIR: z.string().min(1).default('./models'),
  /** Unix socket of the hub; set by the supervisor for its engines. */
  NAUTILUS_HUB_SOCKET: z.string().optional(),
  /** Queue that the hub keeps for one slow subscriber, in MiB; 1..4096. */
  NAUTILUS_HUB_QUEUE_MB: z.coerce.number().int().min(1).max(4096).default(64),
  /** Redis that carries the messages of engine processes; the embedded hub does when absent. */
  REDIS_URL: z.string().optional(),
  /** File that holds the password of Redis. */
  REDIS_PASSWORD_FILE: z.string().optional(),
  /** Sentinels that know where the master of Redis is: host:port, separated by commas. */
  REDIS_SENTINELS: z.string().optional(),
  /** Name of the master that they watch. */
  REDIS_SENTINEL_NAME: z.string().optional(),
  /** Nodes of a Redis Cluster: host:port, separated by commas. */
  REDIS_CLUSTER_NODES: z.string().optional(),
  /** Put before every channel in Redis; 1..100 characters. */
  NAUTILUS_REDIS_PREFIX: z.string().min(1).max(100).default('nautilus:'),
  /** Postgres that holds the databases of the engines; files in the data folder do when absent. */
  DATABASE_URL: z.string().optional(),
  /** File that holds the password of Postgres. */
  DATABASE_PASSWORD_FILE: z.string().optional(),
  /** Put before the name of an engine to make that of its schema in Postgres. */
  NAUTILUS_DATABASE_SCHEMA_PREFIX: z
    .string()
    .regex(/^[a-z_][a-z0-9_]{0,30}$/, 'at most 31 lower-case letters, digits and underscores, no digit first')
    .refine((prefix) => !prefix.startsWith('pg_'), 'no name that starts with pg_')
    .optional(),
  /** What a stored write survives: `process` = kill -9 of any process, `power` = the end of the power too. */
  NAUTILUS_DURABILITY: z.enum(['process', 'power']).default('process'),
  /** Processes of an engine, 1 where it is not named: `analytics=3`. */
  NAUTILUS_REPLICAS: z.string().default(''),
  /** `true` puts a proxy before replicas; the kernel shares out their connections otherwise. Absent: `false` on Linux only. */
  NAUTILUS_REPLICA_PROXY: z.enum(['true', 'false']).default(process.platform === 'linux' ? 'false' : 'true'),
  /** Number of the first replica on this host, where others run replicas of the same engines: 0..63. */
  NAUTILUS_REPLICA_FIRST: z.coerce
    .number()
    .int()
    .min(0)
    .max(MAX_REPLICAS - 1)
    .optional(),
  /** Which replica this process is, and the port of all of them; set by the supervisor for its engines. */
  NAUTILUS_REPLICA: z.coerce
    .number()
    .int()
    .min(0)
    .max(MAX_REPLICAS - 1)
    .optional(),
  NAUTILUS_REPLICA_PORT: z.coerce.number().int().min(1).max(65_535).optional(),
  /** Seconds without a sign of life after which a process is killed and started again; 0 = never, else 2..3600. */
  NAUTILUS_HANG_S: z.coerce
    .number()
    .int()
    .max(3600)
    .refine((s) => s === 0 || s >= 2, '0, or 2 to 3600')
    .default(30),
  /** Seconds that applying durable events may take before the process is killed and started again; 0 = never, else 1..3600. */
  NAUTILUS_EVENT_HANG_S: z.coerce.number().int().min(0).max(3600).default(30),
  /** Tries of one durable event before it is set aside; 1..100. */
  NAUTILUS_EVENT_ATTEMPTS: z.coerce.number().int().min(1).max(100).default(5),
  /** Days that durable events stay in the log and in the outbox of their owner; 1..3650. */
  NAUTILUS_EVENTS_DAYS: z.coerce.number().int().min(1).max(3650).default(7),
  /** Milliseconds within which the work of a dead process is taken over by others; 500..60000. */
  NAUTILUS_LEASE_MS: z.coerce.number().int().min(500).max(60_000).default(5000),
  /** Milliseconds a stopping engine gets before it is killed; 100..120000. */
  NAUTILUS_GRACE_MS: z.coerce.number().int().min(100).max(120_000).default(5000),
  /** Milliseconds until a request that is not answered, whether by an engine, the hub, Redis or Postgres, is given up; 100..600000, or 1..99 in seconds. */
  DEFAULT_TIMEOUT: z.coerce
    .number()
    .int()
    .min(1)
    .max(600_000)
    .transform((value) => (value < LEAST_TIMEOUT_MS ? value * 1000 : value))
    .default(30_000),
  /** `false` serves no `/metrics` and measures neither requests nor hops. */
  METRICS_ENABLED: z.enum(['true', 'false', '1', '0']).default('true'),
  ...MONITORING_VARIABLES,
  ...HARDWARE_VARIABLES,
  ...SERVING_VARIABLES,
  ...HISTORY_VARIABLES,
  ...DECISION_VARIABLES,
  /** trace, debug, info, warn, error, fatal or silent, in any case. */
  LOG_LEVEL: z
    .string()
    .toLowerCase()
    .pipe(z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']))
    .default('info'),
});

/** Checked configuration of one process. */
export interface Config {
  readonly dataDir: string;
  readonly host: string;
  /** Whether only this machine can reach `host`. */
  readonly loopback: boolean;
  readonly auth: 'auto' | 'required';
  readonly apiKeysFile: string | undefined;
  /** Requests per second of one client; 0 = no limit. */
  readonly rateLimit: number;
  readonly maxConnections: number;
  readonly ports: 'published' | 'free';
  readonly threads: number;
  readonly placement: 'auto' | 'off';
  readonly maxBodyBytes: number;
  readonly maxImportBytes: number;
  /** The only folder from which files are read because a request names them. */
  readonly importDir: string;
  readonly feed: 'simulated' | 'none';
  readonly feedIntervalMs: number;
  readonly feedSeed: number;
  readonly modelsDir: string;
  readonly hubSocket: string | undefined;
  readonly hubQueueBytes: number;
  /** Undefined with the embedded hub. */
  readonly redis: RedisSettings | undefined;
  /** Undefined with SQLite files in the data folder. */
  readonly postgres: PostgresSettings | undefined;
  readonly durability: 'process' | 'power';
  /** How many processes an engine has, where it is named. */
  readonly replicas: ReadonlyMap<string, number>;
  /** Number of the first replica of each engine that {@link replicas} names; undefined when no other host has any. */
  readonly firstReplica: number | undefined;
  /** Whether a proxy stands before replicas. */
  readonly replicaProxy: boolean;
  /** Undefined in an engine with a single process. */
  readonly replica: ReplicaSettings | undefined;
  /** Seconds of silence after which a process is killed; 0 = never. */
  readonly hangS: number;
  /** Milliseconds within which the work of a dead process is taken over. */
  readonly leaseMs: number;
  /** Milliseconds that applying durable events may take; 0 = as long as they like. */
  readonly eventHangMs: number;
  /** Tries of one durable event before it is set aside. */
  readonly eventAttempts: number;
  readonly eventsDays: number;
  readonly graceMs: number;
  readonly defaultTimeoutMs: number;
  readonly metricsEnabled: boolean;
  readonly monitoring: MonitoringSettings;
  readonly hardware: HardwareSettings;
  readonly serving: ServingSettings;
  readonly history: HistorySettings;
  readonly decisions: DecisionSettings;
  /** Undefined when no telemetry is exported. */
  readonly otel: OtelSettings | undefined;
  readonly logLevel: string;
}

/**
 * Reads and checks the configuration from `env`. Relative folders count from `cwd`. Throws {@link InvalidOptionError}
 * that names each bad variable.
 */
export function loadConfig(
  env: Record<string, string | undefined> = process.env,
  cwd = process.cwd(),
): Config {
  const present = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = envSchema.safeParse(present);
  if (!parsed.success) {
    const errors = parsed.error.issues.map((issue) => ({
      pointer: `env/${issue.path.join('/')}`,
      expected: issue.message,
    }));
    throw new InvalidOptionError(
      `Bad configuration: ${errors.map((e) => `${e.pointer.slice(4)}: ${e.expected}`).join('; ')}`,
      errors,
    );
  }
  const e = parsed.data;
  const loopback = LOOPBACK.test(e.NAUTILUS_HOST);
  return {
    dataDir: resolve(cwd, e.NAUTILUS_DATA_DIR),
    host: e.NAUTILUS_HOST,
    loopback,
    auth: e.NAUTILUS_AUTH,
    apiKeysFile: e.NAUTILUS_API_KEYS_FILE && resolve(cwd, e.NAUTILUS_API_KEYS_FILE),
    rateLimit: e.NAUTILUS_RATE_LIMIT ?? (loopback ? 0 : REMOTE_RATE_LIMIT),
    maxConnections: e.NAUTILUS_MAX_CONNECTIONS,
    ports: e.NAUTILUS_PORTS,
    threads: e.NAUTILUS_THREADS,
    placement: e.NAUTILUS_PLACEMENT,
    maxBodyBytes: e.NAUTILUS_MAX_BODY_BYTES,
    maxImportBytes: e.NAUTILUS_MAX_IMPORT_BYTES,
    importDir: resolve(cwd, e.NAUTILUS_IMPORT_DIR ?? join(e.NAUTILUS_DATA_DIR, 'import')),
    feed: e.NAUTILUS_FEED,
    feedIntervalMs: e.NAUTILUS_FEED_INTERVAL_MS,
    feedSeed: e.NAUTILUS_FEED_SEED,
    modelsDir: resolve(cwd, e.NAUTILUS_MODELS_DIR),
    hubSocket: e.NAUTILUS_HUB_SOCKET,
    hubQueueBytes: e.NAUTILUS_HUB_QUEUE_MB * 2 ** 20,
    redis:
      e.REDIS_URL === undefined
        ? undefined
        : redisSettings({
            url: e.REDIS_URL,
            passwordFile: e.REDIS_PASSWORD_FILE,
            prefix: e.NAUTILUS_REDIS_PREFIX,
            sentinels: e.REDIS_SENTINELS,
            sentinelName: e.REDIS_SENTINEL_NAME,
            clusterNodes: e.REDIS_CLUSTER_NODES,
          }),
    postgres:
      e.DATABASE_URL === undefined
        ? undefined
        : postgresSettings({
            url: e.DATABASE_URL,
            passwordFile: e.DATABASE_PASSWORD_FILE,
            schemaPrefix: e.NAUTILUS_DATABASE_SCHEMA_PREFIX,
          }),
    durability: e.NAUTILUS_DURABILITY,
    replicas: replicaCounts(e.NAUTILUS_REPLICAS, 'NAUTILUS_REPLICAS'),
    firstReplica: e.NAUTILUS_REPLICA_FIRST,
    replicaProxy: e.NAUTILUS_REPLICA_PROXY === 'true',
    replica:
      e.NAUTILUS_REPLICA === undefined
        ? undefined
        : { index: e.NAUTILUS_REPLICA, port: e.NAUTILUS_REPLICA_PORT },
    hangS: e.NAUTILUS_HANG_S,
    leaseMs: e.NAUTILUS_LEASE_MS,
    eventHangMs: e.NAUTILUS_EVENT_HANG_S * 1000,
    eventAttempts: e.NAUTILUS_EVENT_ATTEMPTS,
    eventsDays: e.NAUTILUS_EVENTS_DAYS,
    graceMs: e.NAUTILUS_GRACE_MS,
    defaultTimeoutMs: e.DEFAULT_TIMEOUT,
    metricsEnabled: e.METRICS_ENABLED === 'true' || e.METRICS_ENABLED === '1',
    monitoring: monitoringSettings(e),
    hardware: hardwareSettings(e),
    serving: servingSettings(e),
    history: historySettings(e),
    decisions: decisionSettings(e),
    otel: otelSettings(env, secret, e.DEFAULT_TIMEOUT),
    logLevel: e.LOG_LEVEL,
  };
}

/**
 * Returns a secret: the value of the variable `name`, or the trimmed text of the file that `<name>_FILE` names, which only
 * its owner may read; undefined without either. Throws {@link InvalidOptionError} for both at once, an unreadable file and
 * one that others may read. Messages never hold the secret.
 */
export function secret(
  name: string,
  env: Record<string, string | undefined> = process.env,
): string | undefined {
  const value = env[name] || undefined;
  const path = env[`${name}_FILE`] || undefined;
  if (path === undefined) return value;
  if (value !== undefined) throw new InvalidOptionError(`Expected one of ${name} and ${name}_FILE, was both`);
  let text: string;
  let mode: number;
  try {
    mode = statSync(path).mode;
    text = readFileSync(path, 'utf8').trim();
  } catch (error) {
    const { code } = error as { code?: string };
    throw new InvalidOptionError(
      `Expected ${name}_FILE to name a file that can be read, was ${code}: ${path}`,
    );
  }
  if ((mode & 0o077) !== 0) {
    throw new InvalidOptionError(
      `Expected the file of ${name}_FILE to be readable by its owner only: chmod 600 ${path}`,
    );
  }
  if (text === '') throw new InvalidOptionError(`Expected a secret in the file of ${name}_FILE, was empty`);
  return text;
}
