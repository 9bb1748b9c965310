// Requests and replies of the registry.
import { z } from 'zod';
import { TASKS } from '../../../src/learning/family.ts';
import { modelIdSchema, servingSchema } from '../../../src/onnx/model-card.ts';
import { labelsSchema, maxTokensSchema } from '../../../src/text/bundle.ts';
import { LEXICONS } from '../../../src/text/lexicons.ts';
import { conversion, maxCost } from '../conversion/schemas.ts';
import { MAX_PROBE_ROWS } from './probe.ts';
import { BUILT_IN_ALIASES } from './queries.ts';
import {
  FORMATS,
  lineageSchema,
  metricsSchema,
  SERVED_PRECISIONS,
  STAGES,
  signatureSchema,
  TARGETS,
} from './records.ts';

/** Most columns of the input of a model. */
export const MAX_COLUMNS = 100_000;
const MAX_TAGS = 32;
const MAX_ALIASES = 64;
/** Characters of the JSON of options or configuration. */
const MAX_CONFIGURATION = 65_536;
/** `/models/deployments` is a route, and lexicons are asked for by name. */
const RESERVED_IDS: readonly string[] = ['deployments', ...LEXICONS];

const line = (most: number) => z.string().min(1).max(most);
const settings = z
  .record(line(64), z.unknown())
  .refine((value) => JSON.stringify(value).length <= MAX_CONFIGURATION, {
    message: `Expected at most ${MAX_CONFIGURATION} characters of JSON`,
  });
const tags = z
  .array(z.string().regex(/^[a-z0-9][a-z0-9:._-]{0,63}$/))
  .max(MAX_TAGS)
  .transform((given) => [...new Set(given)].sort())
  .describe(`at most ${MAX_TAGS} tags of lower-case letters, digits and :._-`);
const alias = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,63}$/)
  .refine((name) => !(BUILT_IN_ALIASES as readonly string[]).includes(name), {
    message: `Expected another alias than ${BUILT_IN_ALIASES.join(' and ')}, which every model has`,
  });
const versionText = z.string().regex(/^[1-9][0-9]{0,14}$/);

const versionFields = {
  format: z
    .enum(FORMATS)
    .optional()
    .describe('what the file is; default: what its first bytes say. All but onnx are converted to it'),
  rounds: z
    .enum(['all', 'best'])
    .optional()
    .describe('of an XGBoost file with rounds after the best one of early stopping: which of them count'),
  task: z.enum(TASKS).optional().describe('what its numbers are; default: that of the model'),
  inputs: z
    .array(line(200))
    .min(1)
    .max(MAX_COLUMNS)
    .optional()
    .describe('names of the columns of the input, in order, as many as the graph takes'),
  output: z
    .strictObject({
      name: line(200).optional().describe('which output of the graph; default the first'),
      meaning: line(2000).optional().describe('what its numbers mean'),
      classes: z
        .array(line(100))
        .min(2)
        .max(1000)
        .optional()
        .describe(
          'names of the classes of a classifier, as many as its numbers; BUY and SELL, or SELL, HOLD and BUY, make a signal',
        ),
    })
    .optional(),
  probe: z
    .array(z.array(z.number()).min(1))
    .min(1)
    .max(MAX_PROBE_ROWS)
    .optional()
    .describe(
      `rows of inputs to try the model with, at most ${MAX_PROBE_ROWS}; default 8 rows in [-1.25, 1.25]`,
    ),
  labels: labelsSchema
    .optional()
    .describe('of a text model: what each class means, in the order of its logits; comes with a tokenizer'),
  max_tokens: maxTokensSchema
    .optional()
    .describe('of a text model: tokens of a text that it reads, 8 to 2048; default 512'),
  metrics: metricsSchema.optional().describe('figures by name, at most 200'),
  lineage: lineageSchema.optional(),
  serving: servingSchema
    .optional()
    .describe('calibration, interval and target, which replies of predictions tell'),
};

/** What is said of a version beside its file. */
export const versionDefinition = z.strictObject(versionFields);
export type VersionDefinition = z.infer<typeof versionDefinition>;

