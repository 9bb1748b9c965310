// Routes of predictions: schema, one call, nothing else.
import { Elysia } from 'elysia';
import { batchRequest, hardwareRequest, predictReply, predictRequest } from './schemas.ts';
import type { Serving } from './serving.ts';

const tags = ['predict'];
const response = { 200: predictReply };

/** Returns the routes of predictions. */
export function servingRoutes(serving: Serving) {
  return new Elysia({ name: 'ml-serving' })
    .post('/predict', ({ body, request }) => serving.predict(body, request.signal), {
      body: predictRequest,
      response,
      detail: { summary: 'Predictions for rows of inputs, or for an instrument now', tags },
    })
    .post('/predict/batch', ({ body, request }) => serving.batch(body, request.signal), {
      body: batchRequest,
      response,
      detail: { summary: 'Predictions for up to MAX_BATCH_SIZE rows', tags },
    })
    .post(
      '/predict/neural-engine',
      ({ body, request }) => serving.predictOn('coreml', body, request.signal),
      {
        body: hardwareRequest,
        response,
        detail: { summary: 'Predictions on the Neural Engine; 503 where there is none', tags },
      },
    )
    .post(
      '/predict/metal-gpu',
      ({ body, request }) => serving.predictOn('coreml-gpu', body, request.signal),
      {
        body: hardwareRequest,
        response,
        detail: { summary: 'Predictions on the GPU; 503 where there is none', tags },
      },
    )
    .post('/predict/hybrid', ({ body, request }) => serving.predict(body, request.signal), {
      body: predictRequest,
      response,
      detail: { summary: 'Predictions where the hardware router says', tags },
    });
}
