// Answers of the history as streams: made when the client has room, ended when it is gone.
import { ARROW_STREAM } from '../../../src/http/media-types.ts';
import { arrowEncoder, csvHead, csvRows, type OutputColumn } from './output.ts';
import type { Batch } from './reader.ts';

/** How a reply is written. */
export type Format = 'json' | 'csv' | 'arrow';

export const CSV_TYPE = 'text/csv';
/** Where every reply says whose data it is and what was done to it, as JSON. */
export const PROVENANCE_HEADER = 'x-provenance';

/** Returns the format that a request asks for by `Accept`; JSON unless it names another. */
export function formatOf(request: Request): Format {
  const accept = request.headers.get('accept') ?? '';
  if (accept.includes(ARROW_STREAM)) return 'arrow';
  return accept.includes(CSV_TYPE) ? 'csv' : 'json';
}

/**
 * Returns batches as CSV or as an Arrow stream. The first batch is read before the reply begins, so that what cannot be read is
 * answered with a problem; `gone` ends the read when the client is no longer there.
 */
export async function streamReply(
  format: 'csv' | 'arrow',
  columns: readonly OutputColumn[],
  batches: AsyncGenerator<Batch>,
  provenance: unknown,
  gone: AbortController,
): Promise<Response> {
  const text = JSON.stringify(provenance);
  const parts = format === 'csv' ? csvParts(columns, batches) : arrowParts(columns, batches, text);
  // The head, then the first batch or the end: both are there before the first byte goes.
  const ready = [await parts.next(), await parts.next()];
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const next = ready.shift() ?? (await parts.next());
        if (next.done) controller.close();
        else controller.enqueue(next.value);
      },
      async cancel() {
        gone.abort();
        await parts.return(undefined);
      },
    },
    { highWaterMark: 1 },
  );
  const type = format === 'csv' ? `${CSV_TYPE}; charset=utf-8` : ARROW_STREAM;
  return new Response(body, { headers: { 'content-type': type, [PROVENANCE_HEADER]: text } });
}

async function* csvParts(columns: readonly OutputColumn[], batches: AsyncGenerator<Batch>) {
  const encoder = new TextEncoder();
  yield encoder.encode(csvHead(columns));
  for await (const batch of batches) yield encoder.encode(csvRows(columns, batch));
}

async function* arrowParts(
  columns: readonly OutputColumn[],
  batches: AsyncGenerator<Batch>,
  provenance: string,
) {
  const encoder = await arrowEncoder(columns, new Map([['provenance', provenance]]));
  yield encoder.head;
  for await (const batch of batches) yield encoder.encode(batch);
  yield encoder.end;
}
