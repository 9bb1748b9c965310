// Token ids of texts by a `tokenizer.json` of Hugging Face. Run those of strangers in a child process: a pattern may take for ever.
import { Tokenizer } from '@huggingface/tokenizers';
import { z } from 'zod';
import { InvalidModelError } from '../onnx/errors.ts';
import { MAX_VOCABULARY } from './limits.ts';

/** The models of tokens that are served. */
export const TOKENIZER_MODELS = ['WordPiece', 'BPE', 'Unigram'] as const;

// A schema of records would take seconds for a large vocabulary.
const ids = z.custom<Readonly<Record<string, number>>>(
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.keys(value).length <= MAX_VOCABULARY &&
    Object.values(value).every((id) => Number.isInteger(id) && id >= 0),
);
const tokenizerSchema = z.looseObject({
  added_tokens: z
    .array(z.looseObject({ id: z.int().min(0), content: z.string() }))
    .max(MAX_VOCABULARY)
    .optional(),
  model: z.discriminatedUnion('type', [
    z.looseObject({ type: z.literal('WordPiece'), vocab: ids }),
    z.looseObject({ type: z.literal('BPE'), vocab: ids, merges: z.array(z.unknown()) }),
    z.looseObject({
      type: z.literal('Unigram'),
      vocab: z.array(z.tuple([z.string(), z.number()])).max(MAX_VOCABULARY),
    }),
  ]),
});

/** Token ids of one text. */
export interface Tokens {
  /** At most as many as were asked for; with the tokens that the model wants around a text. */
  readonly ids: readonly number[];
  /** How many the whole text has. */
  readonly total: number;
}

/** A tokenizer that is ready. */
export interface TextTokenizer {
  readonly model: (typeof TOKENIZER_MODELS)[number];
  /** Entries of the vocabulary with added tokens. */
  readonly size: number;
  /** Returns the first `most` tokens; those around a text (as [CLS] and [SEP]) stay, what is between is cut. */
  encode(text: string, most: number): Tokens;
}

/**
 * Returns the tokenizer of a file. Throws InvalidModelError for what is no tokenizer.json of WordPiece, BPE or Unigram, has too
 * large a vocabulary, or a part that is not known here.
 */
export function openTokenizer(file: Uint8Array): TextTokenizer {
  const parsed = tokenizerSchema.safeParse(jsonOf(file));
  if (!parsed.success) {
    const path = parsed.error.issues[0]!.path.slice(0, 2).join('/');
    throw new InvalidModelError(
      `Expected a tokenizer.json with a ${TOKENIZER_MODELS.join(', ')} model, was not at /${path}`,
    );
  }
  const { model, added_tokens = [] } = parsed.data;
  const entries = Array.isArray(model.vocab) ? model.vocab.length : Object.keys(model.vocab).length;
  const size = entries + added_tokens.length;
  if (size > MAX_VOCABULARY)
    throw new InvalidModelError(`Expected a tokenizer of at most ${MAX_VOCABULARY} entries, was ${size}`);
  const tokenizer = built(parsed.data);
  return {
    model: model.type,
    size,
    encode(text, most) {
      const { ids } = tokenizer.encode(text);
      if (ids.length <= most) return { ids, total: ids.length };
      const content = tokenizer.encode(text, { add_special_tokens: false }).ids;
      return { ids: cut(ids, content, most), total: ids.length };
    },
  };
}

function jsonOf(file: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(file));
  } catch (cause) {
    throw new InvalidModelError('Expected a tokenizer.json, was no JSON', cause);
  }
}

function built(json: object): Tokenizer {
  try {
    const tokenizer = new Tokenizer(json, {});
    tokenizer.encode('A text, to try it.');
    return tokenizer;
  } catch (cause) {
    throw new InvalidModelError('Expected a tokenizer.json whose parts are known, one is not', cause);
  }
}

/** The tokens around the content, and as much of the content as fits between them. */
function cut(ids: readonly number[], content: readonly number[], most: number): number[] {
  const around = ids.length - content.length;
  let before = 0;
  while (before < around && !content.every((id, i) => ids[before + i] === id)) before++;
  return [
    ...ids.slice(0, before),
    ...content.slice(0, Math.max(0, most - around)),
    ...ids.slice(before + content.length),
  ].slice(0, most);
}
