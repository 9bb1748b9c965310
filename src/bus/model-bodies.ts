// What is told of a model of the registry.
import { z } from 'zod';

const id = z.string().min(1).max(128);

/** A model after each change of it; all of them when the websocket engine has started. */
export const registeredModel = z.object({
  model_id: id,
  /** `file`: a folder of the models directory, which is only read. */
  source: z.enum(['file', 'registry']),
  name: z.string(),
  model_type: z.string(),
  /** How it is fitted; null where nobody said. */
  algorithm: z.string().nullable(),
  deleted: z.boolean(),
  /** The version that serves; null where none does. */
  deployed_version: z.string().nullable(),
  /** The newest ones, newest first. */
  versions: z.array(
    z.object({
      version: z.string(),
      stage: z.enum(['none', 'staging', 'production', 'archived']),
      /** Its first figures. */
      metrics: z.record(z.string(), z.number()),
      /** Microseconds since the epoch; null where nobody said. */
      created_us: z.int().nullable(),
    }),
  ),
});
