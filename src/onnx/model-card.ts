// What `model.json` says about a registered model: where it comes from, what it was measured to do.
import { z } from 'zod';

/** A model's id: its folder name, and safe as a path segment. */
export const modelIdSchema = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/);

/** A model, and after `@` one of its versions or aliases, `+int8` for its 8-bit weights; without it, what serves. */
export const modelReferenceSchema = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9-]{0,63}(@[a-z0-9][a-z0-9._-]{0,63}(\+int8)?)?$/,
    'Expected the id of a model, or <id>@<version or alias>',
  );

const fileName = z.string().regex(/^[^/\\]+$/);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const text = z.string().min(1).max(2000);
const period = { from: z.iso.datetime(), to: z.iso.datetime() };

/** What serving has to know of a version beside its graph. */
export const servingSchema = z.strictObject({
  calibrated: z
    .boolean()
    .optional()
    .describe('whether the probabilities of a classifier were calibrated on rows that fitted nothing else'),
  interval: z
    .strictObject({ level: z.number().gt(0).lt(1), margin: z.number().min(0) })
    .optional()
    .describe('the number of a regression plus and minus margin holds what happens with this probability'),
  target: z
    .strictObject({ kind: text, column: text.optional(), horizon: text.optional() })
    .optional()
    .describe('what is predicted, such as a log_return, of which column, and how far ahead'),
});
export type ServingFacts = z.infer<typeof servingSchema>;

/** Schema of `model.json`; unknown keys are refused, so a misspelt one can't pass as absent. */
export const modelCardSchema = z.strictObject({
  model_id: modelIdSchema,
  model_type: z.enum(['classification', 'regression']),
  version: z.string().regex(/^\d+\.\d+\.\d+$/),
  algorithm: text,
  /** Columns of the input, in order. */
  inputs: z
    .array(z.strictObject({ name: text, formula: text }))
    .min(1)
    .max(10_000),
  output: z.strictObject({
    name: text,
    meaning: text,
    /** Names of the classes of a classifier, in order. */
    classes: z.array(text).min(2).optional(),
  }),
  serving: servingSchema.optional(),
  trained_on: z.strictObject({
    /** Name of the data file, without a folder. */
    file: fileName,
    sha256,
    symbol: text,
    /** Further files, where there are several. */
    more: z.array(z.strictObject({ file: fileName, sha256, symbol: text })).optional(),
    interval_us: z.int().positive(),
    /** Bars in the file. */
    rows: z.int().positive(),
    ...period,
  }),
  hyperparameters: z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])),
  /** Chronological split; `embargo_bars` are left out between the two parts. */
  split: z.strictObject({
    train_fraction: z.number().gt(0).lt(1),
    embargo_bars: z.int().nonnegative(),
    train: z.strictObject({ rows: z.int().positive(), ...period }),
    test: z.strictObject({ rows: z.int().positive(), ...period }),
  }),
  seed: z.strictObject({ value: z.int().nonnegative(), used_for: text }),
  /** Figures on the test part only; nothing was chosen by looking at them. */
  out_of_sample: z.strictObject({
    metrics: z.record(z.string(), z.number()),
    intervals: z.record(
      z.string(),
      z.strictObject({ low: z.number(), high: z.number(), level: z.number().gt(0).lt(1), method: text }),
    ),
  }),
  /** Fitted numbers in float64, for models small enough to list them. */
  parameters: z.record(z.string(), z.union([z.number(), z.array(z.number())])).optional(),
  artefact: z.strictObject({ file: z.literal('model.onnx'), sha256, bytes: z.int().positive() }),
  created: z.iso.date(),
  licence: text,
});

/** A parsed `model.json`. */
export type ModelCard = z.infer<typeof modelCardSchema>;
