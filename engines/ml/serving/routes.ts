// Routes of predictions: schema, one call, nothing else.
import { Elysia } from 'elysia';
import { z } from 'zod';
import { readBody, readJson } from '../../../src/http/body.ts';
import { ARROW_STREAM } from '../../../src/http/media-types.ts';
import { jsonSchemaOf } from '../../../src/http/openapi.ts';
import { invalidBody } from '../../../src/http/problem.ts';
import { jobAccepted } from '../../../src/jobs/record.ts';
import type { Experiments } from '../experiments/experiments.ts';
import {
  eitherBody,
  isTemplateBody,
  type TemplateBody,
  type Templates,
  templateReply,
} from '../templates/service.ts';
import { symbolList, symbolListReply } from '../templates/symbols/schemas.ts';
import { MAX_ARROW_BYTES, replyToArrow, rowsFromArrow } from './arrow.ts';
import type { PredictionJobs } from './jobs.ts';
import type { Asked } from './models.ts';
import { type PublishParts, publishPrediction } from './publish.ts';
import {
  arrowQuery,
  batchRequest,
  type HardwareRequest,
  hardwareRequest,
  type PredictReply,
  type PredictRequest,
  predictReply,
  predictRequest,
  publishRequest,
  streamRequest,
} from './schemas.ts';
import type { Serving } from './serving.ts';
import { streamPredictions } from './stream.ts';

const tags = ['predict'];
const response = { 200: predictReply };
const predictBody = eitherBody(predictRequest);
const hardwareBody = eitherBody(hardwareRequest);
const batchBody = eitherBody(batchRequest, symbolList);
const batchReply = z.union([predictReply, templateReply, symbolListReply]);
const eitherReply = { 200: z.union([predictReply, templateReply]) };
const jobParam = z.object({ job_id: z.string().min(1).max(64) });

/** Paths whose bodies are read here: JSON or Arrow. */
export const RAW_PATHS = ['/predict/batch'] as const;

const resultPath = (id: string) => `/predict/results/${id}`;
const isArrow = (type: string | null) => type?.toLowerCase().startsWith(ARROW_STREAM) ?? false;
const wantsArrow = ({ headers }: Request) => headers.get('accept')?.includes(ARROW_STREAM) ?? false;

/** Returns the routes of predictions. */
export function servingRoutes(
  serving: Serving,
  jobs: PredictionJobs,
  publishing: PublishParts,
  templates: Templates,
  experiments: Pick<Experiments, 'predict' | 'batch'>,
  maxBodyBytes: number,
) {
  const anywhere = (body: PredictRequest | TemplateBody, request: Request) =>
    isTemplateBody(body)
      ? templates.answer(body, 'auto', request.signal)
      : experiments.predict(body, request.signal, request.headers);
  const on = (asked: Asked, body: HardwareRequest | TemplateBody, { signal, headers }: Request) => {
    if (isTemplateBody(body)) return templates.answer(body, asked, signal);
    const wanted = { asked, allowFallback: body.allow_fallback };
    return experiments.predict(body, signal, headers, wanted);
  };
  return new Elysia({ name: 'ml-serving' })
    .post('/predict', ({ body, request }) => anywhere(body, request), {
      body: predictBody,
      response: eitherReply,
      detail: { summary: 'Predictions for rows of inputs, or for an instrument now', tags },
    })
    .post(
      '/predict/batch',
      async ({ request, set }) => {
        if (isArrow(request.headers.get('content-type'))) return arrowBatch(serving, request);
        const body = await readJson(request, maxBodyBytes, batchBody);
        if (isTemplateBody(body)) return templates.answer(body, 'auto', request.signal);
        if (Array.isArray(body)) return templates.answerList(body, request.signal);
        if (body.async) {
          const { async: _, timeout_ms: __, ...rows } = body;
          const job = await jobs.add(rows);
          set.status = 202;
          set.headers.location = resultPath(job.job_id);
          return job;
        }
        const reply = await experiments.batch(body, request.signal);
        return wantsArrow(request) ? arrowResponse(reply) : reply;
      },
      {
        parse: 'none',
        detail: {
          summary: 'Predictions for up to MAX_BATCH_SIZE rows in JSON, more as an Arrow stream or as a job',
          tags,
          requestBody: {
            content: {
              'application/json': { schema: jsonSchemaOf(batchBody) },
              [ARROW_STREAM]: { schema: { type: 'string', format: 'binary' } },
            },
          },
          responses: {
            200: {
              description: 'Predictions',
              content: { 'application/json': { schema: jsonSchemaOf(batchReply) } },
            },
            202: {
              description: 'A job',
              content: { 'application/json': { schema: jsonSchemaOf(jobAccepted) } },
            },
          },
        },
      },
    )
    .post('/predict/publish', ({ body, request }) => publishPrediction(publishing, body, request.signal), {
      body: publishRequest,
      response,
      detail: { summary: 'One prediction of the model of the stream, published on ml.predictions', tags },
    })
    .post('/predict/stream', ({ body, request }) => streamPredictions(serving, body, request.signal), {
      body: streamRequest,
      detail: {
        summary: 'Predictions as server-sent events, part by part as they are made',
        tags,
        responses: {
          200: { description: 'Events', content: { 'text/event-stream': { schema: { type: 'string' } } } },
        },
      },
    })
    .get(
      '/predict/results/:job_id',
      async ({ params, set }) => {
        const result = await jobs.result(params.job_id);
        if ('json' in result)
          return new Response(result.json, { headers: { 'content-type': 'application/json' } });
        set.status = 202;
        return result.job;
      },
      {
        params: jobParam,
        detail: { summary: 'Predictions of a job; 202 with the job while it goes on', tags },
      },
    )
    .post('/predict/neural-engine', ({ body, request }) => on('coreml', body, request), {
      body: hardwareBody,
      response: eitherReply,
      detail: { summary: 'Predictions on the Neural Engine; 503 where there is none', tags },
    })
    .post('/predict/metal-gpu', ({ body, request }) => on('coreml-gpu', body, request), {
      body: hardwareBody,
      response: eitherReply,
      detail: { summary: 'Predictions on the GPU; 503 where there is none', tags },
    })
    .post('/predict/hybrid', ({ body, request }) => anywhere(body, request), {
      body: predictBody,
      response: eitherReply,
      detail: { summary: 'Predictions where the hardware router says', tags },
    });
}

async function arrowBatch(serving: Serving, request: Request): Promise<Response | PredictReply> {
  const query = arrowQuery.safeParse(Object.fromEntries(new URL(request.url).searchParams));
  if (!query.success) throw invalidBody(query.error);
  const bytes = await readBody(request, MAX_ARROW_BYTES);
  const asked = { ...query.data, allow_fallback: query.data.allow_fallback === 'true' };
  const read = ({ inputs }: { inputs: readonly { readonly name: string }[] }) =>
    rowsFromArrow(
      bytes,
      inputs.map(({ name }) => name),
    );
  const reply = await serving.rows(asked, read, request.signal);
  // Who asks for JSON by name gets it; everybody else what they speak.
  return request.headers.get('accept')?.includes('json') ? reply : arrowResponse(reply);
}

async function arrowResponse(reply: PredictReply): Promise<Response> {
  const { model_id, model_version, hardware_used, where, processing_time_ms } = reply;
  return new Response(await replyToArrow(reply), {
    headers: {
      'content-type': ARROW_STREAM,
      'x-model-id': model_id,
      'x-model-version': model_version,
      'x-hardware-used': hardware_used,
      'x-where': where,
      'x-processing-time-ms': String(processing_time_ms),
    },
  });
}
