// Searches as jobs: trials until the budget is spent, then the best settings fitted again and tested on rows that no trial saw.
import { z } from 'zod';
import { topics } from '../../../src/bus/topics.ts';
import { ConflictError, NautilusError, NotFoundError } from '../../../src/core/errors.ts';
import { newId } from '../../../src/core/ids.ts';
import type { EngineContext } from '../../../src/http/engine.ts';
import { Counter } from '../../../src/http/prom.ts';
import { defineJob, type JobContext, type JobDefinition } from '../../../src/jobs/define.ts';
import type { Jobs } from '../../../src/jobs/jobs.ts';
import { isFinished, type JobReply } from '../../../src/jobs/record.ts';
import { scoreOfLoss } from '../../../src/learning/search/metric.ts';
import { best, boardRow, ranked } from './board.ts';
import { conclude } from './conclude.ts';
import { Files } from './files.ts';
import type { SearchKind, SearchRow, Settings, TrialRow } from './records.ts';
import { failure, giveUpTrials, SearchRun } from './run.ts';
import { SearchStore } from './store.ts';
import { Trials } from './trial.ts';

const KIND = 'search';
const DAY_MS = 86_400_000;
/** Between two updates of one search. */
const UPDATE_US = 250_000;
/** Trials that an update names. */
const MAX_LEADERS = 5;
/** Searches that wait or run, at most. */
export const MAX_SEARCHES = 100;
/** Searches that have ended and are kept. */
const KEPT = 1000;
/** Searches at once in one process of the engine; their trials share its places. */
const AT_ONCE = 4;

const searchInput = z.strictObject({ search_id: z.string() });
const searchResult = z.object({ search_id: z.string(), results_url: z.string() });

/** The searches of the engine. */
export class Searches {
  readonly definition: JobDefinition;
  readonly store: SearchStore;
  readonly trials: Trials;
  readonly files: Files;
  readonly #context: EngineContext;
  readonly #ended: Counter<'kind' | 'outcome'>;
  #jobs: Jobs | undefined;

