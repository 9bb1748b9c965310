// Routes of monitoring: schema, one call, nothing else.
import { Elysia } from 'elysia';
import { z } from 'zod';
import { reportPage } from './report-page.ts';
import {
  historyQuery,
  historyReply,
  monitorConfig,
  monitorList,
  monitorParam,
  monitorReply,
  monitorsQuery,
  outcomesReply,
  outcomesRequest,
  windowReport,
} from './schemas.ts';
import type { Monitoring } from './service.ts';

const tags = ['monitoring'];
const params = monitorParam;
/** Windows that the page of a monitor shows. */
const SHOWN_WINDOWS = 200;

/** Returns the routes of monitors. */
export function monitoringRoutes(monitoring: Monitoring) {
  return new Elysia({ name: 'ml-monitoring' })
    .get('/monitors', ({ query }) => monitoring.list(query.limit, query.cursor), {
      query: monitorsQuery,
      response: { 200: monitorList },
      detail: { summary: 'Models that are watched, by id', tags },
    })
    .put('/monitors/:model_id', ({ params, body }) => monitoring.put(params.model_id, body), {
      params,
      body: monitorConfig,
      response: { 200: monitorReply },
      detail: { summary: 'Watch a model, or change what is looked for', tags },
    })
    .get('/monitors/:model_id', ({ params }) => monitoring.reply(params.model_id), {
      params,
      response: { 200: monitorReply },
      detail: { summary: 'One monitor: what it watches, its alarms and retrainings', tags },
    })
    .delete(
      '/monitors/:model_id',
      async ({ params, set }) => {
        await monitoring.delete(params.model_id);
        set.status = 204;
      },
      {
        params,
        response: { 204: z.void() },
        detail: { summary: 'Watch a model no longer; its reports go', tags },
      },
    )
    .get('/monitors/:model_id/drift', ({ params }) => monitoring.drift(params.model_id), {
      params,
      response: { 200: windowReport },
      detail: { summary: 'The newest report on drift of inputs, predictions, accuracy and latency', tags },
    })
    .get(
      '/monitors/:model_id/history',
      async ({ params, query }) => {
        const windows = await monitoring.history(params.model_id, query.limit, query.cursor);
        return { windows, next_cursor: windows.length === query.limit ? windows.at(-1)!.seq : null };
      },
      {
        params,
        query: historyQuery,
        response: { 200: historyReply },
        detail: { summary: 'Windows of a monitor, newest first', tags },
      },
    )
    .get(
      '/monitors/:model_id/report',
      async ({ params }) => {
        const { model_id } = params;
        const monitor = await monitoring.reply(model_id);
        const history = await monitoring.history(model_id, SHOWN_WINDOWS);
        return reportPage(monitor, monitor.version ? await monitoring.drift(model_id) : null, history);
      },
      {
        params,
        detail: {
          summary: 'The newest report as a page with plots',
          tags,
          responses: {
            200: { description: 'A page', content: { 'text/html': { schema: { type: 'string' } } } },
          },
        },
      },
    )
    .post('/monitors/:model_id/check', ({ params }) => monitoring.check(params.model_id), {
      params,
      response: { 200: windowReport },
      detail: { summary: 'Judge what there is now; a window with enough rows ends with it', tags },
    })
    .post(
      '/monitors/:model_id/outcomes',
      ({ params, body }) => monitoring.outcomes(params.model_id, body.outcomes),
      {
        params,
        body: outcomesRequest,
        response: { 200: outcomesReply },
        detail: { summary: 'What happened, for predictions by their id or key', tags },
      },
    );
}
