// Work on features: done at once where that is quick, else as a job in a process of its own.
import type { z } from 'zod';
import { ConflictError, InvalidOptionError, NautilusError } from '../../../src/core/errors.ts';
import type { EngineContext } from '../../../src/http/engine.ts';
import { defineJob, type JobContext, type JobDefinition } from '../../../src/jobs/define.ts';
import type { Jobs } from '../../../src/jobs/jobs.ts';
import type { JobAccepted, JobReply } from '../../../src/jobs/record.ts';
import type { Task } from '../../../src/learning/family.ts';
import {
  columnOf,
  computeFeatures,
  type FeatureSpec,
  featureNames,
} from '../../../src/learning/tables/features.ts';
import { type Recipe, recipeSchema } from '../conversion/schemas.ts';
import type { Dataset } from '../datasets/schemas.ts';
import type { DatasetStore } from '../datasets/store.ts';
import type { FoundModel } from '../model-source.ts';
import type { ModelsService } from '../registry/service.ts';
import { inChild, orderOf } from '../training/in-child.ts';
import {
  type CorrelationQuery,
  correlationReply,
  type EngineerRequest,
  engineerReply,
  type ImportanceQuery,
  type ImportanceReply,
  importanceReply,
  jobInputs,
  type SelectionRequest,
  selectionReply,
} from './schemas.ts';
import type { ExplainedModel, FeatureOutcome, FeatureWork as Work } from './work-types.ts';

/** Numbers of a table and its features up to which work takes milliseconds. */
export const HERE_CELLS = 200_000;
/** Halves of the time times pairs of columns up to which stability takes milliseconds. */
const HERE_HALVES = 5_000_000;
const TIMEOUT_MS = 3_600_000;
const WHOLE = 1000;
/** Answers to GET requests that are found again. */
const MAX_KNOWN = 1000;

const RESULTS = {
  engineer: engineerReply,
  select: selectionReply,
  correlate: correlationReply,
  importance: importanceReply,
} as const;
type Name = keyof typeof RESULTS;
const kindOf = (name: Name) => `features-${name}`;

/** What a job keeps of its request. */
type Input = Record<string, unknown>;
/** A request that is answered, or follows as a job. */
export type Answered = { readonly done: unknown } | { readonly job: JobAccepted | JobReply };

/** The features routes of the engine. */
export class FeatureRoutesService {
  readonly definitions: readonly JobDefinition[];
  readonly #context: EngineContext;
  readonly #datasets: DatasetStore;
  readonly #models: ModelsService;
  // Jobs by what they were asked for, so that a GET that is sent again finds its answer.
  readonly #known = new Map<string, string>();
  #jobs: Jobs | undefined;

