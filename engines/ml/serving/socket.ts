// Predictions over a WebSocket: one JSON frame for each request, one for each answer, in the order in which they are made.
import type { ServerWebSocket } from 'bun';
import { z } from 'zod';
import { ForbiddenError, MalformedBodyError, type NautilusError } from '../../../src/core/errors.ts';
import type { SocketData, SocketEndpoint } from '../../../src/http/engine.ts';
import { invalidBody } from '../../../src/http/problem.ts';
import { OverloadedError } from './errors.ts';
import { socketRequest } from './schemas.ts';
import type { Serving } from './serving.ts';
import { problemOf } from './stream.ts';

/** Requests of one connection that may be under way at once. */
export const MAX_RUNNING = 64;
/** Bytes that a client may leave unread before it is let go. */
const MAX_UNREAD_BYTES = 8 * 2 ** 20;

interface Connection {
  readonly ws: ServerWebSocket<SocketData>;
  readonly gone: AbortController;
  running: number;
}

const idOf = z.object({ id: z.union([z.string().max(128), z.int()]) });

/** The endpoint `/predict/ws` and its connections. */
export class PredictionSocket {
  readonly endpoint: SocketEndpoint;
  readonly #serving: Serving;
  readonly #connections = new Map<string, Connection>();

  constructor(serving: Serving, maxFrameBytes: number) {
    this.#serving = serving;
    this.endpoint = {
      path: '/predict/ws',
      handlers: {
        maxPayloadLength: maxFrameBytes,
        backpressureLimit: 2 * MAX_UNREAD_BYTES,
        perMessageDeflate: false,
        idleTimeout: 120,
        open: (ws) => void this.#connections.set(ws.data.id, { ws, gone: new AbortController(), running: 0 }),
        message: (ws, text) => void this.#message(ws, text),
        close: (ws) => {
          this.#connections.get(ws.data.id)?.gone.abort();
          this.#connections.delete(ws.data.id);
        },
      },
      refuse,
      revalidate: (isAllowed) => {
        for (const { ws } of this.#connections.values())
          if (!isAllowed(ws.data)) ws.close(1008, 'the API key is no longer valid');
      },
    };
  }

  /** Open connections. */
  get size(): number {
    return this.#connections.size;
  }

  /** Says goodbye to every client. */
  stop(): void {
    for (const { ws } of this.#connections.values()) ws.close(1001, 'the engine stops');
  }

  async #message(ws: ServerWebSocket<SocketData>, text: string | Buffer): Promise<void> {
    const connection = this.#connections.get(ws.data.id);
    if (!connection) return;
    connection.running++;
    const { id, answer } = await this.#answer(connection, text);
    connection.running--;
    if (connection.gone.signal.aborted) return;
    ws.send(JSON.stringify({ id, ...answer }));
    if (ws.getBufferedAmount() > MAX_UNREAD_BYTES) ws.close(1013, 'answers are read too slowly');
  }

  async #answer({ running, gone }: Connection, text: string | Buffer) {
    let id: string | number | null = null;
    try {
      const frame = parse(text);
      const named = idOf.safeParse(frame);
      if (named.success) id = named.data.id;
      if (running > MAX_RUNNING)
        throw new OverloadedError(`Expected at most ${MAX_RUNNING} requests under way, was more`, 1);
      const request = socketRequest.safeParse(frame);
      if (!request.success) throw invalidBody(request.error, frame);
      const { id: _, ...asked } = request.data;
      return { id, answer: await this.#serving.batchInParts(asked, gone.signal, () => {}) };
    } catch (error) {
      return { id, answer: { error: problemOf(error) } };
    }
  }
}

function parse(text: string | Buffer): unknown {
  try {
    return JSON.parse(String(text));
  } catch {
    throw new MalformedBodyError('Expected a frame of valid JSON');
  }
}

// Browsers let any page open a WebSocket to this machine: only our own page may.
function refuse(request: Request): NautilusError | null {
  const origin = request.headers.get('origin');
  if (origin === null) return null;
  const host = URL.canParse(origin) ? new URL(origin).host : null;
  if (host === request.headers.get('host')) return null;
  return new ForbiddenError('Expected a page of this engine as origin of the connection');
}
