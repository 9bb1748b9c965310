// Reading request bodies within a limit, whether or not the sender announces their length.
import { MalformedBodyError, TooLargeError } from '../core/errors.ts';

/** Yields the chunks of a body; throws {@link TooLargeError} as soon as it passes `limitBytes`. */
export async function* bodyChunks(request: Request, limitBytes: number): AsyncGenerator<Uint8Array> {
  if (Number(request.headers.get('content-length') ?? 0) > limitBytes) throw tooLarge(limitBytes);
  if (!request.body) return;
  let size = 0;
  for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > limitBytes) throw tooLarge(limitBytes);
    yield chunk;
  }
}

/**
 * Parses a JSON body; undefined when there is none. Throws {@link TooLargeError} past `limitBytes` and
 * {@link MalformedBodyError} for another content type or broken JSON.
 */
export async function readJson(request: Request, limitBytes: number): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bodyChunks(request, limitBytes)) chunks.push(chunk);
  if (chunks.length === 0) return undefined;
  const type = request.headers.get('content-type') ?? '';
  if (!/^application\/([\w.+-]+\+)?json\b/i.test(type)) {
    throw new MalformedBodyError('Expected a body with content-type application/json');
  }
  const text = new TextDecoder('utf-8').decode(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
  try {
    return JSON.parse(text);
  } catch {
    throw new MalformedBodyError();
  }
}

function tooLarge(limitBytes: number): TooLargeError {
  return new TooLargeError(`Expected a body of at most ${limitBytes} bytes`, limitBytes);
}
