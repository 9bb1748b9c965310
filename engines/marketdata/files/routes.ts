// The routes of imports of files.
import { type Context, Elysia } from 'elysia';
import { bodyChunks } from '../../../src/http/body.ts';
import { type JobAccepted, jobAccepted } from '../../../src/jobs/record.ts';
import { importQuery, importReply } from '../schemas.ts';
import type { FileImports } from './imports.ts';
import { fileImportQuery, fileImportReport } from './schemas.ts';

/** Returns the routes of imports; bodies have at most `maxBytes`. */
export function fileRoutes(imports: FileImports, maxBytes: number) {
  return new Elysia({ name: 'marketdata-files' })
    .post(
      '/import',
      async ({ request, query, set }) => {
        const { wait, dry_run, ...spec } = query;
        const input = { ...spec, dry_run: dry_run === 'true' };
        const body = bodyChunks(request, maxBytes);
        if (wait === 'true') return imports.now(input, body, request.signal);
        return accepted(await imports.add(input, body), set);
      },
      {
        parse: 'none',
        query: fileImportQuery,
        response: { 200: fileImportReport, 202: jobAccepted },
        detail: {
          summary:
            'Import a file of bars, trades, quotes or capture lines, sent as the raw body or named by path',
          tags: ['files'],
        },
      },
    )
    .post(
      '/bars/import',
      async ({ request, query, set }) => {
        const { wait, ...input } = query;
        const body = bodyChunks(request, maxBytes);
        if (wait === 'true') return imports.barsNow(input, body, request.signal);
        return accepted(await imports.addBars(input, body), set);
      },
      {
        parse: 'none',
        query: importQuery,
        response: { 200: importReply, 202: jobAccepted },
        detail: { summary: 'Import OHLCV CSV, plain or gzip, sent as the raw body', tags: ['bars'] },
      },
    );
}

function accepted(job: JobAccepted, set: Context['set']): JobAccepted {
  set.status = 202;
  set.headers.location = job.progress_url;
  return job;
}
