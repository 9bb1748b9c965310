// Configuration: environment variables, checked once at start; every variable is documented in docs/configuration.md.
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { z } from 'zod';
import { InvalidOptionError } from './errors.ts';

const LOOPBACK = /^(127(\.\d{1,3}){3}|::1|localhost)$/;

const envSchema = z.object({
  /** Folder for databases, logs and run files. */
  NAUTILUS_DATA_DIR: z.string().min(1).default('./data'),
  /** Address to listen on; only loopback until API keys exist. */
  NAUTILUS_HOST: z
    .string()
    .regex(
      LOOPBACK,
      'a loopback address such as 127.0.0.1 (other addresses need API keys, which this version does not have)',
    )
    .default('127.0.0.1'),
  /** `published` = 8100..8900, `free` = any free port each (reported at start and in `ps`). */
  NAUTILUS_PORTS: z.enum(['published', 'free']).default('published'),
  /** Native threads for the whole machine, divided among the engines; 1..1024. */
  NAUTILUS_THREADS: z.coerce.number().int().min(1).max(1024).default(availableParallelism()),
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
  /** Milliseconds a stopping engine gets before it is killed; 100..120000. */
  NAUTILUS_GRACE_MS: z.coerce.number().int().min(100).max(120_000).default(5000),
  /** Milliseconds until a request to an engine that does not answer is given up; 100..600000. */
  DEFAULT_TIMEOUT: z.coerce.number().int().min(100).max(600_000).default(30_000),
  /** `false` serves no `/metrics` and measures neither requests nor hops. */
  METRICS_ENABLED: z.enum(['true', 'false']).default('true'),
  /** trace, debug, info, warn, error, fatal or silent. */
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
});

/** Checked configuration of one process. */
export interface Config {
  readonly dataDir: string;
  readonly host: string;
  readonly ports: 'published' | 'free';
  readonly threads: number;
  readonly maxBodyBytes: number;
  readonly maxImportBytes: number;
  readonly feed: 'simulated' | 'none';
  readonly feedIntervalMs: number;
  readonly feedSeed: number;
  readonly modelsDir: string;
  readonly hubSocket: string | undefined;
  readonly hubQueueBytes: number;
  readonly graceMs: number;
  readonly defaultTimeoutMs: number;
  readonly metricsEnabled: boolean;
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
  return {
    dataDir: resolve(cwd, e.NAUTILUS_DATA_DIR),
    host: e.NAUTILUS_HOST,
    ports: e.NAUTILUS_PORTS,
    threads: e.NAUTILUS_THREADS,
    maxBodyBytes: e.NAUTILUS_MAX_BODY_BYTES,
    maxImportBytes: e.NAUTILUS_MAX_IMPORT_BYTES,
    feed: e.NAUTILUS_FEED,
    feedIntervalMs: e.NAUTILUS_FEED_INTERVAL_MS,
    feedSeed: e.NAUTILUS_FEED_SEED,
    modelsDir: resolve(cwd, e.NAUTILUS_MODELS_DIR),
    hubSocket: e.NAUTILUS_HUB_SOCKET,
    hubQueueBytes: e.NAUTILUS_HUB_QUEUE_MB * 2 ** 20,
    graceMs: e.NAUTILUS_GRACE_MS,
    defaultTimeoutMs: e.DEFAULT_TIMEOUT,
    metricsEnabled: e.METRICS_ENABLED === 'true',
    logLevel: e.LOG_LEVEL,
  };
}
