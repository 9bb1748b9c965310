// Routes of the pipeline: schema, one call, nothing else.
import { Elysia } from 'elysia';
import { type JobAccepted, jobAccepted } from '../../../src/jobs/record.ts';
import { type IngestRequest, ingestRequest } from './ingest.ts';
import {
  type BookQuery,
  type BookReply,
  bookQuery,
  bookReply,
  latencyReply,
  qualityReply,
  sourceParam,
  sourceReply,
  sourcesReply,
  sourceUpdate,
  subscriptionParam,
  subscriptionsReply,
  symbolParam,
} from './schemas.ts';
import type { PipelineService } from './service.ts';
import { subscription, subscriptionRequest } from './subscription.ts';

type BookAt = (
  symbol: string,
  query: BookQuery & { readonly at_us: number },
  signal: AbortSignal,
) => Promise<BookReply>;

/** Returns the routes of sources, subscriptions, books and latency; `ingest` adds the job of one, `bookAt` makes the stored book of a time. */
export function pipelineRoutes(
  service: PipelineService,
  ingest: (source: string, request: IngestRequest) => Promise<JobAccepted>,
  bookAt: BookAt,
) {
  return new Elysia({ name: 'pipeline-routes' })
    .get('/sources', () => service.sources(), {
      response: { 200: sourcesReply },
      detail: {
        summary: 'Sources with their health, routes between them, and how far they differ',
        tags: ['sources'],
      },
    })
    .get('/sources/:id', ({ params }) => service.source(params.id), {
      params: sourceParam,
      response: { 200: sourceReply },
      detail: { summary: 'One source', tags: ['sources'] },
    })
    .put('/sources/:id', ({ params, body }) => service.updateSource(params.id, body), {
      params: sourceParam,
      body: sourceUpdate,
      response: { 200: sourceReply },
      detail: { summary: 'Switch a source on or off, change its priority or address', tags: ['sources'] },
    })
    .post(
      '/ingest/:id',
      async ({ params, body, set }) => {
        const job = await ingest(params.id, body);
        set.status = 202;
        set.headers.location = job.progress_url;
        return job;
      },
      {
        params: sourceParam,
        body: ingestRequest,
        response: { 202: jobAccepted },
        detail: { summary: 'Read history of a source into the store, as a job', tags: ['sources'] },
      },
    )
    .get('/subscriptions', () => ({ subscriptions: service.subscriptions() }), {
      response: { 200: subscriptionsReply },
      detail: { summary: 'What is listened to, oldest first', tags: ['sources'] },
    })
    .post(
      '/subscriptions',
      async ({ body, set }) => {
        const added = await service.subscribe(body);
        set.status = 201;
        return added;
      },
      {
        body: subscriptionRequest,
        response: { 201: subscription },
        detail: { summary: 'Listen to a symbol; kept over a restart', tags: ['sources'] },
      },
    )
    .delete('/subscriptions/:id', ({ params }) => service.unsubscribe(params.id), {
      params: subscriptionParam,
      response: { 200: subscription },
      detail: { summary: 'Listen no more', tags: ['sources'] },
    })
    .get(
      '/book/:symbol',
      async ({ params, query: { at_us, ...of }, request }) =>
        at_us === undefined
          ? service.book(params.symbol, of)
          : bookAt(params.symbol, { ...of, at_us }, request.signal),
      {
        params: symbolParam,
        query: bookQuery,
        response: { 200: bookReply },
        detail: { summary: 'The order book of a symbol as it is now, or as it was', tags: ['books'] },
      },
    )
    .get('/quality/:symbol', ({ params }) => service.qualityOf(params.symbol), {
      params: symbolParam,
      response: { 200: qualityReply },
      detail: {
        summary: 'Scores, flags and examples of the records of a symbol, and its quarantine',
        tags: ['quality'],
      },
    })
    .get('/latency', () => service.latency(), {
      response: { 200: latencyReply },
      detail: {
        summary: 'How late records are, by source and hop, and clocks that disagree',
        tags: ['sources'],
      },
    });
}
