// A text model as one file: its graph, its tokenizer and what its classes mean. One hash covers all of it.

import { z } from 'zod';
import { TooLargeError } from '../core/errors.ts';
import { InvalidModelError } from '../onnx/errors.ts';
import { MAX_MODEL_BYTES } from '../onnx/inspect.ts';
import { LABELS, type Label } from './labels.ts';
import { MAX_TOKENIZER_BYTES, MAX_TOKENS } from './limits.ts';

/** Meaning of each class of a text model, in the order of its logits. */
export const labelsSchema = z
  .array(z.enum(LABELS))
  .min(2)
  .max(LABELS.length)
  .refine((labels) => new Set(labels).size === labels.length, { message: 'Expected labels that differ' })
  .refine((labels) => labels.includes('negative') && labels.includes('positive'), {
    message: 'Expected negative and positive among the labels',
  });

/** Most tokens of a text that a model reads. */
export const maxTokensSchema = z.int().min(8).max(MAX_TOKENS);

/** The parts of a text model. */
export interface TextBundle {
  readonly labels: readonly Label[];
  readonly maxTokens: number;
  /** A `tokenizer.json`. */
  readonly tokenizer: Uint8Array;
  /** ONNX of a sequence classifier. */
  readonly graph: Uint8Array;
}

const MAGIC = 'NAUTTEXT';
const headerSchema = z.strictObject({
  labels: labelsSchema,
  max_tokens: maxTokensSchema,
  tokenizer_bytes: z.int().min(1).max(MAX_TOKENIZER_BYTES),
});
const MAX_HEADER_BYTES = 4096;
/** The magic word, and the length of the header as uint32, little endian. */
const START = MAGIC.length + 4;

/** Returns the file of a text model: magic word, length of the header, header (JSON), tokenizer, graph. Throws TooLargeError over a limit. */
export function packText({ labels, maxTokens, tokenizer, graph }: TextBundle): Uint8Array<ArrayBuffer> {
  if (tokenizer.length > MAX_TOKENIZER_BYTES)
    throw new TooLargeError('Expected a smaller tokenizer', MAX_TOKENIZER_BYTES);
  const header = { labels, max_tokens: maxTokens, tokenizer_bytes: tokenizer.length };
  const text = new TextEncoder().encode(JSON.stringify(header));
  const size = START + text.length + tokenizer.length + graph.length;
  if (size > MAX_MODEL_BYTES) throw new TooLargeError('Expected a smaller text model', MAX_MODEL_BYTES);
  const bytes = new Uint8Array(size);
  bytes.set(new TextEncoder().encode(MAGIC));
  new DataView(bytes.buffer).setUint32(MAGIC.length, text.length, true);
  bytes.set(text, START);
  bytes.set(tokenizer, START + text.length);
  bytes.set(graph, START + text.length + tokenizer.length);
  return bytes;
}

/** Returns the parts of a file that {@link packText} made; they share its bytes. Throws InvalidModelError for any other. */
export function unpackText(bytes: Uint8Array): TextBundle {
  const length = isText(bytes)
    ? new DataView(bytes.buffer, bytes.byteOffset).getUint32(MAGIC.length, true)
    : -1;
  if (length < 0 || length > MAX_HEADER_BYTES || START + length > bytes.length) throw malformed();
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes.subarray(START, START + length)));
  } catch (cause) {
    throw malformed(cause);
  }
  const header = headerSchema.safeParse(json);
  if (!header.success) throw malformed(header.error);
  const { labels, max_tokens: maxTokens, tokenizer_bytes } = header.data;
  const graphAt = START + length + tokenizer_bytes;
  if (graphAt >= bytes.length) throw malformed();
  return {
    labels,
    maxTokens,
    tokenizer: bytes.subarray(START + length, graphAt),
    graph: bytes.subarray(graphAt),
  };
}

/** Whether a file is that of a text model. */
export function isText(bytes: Uint8Array): boolean {
  if (bytes.length < START) return false;
  return [...MAGIC].every((letter, i) => bytes[i] === letter.charCodeAt(0));
}

function malformed(cause?: unknown): InvalidModelError {
  return new InvalidModelError('Expected the file of a text model, was malformed', cause);
}
