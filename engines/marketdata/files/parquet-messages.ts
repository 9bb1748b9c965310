// What the process that reads a Parquet file is told, and answers.
import { z } from 'zod';

/** The first order says which file; the others ask for more of it. */
export interface ParquetOrder {
  readonly path?: string;
  /** Most bytes of text. */
  readonly maxBytes?: number;
}

export const parquetAnswer = z.object({
  type: z.literal('rows'),
  /** Null at the end of the file. */
  rows: z.object({ fields: z.array(z.array(z.string())), lines: z.array(z.number()) }).nullable(),
});
export type ParquetAnswer = z.infer<typeof parquetAnswer>;
