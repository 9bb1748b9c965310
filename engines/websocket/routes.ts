// Routes of the WebSocket engine beside /ws: schema, one call, nothing else.
import { Elysia } from 'elysia';
import { jsonSchemaOf } from '../../src/http/openapi.ts';
import { asset } from './lib/assets.ts';
import {
  connectionsReply,
  fileParam,
  modelSnapshotReply,
  pageQuery,
  snapshotQuery,
  snapshotReply,
} from './schemas.ts';
import type { WebsocketService } from './service.ts';

/** Returns the routes of the WebSocket engine. */
export function websocketRoutes(service: WebsocketService) {
  return new Elysia({ name: 'websocket-routes' })
    .get('/', () => asset('index.html'), { detail: { summary: 'The operator page', tags: ['page'] } })
    .get('/console/:file', ({ params }) => asset(params.file), {
      params: fileParam,
      detail: { summary: 'Files of the operator page', tags: ['page'] },
    })
    .get('/connections', ({ query }) => service.list(query), {
      query: pageQuery,
      response: { 200: connectionsReply },
      detail: { summary: 'Open WebSocket connections with their counters', tags: ['connections'] },
    })
    .get('/snapshot/models', () => service.modelSnapshot(), {
      detail: {
        summary: 'Newest state of models, trainings, searches, experiments, drift, predictions and decisions',
        tags: ['page'],
        responses: {
          200: {
            description: 'OK',
            content: { 'application/json': { schema: jsonSchemaOf(modelSnapshotReply) } },
          },
        },
      },
    })
    .get('/snapshot', ({ query }) => service.snapshot(query), {
      query: snapshotQuery,
      detail: {
        summary: 'Newest state of engines, markets and portfolios: what a page shows at load',
        tags: ['page'],
        responses: {
          200: {
            description: 'OK',
            content: { 'application/json': { schema: jsonSchemaOf(snapshotReply) } },
          },
        },
      },
    });
}
