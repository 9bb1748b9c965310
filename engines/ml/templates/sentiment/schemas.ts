// Bodies and replies of the type `sentiment`: texts in, a score and a label for each out.
import { z } from 'zod';
import { LABELS } from '../../../../src/text/labels.ts';
import { LEXICONS } from '../../../../src/text/lexicons.ts';
import { MAX_TEXT } from '../../../../src/text/limits.ts';
import { ranFields, templateFields } from '../template.ts';

/** Most texts of one body. */
export const MAX_TEXTS = 1000;

const text = z.string().min(1).max(MAX_TEXT);

export const sentimentRequest = z.strictObject({
  model_type: z.literal('sentiment'),
  ...templateFields,
  model_id: templateFields.model_id.describe(
    `${LEXICONS.join(', ')}, or <id> or <id>@<version or alias> of an uploaded text model; default: lexicon-finance`,
  ),
  texts: z
    .array(
      z.union([
        text,
        z.strictObject({ text, symbol: z.string().min(1).max(64).describe('whom the text is about') }),
      ]),
    )
    .min(1)
    .max(MAX_TEXTS)
    .describe(`at most ${MAX_TEXTS} texts of at most ${MAX_TEXT} characters`),
});
export type SentimentRequest = z.output<typeof sentimentRequest>;

export const textSentiment = z.object({
  score: z.number().describe('in [-1, 1]: negative to positive'),
  label: z.enum(LABELS),
  confidence: z
    .number()
    .describe(
      'of a lexicon: how often people gave that label to such sentences; of a model: its probability',
    ),
  calibrated: z.boolean().describe('whether the confidence was measured on labelled texts'),
  symbol: z.string().nullable(),
  tokens: z.int().nullable().describe('tokens of the whole text; null for a lexicon, which has none'),
  truncated: z.boolean().describe('whether the model read only the begin of the text'),
  model_id: z.string(),
});
export type TextSentiment = z.infer<typeof textSentiment>;

const symbolSentiment = z.object({
  score: z.number().describe('mean of the scores'),
  label: z.enum(LABELS).describe('of the mean'),
  texts: z.int(),
  negative: z.int().describe('texts with this label'),
  neutral: z.int(),
  positive: z.int(),
});
export type SymbolSentiment = z.infer<typeof symbolSentiment>;

export const sentimentReply = z.object({
  model_type: z.literal('sentiment'),
  predictions: z.array(textSentiment).describe('one for each text, in order'),
  symbols: z.record(z.string(), symbolSentiment).describe('for each symbol that texts named'),
  model_id: z.string(),
  model_version: z.string(),
  ...ranFields,
});
export type SentimentReply = z.infer<typeof sentimentReply>;
