// Predictions of many rows as jobs: asked for now, fetched later.

import { ConflictError, NotFoundError } from '../../../src/core/errors.ts';
import { defineJob, type JobContext, type JobDefinition } from '../../../src/jobs/define.ts';
import type { Jobs } from '../../../src/jobs/jobs.ts';
import type { JobAccepted, JobReply } from '../../../src/jobs/record.ts';
import { type AsyncRequest, asyncRequest, predictReply } from './schemas.ts';
import type { Serving } from './serving.ts';

const KIND = 'predict';
/** Milliseconds of one attempt; a process that is lost in the middle of a run is replaced without one. */
const TIMEOUT_MS = 600_000;

/** The jobs of predictions. */
export class PredictionJobs {
  readonly definition: JobDefinition;
  #jobs: Jobs | undefined;

  constructor(serving: Serving) {
    this.definition = defineJob({
      kind: KIND,
      input: asyncRequest,
      result: predictReply,
      attempts: 2,
      timeoutMs: TIMEOUT_MS,
      run: (request: AsyncRequest, { signal, progress }: JobContext) =>
        serving.batchInParts(request, signal, (done, total) => progress(done, total, 'rows')),
    }) as JobDefinition;
  }

  /** Where the jobs go, once they are open. */
  bind(jobs: Jobs): void {
    this.#jobs = jobs;
  }

  add(request: AsyncRequest): Promise<JobAccepted> {
    return this.#jobs!.add(KIND, request);
  }

  /** Returns the predictions as JSON text, or the job while it goes on. Throws NotFoundError, and ConflictError for one that failed. */
  async result(id: string): Promise<{ readonly json: string } | { readonly job: JobReply }> {
    const job = await this.#jobs!.get(id);
    if (job.kind !== KIND) throw new NotFoundError('No prediction of this id');
    if (job.state === 'failed' || job.state === 'cancelled')
      throw new ConflictError(`The prediction is ${job.state} and has no result`, { error: job.error });
    return this.#jobs!.result(id);
  }
}
