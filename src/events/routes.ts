// Routes of durable events that every engine with a database has: where its streams stand, and what was set aside.
import { Elysia } from 'elysia';
import { z } from 'zod';
import type { EngineEvents } from './engine-events.ts';

const stream = { topic: z.string(), partition: z.int() };
const state = z.enum(['parked', 'replayed', 'discarded']);

const letter = z.object({
  id: z.int(),
  ...stream,
  generation: z.string(),
  position: z.int(),
  payload: z.string().describe('the envelope as the log gave it, JSON text'),
  reason: z.string().describe('why it could not be applied'),
  attempts: z.int().describe('how often it was tried'),
  state,
  ts_us: z.int().describe('when it was set aside, microseconds since the epoch'),
});

const idParam = z.object({ id: z.coerce.number().int().min(1) });

const listQuery = z.object({
  state: state.default('parked'),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  cursor: z.coerce.number().int().min(1).optional().describe('next_cursor of the page before'),
});

const overview = z.object({
  generation: z.string().describe('names the database that numbers the events'),
  log: z.string().describe('what keeps the events: hub, redis or memory'),
  produced: z
    .array(
      z.object({
        ...stream,
        last: z.int().describe('position of the last stored event'),
        sent: z.int().nullable().describe('position up to which the log has them; null until it was asked'),
      }),
    )
    .describe('streams that this engine owns'),
  consumed: z
    .array(
      z.object({
        ...stream,
        generation: z.string(),
        position: z.int().describe('position of the last event that was applied'),
        epoch: z.int().describe('of the lease; grows with each holder'),
      }),
    )
    .describe('partitions that this process holds and has read'),
  failing: z
    .array(z.object({ ...stream, position: z.int(), tries: z.int().describe('by itself, so far') }))
    .describe('events that have failed or ended the process, and are tried again before they are set aside'),
  counts: z.object({
    applied: z.int(),
    duplicates: z.int(),
    retries: z.int(),
    dead_letters: z.int(),
    lost: z.int(),
  }),
  parked: z.int().describe('dead letters that wait for somebody'),
});

const tags = ['events'];

/** Returns the routes under `/events`. */
export function eventRoutes(events: EngineEvents) {
  return new Elysia({ name: 'event-routes' })
    .get('/events', () => events.overview(), {
      response: { 200: overview },
      detail: { summary: 'Where the durable events of this engine stand', tags },
    })
    .get(
      '/events/dead-letters',
      async ({ query }) => {
        const letters = await events.deadLetters.list(query.state, query.limit, query.cursor);
        return { letters, next_cursor: letters.length === query.limit ? letters.at(-1)!.id : null };
      },
      {
        query: listQuery,
        response: { 200: z.object({ letters: z.array(letter), next_cursor: z.int().nullable() }) },
        detail: { summary: 'Events that could not be applied, newest first', tags },
      },
    )
    .get('/events/dead-letters/:id', ({ params }) => events.deadLetters.get(params.id), {
      params: idParam,
      response: { 200: letter },
      detail: { summary: 'One event that could not be applied', tags },
    })
    .post('/events/dead-letters/:id/replay', ({ params }) => events.deadLetters.replay(params.id), {
      params: idParam,
      response: { 200: letter },
      detail: { summary: 'Applies the event now, after those that came behind it', tags },
    })
    .delete('/events/dead-letters/:id', ({ params }) => events.deadLetters.discard(params.id), {
      params: idParam,
      response: { 200: letter },
      detail: { summary: 'Gives the event up; it stays on record', tags },
    });
}
