// Training as a job: a table and a description in, a registered version out.
import { topics } from '../../../src/bus/topics.ts';
import { NotFoundError } from '../../../src/core/errors.ts';
import type { EngineContext } from '../../../src/http/engine.ts';
import { Counter } from '../../../src/http/prom.ts';
import { defineJob, type JobContext, type JobDefinition } from '../../../src/jobs/define.ts';
import type { Jobs } from '../../../src/jobs/jobs.ts';
import type { JobAccepted } from '../../../src/jobs/record.ts';
import type { FitProgress } from '../../../src/learning/family.ts';
import type { DatasetStore } from '../datasets/store.ts';
import type { ModelsService } from '../registry/service.ts';
import { checked } from './check.ts';
import { dropCheckpoints } from './checkpoints.ts';
import { inChild, orderOf } from './in-child.ts';
import { type TrainInput, type TrainReply, type TrainRequest, trainInput, trainReply } from './schemas.ts';
import { versionOf } from './version.ts';

const KIND = 'train';
const DAY_MS = 86_400_000;
/** Between two updates of one training. */
const UPDATE_MS = 250;
/** Parts of the progress of a job. */
const WHOLE = 1000;

/** The trainings of the engine. */
export class Training {
  readonly definition: JobDefinition;
  readonly #context: EngineContext;
  readonly #models: ModelsService;
  readonly #datasets: DatasetStore;
  readonly #ended: Counter<'family' | 'outcome'>;
  #jobs: Jobs | undefined;

  constructor(context: EngineContext, models: ModelsService, datasets: DatasetStore) {
    this.#context = context;
    this.#models = models;
    this.#datasets = datasets;
    this.#ended = new Counter({
      name: 'nautilus_ml_trainings_total',
      help: 'Trainings by family and how they ended',
      labelNames: ['family', 'outcome'],
      registers: [context.metrics.registry],
    });
    this.definition = defineJob({
      kind: KIND,
      input: trainInput,
      result: trainReply,
      // One at a time: a fit takes all threads of the engine.
      concurrency: 1,
      // A fit has the same bits when it is begun again, and a version is registered as its last step.
      attempts: 2,
      timeoutMs: DAY_MS,
      run: (input: TrainInput, job: JobContext) => this.#run(input, job),
      ended: ({ job_id }) => void dropCheckpoints(context.config.dataDir, job_id),
    }) as JobDefinition;
  }

  /** Where the jobs go, once they are open. */
  bind(jobs: Jobs): void {
    this.#jobs = jobs;
  }

  /**
   * Checks a request and queues it. Throws what `checked` throws.
   */
  async add(model_id: string, request: TrainRequest): Promise<JobAccepted> {
    return this.#jobs!.add(KIND, await checked(model_id, request, this.#models, this.#datasets));
  }

  async #run(input: TrainInput, job: JobContext): Promise<TrainReply> {
    const { model_id, family } = input;
    const { registry } = this.#models;
    const tell = this.#teller(input, job);
    tell('started');
    try {
      const card = await this.#datasets.get(input.dataset_id);
      const order = { kind: 'train', ...orderOf(this.#context.config, job.jobId), input } as const;
      const trained = await inChild(order, { signal: job.signal, progress: tell.progress });
      job.signal.throwIfAborted();
      const { report } = trained;
      await this.#stillThere(input);
      const version =
        (await this.#registeredBy(job, model_id)) ??
        (await registry.addVersion(
          model_id,
          versionOf(input, trained, card, { training_job: job.jobId }),
          trained.bytes,
        ));
      tell('completed', { model_version: version.version });
      this.#ended.inc({ family, outcome: 'completed' });
      return { ...report, version: version.version };
    } catch (error) {
      const outcome = job.signal.aborted ? 'cancelled' : 'failed';
      tell(outcome, { reason: job.signal.aborted ? null : (error as Error).message });
      this.#ended.inc({ family, outcome });
      throw error;
    }
  }

  // A model that was deleted meanwhile gets no version, nor does another one that has its id now.
  async #stillThere({ model_id, model_created_us }: TrainInput): Promise<void> {
    const { created_us } = await this.#models.registry.store.queries.model(model_id);
    if (model_created_us === undefined || created_us === model_created_us) return;
    throw new NotFoundError('Expected the model that the training began with, was another one of its id');
  }

  // What an earlier attempt registered before its process ended.
  async #registeredBy({ attempt, jobId }: JobContext, model_id: string) {
    if (attempt === 1) return undefined;
    const { versions } = await this.#models.registry.versions(model_id, { limit: 100 });
    return versions.find(({ lineage }) => lineage.training_job === jobId);
  }

  #teller({ model_id, family }: TrainInput, job: JobContext) {
    const { bus, clock } = this.#context;
    let last: FitProgress | null = null;
    let toldUs = 0;
    type State = 'started' | 'running' | 'completed' | 'failed' | 'cancelled';
    const tell = (state: State, more: { model_version?: string; reason?: string | null } = {}) => {
      toldUs = clock.nowUs();
      bus.publish(topics.trainingUpdates, {
        job_id: job.jobId,
        model_id,
        family,
        state,
        fraction: state === 'completed' ? 1 : Math.min(1, last?.fraction ?? 0),
        step: last?.step ?? null,
        loss: finite(last?.loss),
        validation_loss: finite(last?.validation_loss),
        model_version: more.model_version ?? null,
        reason: more.reason ?? null,
        timestamp: toldUs / 1e6,
      });
    };
    const progress = (now: FitProgress) => {
      last = now;
      job.progress(
        Math.round(now.fraction * WHOLE),
        WHOLE,
        `step ${now.step}, loss ${now.loss.toPrecision(4)}`,
      );
      if (clock.nowUs() - toldUs >= UPDATE_MS * 1000) tell('running');
    };
    return Object.assign(tell, { progress });
  }
}

function finite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}
