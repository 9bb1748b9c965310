// References as jobs: what a version is compared with is made in the process that trains, beside the engine.
import { z } from 'zod';
import { ConflictError, NautilusError } from '../../../src/core/errors.ts';
import type { EngineContext } from '../../../src/http/engine.ts';
import { defineJob, type JobContext, type JobDefinition } from '../../../src/jobs/define.ts';
import type { Jobs } from '../../../src/jobs/jobs.ts';
import type { ModelsService } from '../registry/service.ts';
import { inChild, orderOf } from '../training/in-child.ts';
import { fileOf } from './model-file.ts';
import type { Reference } from './records.ts';
import { recipeOf } from './retraining.ts';
import type { MonitorConfig } from './schemas.ts';
import { MonitorQueries, writeReference } from './store.ts';

const KIND = 'monitor-reference';
const HOUR_MS = 3_600_000;

const referenceJob = z.object({
  model_id: z.string(),
  version: z.string(),
  /** Null: the table that the version was fitted on. */
  dataset_id: z.string().nullable(),
});
type ReferenceJob = z.output<typeof referenceJob>;

const referenceResult = z.object({ model_id: z.string(), version: z.string(), rows: z.int() });

/** The table that a monitor compares with: null for the one that the version was fitted on, undefined for none. */
export function tableOf({ reference }: Pick<MonitorConfig, 'reference'>): string | null | undefined {
  if (reference === 'first_window') return undefined;
  return reference === 'training' ? null : reference.dataset_id;
}

/** What references are made with. */
export interface ReferenceParts {
  readonly context: EngineContext;
  readonly models: ModelsService;
  /** Hears of a reference, or why there is none. */
  readonly made: (id: string, version: string, reference: Reference | null, why: string | null) => void;
}

/** Makes references. */
export class References {
  readonly definition: JobDefinition;
  readonly #parts: ReferenceParts;
  readonly #queries: MonitorQueries;
  /** The newest job of each model: what an older one says nobody waits for. */
  readonly #asked = new Map<string, string>();
  #jobs: Jobs | undefined;

  constructor(parts: ReferenceParts) {
    this.#parts = parts;
    this.#queries = new MonitorQueries(parts.context.database);
    this.definition = defineJob({
      kind: KIND,
      input: referenceJob,
      result: referenceResult,
      // It changes nothing else, so that it can be begun again.
      attempts: 2,
      timeoutMs: HOUR_MS,
      dedupKey: ({ model_id, version, dataset_id }) => `${model_id}@${version} ${dataset_id ?? ''}`,
      run: (input: ReferenceJob, job: JobContext) => this.#run(input, job),
    }) as JobDefinition;
  }

  bind(jobs: Jobs): void {
    this.#jobs = jobs;
  }

  /** Has the reference of a version made, of a table or of the one that it was fitted on. */
  async ask(model_id: string, version: string, dataset_id: string | null): Promise<void> {
    try {
      if (dataset_id === null) {
        await this.#parts.models.change(model_id, async () => undefined);
        recipeOf(await this.#parts.models.registry.store.queries.version(model_id, Number(version)));
      }
      const { job_id } = await this.#jobs!.add(KIND, { model_id, version, dataset_id });
      this.#asked.set(model_id, job_id);
      void this.#await(job_id, model_id, version);
    } catch (error) {
      this.#none(model_id, version, error);
    }
  }

  async #await(job_id: string, model_id: string, version: string): Promise<void> {
    try {
      const job = await this.#jobs!.wait(job_id);
      const reference = await this.#queries.reference(model_id, version);
      if (this.#asked.get(model_id) !== job_id) return;
      const why = job.error?.detail ?? `making it was ${job.state}`;
      this.#parts.made(model_id, version, reference, reference ? null : why);
    } catch (error) {
      if (this.#asked.get(model_id) === job_id) this.#none(model_id, version, error);
    }
  }

  #none(model_id: string, version: string, error: unknown): void {
    const why = error instanceof NautilusError ? error.message : 'it could not be made';
    this.#parts.made(model_id, version, null, why);
  }

  async #run({ model_id, version, dataset_id }: ReferenceJob, job: JobContext) {
    const reference = await this.make(model_id, version, dataset_id, job);
    await this.#parts.context.units.run(async ({ tx }) => {
      const monitor = await new MonitorQueries(tx).monitor(model_id);
      if (!monitor || tableOf(monitor.config) !== dataset_id)
        throw new ConflictError('Expected a monitor that compares with this table, was none any more');
      writeReference(tx, model_id, reference);
    });
    return { model_id, version, rows: reference.info.rows };
  }

  /** Makes the reference of a version in a process of its own, of a table or of the one that it was fitted on. Throws ConflictError, and as `makeReference` does. */
  async make(
    model_id: string,
    version: string,
    dataset_id: string | null,
    { jobId, signal }: Pick<JobContext, 'jobId' | 'signal'>,
  ): Promise<Reference> {
    const { context, models } = this.#parts;
    const recipe = dataset_id === null ? await this.recipe(model_id, version) : null;
    const file = await fileOf(models.source, `${model_id}@${version}`);
    const from = recipe ? { recipe } : { datasetId: dataset_id! };
    const { rows, outputRows, ...sketches } = await inChild(
      { kind: 'reference', ...orderOf(context.config, jobId), input: { ...file, from } },
      { signal, progress: () => {} },
    );
    return {
      info: {
        kind: recipe ? 'training' : 'dataset',
        ...{ version, rows, output_rows: outputRows },
        dataset_id: recipe?.dataset_id ?? dataset_id,
        why: null,
        made_us: context.clock.nowUs(),
      },
      ...sketches,
    };
  }

  /** How the rows of a version were made. Throws NotFoundError, ConflictError for a version that was not trained here. */
  async recipe(model_id: string, version: string) {
    return recipeOf(await this.#parts.models.registry.store.queries.version(model_id, Number(version)));
  }
}
