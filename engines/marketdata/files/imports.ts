// Imports of files over HTTP: an uploaded body or a file of the import folder, at once or as a job.
import type { Config } from '../../../src/core/config.ts';
import { newId } from '../../../src/core/ids.ts';
import { defineJob, type JobContext } from '../../../src/jobs/define.ts';
import type { Jobs } from '../../../src/jobs/jobs.ts';
import type { JobAccepted } from '../../../src/jobs/record.ts';
import type { History } from '../history/history.ts';
import { refuseSimulated } from '../pipeline/simulated-source.ts';
import { type ImportQuery, type ImportReply, importInput, importReply } from '../schemas.ts';
import type { Uploads } from '../uploads.ts';
import { barsInput, barsReply } from './bars-import.ts';
import { type ImportParts, importFile } from './import-file.ts';
import { allowedFile } from './import-folder.ts';
import type { ImportMetrics } from './metrics.ts';
import { type FileImportInput, fileImportInput, fileImportReport, type ImportReport } from './schemas.ts';

const HOUR_MS = 3_600_000;
// An attempt goes on where the one before ended.
const LIMITS = { attempts: 3, timeoutMs: HOUR_MS };

export interface FileImportsParts {
  readonly config: Pick<Config, 'importDir' | 'maxImportBytes'>;
  readonly uploads: Uploads;
  readonly history: () => Promise<History>;
  readonly jobs: () => Jobs;
  readonly metrics?: ImportMetrics | undefined;
}

/** Takes files in. */
export class FileImports {
  readonly #parts: FileImportsParts;
  readonly job = defineJob({
    kind: 'file-import',
    input: fileImportInput,
    result: fileImportReport,
    ...LIMITS,
    run: (input, job) => this.#run(job.jobId, input, job),
    ended: ({ job_id }) => void this.#parts.uploads.remove(job_id),
  });
  readonly barsJob = defineJob({
    kind: 'import',
    input: importInput,
    result: importReply,
    ...LIMITS,
    run: async (query, job) => barsReply(await this.#run(job.jobId, barsInput(query), job)),
    ended: ({ job_id }) => void this.#parts.uploads.remove(job_id),
  });

  constructor(parts: FileImportsParts) {
    this.#parts = parts;
  }

  /** Imports a body or a file of the import folder at once. Throws what `importFile` throws, NotFoundError and InvalidOptionError for a path. */
  async now(
    input: FileImportInput,
    body: AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<ImportReport> {
    const id = newId();
    await this.#save(id, input, body);
    try {
      return await this.#run(id, input, signal ? { signal } : {});
    } finally {
      await this.#parts.uploads.remove(id);
    }
  }

  /** Takes a file and adds its import as a job. Throws as {@link now} before anything is read of it. */
  add(input: FileImportInput, body: AsyncIterable<Uint8Array>): Promise<JobAccepted> {
    return this.#add('file-import', input, input, body);
  }

  /** As {@link now}, of bars in CSV. */
  async barsNow(
    query: ImportQuery,
    body: AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<ImportReply> {
    return barsReply(await this.now(barsInput(query), body, signal));
  }

  /** As {@link add}, of bars in CSV. */
  addBars(query: ImportQuery, body: AsyncIterable<Uint8Array>): Promise<JobAccepted> {
    return this.#add('import', query, barsInput(query), body);
  }

  async #add(
    kind: string,
    input: object,
    spec: FileImportInput,
    body: AsyncIterable<Uint8Array>,
  ): Promise<JobAccepted> {
    const id = newId();
    await this.#save(id, spec, body);
    try {
      return await this.#parts.jobs().add(kind, input, { id });
    } catch (error) {
      await this.#parts.uploads.remove(id);
      throw error;
    }
  }

  async #save(id: string, { path, symbol }: FileImportInput, body: AsyncIterable<Uint8Array>): Promise<void> {
    refuseSimulated(symbol);
    if (path === undefined) await this.#parts.uploads.save(id, body);
    else await allowedFile(this.#parts.config.importDir, path, 'query/path');
  }

  async #run(
    id: string,
    { path, name, dry_run, ...spec }: FileImportInput,
    job: Partial<Pick<JobContext, 'signal' | 'progress'>>,
  ): Promise<ImportReport> {
    const { config, uploads, history, metrics } = this.#parts;
    const parts: ImportParts = {
      history: dry_run ? null : await history(),
      maxBytes: config.maxImportBytes,
      name: path === undefined ? (name ?? 'body') : undefined,
      signal: job.signal,
      ...(job.progress ? { progress: job.progress } : {}),
    };
    const file =
      path === undefined ? uploads.path(id) : await allowedFile(config.importDir, path, 'query/path');
    const started = performance.now();
    const seconds = () => (performance.now() - started) / 1000;
    try {
      const report = await importFile(file, spec, parts);
      metrics?.ended(report, seconds());
      return report;
    } catch (error) {
      metrics?.failed(seconds());
      throw error;
    }
  }
}
