// Routes of the Features engine: schema, one call, nothing else.
import { Elysia } from 'elysia';
import { withDeadline } from '../../src/http/deadline.ts';
import {
  featuresReply,
  type IndicatorRequest,
  indicatorList,
  indicatorReply,
  indicatorRequest,
  nameParam,
  symbolParam,
  symbolsReply,
} from './schemas.ts';
import type { FeatureService } from './service.ts';

/** Returns the routes of the Features engine. An indicator that takes longer than `timeoutMs` is stopped. */
export function featureRoutes(service: FeatureService, timeoutMs: number) {
  const indicatorOf = (name: string, body: IndicatorRequest) =>
    withDeadline(name, timeoutMs, (signal) => service.compute(name, body, signal));
  return new Elysia({ name: 'features-routes' })
    .get('/indicators', () => service.listIndicators(), {
      response: { 200: indicatorList },
      detail: { summary: 'Indicators with their options and outputs', tags: ['indicators'] },
    })
    .post('/indicators/:name', ({ params, body }) => indicatorOf(params.name, body), {
      params: nameParam,
      body: indicatorRequest,
      response: { 200: indicatorReply },
      detail: { summary: 'One indicator over a series', tags: ['indicators'] },
    })
    .get('/features', () => ({ symbols: service.symbols() }), {
      response: { 200: symbolsReply },
      detail: { summary: 'Instruments seen on the stream', tags: ['features'] },
    })
    .get('/features/:symbol', ({ params }) => service.latest(params.symbol), {
      params: symbolParam,
      response: { 200: featuresReply },
      detail: { summary: 'Newest features of one instrument', tags: ['features'] },
    });
}
