// Routes of the Portfolio engine: schema, one call, nothing else.
import { Elysia } from 'elysia';
import { traceIdOf } from '../../src/http/trace-context.ts';
import {
  fillsQuery,
  fillsReply,
  listQuery,
  minimumVarianceReply,
  minimumVarianceRequest,
  newPortfolio,
  portfolioList,
  portfolioParam,
  portfolioReply,
} from './schemas.ts';
import type { PortfolioService } from './service.ts';

/** Returns the routes of the Portfolio engine. */
export function portfolioRoutes(service: PortfolioService) {
  return new Elysia({ name: 'portfolio-routes' })
    .get('/portfolios', ({ query }) => service.list(query.limit, query.offset), {
      query: listQuery,
      response: { 200: portfolioList },
      detail: { summary: 'Portfolios in order of id', tags: ['portfolios'] },
    })
    .post(
      '/portfolios',
      async ({ body, status, request }) => status(201, await service.create(body, traceIdOf(request))),
      {
        body: newPortfolio,
        response: { 201: portfolioReply },
        detail: { summary: 'A new portfolio', tags: ['portfolios'] },
      },
    )
    .get('/portfolios/:id', ({ params }) => service.get(params.id), {
      params: portfolioParam,
      response: { 200: portfolioReply },
      detail: { summary: 'Cash, profit and positions of one portfolio', tags: ['portfolios'] },
    })
    .get('/portfolios/:id/fills', ({ params, query }) => service.fills(params.id, query.limit, query.after), {
      params: portfolioParam,
      query: fillsQuery,
      response: { 200: fillsReply },
      detail: { summary: 'Executions in order of arrival', tags: ['portfolios'] },
    })
    .post('/portfolios/optimize/minimum-variance', ({ body }) => service.minimumVariance(body), {
      body: minimumVarianceRequest,
      response: { 200: minimumVarianceReply },
      detail: { summary: 'Weights of least variance', tags: ['optimisation'] },
    });
}
