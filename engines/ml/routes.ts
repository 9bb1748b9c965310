// Routes of the ML engine: schema, one call, nothing else.
import { Elysia } from 'elysia';
import { deploymentList, deploymentsQuery, modelCard, modelList, modelParam } from './schemas.ts';
import type { MlService } from './service.ts';

/** Returns the routes of the ML engine. */
export function mlRoutes(service: MlService) {
  return new Elysia({ name: 'ml-routes' })
    .get('/models', () => service.models(), {
      response: { 200: modelList },
      detail: { summary: 'Registered models, rejected ones with the reason', tags: ['models'] },
    })
    .get('/models/deployments', ({ query }) => service.deployments(query), {
      query: deploymentsQuery,
      response: { 200: deploymentList },
      detail: { summary: 'Models that have served the stream, newest first', tags: ['models'] },
    })
    .get('/models/:model_id', ({ params }) => service.model(params.model_id), {
      params: modelParam,
      response: { 200: modelCard },
      detail: { summary: 'Card of one model: data, split, scores, artefact', tags: ['models'] },
    });
}
