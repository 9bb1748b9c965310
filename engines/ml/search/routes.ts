// Routes of searches: schema, one call, nothing else.
import { Elysia } from 'elysia';
import { jobAccepted } from '../../../src/jobs/record.ts';
import {
  automlRequest,
  deployRequest,
  deploySearchReply,
  hyperoptRequest,
  resultsQuery,
  searchesQuery,
  searchList,
  searchParam,
  searchResults,
  searchStatus,
} from './schemas.ts';
import type { SearchService } from './service.ts';

const tags = ['search'];

/** Returns the routes of AutoML and of searches over one family. */
export function searchRoutes(searches: SearchService) {
  return new Elysia({ name: 'ml-search' })
    .post(
      '/automl/start',
      async ({ body, set }) => {
        const job = await searches.startAutoml(body);
        set.status = 202;
        set.headers.location = `/automl/status/${job.job_id}`;
        return job;
      },
      {
        body: automlRequest,
        response: { 202: jobAccepted },
        detail: { summary: 'Search over families, features and options, as a job', tags },
      },
    )
    .get('/automl/status/:job_id', ({ params }) => searches.status(params.job_id), {
      params: searchParam,
      response: { 200: searchStatus },
      detail: { summary: 'How a search goes', tags },
    })
    .get('/automl/results/:job_id', ({ params, query }) => searches.results(params.job_id, query), {
      params: searchParam,
      query: resultsQuery,
      response: { 200: searchResults },
      detail: { summary: 'Best model, leader board and test of a search', tags },
    })
    .post('/automl/deploy/:job_id', ({ params, body }) => searches.deploy(params.job_id, body), {
      params: searchParam,
      body: deployRequest.optional(),
      response: { 200: deploySearchReply },
      detail: { summary: 'Register what a search found as a version, and deploy it', tags },
    })
    .get('/automl', ({ query }) => searches.list(query), {
      query: searchesQuery,
      response: { 200: searchList },
      detail: { summary: 'Searches, newest first', tags },
    })
    .post(
      '/hyperopt/start',
      async ({ body, set }) => {
        const job = await searches.startHyperopt(body);
        set.status = 202;
        set.headers.location = `/hyperopt/progress/${job.job_id}`;
        return job;
      },
      {
        body: hyperoptRequest,
        response: { 202: jobAccepted },
        detail: { summary: 'Search over the options of one family, as a job', tags },
      },
    )
    .get('/hyperopt/progress/:job_id', ({ params }) => searches.status(params.job_id), {
      params: searchParam,
      response: { 200: searchStatus },
      detail: { summary: 'How a search over one family goes', tags },
    });
}
