// Validation as a job: a family with its options on the splits of a scheme; nothing is registered.
import { defineJob, type JobContext, type JobDefinition } from '../../../src/jobs/define.ts';
import type { Jobs } from '../../../src/jobs/jobs.ts';
import type { JobAccepted } from '../../../src/jobs/record.ts';
import type { DatasetStore } from '../datasets/store.ts';
import type { ModelsService } from '../registry/service.ts';
import { checked } from './check.ts';
import {
  taskOf,
  type ValidateInput,
  type ValidateReply,
  type ValidateRequest,
  validateInput,
  validateReply,
} from './schemas.ts';

const KIND = 'validate';
const DAY_MS = 86_400_000;
/** Parts of the progress of a job. */
const WHOLE = 1000;

/** The validations of the engine. */
export class Validation {
  readonly definition: JobDefinition;
  readonly #models: ModelsService;
  readonly #datasets: DatasetStore;
  readonly #threads: number;
  #jobs: Jobs | undefined;

  constructor(models: ModelsService, datasets: DatasetStore, threads: number) {
    this.#models = models;
    this.#datasets = datasets;
    this.#threads = Math.max(1, threads);
    this.definition = defineJob({
      kind: KIND,
      input: validateInput,
      result: validateReply,
      // It changes nothing, so that it can be begun again.
      attempts: 2,
      timeoutMs: DAY_MS,
      run: (input: ValidateInput, job: JobContext) => this.#run(input, job),
    }) as JobDefinition;
  }

  /** Where the jobs go, once they are open. */
  bind(jobs: Jobs): void {
    this.#jobs = jobs;
  }

  /** Checks a request and queues it. Throws what `checked` throws. */
  async add(model_id: string, request: ValidateRequest): Promise<JobAccepted> {
    return this.#jobs!.add(KIND, await checked(model_id, request, this.#models, this.#datasets));
  }

  async #run(input: ValidateInput, { signal, progress }: JobContext): Promise<ValidateReply> {
    const { frame } = await this.#datasets.open(input.dataset_id);
    // Loaded with the first use: an engine that validates nothing starts without them.
    const [{ familyOf }, { trainingSet }, { crossValidate }, { validationReport }] = await Promise.all([
      import('../../../src/learning/families.ts'),
      import('../../../src/learning/tables/training-set.ts'),
      import('../../../src/learning/validation/cross-validate.ts'),
      import('../../../src/learning/validation/report.ts'),
    ]);
    const { missing, steps, seed, resamples, options, scheme } = input;
    const set = trainingSet(frame, input.features, input.target, { missing, steps });
    const task = taskOf(input);
    const result = await crossValidate({ family: familyOf(input.family), task, options }, set.data, scheme, {
      seed,
      threads: this.#threads,
      signal,
      progress: ({ fraction }) => progress(Math.round(fraction * WHOLE), WHOLE, 'splits'),
    });
    progress(WHOLE, WHOLE, 'scores');
    const { folds, paths, interval_method } = await validationReport(result, set.data, {
      resamples,
      level: 0.95,
      seed,
      signal,
    });
    return {
      model_id: input.model_id,
      family: input.family,
      task,
      inputs: [...set.inputs],
      rows: { used: set.data.rows, ...set.leftOut },
      scheme,
      folds: folds.map(({ facts: _, ...fold }) => fold),
      paths: paths as unknown as ValidateReply['paths'],
      interval_method,
    };
  }
}
