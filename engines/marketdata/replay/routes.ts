// Routes of replays: start, follow, move, end. Those in lockstep are the ones of /replays.
import { Elysia } from 'elysia';
import { z } from 'zod';
import { ConflictError } from '../../../src/core/errors.ts';
import type { Replays } from '../replays.ts';
import { idParam, type ReplayReply, type ReplayRequest, replayReply } from '../schemas.ts';
import type { MarketReplays } from './market-replays.ts';
import { anyReplayRequest, pacedReply, replayChange } from './schemas.ts';

/** What these routes need of the engine. */
export interface ReplayParts {
  readonly marketReplays: MarketReplays;
  readonly replays: Replays;
  replay(request: ReplayRequest): Promise<ReplayReply>;
}

const eitherReply = z.union([pacedReply, replayReply]);

/** Returns the routes of replays. */
export function replayRoutes(parts: ReplayParts) {
  const { marketReplays } = parts;
  return new Elysia({ name: 'replay-routes' })
    .post(
      '/replay',
      async ({ body, set }) => {
        const replay = body.mode === 'paced' ? await marketReplays.start(body) : await parts.replay(body);
        set.status = 202;
        set.headers.location = replay.progress_url;
        return replay;
      },
      {
        body: anyReplayRequest,
        response: { 202: eitherReply },
        detail: {
          summary: 'Replay a capture or stored history onto the live topics, or bars in lockstep',
          tags: ['replays'],
        },
      },
    )
    .get('/replay', () => ({ replays: marketReplays.list() }), {
      response: { 200: z.object({ replays: z.array(pacedReply) }) },
      detail: { summary: 'The last 100 paced replays, newest first', tags: ['replays'] },
    })
    .get('/replay/:id', ({ params }) => marketReplays.find(params.id) ?? parts.replays.get(params.id), {
      params: idParam,
      response: { 200: eitherReply },
      detail: { summary: 'Where a replay stands', tags: ['replays'] },
    })
    .patch(
      '/replay/:id',
      ({ params, body }) => {
        if (marketReplays.find(params.id)) return marketReplays.change(params.id, body);
        parts.replays.get(params.id);
        throw new ConflictError(
          'A replay in lockstep has no speed, pause or place: it can be cancelled only',
        );
      },
      {
        params: idParam,
        body: replayChange,
        response: { 200: pacedReply },
        detail: { summary: 'Pause a replay, let it go on, change its speed, or move it', tags: ['replays'] },
      },
    )
    .delete(
      '/replay/:id',
      ({ params }) =>
        marketReplays.find(params.id) ? marketReplays.cancel(params.id) : parts.replays.cancel(params.id),
      {
        params: idParam,
        response: { 200: eitherReply },
        detail: { summary: 'End a replay', tags: ['replays'] },
      },
    );
}