const modelFields = {
  name: line(200).optional().describe('default: the id'),
  description: z.string().max(2000).optional(),
  options: settings.optional().describe('options of the family'),
  configuration: settings.optional().describe('anything else to keep with the model, at most 64 KiB of JSON'),
  tags: tags.optional(),
};

/** What is said of a model, and of its first version where a file comes with it. */
export const modelDefinition = z.strictObject({
  model_id: modelIdSchema
    .refine((id) => !RESERVED_IDS.includes(id), { message: 'Expected an id that is no route and no lexicon' })
    .optional()
    .describe('default: made from model_type'),
  model_type: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,63}$/)
    .describe('what it is for: a task, or a name such as trading_signals or portfolio_risk'),
  family: z
    .string()
    .regex(/^[a-z][a-z0-9_-]{0,63}$/)
    .optional()
    .describe(
      'family that trains it; default: that of a published model_type, with its options, features and target',
    ),
  architecture: z
    .string()
    .regex(/^[a-z][a-z0-9_-]{0,63}$/)
    .optional()
    .describe('of neural_network: feedforward, rnn, lstm, gru, transformer or cnn; instead of a family'),
  ...modelFields,
  ...versionFields,
  task: z
    .enum(TASKS)
    .optional()
    .describe('what its numbers are; default: that of model_type where it has one, else regression'),
});
export type ModelDefinition = z.infer<typeof modelDefinition>;

/** As {@link modelDefinition}, with the file within the JSON: what the documentation shows. */
export const modelUpload = modelDefinition.extend({
  artefact_base64: z
    .base64()
    .optional()
    .describe('the ONNX file; none makes a definition to be trained later'),
});
export const versionUpload = versionDefinition.extend({
  artefact_base64: z.base64().describe('the ONNX file'),
});

export const modelUpdate = z
  .strictObject({
    ...modelFields,
    aliases: z
      .record(alias, versionText)
      .refine((given) => Object.keys(given).length <= MAX_ALIASES, {
        message: `Expected at most ${MAX_ALIASES} aliases`,
      })
      .optional()
      .describe('version of each alias'),
  })
  .refine((given) => Object.keys(given).length > 0, { message: 'Expected at least one field' });
export type ModelUpdate = z.infer<typeof modelUpdate>;

export const versionUpdate = z.strictObject({
  stage: z.enum(['none', 'staging', 'archived']).describe('production is what a deployment gives'),
});

export const deployRequest = z.strictObject({
  version: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_-]{0,63}$/)
    .default('latest')
    .describe('number, alias, or latest'),
  target: z.enum(TARGETS).default('auto').describe('hardware to serve on'),
  precision: z
    .enum(['auto', ...SERVED_PRECISIONS])
    .default('auto')
    .describe('auto: float16 on an accelerator, float32 on the CPU; int8: 8-bit weights, on the CPU'),
  allow_fallback: z
    .boolean()
    .default(false)
    .describe('serve on the CPU where the hardware of target would run little of the model'),
  max_cost: maxCost,
});
export type DeployRequest = z.input<typeof deployRequest>;

export const modelsQuery = z.object({
  name: line(200).optional().describe('part of the id or name'),
  type: line(64).optional().describe('model_type'),
  stage: z.enum(STAGES).optional().describe('models with a version in this stage'),
  tag: line(64).optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100).describe('most models in the reply'),
  cursor: z.string().max(64).optional().describe('next_cursor of the page before'),
});
export type ModelsQuery = z.infer<typeof modelsQuery>;

export const pageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(100).describe('most items in the reply'),
  cursor: z.coerce.number().int().min(1).optional().describe('next_cursor of the page before'),
});
export type PageQuery = z.infer<typeof pageQuery>;

export const deleteQuery = z.object({
  force: z.enum(['true', 'false']).default('false').describe('also while a version serves'),
});

export const versionParam = z.object({
  model_id: z.string().min(1).max(64),
  version: z.string().min(1).max(64).describe('number, alias, production or latest'),
});

