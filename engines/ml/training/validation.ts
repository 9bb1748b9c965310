// Validation as a job: a family with its options on the splits of a scheme; nothing is registered.
import type { Config } from '../../../src/core/config.ts';
import type { EngineContext } from '../../../src/http/engine.ts';
import { defineJob, type JobContext, type JobDefinition } from '../../../src/jobs/define.ts';
import type { Jobs } from '../../../src/jobs/jobs.ts';
import type { JobAccepted } from '../../../src/jobs/record.ts';
import type { DatasetStore } from '../datasets/store.ts';
import type { ModelsService } from '../registry/service.ts';
import { checked } from './check.ts';
import { dropCheckpoints } from './checkpoints.ts';
import { defaultsOf } from './defaults.ts';
import { inChild, orderOf } from './in-child.ts';
import {
  type ValidateInput,
  type ValidateReply,
  type ValidateRequest,
  validateInput,
  validateReply,
} from './schemas.ts';

const KIND = 'validate';
const FIVE_FOLDS = { kind: 'purged_k_fold', folds: 5, embargo_us: 0 } as const;
const DAY_MS = 86_400_000;
/** Parts of the progress of a job. */
const WHOLE = 1000;

/** The validations of the engine. */
export class Validation {
  readonly definition: JobDefinition;
  readonly #models: ModelsService;
  readonly #datasets: DatasetStore;
  readonly #config: Config;
  #jobs: Jobs | undefined;

  constructor({ config }: EngineContext, models: ModelsService, datasets: DatasetStore) {
    this.#models = models;
    this.#datasets = datasets;
    this.#config = config;
    this.definition = defineJob({
      kind: KIND,
      input: validateInput,
      result: validateReply,
      // It changes nothing, so that it can be begun again.
      attempts: 2,
      timeoutMs: DAY_MS,
      run: (input: ValidateInput, job: JobContext) => this.#run(input, job),
      ended: ({ job_id }) => void dropCheckpoints(config.dataDir, job_id),
    }) as JobDefinition;
  }

  /** Where the jobs go, once they are open. */
  bind(jobs: Jobs): void {
    this.#jobs = jobs;
  }

  /** Checks a request and queues it. Throws what `checked` throws. */
  async add(model_id: string, request: ValidateRequest): Promise<JobAccepted> {
    const given = await checked(model_id, request, this.#models, this.#datasets);
    const { configuration } = await this.#models.registry.store.queries.model(model_id);
    const scheme = request.scheme ?? defaultsOf(configuration).validation ?? FIVE_FOLDS;
    const input = { ...given, scheme };
    if (input.target.kind === 'none') {
      // Loaded with the first use: an engine that validates nothing starts without it.
      const { checkUnlabelledScheme } = await import('../../../src/learning/validation/unlabelled/train.ts');
      checkUnlabelledScheme(input.scheme);
    }
    return this.#jobs!.add(KIND, input);
  }

  #run(input: ValidateInput, { jobId, signal, progress }: JobContext): Promise<ValidateReply> {
    const order = { kind: 'validate', ...orderOf(this.#config, jobId), input } as const;
    return inChild(order, {
      signal,
      progress: ({ fraction }) => progress(Math.round(fraction * WHOLE), WHOLE, 'splits'),
    });
  }
}
