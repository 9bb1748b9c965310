// Routes of the Factor engine: schema, one call, nothing else.
import { Elysia } from 'elysia';
import {
  computeReply,
  computeRequest,
  definitionsReply,
  nameParam,
  pageQuery,
  rankReply,
  valuesQuery,
  valuesReply,
} from './schemas.ts';
import type { FactorService } from './service.ts';

/** Returns the routes of the Factor engine. */
export function factorRoutes(service: FactorService) {
  return new Elysia({ name: 'factor-routes' })
    .get('/factors', ({ query }) => service.definitions(query), {
      query: pageQuery,
      response: { 200: definitionsReply },
      detail: { summary: 'Factors with formula, lookback and source', tags: ['factors'] },
    })
    .get('/factors/values', ({ query }) => service.values(query.symbols, query), {
      query: valuesQuery,
      response: { 200: valuesReply },
      detail: { summary: 'Current factors of symbols on the stream', tags: ['factors'] },
    })
    .get('/factors/:name/rank', ({ params, query }) => service.rank(params.name, query), {
      params: nameParam,
      query: pageQuery,
      response: { 200: rankReply },
      detail: { summary: 'Cross-section of one factor over the stream', tags: ['factors'] },
    })
    .post('/factors/compute', ({ body }) => service.compute(body), {
      body: computeRequest,
      response: { 200: computeReply },
      detail: { summary: 'Factors and ranks of a posted panel', tags: ['factors'] },
    });
}
