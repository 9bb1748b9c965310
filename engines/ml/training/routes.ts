// Routes of training.
import { Elysia } from 'elysia';
import { jsonSchemaOf } from '../../../src/http/openapi.ts';
import { jobAccepted } from '../../../src/jobs/record.ts';
import { modelParam } from '../schemas.ts';
import type { Training } from './job.ts';
import { familyList, trainRequest, validateRequest } from './schemas.ts';
import type { Validation } from './validation.ts';

/** Returns the routes of training and validation. */
export function trainingRoutes(training: Training, validation: Validation) {
  return new Elysia({ name: 'ml-training' })
    .get(
      '/families',
      async () => {
        // Loaded with the first use: an engine that trains nothing starts without it.
        const { FAMILIES } = await import('../../../src/learning/families.ts');
        return {
          families: FAMILIES.map(({ name, title, tasks, hardware, options }) => ({
            family: name,
            title,
            tasks: [...tasks],
            hardware: [...(hardware ?? ['cpu'])],
            options: jsonSchemaOf(options),
          })),
        };
      },
      {
        response: { 200: familyList },
        detail: { summary: 'Families of models and their options', tags: ['training'] },
      },
    )
    .post(
      '/models/:model_id/train',
      async ({ params, body, set }) => {
        const job = await training.add(params.model_id, body);
        set.status = 202;
        set.headers.location = job.progress_url;
        return job;
      },
      {
        params: modelParam,
        body: trainRequest,
        response: { 202: jobAccepted },
        detail: { summary: 'Train a version of a model on a table, as a job', tags: ['training'] },
      },
    )
    .post(
      '/models/:model_id/validate',
      async ({ params, body, set }) => {
        const job = await validation.add(params.model_id, body);
        set.status = 202;
        set.headers.location = job.progress_url;
        return job;
      },
      {
        params: modelParam,
        body: validateRequest,
        response: { 202: jobAccepted },
        detail: { summary: 'Score a family on purged splits of a table, as a job', tags: ['training'] },
      },
    );
}
