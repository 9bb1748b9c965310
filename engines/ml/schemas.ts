// Requests and replies of the ML engine.
import { z } from 'zod';

export const modelParam = z.object({ model_id: z.string().min(1).max(64) });

export const deploymentsQuery = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(100).describe('most items in the reply'),
  cursor: z.coerce.number().int().min(1).optional().describe('next_cursor of the page before'),
});
export type DeploymentsQuery = z.infer<typeof deploymentsQuery>;

export const deploymentList = z.object({
  deployments: z
    .array(
      z.object({
        seq: z.int().describe('counts from 1'),
        model_id: z.string(),
        model_version: z.string(),
        artefact_sha256: z.string(),
        previous_version: z.string().nullable().describe('what served before; null for the first'),
        since_us: z.int().describe('when it began to serve: microseconds since the epoch'),
      }),
    )
    .describe('newest first'),
  next_cursor: z.int().nullable().describe('cursor of the next, older page; null on the last one'),
});
