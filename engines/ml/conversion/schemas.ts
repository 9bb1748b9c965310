// What a conversion is asked for, and what it says of its variant.
import { z } from 'zod';
import { STATIC_ROWS } from '../../../src/onnx/variants/make.ts';
import { trainInput } from '../training/schemas.ts';

/** What variants calculate in. */
export const PRECISIONS = ['float16', 'int8'] as const;

/** Largest cost of a variant where the request names none. */
export const MAX_COST = 0.02;

export const maxCost = z
  .number()
  .min(0)
  .max(1)
  .default(MAX_COST)
  .describe('largest cost: how much the loss on the test rows may grow, as a share of it');

export const convertRequest = z.strictObject({
  precision: z
    .enum(PRECISIONS)
    .describe(
      `float16: static shapes for ${STATIC_ROWS.join(' and ')} rows, for Core ML; int8: weights in 8 bits, for the CPU`,
    ),
  max_cost: maxCost,
});
export type ConvertRequest = z.output<typeof convertRequest>;

/** How the rows of a training were made, as the lineage of its version holds it. */
export const recipeSchema = trainInput
  .pick({ dataset_id: true, features: true, target: true, missing: true, steps: true, test_fraction: true })
  .extend(
    // What else it takes to fit it again; versions that were trained before these were kept lack them.
    trainInput
      .pick({
        ...{ family: true, options: true, seed: true, calibration: true, calibration_fraction: true },
        ...{ stopping_fraction: true, interval_level: true, hardware: true },
      })
      .partial().shape,
  )
  .strip();
export type Recipe = z.output<typeof recipeSchema>;

const count = z.int();
const scored = z.object({ value: z.number(), low: z.number().nullable(), high: z.number().nullable() });

/** Members that are known before the files are stored. */
const measured = z.object({
  precision: z.enum(PRECISIONS),
  coverage: z
    .object({
      nodes: count,
      accelerated_nodes: count.describe('nodes that Core ML takes'),
      operations_per_row: count.describe('estimated'),
      accelerated_share: z.number().describe('share of the operations that Core ML takes, from 0 to 1'),
      partitions: count.describe(
        'parts that Core ML runs; between two of them values go to the CPU and back',
      ),
      on_cpu: z.array(z.object({ operator: z.string(), reason: z.string(), nodes: count })),
    })
    .describe(
      'what Core ML takes of the graph, by the operators of ONNX Runtime; only a Mac shows what it runs where',
    ),
  float16: z
    .object({
      nodes: count.describe('nodes that calculate in float16'),
      kept: z.array(z.object({ reason: z.string(), nodes: count })).describe('nodes that keep float32'),
    })
    .nullable(),
  int8: z
    .object({ weights: count, share: z.number().describe('share of the numbers of the model') })
    .nullable(),
  difference: z
    .object({
      rows: count,
      max_error: z.number(),
      mean_error: z.number(),
      scale: z.number().describe("root of the mean square of the model's answers"),
      relative_error: z.number().describe('largest error, relative to the larger of the answer and scale'),
      agreement: z
        .number()
        .nullable()
        .describe('share of rows of the same class, on the rows that measured it; null without classes'),
    })
    .describe(
      "the variant's answers against the model's, both on the CPU; float16 is rounded after each node",
    ),
  measured_on: z.enum(['test_rows', 'probe']).describe('rows of difference and cost'),
  why_probe: z.string().nullable().describe('why not on the test rows of the training'),
  scores: z
    .object({ score: z.enum(['log_loss', 'rmse']), before: scored, after: scored })
    .nullable()
    .describe('on the test rows, with intervals of the bootstrap'),
  cost: z
    .number()
    .describe(
      'growth of the score, as a share of it; without test rows the root mean square error, as a share of scale',
    ),
});
export type Measured = z.output<typeof measured>;

export const conversion = measured.extend({
  model_id: z.string(),
  version: z.string(),
  source_sha256: z.string().describe('the file that it was made of'),
  bytes_before: count,
  files: z.array(
    z.object({
      rows: count.nullable().describe('rows of one run, which are filled up; null: any number'),
      sha256: z.string(),
      bytes: count,
    }),
  ),
  created_us: count,
});
export type Conversion = z.output<typeof conversion>;

export const convertReply = conversion.extend({
  reused: z.boolean().describe('whether it had been made before'),
});
