// Routes of reports on tables: schema, one call, nothing else.
import { Elysia } from 'elysia';
import { jsonSchemaOf } from '../../../src/http/openapi.ts';
import { jobAccepted } from '../../../src/jobs/record.ts';
import { driftPage, qualityPage } from './report-page.ts';
import { driftReply, driftRequest, formatQuery, qualityReply, qualityRequest } from './schemas.ts';
import type { TableReports } from './table-reports.ts';

const tags = ['monitoring'];

const responses = (json: object) => ({
  200: {
    description: 'The report',
    content: { 'application/json': { schema: json }, 'text/html': { schema: { type: 'string' as const } } },
  },
  202: {
    description: 'A job',
    content: { 'application/json': { schema: jsonSchemaOf(jobAccepted) } },
  },
});

/** Returns the routes of reports on tables. */
export function tableReportRoutes(reports: TableReports) {
  return new Elysia({ name: 'ml-table-reports' })
    .post(
      '/drift',
      async ({ body, query, request, set }) => {
        const answer = await reports.drift(body, request.signal);
        if ('report' in answer) return query.format === 'html' ? driftPage(answer.report) : answer.report;
        set.status = 202;
        set.headers.location = answer.job.progress_url;
        return answer.job;
      },
      {
        body: driftRequest,
        query: formatQuery,
        detail: {
          summary: 'How a table differs from another one, or from what a version was fitted on',
          tags,
          responses: responses(jsonSchemaOf(driftReply)),
        },
      },
    )
    .post(
      '/quality',
      async ({ body, query, request, set }) => {
        const answer = await reports.quality(body, request.signal);
        if ('report' in answer) return query.format === 'html' ? qualityPage(answer.report) : answer.report;
        set.status = 202;
        set.headers.location = answer.job.progress_url;
        return answer.job;
      },
      {
        body: qualityRequest,
        query: formatQuery,
        detail: {
          summary: 'What is missing, constant, doubled, out of place or out of time in a table',
          tags,
          responses: responses(jsonSchemaOf(qualityReply)),
        },
      },
    );
}
