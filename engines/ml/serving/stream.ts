// Predictions as server-sent events: each part is made when the client has room for it, and none once it is gone.
import { InvariantError, NautilusError } from '../../../src/core/errors.ts';
import type { StreamRequest } from './schemas.ts';
import type { Serving } from './serving.ts';

/**
 * Returns the events of a request: `predictions` with `from` (index of the first row) and a reply without its inputs, then `end` with the
 * number of rows; or `error` with a problem, after which the stream ends. Throws what the first part throws, so that a bad request
 * is answered like any other.
 */
export async function streamPredictions(
  serving: Serving,
  { batch_size, ...request }: StreamRequest,
  signal: AbortSignal,
): Promise<Response> {
  const gone = new AbortController();
  const parts = serving.parts(request, batch_size, AbortSignal.any([signal, gone.signal]));
  let next = await parts.next();
  let from = 0;
  const encoder = new TextEncoder();
  const event = (name: string, data: unknown) =>
    encoder.encode(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (next.done) {
          controller.enqueue(event('end', { rows: from }));
          controller.close();
          return;
        }
        const { inputs: _, ...reply } = next.value;
        controller.enqueue(event('predictions', { from, ...reply }));
        from += reply.predictions.length;
        try {
          next = await parts.next();
        } catch (error) {
          controller.enqueue(event('error', problemOf(error)));
          controller.close();
        }
      },
      async cancel() {
        gone.abort();
        await parts.return(undefined);
      },
    },
    // One part beyond what the socket takes is all that is made ahead.
    { highWaterMark: 1 },
  );
  return new Response(body, {
    headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store' },
  });
}

/** Returns an error as the body of a problem document; what is not for callers stays here. */
export function problemOf(error: unknown): Record<string, unknown> {
  const known = error instanceof NautilusError ? error : new InvariantError('unexpected failure');
  const { slug, status, title, message, extras } = known;
  const detail = status === 500 ? 'An internal error occurred' : message;
  return { type: `/problems/${slug}`, title, status, detail, ...(status === 500 ? {} : extras) };
}
