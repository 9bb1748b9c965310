// Retraining as a job: the recipe of the version that serves on newer rows, a comparison of both, and where it is wished a deployment.

import { z } from 'zod';
import type { Unit } from '../../../src/bus/unit.ts';
import { ConflictError, InvariantError, NotFoundError } from '../../../src/core/errors.ts';
import { newId } from '../../../src/core/ids.ts';
import type { EngineContext } from '../../../src/http/engine.ts';
import { defineJob, type JobContext, type JobDefinition } from '../../../src/jobs/define.ts';
import type { Jobs } from '../../../src/jobs/jobs.ts';
import type { JobReply } from '../../../src/jobs/record.ts';
import { frameSince } from '../../../src/learning/tables/frame-part.ts';
import { type Recipe, recipeSchema } from '../conversion/schemas.ts';
import type { DatasetStore } from '../datasets/store.ts';
import { type ExperimentRequest, experimentRequest } from '../experiments/schemas.ts';
import type { Lineage, VersionRow } from '../registry/records.ts';
import type { ModelsService } from '../registry/service.ts';
import { inChild, orderOf } from '../training/in-child.ts';
import type { Training } from '../training/job.ts';
import { trainRequest } from '../training/schemas.ts';
import { modelFileOf } from './model-file.ts';
import type { StoredRetraining } from './records.ts';
import { type Alarm, monitorConfig, type RetrainConfig } from './schemas.ts';
import { MonitorQueries, writeRetraining } from './store.ts';

const KIND = 'retrain';
const DAY_MS = 86_400_000;

const retrainInput = z.object({
  retraining_id: z.string(),
  model_id: z.string(),
  retrain: monitorConfig.shape.retrain.unwrap().unwrap(),
  significance: z.number(),
});
type RetrainInput = z.output<typeof retrainInput>;

const retrainResult = z.object({ model_id: z.string(), version: z.string(), deployed: z.boolean() });

/** What retraining works with. */
export interface RetrainingParts {
  readonly context: EngineContext;
  readonly models: ModelsService;
  readonly datasets: DatasetStore;
  readonly training: Pick<Training, 'add'>;
  readonly startExperiment: (request: ExperimentRequest) => Promise<{ readonly experiment_id: string }>;
  /** Says how a retraining goes, in the unit that stores it. */
  readonly tell: (unit: Unit, retraining: StoredRetraining) => void;
}

/** The retrainings of the engine. */
export class Retrainings {
  readonly definition: JobDefinition;
  readonly #parts: RetrainingParts;
  readonly #queries: MonitorQueries;
  #jobs: Jobs | undefined;

  constructor(parts: RetrainingParts) {
    this.#parts = parts;
    this.#queries = new MonitorQueries(parts.context.database);
    this.definition = defineJob({
      kind: KIND,
      input: retrainInput,
      result: retrainResult,
      // A training that was begun is waited for again, not begun again.
      attempts: 2,
      timeoutMs: DAY_MS,
      run: (input: RetrainInput, job: JobContext) => this.#run(input, job),
      ended: (job) => void this.#ended(job).catch((err) => parts.context.log.warn({ err }, 'a retraining')),
    }) as JobDefinition;
  }

  /** Where the jobs go, once they are open. */
  bind(jobs: Jobs): void {
    this.#jobs = jobs;
  }

  /** Takes up what an earlier process left between two steps; called when jobs run. */
  async start(
    monitored: readonly {
      readonly model_id: string;
      readonly config: {
        readonly retrain: RetrainConfig | null;
        readonly thresholds: { readonly significance: number };
      };
    }[],
  ): Promise<void> {
    for (const { model_id, config } of monitored) {
      const running = await this.#queries.running(model_id);
      if (!running) continue;
      const job = await this.#jobs!.find(running.retraining_id);
      if (job && job.finished_ts_us === null) continue;
      if (job || !config.retrain) await this.#close(running, job?.error?.detail ?? 'Its process ended');
      else await this.#queue(running, config.retrain, config.thresholds.significance);
    }
  }

