// Routes of the Analytics engine: schema, one call, nothing else.
import { Elysia } from 'elysia';
import {
  calculateReply,
  calculateRequest,
  defaultRequest,
  equityQuery,
  equityReply,
  listQuery,
  portfolioList,
  portfolioParam,
} from './schemas.ts';
import type { AnalyticsService } from './service.ts';

/** Returns the routes of the Analytics engine. */
export function analyticsRoutes(service: AnalyticsService) {
  return new Elysia({ name: 'analytics-routes' })
    .get('/analytics', ({ query }) => service.list(query.limit, query.offset), {
      query: listQuery,
      response: { 200: portfolioList },
      detail: { summary: 'Portfolios whose equity is followed', tags: ['analytics'] },
    })
    .post(
      '/analytics/calculate/:id',
      ({ params, body }) => service.calculate(params.id, body ?? defaultRequest()),
      {
        params: portfolioParam,
        body: calculateRequest,
        response: { 200: calculateReply },
        detail: { summary: 'Profit, return, risk-adjusted measures and drawdown', tags: ['analytics'] },
      },
    )
    .get(
      '/analytics/:id/equity',
      ({ params, query }) => service.equity(params.id, query.limit, query.from_us),
      {
        params: portfolioParam,
        query: equityQuery,
        response: { 200: equityReply },
        detail: { summary: 'The equity curve of one portfolio', tags: ['analytics'] },
      },
    );
}
