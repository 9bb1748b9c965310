// Routes of the Risk engine: schema, one call, nothing else.
import { Elysia } from 'elysia';
import { validationReply, validationRequest } from '../../src/bus/decision-bodies.ts';
import { traceIdOf } from '../../src/http/trace-context.ts';
import {
  breachesReply,
  changesReply,
  checkReply,
  checkRequest,
  limitsPatch,
  limitsReply,
  pageQuery,
  portfolioParam,
  varReply,
  varRequest,
} from './schemas.ts';
import type { RiskService } from './service.ts';

/** Returns the routes of the Risk engine. */
export function riskRoutes(service: RiskService) {
  return new Elysia({ name: 'risk-routes' })
    .post('/risk/check/:portfolio_id', ({ params, body }) => service.check(params.portfolio_id, body), {
      params: portfolioParam,
      body: checkRequest.optional(),
      response: { 200: checkReply },
      detail: { summary: 'Limits of the current book, or of an order against it', tags: ['risk'] },
    })
    .post('/risk/var/:portfolio_id', ({ params, body }) => service.valueAtRisk(params.portfolio_id, body), {
      params: portfolioParam,
      body: varRequest.optional(),
      response: { 200: varReply },
      detail: { summary: 'Monte-Carlo VaR and CVaR of the book or of posted positions', tags: ['risk'] },
    })
    .post('/risk/validate-predictions', ({ body }) => service.validatePredictions(body), {
      body: validationRequest,
      response: { 200: validationReply },
      detail: { summary: 'Risk score of predictions, were each of them traded', tags: ['risk'] },
    })
    .get('/limits/:portfolio_id', ({ params }) => service.limits(params.portfolio_id), {
      params: portfolioParam,
      response: { 200: limitsReply },
      detail: { summary: 'Limits of a portfolio', tags: ['limits'] },
    })
    .put(
      '/limits/:portfolio_id',
      ({ params, body, request }) => service.changeLimits(params.portfolio_id, body, traceIdOf(request)),
      {
        params: portfolioParam,
        body: limitsPatch,
        response: { 200: limitsReply },
        detail: { summary: 'Change some limits of a portfolio', tags: ['limits'] },
      },
    )
    .get(
      '/limits/:portfolio_id/changes',
      ({ params, query }) => service.limitChanges(params.portfolio_id, query),
      {
        params: portfolioParam,
        query: pageQuery,
        response: { 200: changesReply },
        detail: { summary: 'Every change of the limits of a portfolio', tags: ['limits'] },
      },
    )
    .get('/breaches/:portfolio_id', ({ params, query }) => service.breaches(params.portfolio_id, query), {
      params: portfolioParam,
      query: pageQuery,
      response: { 200: breachesReply },
      detail: { summary: 'When limits of a portfolio went into breach and out of it', tags: ['risk'] },
    });
}