  /** Begins a retraining, unless one of this model is under way; returns it, or null. */
  async begin(
    model_id: string,
    from_version: string,
    reason: Alarm,
    retrain: RetrainConfig,
    significance: number,
  ): Promise<StoredRetraining | null> {
    const { units, clock } = this.#parts.context;
    const retraining: StoredRetraining = {
      retraining_id: newId(),
      ...{ model_id, reason, state: 'running', from_version, train_job: null },
      report: { new_version: null, deployed: false, experiment_id: null, comparison: null, error: null },
      ...{ started_us: clock.nowUs(), ended_us: null },
    };
    const begun = await units.run(async (unit) => {
      if (await new MonitorQueries(unit.tx).running(model_id)) return false;
      this.#write(unit, retraining);
      return true;
    });
    if (!begun) return null;
    await this.#queue(retraining, retrain, significance);
    return retraining;
  }

  async #queue({ retraining_id, model_id }: StoredRetraining, retrain: RetrainConfig, significance: number) {
    await this.#jobs!.add(KIND, { retraining_id, model_id, retrain, significance }, { id: retraining_id });
  }

  async #run({ retraining_id, model_id, retrain, significance }: RetrainInput, job: JobContext) {
    const { models, training } = this.#parts;
    const jobs = this.#jobs!;
    let now = await this.#queries.retraining(retraining_id);
    if (!now) throw gone();
    if (now.state === 'completed')
      return { model_id, version: now.report.new_version!, deployed: now.report.deployed };
    const { from_version } = now;
    const { queries } = models.registry.store;
    if (now.train_job === null) {
      const recipe = recipeOf(await queries.version(model_id, Number(from_version)));
      const dataset_id = await this.#table(retrain, recipe);
      const accepted = await training.add(model_id, trainRequest.parse({ ...recipe, dataset_id }));
      now = { ...now, train_job: accepted.job_id };
      await this.#save(now);
    }
    job.progress(0, null, 'training');
    const trained = await jobs.wait(now.train_job!, job.signal);
    if (trained.state !== 'completed')
      throw new ConflictError(`The training is ${trained.state}: ${trained.error?.detail ?? 'cancelled'}`);
    const result = await jobs.result(now.train_job!);
    if (!('json' in result)) throw new InvariantError('a completed training has no result');
    const { version } = JSON.parse(result.json) as { version: string };
    job.progress(0, null, 'comparison');
    const fresh = await queries.version(model_id, Number(version));
    const comparison = await inChild(
      {
        kind: 'challenge',
        ...orderOf(this.#parts.context.config, job.jobId),
        input: {
          recipe: recipeOf(fresh),
          // Both read the same inputs; what else was deployed meanwhile may read others.
          before: await modelFileOf(models.source, { model_id, version: Number(from_version) }),
          after: await modelFileOf(models.source, fresh),
          significance,
        },
      },
      { signal: job.signal, progress: () => {} },
    );
    const deployed = retrain.auto_deploy === 'if_better' && comparison.better;
    // Whatever comes of the deployment or the experiment, what is known of the new version stays.
    now = { ...now, report: { ...now.report, new_version: version, comparison } };
    await this.#save(now);
    let experiment_id: string | null = null;
    if (retrain.auto_deploy === 'experiment')
      experiment_id = await this.#experiment(model_id, from_version, version, comparison.score);
    const ended: StoredRetraining = {
      ...now,
      state: 'completed',
      report: { ...now.report, deployed, experiment_id },
      ended_us: this.#parts.context.clock.nowUs(),
    };
    if (deployed) await this.#deploy(ended, version);
    else await this.#save(ended);
    return { model_id, version, deployed };
  }

  /** Has a version serve, and stores what came of it at once, unless another version than the compared one serves meanwhile: who deployed that one wins. */
  async #deploy(ended: StoredRetraining, version: string): Promise<void> {
    const { model_id, from_version } = ended;
    const { registry, deployer } = this.#parts.models;
    const model = await registry.store.queries.model(model_id);
    if (model.production_version !== Number(from_version))
      throw new ConflictError('Expected no other deployment during the retraining, was one', { model_id });
    const { target } = await registry.model(model_id);
    await deployer.deploy(
      model_id,
      { version, target: target ?? 'auto' },
      {
        seq: model.deployment_seq,
        check: (unit) => this.#checkKnown(unit, ended),
        write: async (unit) => this.#write(unit, ended),
      },
    );
  }

  /** Lets both versions answer requests, and the outcomes decide which of them serves. */
  async #experiment(model_id: string, before: string, version: string, score: string): Promise<string> {
    const request = experimentRequest.parse({
      model_id,
      name: `retrained version ${version}`,
      arms: [{ model: before }, { model: version }],
      metric: score === 'log_loss' ? 'accuracy' : 'absolute_error',
      auto_promote: true,
    });
    return (await this.#parts.startExperiment(request)).experiment_id;
  }

  /** The table to learn from. */
  async #table({ dataset, rows }: RetrainConfig, recipe: Recipe): Promise<string> {
    const { datasets, context } = this.#parts;
    let card: Awaited<ReturnType<DatasetStore['get']>> | undefined;
    if ('dataset_id' in dataset) card = await datasets.get(dataset.dataset_id);
    else card = (await datasets.list()).find(({ name }) => name === dataset.latest_of);
    if (!card) throw new NotFoundError('Expected a dataset of the name of latest_of, was none');
    if (rows === 'all') return card.dataset_id;
    const { to_us } = await datasets.get(recipe.dataset_id);
    const { frame } = await datasets.open(card.dataset_id);
    const since = frameSince(frame, to_us);
    const saved = await datasets.save(
      { frame: since, rejected: {}, errors: [] },
      // Not the name itself: the newest table of that name is what somebody posted.
      `${card.name.slice(0, 92)} (since)`,
      context.clock.nowUs(),
    );
    return saved.dataset_id;
  }

  async #ended(job: JobReply): Promise<void> {
    if (job.state === 'completed') return;
    const running = await this.#queries.retraining(job.job_id);
    if (running?.state === 'running') await this.#close(running, job.error?.detail ?? `It was ${job.state}`);
  }

  #close(retraining: StoredRetraining, error: string): Promise<void> {
    const report = { ...retraining.report, error };
    return this.#save({
      ...retraining,
      state: 'failed',
      report,
      ended_us: this.#parts.context.clock.nowUs(),
    });
  }

  async #save(retraining: StoredRetraining): Promise<void> {
    await this.#parts.context.units.run(async (unit) => {
      await this.#checkKnown(unit, retraining);
      this.#write(unit, retraining);
    });
  }

  /** Throws NotFoundError for a retraining that went with its monitor. */
  async #checkKnown({ tx }: Unit, { retraining_id }: StoredRetraining): Promise<void> {
    if (!(await new MonitorQueries(tx).retraining(retraining_id))) throw gone();
  }

  #write(unit: Unit, retraining: StoredRetraining): void {
    writeRetraining(unit.tx, retraining);
    this.#parts.tell(unit, retraining);
  }
}

function gone(): NotFoundError {
  return new NotFoundError('Expected a monitor that still watches the model, was none');
}

/** Throws ConflictError for a version that was not trained here. */
export function recipeOf({ lineage, model_id, version }: VersionRow): Recipe {
  const { recipe } = JSON.parse(lineage) as Lineage;
  const parsed = recipeSchema.safeParse(recipe);
  if (parsed.success) return parsed.data;
  throw new ConflictError(
    `Expected a version whose lineage says how its rows were made, was ${model_id}@${version}`,
  );
}
