// The route of combined decisions: schema, one call, nothing else.
import { Elysia } from 'elysia';
import { traceIdOf } from '../../../src/http/trace-context.ts';
import type { Decisions } from './decisions.ts';
import { decisionReply, decisionRequest } from './schemas.ts';

/** Returns the route of combined decisions. */
export function decisionRoutes(decisions: Decisions) {
  return new Elysia({ name: 'ml-decisions' }).post(
    '/decisions',
    ({ body, request }) => decisions.decide(body, request.signal, traceIdOf(request)),
    {
      body: decisionRequest,
      response: { 200: decisionReply },
      detail: {
        summary: 'Signals with their risk score, combined confidence and gates; nothing is traded',
        tags: ['decisions'],
      },
    },
  );
}
