// Requests and replies about tables to train on.
import { z } from 'zod';

/** Card of one table. */
export const datasetSchema = z.object({
  dataset_id: z.string().describe('first 16 digits of sha256'),
  name: z.string(),
  sha256: z.string().describe('of times, series and numbers: equal data, equal hash'),
  rows: z.int(),
  series: z.array(z.string()).describe('one empty name where the file names none'),
  from_us: z.number().describe('time of the first row, microseconds since the epoch'),
  to_us: z.number().describe('time of the last row, microseconds since the epoch'),
  columns: z.array(
    z.object({
      name: z.string(),
      missing: z.int().describe('rows without a value'),
      min: z.number().nullable(),
      max: z.number().nullable(),
      mean: z.number().nullable(),
    }),
  ),
  rejected: z.record(z.string(), z.int()).describe('rows of the file that were refused, by reason'),
  errors: z.array(z.object({ line: z.int(), reason: z.string() })).describe('the first hundred of them'),
  created_us: z.number(),
});
export type Dataset = z.infer<typeof datasetSchema>;

export const datasetList = z.object({ datasets: z.array(datasetSchema).describe('newest first') });
export const datasetParam = z.object({ dataset_id: z.string().min(1).max(64) });
export const datasetQuery = z.object({
  name: z
    .string()
    .regex(/^[\w .()-]{1,100}$/)
    .default('unnamed')
    .describe('what lists and lineages call it: letters, digits, spaces and _ . ( ) -'),
});
