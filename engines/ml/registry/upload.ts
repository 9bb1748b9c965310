// Bodies that bring a model: JSON, JSON beside a file (multipart), or the bytes of the file alone. All within limits.
import { z } from 'zod';
import {
  DependencyUnavailableError,
  type FieldError,
  InvalidOptionError,
  MalformedBodyError,
  TooLargeError,
} from '../../../src/core/errors.ts';
import { bodyChunks } from '../../../src/http/body.ts';
import { MAX_MODEL_BYTES } from '../../../src/onnx/inspect.ts';
import { MAX_TOKENIZER_BYTES } from '../../../src/text/limits.ts';

/** Media types of the three forms. */
export const MULTIPART = 'multipart/form-data';
export const OCTETS = 'application/octet-stream';
/** Names of the parts of a multipart body. */
export const PARTS = { definition: 'definition', artefact: 'artefact', tokenizer: 'tokenizer' } as const;

/** What a body brought: fields as they came, and the bytes of a model where there are some. */
export interface Upload {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly artefact: Uint8Array | null;
  /** The tokenizer.json of a text model. */
  readonly tokenizer: Uint8Array | null;
}

/** Bodies that are read at once: each may hold a model several times over. */
const MAX_READING = 4;

/** Reads bodies that bring models; `maxJsonBytes` is the limit of JSON, a file has {@link MAX_MODEL_BYTES}. */
export class Uploads {
  readonly #maxJsonBytes: number;
  #reading = 0;

  constructor(maxJsonBytes: number) {
    this.#maxJsonBytes = maxJsonBytes;
  }

  /**
   * Returns what came, unchecked but for its form; the query stands for the fields of a body that is the file alone. Throws
   * MalformedBodyError, TooLargeError, InvalidOptionError, and DependencyUnavailableError while too many others are read.
   */
  async read(request: Request): Promise<Upload> {
    if (this.#reading >= MAX_READING) {
      throw new DependencyUnavailableError(`Expected at most ${MAX_READING} uploads at once, was one more`);
    }
    this.#reading++;
    try {
      return await this.#read(request);
    } finally {
      this.#reading--;
    }
  }

  async #read(request: Request): Promise<Upload> {
    const type = request.headers.get('content-type') ?? '';
    if (/^application\/json\b/i.test(type)) {
      return fromJson(await whole(request, this.#maxJsonBytes));
    }
    if (type.toLowerCase().startsWith(OCTETS)) {
      const fields = Object.fromEntries(new URL(request.url).searchParams);
      return { fields, artefact: await whole(request, MAX_MODEL_BYTES), tokenizer: null };
    }
    if (type.toLowerCase().startsWith(MULTIPART)) {
      const body = await whole(request, MAX_MODEL_BYTES + this.#maxJsonBytes);
      return fromParts(body, type, this.#maxJsonBytes);
    }
    throw new MalformedBodyError(`Expected a body of application/json, ${MULTIPART} or ${OCTETS}`);
  }
}

/** Returns `value` as its schema gives it. Throws InvalidOptionError that names each field, never a value. */
export function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.flatMap((issue): FieldError[] => {
    const path = issue.path.map((part) => `/${String(part)}`).join('');
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({ pointer: `${path}/${key}`, expected: 'no such field' }));
    }
    const [, expected = issue.message.replace(/^(Expected|Too \w+: expected|Invalid \w+:?) /, ''), received] =
      /expected (.+?), received (.+)$/.exec(issue.message) ?? [];
    const kind = received === 'undefined' ? 'missing' : received;
    return [{ pointer: path, expected, ...(kind === undefined ? {} : { received: kind }) }];
  });
  const named = errors
    .slice(0, 3)
    .map(
      (e) =>
        `Expected ${e.expected} for ${e.pointer || 'the body'}${e.received ? `, was ${e.received}` : ''}`,
    );
  throw new InvalidOptionError(named.join('; '), errors);
}

async function whole(request: Request, limitBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bodyChunks(request, limitBytes)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function fromJson(body: Uint8Array): Upload {
  const { artefact_base64, ...fields } = objectOf(new TextDecoder().decode(body));
  if (artefact_base64 === undefined) return { fields, artefact: null, tokenizer: null };
  if (!z.base64().safeParse(artefact_base64).success) {
    const field = { pointer: '/artefact_base64', expected: 'the bytes of an ONNX file as base64' };
    throw new InvalidOptionError(`Expected ${field.expected} for ${field.pointer}`, [field]);
  }
  return { fields, artefact: Buffer.from(artefact_base64 as string, 'base64'), tokenizer: null };
}

async function fromParts(body: Uint8Array<ArrayBuffer>, type: string, maxJsonBytes: number): Promise<Upload> {
  let form: FormData;
  try {
    form = await new Response(body, { headers: { 'content-type': type } }).formData();
  } catch {
    throw new MalformedBodyError(`Expected a body of ${MULTIPART} with a boundary`);
  }
  const names = [...form.keys()];
  const unknown = names.find((name, i) => !(name in PARTS) || names.indexOf(name) !== i);
  const file = form.get(PARTS.artefact);
  const tokenizer = form.get(PARTS.tokenizer);
  if (unknown !== undefined || typeof file === 'string' || typeof tokenizer === 'string') {
    throw new MalformedBodyError(
      'Expected the parts definition (JSON), artefact and tokenizer (files), each at most once',
    );
  }
  const given = form.get(PARTS.definition);
  const size = given === null ? 0 : typeof given === 'string' ? Buffer.byteLength(given) : given.size;
  if (size > maxJsonBytes) throw new TooLargeError('Expected a smaller definition', maxJsonBytes);
  const text = given === null ? '{}' : typeof given === 'string' ? given : await given.text();
  if (tokenizer && tokenizer.size > MAX_TOKENIZER_BYTES)
    throw new TooLargeError('Expected a smaller tokenizer', MAX_TOKENIZER_BYTES);
  return {
    fields: objectOf(text),
    artefact: file === null ? null : await file.bytes(),
    tokenizer: tokenizer === null ? null : await tokenizer.bytes(),
  };
}

function objectOf(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new MalformedBodyError();
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const field = { pointer: '', expected: 'an object' };
    throw new InvalidOptionError('Expected an object for the body', [field]);
  }
  return value as Record<string, unknown>;
}
