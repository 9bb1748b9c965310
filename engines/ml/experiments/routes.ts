// Routes of experiments: schema, one call, nothing else.
import { Elysia } from 'elysia';
import type { Experiments } from './experiments.ts';
import {
  assignmentQuery,
  assignmentReply,
  auditList,
  auditQuery,
  experimentList,
  experimentPage,
  experimentParam,
  experimentRequest,
  experimentsQuery,
  outcomesReply,
  outcomesRequest,
  promoteRequest,
  rampRequest,
} from './schemas.ts';

const tags = ['experiments'];
const params = experimentParam;
const response = { 200: experimentPage };

/** Returns the routes of experiments. */
export function experimentRoutes(experiments: Experiments) {
  return new Elysia({ name: 'ml-experiments' })
    .get('/experiments', ({ query }) => experiments.list(query), {
      query: experimentsQuery,
      response: { 200: experimentList },
      detail: { summary: 'Experiments on models, newest first', tags },
    })
    .post(
      '/experiments',
      async ({ body, set }) => {
        const page = await experiments.create(body);
        set.status = 201;
        set.headers.location = `/experiments/${page.experiment_id}`;
        return page;
      },
      {
        body: experimentRequest,
        response: { 201: experimentPage },
        detail: { summary: 'Compare versions of a model: split, shadow or canary', tags },
      },
    )
    .get('/experiments/:experiment_id', ({ params }) => experiments.page(params.experiment_id), {
      params,
      response,
      detail: { summary: 'Counts, always-valid p-values and intervals, shares, decision and why', tags },
    })
    .post(
      '/experiments/:experiment_id/outcomes',
      ({ params, body }) => experiments.outcomes(params.experiment_id, body),
      {
        params,
        body: outcomesRequest,
        response: { 200: outcomesReply },
        detail: { summary: 'What came true of predictions; each counts once', tags },
      },
    )
    .post(
      '/experiments/:experiment_id/ramp',
      ({ params, body }) => experiments.ramp(params.experiment_id, body),
      { params, body: rampRequest, response, detail: { summary: 'Change the shares of the arms', tags } },
    )
    .post(
      '/experiments/:experiment_id/stop',
      ({ params }) => experiments.stopExperiment(params.experiment_id),
      {
        params,
        response,
        detail: { summary: 'End an experiment; the control answers again', tags },
      },
    )
    .post(
      '/experiments/:experiment_id/promote',
      ({ params, body }) => experiments.promote(params.experiment_id, body ?? {}),
      {
        params,
        body: promoteRequest.optional(),
        response,
        detail: { summary: 'Deploy an arm; 409 where something else was deployed meanwhile', tags },
      },
    )
    .post(
      '/experiments/:experiment_id/rollback',
      ({ params }) => experiments.rollback(params.experiment_id),
      {
        params,
        response,
        detail: { summary: 'Give all keys to the control, or take a promotion back', tags },
      },
    )
    .get(
      '/experiments/:experiment_id/audit',
      ({ params, query }) => experiments.audit(params.experiment_id, query),
      {
        params,
        query: auditQuery,
        response: { 200: auditList },
        detail: { summary: 'Everything that happened to an experiment, newest first', tags },
      },
    )
    .get(
      '/experiments/:experiment_id/assignment',
      ({ params, query }) => experiments.assignment(params.experiment_id, query.key),
      {
        params,
        query: assignmentQuery,
        response: { 200: assignmentReply },
        detail: { summary: 'The arm of a key', tags },
      },
    );
}