export const modelVersion = z.object({
  model_id: z.string(),
  version: z.string(),
  stage: z.enum(STAGES),
  aliases: z.array(z.string()).describe('aliases of this version'),
  signature: signatureSchema,
  metrics: metricsSchema,
  lineage: lineageSchema,
  artefact: z.object({ sha256: z.string(), bytes: z.int() }),
  variants: z.array(conversion).describe('what was made of it for other hardware, or smaller'),
  created_us: z.int().describe('microseconds since the epoch'),
  updated_us: z.int(),
});
export type ModelVersion = z.infer<typeof modelVersion>;

export const registeredModel = z.object({
  model_id: z.string(),
  source: z.literal('registry'),
  name: z.string(),
  description: z.string(),
  model_type: z.string(),
  task: z.enum(TASKS),
  family: z.string().nullable(),
  options: z.record(z.string(), z.unknown()),
  configuration: z.record(z.string(), z.unknown()),
  tags: z.array(z.string()),
  aliases: z.record(z.string(), z.string()).describe('version of each alias'),
  revision: z.int().describe('counts changes; the ETag'),
  newest_version: z.string().nullable().describe('null before the first'),
  production_version: z.string().nullable().describe('the version that serves'),
  target: z.enum(TARGETS).nullable().describe('hardware that its deployment asks for'),
  created_us: z.int().describe('microseconds since the epoch'),
  updated_us: z.int(),
});
export type RegisteredModel = z.infer<typeof registeredModel>;

const modelSummary = z.object({
  model_id: z.string(),
  source: z.enum(['file', 'registry']).describe('file: a folder of the models directory, which is only read'),
  name: z.string(),
  model_type: z.string(),
  version: z.string().nullable().describe('the version that serves, else the newest; null before the first'),
  deployed: z.boolean().describe('whether it serves'),
  algorithm: z.string().nullable().describe('how it was fitted; null where nobody said'),
  inputs: z
    .array(z.string())
    .nullable()
    .describe('names of the input columns; null before the first version'),
  output: z.string().nullable().describe('what the output means; null where nobody said'),
  out_of_sample: z
    .record(z.string(), z.number())
    .nullable()
    .describe(
      'figures of that version: scores on data that its fit never saw where it was trained here; null before the first',
    ),
  created: z.string().describe('ISO 8601'),
  loaded: z.boolean(),
});
export type ModelSummary = z.infer<typeof modelSummary>;

export const modelList = z.object({
  models: z.array(modelSummary).describe('by id'),
  next_cursor: z.string().nullable().describe('cursor of the next page; null on the last one'),
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

export const versionList = z.object({
  versions: z.array(modelVersion).describe('newest first'),
  next_cursor: z.int().nullable().describe('cursor of the next, older page; null on the last one'),
});

export const modelDeployment = z.object({
  model_id: z.string(),
  seq: z.int().describe('counts from 1 for each model'),
  kind: z.enum(['deploy', 'rollback', 'delete']),
  version: z.string().nullable().describe('what serves since then; null after a deletion'),
  previous_version: z.string().nullable(),
  artefact_sha256: z.string().nullable(),
  target: z.enum(TARGETS).nullable(),
  precision: z.enum(SERVED_PRECISIONS).nullable().describe('what it calculates in; null after a deletion'),
  fallback: z
    .string()
    .nullable()
    .describe('why it serves on the CPU although its target would not be; null where it does not'),
  since_us: z.int().describe('microseconds since the epoch'),
});

export const modelDeploymentList = z.object({
  deployments: z.array(modelDeployment).describe('newest first'),
  next_cursor: z.int().nullable(),
});

export const deployReply = modelDeployment.extend({
  hardware_used: z.string().describe('what ran the trial'),
  conversion: conversion.nullable().describe('the variant that serves; null for the version itself'),
});

export const modelStatus = z.object({
  model_id: z.string(),
  status: z.enum(['defined', 'registered', 'deploying', 'deployed']),
  production_version: z.string().nullable(),
  newest_version: z.string().nullable(),
  loaded: z.boolean().describe('whether the version that serves is open'),
  deployed_since_us: z.int().nullable(),
  target: z.enum(TARGETS).nullable(),
});

export const deletedModel = z.object({
  model_id: z.string(),
  versions: z.int().describe('versions that went'),
});
