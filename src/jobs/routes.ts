// The routes of jobs, the same on every engine that has some.
import { Elysia } from 'elysia';
import { z } from 'zod';
import { ConflictError } from '../core/errors.ts';
import type { Jobs } from './jobs.ts';
import { isFinished, JOB_STATES, jobReply } from './record.ts';

const idParam = z.object({ id: z.string().min(1).max(64) });
const listQuery = z.object({
  state: z.enum(JOB_STATES).optional(),
  kind: z.string().min(1).max(40).optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  offset: z.coerce.number().int().min(0).max(1_000_000).default(0),
});
const listReply = z.object({
  jobs: z.array(jobReply),
  total: z.int().describe('jobs that match, on all pages'),
});

/** Returns the routes under `/jobs`: list, one job, its result, cancel. */
export function jobRoutes(jobs: Jobs) {
  return new Elysia({ name: 'job-routes' })
    .get('/jobs', ({ query }) => jobs.list(query), {
      query: listQuery,
      response: { 200: listReply },
      detail: { summary: 'Jobs, newest first', tags: ['jobs'] },
    })
    .get('/jobs/:id', ({ params }) => jobs.get(params.id), {
      params: idParam,
      response: { 200: jobReply },
      detail: { summary: 'State and progress of a job', tags: ['jobs'] },
    })
    .get(
      '/jobs/:id/result',
      async ({ params }) => {
        const result = await jobs.result(params.id);
        if ('json' in result)
          return new Response(result.json, { headers: { 'content-type': 'application/json' } });
        const { state, error, progress_url } = result.job;
        const words = isFinished(state)
          ? `is ${state} and has no result`
          : `is ${state}: it has no result yet`;
        throw new ConflictError(`The job ${words}`, { state, error, progress_url });
      },
      { params: idParam, detail: { summary: 'Result of a completed job', tags: ['jobs'] } },
    )
    .delete(
      '/jobs/:id',
      async ({ params, set }) => {
        const job = await jobs.cancel(params.id);
        // It has its signal and has yet to stop.
        if (!isFinished(job.state)) set.status = 202;
        return job;
      },
      {
        params: idParam,
        response: { 200: jobReply, 202: jobReply },
        detail: { summary: 'Cancel a job', tags: ['jobs'] },
      },
    );
}
