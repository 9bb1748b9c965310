// Routes of features.
import { Elysia } from 'elysia';
import { ARROW_STREAM } from '../../../src/http/media-types.ts';
import { jobAccepted, jobReply } from '../../../src/jobs/record.ts';
import {
  correlationQuery,
  correlationReply,
  engineerReply,
  engineerRequest,
  importanceQuery,
  importanceReply,
  selectionReply,
  selectionRequest,
} from './schemas.ts';
import type { Answered, FeatureRoutesService } from './work.ts';

const tags = ['features'];
const wantsArrow = ({ headers }: Request) => headers.get('accept')?.includes(ARROW_STREAM) ?? false;

/** What of the reply an answer decides. */
interface Reply {
  status?: number | string;
  headers: Record<string, string | number>;
}

// biome-ignore lint/suspicious/noExplicitAny: the schema of the reply checks what comes
function told(answer: Answered, set: Reply): any {
  if ('done' in answer) return answer.done;
  set.status = 202;
  set.headers.location = answer.job.progress_url;
  return answer.job;
}

/** Returns the routes of features. */
export function featureRoutes(service: FeatureRoutesService) {
  return new Elysia({ name: 'ml-features' })
    .post(
      '/features/engineer',
      async ({ body, request, set }) => {
        const answer = await service.engineer(body, wantsArrow(request));
        if ('arrow' in answer)
          return new Response(answer.arrow, { headers: { 'content-type': ARROW_STREAM } }) as never;
        return told(answer, set);
      },
      {
        body: engineerRequest,
        response: { 200: engineerReply, 202: jobAccepted },
        detail: {
          summary: 'Features of a table or of posted rows, also stored as a table or as Arrow',
          tags,
        },
      },
    )
    .post(
      '/features/selection',
      async ({ body, request, set }) => told(await service.select(body, request.signal), set),
      {
        body: selectionRequest,
        response: { 200: selectionReply, 202: jobAccepted },
        detail: { summary: 'Choose features by what the training part of a table says of a target', tags },
      },
    )
    .get(
      '/features/correlation',
      async ({ query, request, set }) => told(await service.correlation(query, request.signal), set),
      {
        query: correlationQuery,
        response: { 200: correlationReply, 202: jobReply },
        detail: {
          summary: 'Correlations of columns, the strongest pairs, and groups that say the same',
          tags,
        },
      },
    )
    .get('/features/importance', async ({ query, set }) => told(await service.importance(query), set), {
      query: importanceQuery,
      response: { 200: importanceReply, 202: jobReply },
      detail: { summary: 'What a version makes of its features', tags },
    });
}
