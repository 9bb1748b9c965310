// How predictions are served, as an operator sets it.
import { availableParallelism } from 'node:os';
import { z } from 'zod';

/** How much a serving engine keeps, runs at once and lets wait. */
export interface ServingSettings {
  /** Port of the ML engine; undefined for the published one. */
  readonly port: number | undefined;
  /** Bytes of the artefacts of all models that are open. */
  readonly cacheBytes: number;
  /** Bytes of the artefacts of all registered versions on disk. */
  readonly artefactBytes: number;
  /** Bytes of all tables to train on. */
  readonly datasetBytes: number;
  /** Most rows of one run of a model. */
  readonly maxBatchRows: number;
  /** Child processes that run models. */
  readonly processes: number;
  /** Microseconds that rows may wait for company while a process is idle; 0 = never. */
  readonly delayUs: number;
  /** Most requests of one model that wait. */
  readonly maxWaiting: number;
  /** Resident bytes at which a child process is ended. */
  readonly processBytes: number;
}

const UNITS: Readonly<Record<string, number>> = {
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KIB: 2 ** 10,
  MIB: 2 ** 20,
  GIB: 2 ** 30,
  TIB: 2 ** 40,
};
const SIZE = /^(\d{1,15}(?:\.\d{1,6})?) ?([KMGT]i?B)$/i;
const LEAST_BYTES = 1e6;
const MOST_BYTES = 1e12;

/** Returns the bytes of a size with its unit, such as `1GB` or `512 MiB`; NaN for anything else. */
export function bytesOf(size: string): number {
  const match = SIZE.exec(size);
  return match ? Math.round(Number(match[1]) * UNITS[match[2]!.toUpperCase()]!) : Number.NaN;
}

const size = (most: number) =>
  z.string().refine(
    (text) => {
      const bytes = bytesOf(text);
      return bytes >= LEAST_BYTES && bytes <= most;
    },
    `a size from 1MB to ${most / 1e12}TB with its unit (KB, MB, GB, TB, KiB, MiB, GiB or TiB)`,
  );

// A quarter of the cores: the engines beside this one, and training, want the others.
const defaultProcesses = Math.min(8, Math.max(1, Math.floor(availableParallelism() / 4)));

/** The variables of serving, for the schema of the environment. */
export const SERVING_VARIABLES = {
  /** Port of the ML engine, whatever NAUTILUS_PORTS says; 1..65535. */
  ML_ENGINE_PORT: z.coerce.number().int().min(1).max(65_535).optional(),
  /** Artefacts of open models together, with unit; 1MB..1TB. */
  MODEL_CACHE_SIZE: size(MOST_BYTES).default('1GB'),
  /** Artefacts of all registered versions on disk, with unit; 1MB..1000TB. */
  NAUTILUS_ARTEFACTS_MAX: size(1000 * MOST_BYTES).default('20GB'),
  /** All tables to train on, with unit; 1MB..1000TB. */
  NAUTILUS_DATASETS_MAX: size(1000 * MOST_BYTES).default('20GB'),
  /** Most rows of one run of a model; 1..100000. */
  MAX_BATCH_SIZE: z.coerce.number().int().min(1).max(100_000).default(1000),
  /** Child processes that run models; 1..64. */
  NAUTILUS_PREDICT_PROCESSES: z.coerce.number().int().min(1).max(64).default(defaultProcesses),
  /** Microseconds that rows wait for company while a process is idle; 0..100000. */
  NAUTILUS_PREDICT_DELAY_US: z.coerce.number().int().min(0).max(100_000).default(0),
  /** Most requests of one model that wait; 1..100000. */
  NAUTILUS_PREDICT_QUEUE: z.coerce.number().int().min(1).max(100_000).default(1000),
  /** Resident memory at which a child process that runs models is ended, in MiB; 256..1048576. */
  NAUTILUS_PREDICT_MEMORY_MB: z.coerce.number().int().min(256).max(1_048_576).default(1024),
};

type Variables = z.infer<z.ZodObject<typeof SERVING_VARIABLES>>;

/** Returns the settings of checked variables. */
export function servingSettings(env: Variables): ServingSettings {
  return {
    port: env.ML_ENGINE_PORT,
    cacheBytes: bytesOf(env.MODEL_CACHE_SIZE),
    artefactBytes: bytesOf(env.NAUTILUS_ARTEFACTS_MAX),
    datasetBytes: bytesOf(env.NAUTILUS_DATASETS_MAX),
    maxBatchRows: env.MAX_BATCH_SIZE,
    processes: env.NAUTILUS_PREDICT_PROCESSES,
    delayUs: env.NAUTILUS_PREDICT_DELAY_US,
    maxWaiting: env.NAUTILUS_PREDICT_QUEUE,
    processBytes: env.NAUTILUS_PREDICT_MEMORY_MB * 2 ** 20,
  };
}