  constructor(context: EngineContext, datasets: DatasetStore, models: ModelsService) {
    this.#context = context;
    this.#datasets = datasets;
    this.#models = models;
    this.definitions = (Object.keys(RESULTS) as Name[]).map((name) => this.#define(name));
  }

  /** Where the jobs go, once they are open. */
  bind(jobs: Jobs): void {
    this.#jobs = jobs;
  }

  /** Throws NotFoundError (table), InvalidOptionError (columns, names), and what computing throws. */
  async engineer(
    request: EngineerRequest,
    wantsArrow: boolean,
  ): Promise<Answered | { readonly arrow: Uint8Array<ArrayBuffer> }> {
    const { engineer, checkEngineer, frameToArrow } = await import('./engineer.ts');
    const card = request.dataset_id === undefined ? null : await this.#datasets.get(request.dataset_id);
    const rows = card?.rows ?? request.bars!.length;
    const names = checkEngineer(request, rows);
    if (card) checkColumns(card, request.features, request.keep);
    const isLong = rows * (names.length + (card?.columns.length ?? 5)) > HERE_CELLS;
    if (isLong && (wantsArrow || !card)) {
      const detail = `Expected at most ${HERE_CELLS} numbers at once: store the rows as a table, and the features with save`;
      throw new NautilusError('too-large', 413, 'Too large', detail, { limit_cells: HERE_CELLS });
    }
    if (isLong || request.async) return { job: await this.#add('engineer', request) };
    const { frame, reply } = await engineer(request, this.#datasets, this.#context.clock.nowUs());
    return wantsArrow ? { arrow: await frameToArrow(frame) } : { done: reply };
  }

  /** Throws NotFoundError (table), InvalidOptionError (columns), and what choosing throws. */
  async select(request: SelectionRequest, signal: AbortSignal): Promise<Answered> {
    const { selectedFrom, select } = await import('./relations.ts');
    const card = await this.#datasets.get(request.dataset_id);
    const names = card.columns.map(({ name }) => name);
    const features = selectedFrom(request, names);
    checkColumns(card, features, request.target.kind === 'none' ? [] : [request.target.column]);
    const columns = featureNames(features).length;
    const halves = request.method === 'stability' ? request.samples * columns ** 2 : 0;
    if (request.async || card.rows * (columns + names.length) > HERE_CELLS || halves > HERE_HALVES)
      return { job: await this.#add('select', request) };
    const { frame } = await this.#datasets.open(request.dataset_id);
    return { done: await select(request, frame, { threads: 1, signal }) };
  }

  /** Throws NotFoundError (table, model), ConflictError (a model without a recipe), InvalidOptionError (columns). */
  async correlation(query: CorrelationQuery, signal: AbortSignal): Promise<Answered> {
    const { correlate } = await import('./relations.ts');
    const recipe =
      query.model_id === undefined ? null : recipeOf(await this.#models.source.find(query.model_id));
    const dataset_id = recipe?.dataset_id ?? query.dataset_id!;
    const card = await this.#datasets.get(dataset_id);
    const features = recipe?.features ?? null;
    if (features) checkColumns(card, features, []);
    else if (query.columns) checkColumns(card, [], query.columns);
    const input = { query: { ...query, dataset_id }, features };
    const columns = query.columns?.length ?? features?.length ?? card.columns.length;
    // Kendall's sorts each pair.
    const cells = card.rows * columns * (query.method === 'kendall' ? columns : 1);
    if (cells > HERE_CELLS) return this.#once('correlate', input);
    const { frame } = await this.#datasets.open(dataset_id);
    return { done: await correlate(input.query, features, frame, { threads: 1, signal }) };
  }

  /** Throws NotFoundError (model, version, table), ConflictError where the version says nothing of its training, InvalidOptionError. */
  async importance(query: ImportanceQuery): Promise<Answered> {
    const { checkImportance } = await import('./importance.ts');
    const reference = query.version === undefined ? query.model_id : `${query.model_id}@${query.version}`;
    if (query.version !== undefined && query.model_id.includes('@')) {
      const expected = 'either version or @version within model_id';
      throw new InvalidOptionError(`Expected ${expected}`, [{ pointer: 'query/version', expected }]);
    }
    const found = await this.#models.source.find(reference);
    const { model_id, version, model_type } = found.card;
    if (query.method === 'gain') return { done: await this.#gain(model_id, version) };
    checkImportance(query, { task: model_type as Task });
    const recipe = recipeOf(found);
    await this.#datasets.get(query.dataset_id ?? recipe.dataset_id);
    // The version of now, whatever serves once the job runs.
    return this.#once('importance', { query: { ...query, model_id, version } });
  }

  async #gain(model_id: string, version: string): Promise<ImportanceReply> {
    const { lineage } = await this.#models.registry.version(model_id, version);
    if (!lineage.importance) {
      throw new ConflictError(
        'Expected a version whose fit told what its inputs are worth: permutation and shap ask the model itself',
        { model_id, version },
      );
    }
    const { featureGroups } = await import('../../../src/learning/selection/served.ts');
    const told = lineage.importance;
    const inputs = Object.keys(told);
    const features = featureGroups(inputs).map(({ name, columns }) => ({
      name,
      importance: columns.reduce((sum, c) => sum + told[inputs[c]!]!, 0),
    }));
    return {
      ...{
        model_id,
        version,
        method: 'gain',
        measure: 'share, as the fit told it: of the gain of splits, or of standardised coefficients',
      },
      features: features.sort((a, b) => b.importance - a.importance),
      ...{ rows: null, rows_of: 'fit', loss: null },
    };
  }

  #add(name: Name, input: Input): Promise<JobAccepted> {
    return this.#jobs!.add(kindOf(name), input);
  }

  // What a table or a version says does not change: the answer of a finished job stays good.
  async #once(name: Name, input: Input): Promise<Answered> {
    const key = JSON.stringify([name, input]);
    const id = this.#known.get(key);
    const job = id === undefined ? null : await this.#jobs!.find(id);
    if (job && job.state !== 'failed' && job.state !== 'cancelled') {
      const result = await this.#jobs!.result(job.job_id);
      return 'json' in result ? { done: JSON.parse(result.json) } : { job: result.job };
    }
    const added = await this.#add(name, input);
    if (this.#known.size >= MAX_KNOWN) this.#known.delete(this.#known.keys().next().value!);
    this.#known.set(key, added.job_id);
    return { job: added };
  }

  #define(name: Name): JobDefinition {
    return defineJob({
      kind: kindOf(name),
      input: jobInputs[name] as z.ZodType<Input>,
      result: RESULTS[name],
      // It changes nothing but a table that is named by its numbers, so that it can be begun again.
      attempts: 2,
      timeoutMs: TIMEOUT_MS,
      run: async (input: Input, { jobId, signal, progress }: JobContext): Promise<FeatureOutcome> => {
        const { config } = this.#context;
        const order = {
          kind: 'features',
          ...orderOf(config, jobId),
          input: await this.#workOf(name, input),
        } as const;
        const tell = ({ fraction }: { fraction: number }) => progress(Math.round(fraction * WHOLE), WHOLE);
        return inChild(order, { signal, progress: tell });
      },
    }) as JobDefinition;
  }

  async #workOf(name: Name, input: Input): Promise<Work> {
    const { config, clock } = this.#context;
    if (name === 'engineer') {
      const store = { durable: config.durability === 'power', maxBytes: config.serving.datasetBytes };
      return { work: name, request: input as EngineerRequest, store, nowUs: clock.nowUs() };
    }
    if (name === 'select') return { work: name, request: input as SelectionRequest };
    if (name === 'correlate') return { work: name, ...input } as Work;
    const query = input.query as ImportanceQuery;
    const found = await this.#models.source.find(`${query.model_id}@${query.version}`);
    return { work: 'importance', query, model: await explained(found) };
  }
}

function recipeOf({ card: { recipe } }: FoundModel): Recipe {
  const parsed = recipeSchema.safeParse(recipe);
  if (parsed.success) return parsed.data;
  throw new ConflictError('Expected a version that was trained here, whose features and table are known');
}

async function explained(found: FoundModel): Promise<ExplainedModel> {
  const { model_id, version, model_type, inputs, output } = found.card;
  return {
    ...{ model_id, version, task: model_type as Task, output: output.name, input: found.input ?? 'input' },
    inputs: inputs.map(({ name }) => name),
    bytes: await found.bytes(),
    recipe: recipeOf(found),
  };
}

/** Throws InvalidOptionError for a column that the table does not have. */
function checkColumns(
  { columns }: Dataset,
  features: readonly FeatureSpec[],
  others: readonly string[],
): void {
  const none = new Float64Array();
  const empty = {
    ...{ rows: 0, tsUs: none, series: [], seriesOf: new Uint32Array() },
    columns: new Map(columns.map(({ name }) => [name, none] as const)),
  };
  computeFeatures(empty, features);
  for (const name of others) columnOf(empty, name);
}
