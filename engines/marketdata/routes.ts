// Routes of the Market Data engine: schema, one call, nothing else.
import { Elysia } from 'elysia';
import { z } from 'zod';
import type { EngineContext } from '../../src/http/engine.ts';
import { ARROW_STREAM } from '../../src/http/media-types.ts';
import { jobAccepted } from '../../src/jobs/record.ts';
import { jobRoutes } from '../../src/jobs/routes.ts';
import { fileRoutes } from './files/routes.ts';
import { CSV_TYPE, formatOf } from './history/replies.ts';
import { historyRoutes } from './history/routes.ts';
import { pipelineRoutes } from './pipeline/routes.ts';
import { bookAt } from './replay/book-at.ts';
import { replayRoutes } from './replay/routes.ts';
import { barsQuery, idParam, replayReply, replayRequest, seriesReply, symbolParam } from './schemas.ts';
import type { MarketDataService } from './service.ts';

/** Returns the routes of the Market Data engine. */
export function marketDataRoutes(service: MarketDataService, { config, clock }: EngineContext) {
  return new Elysia({ name: 'marketdata-routes' })
    .use(jobRoutes(service.longWork.jobs))
    .use(
      pipelineRoutes(
        service.pipeline,
        (source, request) => service.ingest(source, request),
        async (symbol, query, signal) => bookAt(await service.history(), symbol, query, signal),
      ),
    )
    .use(replayRoutes(service))
    .use(historyRoutes(() => service.history(), clock))
    .use(fileRoutes(service.imports, config.maxImportBytes))
    .get('/bars', () => service.series(), {
      response: { 200: seriesReply },
      detail: { summary: 'Stored series and simulated instruments', tags: ['bars'] },
    })
    .get(
      '/bars/:symbol',
      ({ params, query, request }) => service.bars(params.symbol, query, formatOf(request), request.signal),
      {
        params: symbolParam,
        query: barsQuery,
        detail: {
          summary: `Bars of one symbol, as JSON or (Accept: ${CSV_TYPE} or ${ARROW_STREAM}) as a stream`,
          tags: ['bars'],
        },
      },
    )
    .post(
      '/replays',
      async ({ body, set }) => {
        const replay = await service.replay(body);
        set.status = 202;
        set.headers.location = replay.progress_url;
        return replay;
      },
      {
        body: replayRequest,
        response: { 202: replayReply },
        detail: { summary: 'Replay stored bars through the engines', tags: ['replays'] },
      },
    )
    .post(
      '/replays/queue',
      async ({ body, set }) => {
        const job = await service.queueReplay(body);
        set.status = 202;
        set.headers.location = job.progress_url;
        return job;
      },
      {
        body: replayRequest,
        response: { 202: jobAccepted },
        detail: { summary: 'Replay stored bars as a job, once no other replay runs', tags: ['replays'] },
      },
    )
    .get('/replays', () => ({ replays: service.replays.list() }), {
      response: { 200: z.object({ replays: z.array(replayReply) }) },
      detail: { summary: 'The last 100 replays, newest first', tags: ['replays'] },
    })
    .get('/replays/:id', ({ params }) => service.replays.get(params.id), {
      params: idParam,
      response: { 200: replayReply },
      detail: { summary: 'Progress and result of a replay', tags: ['replays'] },
    })
    .delete('/replays/:id', ({ params }) => service.replays.cancel(params.id), {
      params: idParam,
      response: { 200: replayReply },
      detail: { summary: 'Cancel a replay', tags: ['replays'] },
    });
}