  constructor(context: EngineContext) {
    this.#context = context;
    this.store = new SearchStore(context);
    this.trials = new Trials(context, this.store);
    this.files = new Files(context.config.dataDir);
    this.#ended = new Counter({
      name: 'nautilus_ml_searches_total',
      help: 'Searches by kind and how they ended',
      labelNames: ['kind', 'outcome'],
      registers: [context.metrics.registry],
    });
    this.definition = defineJob({
      kind: KIND,
      input: searchInput,
      result: searchResult,
      concurrency: AT_ONCE,
      // It goes on from its trials, however often its process ends.
      attempts: 100,
      timeoutMs: 7 * DAY_MS,
      run: ({ search_id }: z.output<typeof searchInput>, job: JobContext) => this.#run(search_id, job),
      ended: (job) => void this.#jobEnded(job),
    }) as JobDefinition;
  }

  /** Where the jobs go, once they are open. */
  bind(jobs: Jobs): void {
    this.#jobs = jobs;
  }

  get jobs(): Jobs {
    return this.#jobs!;
  }

  /** Brings to an end what the jobs ended while this process could not hear of it, and sweeps files of searches that are gone. */
  async start(): Promise<void> {
    try {
      for (const id of await this.store.open()) {
        const job = await this.jobs.find(id);
        if (job && isFinished(job.state)) await this.#jobEnded(job);
      }
      await this.#prune();
    } catch (err) {
      // The jobs may be away while the engine starts; the next start looks again.
      this.#context.log.warn({ err }, 'ends of searches could not be looked for');
    }
  }

  stop(): void {
    this.trials.pool.stop();
  }

  /** Stores a search and queues it. Throws ConflictError when too many wait or run. */
  async add(kind: SearchKind, settings: Settings) {
    if ((await this.store.unfinished()) >= MAX_SEARCHES) {
      throw new ConflictError(
        `Expected fewer than ${MAX_SEARCHES} searches that wait or run: cancel one, or wait for one`,
      );
    }
    const search_id = newId();
    await this.store.create({ search_id, kind, settings });
    try {
      return await this.jobs.add(KIND, { search_id }, { id: search_id });
    } catch (error) {
      const detail = 'The search could not be queued';
      await this.store.end(search_id, 'failed', { reason: { type: '/problems/internal', detail } });
      throw error;
    }
  }

  async #run(search_id: string, job: JobContext) {
    const { clock } = this.#context;
    const search = await this.store.begin(search_id);
    const { kind } = search;
    const tell = this.#teller(search, job);
    try {
      const nowUs = () => clock.nowUs();
      const { store, jobs } = this;
      const run = new SearchRun(search, { store, jobs, nowUs, signal: job.signal, told: tell.trials });
      const { trials, stop } = await run.run();
      const winner = best(trials);
      if (!winner)
        throw failure(
          trials.filter(({ state }) => state === 'failed'),
          trials.length,
        );
      tell.now('finishing');
      const result = await conclude(search, trials, stop, {
        trials: this.trials,
        files: this.files,
        signal: job.signal,
      });
      job.signal.throwIfAborted();
      await this.store.end(search_id, 'completed', { result });
      await this.#prune();
      tell.now('completed');
      this.#ended.inc({ kind, outcome: 'completed' });
      return { search_id, results_url: `/automl/results/${search_id}` };
    } catch (error) {
      // A search that is stopped with its engine goes on later; what ended it for good is told by its job.
      if (!job.signal.aborted && error instanceof NautilusError && error.status < 500)
        await giveUpTrials(search_id, this.store, this.jobs);
      throw error;
    } finally {
      this.trials.pool.end(search_id);
    }
  }

  // What is old goes: first the tables, then the files that no search has any more.
  async #prune(): Promise<void> {
    await this.store.prune(KEPT);
    await this.files.sweep((id) => this.store.has(id));
  }

  // Called for every end of a job of a search, wherever it ran and also without a run.
  async #jobEnded({ job_id, state, error }: JobReply): Promise<void> {
    if (state !== 'failed' && state !== 'cancelled') return;
    try {
      if (!(await this.store.end(job_id, state, { reason: error }))) return;
      const search = await this.store.get(job_id);
      this.#ended.inc({ kind: search.kind, outcome: state });
      this.#publish(search, await this.store.trials(job_id), state, error?.detail ?? null);
      await giveUpTrials(job_id, this.store, this.jobs);
    } catch (err) {
      if (!(err instanceof NotFoundError))
        this.#context.log.warn({ err, search_id: job_id }, 'the end of a search could not be stored');
    }
  }

  #teller(search: SearchRow, job: JobContext) {
    const { clock } = this.#context;
    const { max_trials, metric } = search.settings;
    let told: readonly TrialRow[] = [];
    let toldUs = 0;
    const now = (state: Update['state']) => {
      toldUs = clock.nowUs();
      this.#publish(search, told, state, null);
    };
    const trials = (all: readonly TrialRow[]) => {
      told = all;
      const done = all.filter(({ state }) => state !== 'running').length;
      const winner = best(all);
      const score = winner && scoreOfLoss(metric, winner.outcome!.loss!);
      const note = winner ? `, best ${metric} ${score!.toPrecision(4)} of trial ${winner.number}` : '';
      job.progress(done, max_trials, `${done} trials${note}`);
      if (clock.nowUs() - toldUs >= UPDATE_US) now('running');
    };
    return { trials, now };
  }

  #publish(
    { search_id, kind, settings }: SearchRow,
    trials: readonly TrialRow[],
    state: Update['state'],
    reason: string | null,
  ): void {
    const { bus, clock } = this.#context;
    const of = (wanted: TrialRow['state']) => trials.filter((trial) => trial.state === wanted).length;
    const winner = best(trials);
    const done = trials.length - of('running');
    bus.publish(topics.searchUpdates, {
      job_id: search_id,
      kind,
      state,
      fraction: state === 'completed' ? 1 : Math.min(1, done / settings.max_trials),
      trials: {
        complete: of('complete'),
        pruned: of('pruned'),
        failed: of('failed'),
        running: of('running'),
      },
      max_trials: settings.max_trials,
      metric: settings.metric,
      best_trial: winner?.number ?? null,
      best_score: winner ? scoreOfLoss(settings.metric, winner.outcome!.loss!) : null,
      leaders: ranked(trials.filter((trial) => trial.state === 'complete'))
        .slice(0, MAX_LEADERS)
        .map((trial, i) => boardRow(trial, i + 1, settings))
        .map(({ trial, model_type, score }) => ({ trial, model_type, score })),
      reason,
      timestamp: clock.nowUs() / 1e6,
    });
  }
}

interface Update {
  readonly state: 'running' | 'finishing' | 'completed' | 'failed' | 'cancelled';
}
