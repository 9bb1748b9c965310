// How much the history of the market may use and how long it keeps what, as an operator sets it.
import { z } from 'zod';

/** Limits of the history of the market. */
export interface HistorySettings {
  /** MiB of memory of its database. */
  readonly memoryMb: number;
  /** Most MiB of temporary files, for queries that need more than that. */
  readonly tempMb: number;
  /** Days that records stay, by kind; for good where a kind is absent. */
  readonly keepDays: Readonly<Record<string, number>>;
}

/** The variables of the history, for the schema of the environment. */
export const HISTORY_VARIABLES = {
  /** MiB of memory that DuckDB may use; 128..1048576. */
  NAUTILUS_HISTORY_MEMORY_MB: z.coerce.number().int().min(128).max(1_048_576).default(1024),
  /** Most MiB of DuckDB's temporary files; 0..16777216. */
  NAUTILUS_HISTORY_TEMP_MB: z.coerce.number().int().min(0).max(16_777_216).default(8192),
  /** Days that records stay: `quote=30,book_delta=7`; for good where a kind is not named. */
  NAUTILUS_HISTORY_KEEP_DAYS: z
    .string()
    .regex(/^([a-z_]+=[1-9]\d{0,4}(,|$))*$/, 'kinds with days, as in quote=30,book_delta=7')
    .default(''),
};

type Variables = z.infer<z.ZodObject<typeof HISTORY_VARIABLES>>;

/** Returns the settings of checked variables. */
export function historySettings(env: Variables): HistorySettings {
  const pairs = env.NAUTILUS_HISTORY_KEEP_DAYS.split(',').filter(Boolean);
  const keepDays = Object.fromEntries(
    pairs.map((pair) => pair.split('=')).map(([kind, days]) => [kind, Number(days)]),
  );
  return { memoryMb: env.NAUTILUS_HISTORY_MEMORY_MB, tempMb: env.NAUTILUS_HISTORY_TEMP_MB, keepDays };
}
