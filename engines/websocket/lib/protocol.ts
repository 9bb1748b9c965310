// The frames of /ws: what clients may send, checked, and what the server answers. docs/websocket.md describes them.
import { z } from 'zod';
import { compilePattern } from '../../../src/bus/pattern.ts';
import { type Topic, topics } from '../../../src/bus/topics.ts';
import {
  type FieldError,
  InvalidOptionError,
  MalformedBodyError,
  NautilusError,
} from '../../../src/core/errors.ts';
import { fieldErrors, invalidFields } from '../../../src/core/field-errors.ts';

/** The inner traffic of replays, and questions of one engine to another with their answers. */
const INNER: readonly Topic<unknown>[] = [
  topics.lockstepControl,
  topics.validationRequests,
  topics.validations,
];

/** Topics that clients can have, in the order of the catalogue. */
export const CLIENT_TOPICS: readonly Topic<unknown>[] = Object.values(topics).filter(
  (topic) => !INNER.includes(topic),
);

const MAX_TOPICS = 64;
const MAX_VALUES = 256;

const id = z.string().min(1).max(128).describe('chosen by the client, comes back in the reply');
const patterns = z
  .array(z.string().min(1).max(128))
  .min(1)
  .max(MAX_TOPICS)
  .describe('topics or patterns: * is any run of characters, ? is one');
const values = z.array(z.string().min(1).max(128)).min(1).max(MAX_VALUES);

/** Messages that carry the field pass only with one of these values; messages without the field always pass. */
const filter = z.strictObject({ symbol: values.optional(), portfolio_id: values.optional() });

/** What a client may send. */
export const clientFrame = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('subscribe'), id, topics: patterns, filter: filter.optional() }),
  z.strictObject({ type: z.literal('unsubscribe'), id, topics: patterns }),
  z.strictObject({ type: z.literal('ping'), id }),
]);
export type ClientFrame = z.infer<typeof clientFrame>;
export type Filter = z.infer<typeof filter>;

/** Returns the names of the topics that a pattern covers. */
export function topicsOf(pattern: string): string[] {
  const matches = compilePattern(pattern);
  return CLIENT_TOPICS.map((topic) => topic.name).filter(matches);
}

/**
 * Parses one frame. Throws {@link MalformedBodyError} for what is not JSON text, {@link InvalidOptionError} for a frame
 * that breaks the protocol or a pattern that covers no topic.
 */
export function parseFrame(data: string | Buffer): ClientFrame {
  const frame = parseJson(data);
  const parsed = clientFrame.safeParse(frame);
  if (!parsed.success) throw invalidFields(fieldErrors(parsed.error.issues, '', frame), 'the frame');
  if (parsed.data.type === 'subscribe') checkPatterns(parsed.data.topics);
  return parsed.data;
}

/** Returns the id of a frame that may be broken, so that the error reaches the right request. */
export function idOf(data: string | Buffer): string | null {
  try {
    const parsed = z.object({ id }).safeParse(parseJson(data));
    return parsed.success ? parsed.data.id : null;
  } catch {
    return null;
  }
}

/** Renders an error as a frame; anything unexpected becomes `internal`, without detail. */
export function errorFrame(frameId: string | null, error: unknown): string {
  const known = error instanceof NautilusError && error.status < 500 ? error : undefined;
  const { errors } = known?.extras ?? {};
  const problem = {
    type: `/problems/${known?.slug ?? 'internal'}`,
    title: known?.title ?? 'Internal error',
    status: known?.status ?? 500,
    detail: known?.message ?? 'An internal error occurred',
    ...(errors && errors.length > 0 ? { errors } : {}),
  };
  return JSON.stringify({ type: 'error', id: frameId, problem });
}

function parseJson(data: string | Buffer): unknown {
  if (typeof data !== 'string')
    throw new MalformedBodyError('Expected a text frame of JSON, was a binary frame');
  try {
    return JSON.parse(data);
  } catch {
    throw new MalformedBodyError('Expected a text frame of valid JSON');
  }
}

function checkPatterns(asked: readonly string[]): void {
  const errors: FieldError[] = [];
  asked.forEach((pattern, i) => {
    if (topicsOf(pattern).length > 0) return;
    errors.push({
      pointer: `/topics/${i}`,
      expected: 'a topic of the catalogue or a pattern that covers one',
    });
  });
  if (errors.length === 0) return;
  throw new InvalidOptionError(`Expected a topic of the catalogue for ${errors[0]!.pointer}`, errors);
}
