// Request bodies within limits, whether or not the sender announces their length.
import type { z } from 'zod';
import { MalformedBodyError, TooLargeError } from '../core/errors.ts';
import { invalidBody } from './problem.ts';

/** Yields the chunks of a body; throws {@link TooLargeError} as soon as it passes `limitBytes`. */
export async function* bodyChunks(request: Request, limitBytes: number): AsyncGenerator<Uint8Array> {
  if (announcedLength(request) > limitBytes) throw tooLarge(limitBytes);
  if (!request.body) return;
  let size = 0;
  for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > limitBytes) throw tooLarge(limitBytes);
    yield chunk;
  }
}

/** Returns a whole body; throws {@link TooLargeError} as soon as it passes `limitBytes`. */
export async function readBody(request: Request, limitBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bodyChunks(request, limitBytes)) chunks.push(chunk);
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}

/**
 * Returns the checked JSON body of a route that reads its bodies itself. Throws {@link TooLargeError}, {@link MalformedBodyError} and
 * InvalidOptionError, as other routes do.
 */
export async function readJson<T>(request: Request, limitBytes: number, schema: z.ZodType<T>): Promise<T> {
  const admitted = await admitJson(request, limitBytes);
  const body = await admitted.json().catch(() => {
    throw new MalformedBodyError();
  });
  const checked = schema.safeParse(body);
  if (!checked.success) throw invalidBody(checked.error, body);
  return checked.data;
}

const JSON_TYPE = /^application\/([\w.+-]+\+)?json\b/i;

/**
 * Returns a request whose JSON body is known to be within `limitBytes`: the same one when its length is announced, else
 * a copy with the body read. Throws {@link TooLargeError}, and {@link MalformedBodyError} for another content type.
 */
export async function admitJson(request: Request, limitBytes: number): Promise<Request> {
  const length = announcedLength(request);
  if (length > limitBytes) throw tooLarge(limitBytes);
  if (length === 0 || (Number.isNaN(length) && !request.body)) return request;
  if (!JSON_TYPE.test(request.headers.get('content-type') ?? '')) {
    throw new MalformedBodyError('Expected a body with content-type application/json');
  }
  if (!Number.isNaN(length)) return request;
  return new Request(request.url, {
    method: request.method,
    headers: request.headers,
    body: (await readBody(request, limitBytes)) as Uint8Array<ArrayBuffer>,
  });
}

function announcedLength(request: Request): number {
  return Number(request.headers.get('content-length') ?? Number.NaN);
}

function tooLarge(limitBytes: number): TooLargeError {
  return new TooLargeError(`Expected a body of at most ${limitBytes} bytes`, limitBytes);
}
