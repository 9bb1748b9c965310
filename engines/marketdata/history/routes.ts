// Routes of the history: trades, quotes, and what changes seldom.
import { Elysia } from 'elysia';
import type { Clock } from '../../../src/core/clock.ts';
import { ARROW_STREAM } from '../../../src/http/media-types.ts';
import type { History } from './history.ts';
import { corporateActions, fundamentals, instruments, macroPoints } from './reference.ts';
import { CSV_TYPE, formatOf } from './replies.ts';
import { ticks } from './requests.ts';
import {
  actionsQuery,
  fundamentalsQuery,
  instrumentsQuery,
  macroQuery,
  seriesParam,
  symbolParam,
  ticksQuery,
} from './schemas.ts';

const FORMS = `as JSON in pages, or (Accept: ${CSV_TYPE} or ${ARROW_STREAM}) as a stream`;

/** Returns the routes of the history; `clock` is what "now" is for questions that name no time. */
export function historyRoutes(open: () => Promise<History>, clock: Clock) {
  // A filing of today counts as known from the end of the day on: what is stored may be ahead of what is known.
  const asOfNow = <Q extends { as_of_us?: number | undefined }>(query: Q) => ({
    ...query,
    as_of_us: query.as_of_us ?? clock.nowUs(),
  });
  return new Elysia({ name: 'history-routes' })
    .get(
      '/trades/:symbol',
      async ({ params, query, request }) =>
        ticks(await open(), 'trade', params.symbol, query, formatOf(request), request.signal),
      {
        params: symbolParam,
        query: ticksQuery,
        detail: { summary: `Stored trades, ${FORMS}`, tags: ['history'] },
      },
    )
    .get(
      '/quotes/:symbol',
      async ({ params, query, request }) =>
        ticks(await open(), 'quote', params.symbol, query, formatOf(request), request.signal),
      {
        params: symbolParam,
        query: ticksQuery,
        detail: { summary: `Stored quotes, ${FORMS}`, tags: ['history'] },
      },
    )
    .get('/instruments', async ({ query }) => instruments(await open(), query), {
      query: instrumentsQuery,
      detail: {
        summary: 'Instruments, each with the time that its description is valid for',
        tags: ['history'],
      },
    })
    .get(
      '/corporate-actions/:symbol',
      async ({ params, query }) => corporateActions(await open(), params.symbol, query),
      {
        params: symbolParam,
        query: actionsQuery,
        detail: { summary: 'Splits, dividends and renames of a symbol', tags: ['history'] },
      },
    )
    .get(
      '/macro/:series',
      async ({ params, query }) => macroPoints(await open(), params.series, asOfNow(query)),
      {
        params: seriesParam,
        query: macroQuery,
        detail: { summary: 'Points of an economic series, in the vintage of a time', tags: ['history'] },
      },
    )
    .get(
      '/fundamentals/:symbol',
      async ({ params, query }) => fundamentals(await open(), params.symbol, asOfNow(query)),
      {
        params: symbolParam,
        query: fundamentalsQuery,
        detail: { summary: 'Reported figures of a company, as they were known at a time', tags: ['history'] },
      },
    );
}
