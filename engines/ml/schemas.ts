// Requests and replies of the ML engine.
import { z } from 'zod';
import { type ModelCard, modelCardSchema } from '../../src/onnx/model-card.ts';

export const modelParam = z.object({ model_id: z.string().min(1).max(64) });

const modelSummary = z.object({
  model_id: z.string(),
  model_type: z.string(),
  version: z.string(),
  algorithm: z.string(),
  inputs: z.array(z.string()).describe('names of the input columns, in order'),
  output: z.string().describe('what the output means'),
  out_of_sample: z.record(z.string(), z.number()).describe('scores on data that the fit never saw'),
  created: z.string(),
  loaded: z.boolean(),
});

export const modelList = z.object({
  models: z.array(modelSummary),
  rejected: z
    .array(z.object({ model_id: z.string(), reason: z.string() }))
    .describe('folders whose card does not hold; artefacts are checked when a model is loaded'),
  stream: z
    .object({
      model_id: z.string().nullable(),
      loaded: z.boolean(),
      reason: z.string().nullable().describe('why it is not loaded'),
    })
    .describe('the model that predicts the stream'),
});

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

export const modelCard: z.ZodType<ModelCard> = modelCardSchema;
