// Routes of the tables to train on.
import { Elysia } from 'elysia';
import { z } from 'zod';
import { bodyChunks } from '../../../src/http/body.ts';
import type { EngineContext } from '../../../src/http/engine.ts';
import { readFrameCsv } from '../../../src/learning/tables/read-csv.ts';
import { datasetList, datasetParam, datasetQuery, datasetSchema } from './schemas.ts';
import type { DatasetStore } from './store.ts';

/** Most numbers of one table: 160 MB. */
export const MAX_CELLS = 20_000_000;

/** Returns the routes of `store`. */
export function datasetRoutes(store: DatasetStore, { config, clock }: EngineContext) {
  return new Elysia({ name: 'ml-datasets' })
    .get('/datasets', async () => ({ datasets: await store.list() }), {
      response: { 200: datasetList },
      detail: { summary: 'Tables to train on, newest first', tags: ['datasets'] },
    })
    .post(
      '/datasets',
      async ({ request, query, set }) => {
        const limits = { maxBytes: config.maxImportBytes, maxCells: MAX_CELLS };
        const file = await readFrameCsv(bodyChunks(request, config.maxImportBytes), limits);
        set.status = 201;
        return store.save(file, query.name, clock.nowUs());
      },
      {
        parse: 'none',
        query: datasetQuery,
        response: { 201: datasetSchema },
        detail: {
          summary: 'Store a table: CSV over time, plain or gzip, sent as the raw body',
          tags: ['datasets'],
        },
      },
    )
    .get('/datasets/:dataset_id', ({ params }) => store.get(params.dataset_id), {
      params: datasetParam,
      response: { 200: datasetSchema },
      detail: { summary: 'Card of one table', tags: ['datasets'] },
    })
    .delete(
      '/datasets/:dataset_id',
      async ({ params, set }) => {
        await store.remove(params.dataset_id);
        set.status = 204;
      },
      {
        params: datasetParam,
        response: { 204: z.void() },
        detail: {
          summary: 'Remove a table; versions that were fitted on it keep its hash',
          tags: ['datasets'],
        },
      },
    );
}
