// One trial of a search as a job: any process of the engine that shares the database and the data folder may run it.
import { totalmem } from 'node:os';
import { z } from 'zod';
import type { Config } from '../../../src/core/config.ts';
import { NautilusError, StorageUnavailableError } from '../../../src/core/errors.ts';
import type { EngineContext } from '../../../src/http/engine.ts';
import { Counter } from '../../../src/http/prom.ts';
import { defineJob, type JobContext, type JobDefinition } from '../../../src/jobs/define.ts';
import type { Observation } from '../../../src/learning/search/types.ts';
import { CancelledError } from '../../../src/native/errors.ts';
import { MAX_BYTES } from '../training/limits.ts';
import type { Open } from './messages.ts';
import { TrialPool } from './pool.ts';
import { failedOutcome, type Outcome, type SearchRow, type TrialRow } from './records.ts';
import type { SearchStore } from './store.ts';

export const TRIAL_KIND = 'trial';

const trialInput = z.strictObject({ search_id: z.string(), number: z.int().min(0) });
export type TrialInput = z.output<typeof trialInput>;
const trialResult = z.object({ search_id: z.string(), number: z.int(), state: z.string() });

/** Searches whose settings a process remembers. */
const REMEMBERED = 32;

/** Key of a trial among jobs: one that waits or runs is not added again. */
export const trialKey = ({ search_id, number }: TrialInput) => `${search_id}:${number}`;

/** Trials at once in one process of the engine. */
export function slotsOf({ threads }: Config): number {
  return Math.max(1, threads);
}

/** Resident bytes of each of so many processes: together they leave a fifth of the memory to others. */
function bytesOf(slots: number): number {
  const memory = process.constrainedMemory() || Number.POSITIVE_INFINITY;
  return Math.min(MAX_BYTES, Math.floor((0.8 * Math.min(memory, totalmem())) / slots));
}

/** The trials that this process runs. */
export class Trials {
  readonly definition: JobDefinition;
  readonly pool: TrialPool;
  readonly #store: SearchStore;
  readonly #config: Config;
  readonly #ended: Counter<'outcome'>;
  /** Settings never change. */
  readonly #searches = new Map<string, SearchRow>();

  constructor({ config, metrics }: EngineContext, store: SearchStore) {
    this.#store = store;
    this.#config = config;
    this.pool = new TrialPool({ size: slotsOf(config), maxBytes: bytesOf(slotsOf(config)) });
    this.#ended = new Counter({
      name: 'nautilus_ml_search_trials_total',
      help: 'Trials of searches that this process ran, by how they ended',
      labelNames: ['outcome'],
      registers: [metrics.registry],
    });
    this.definition = defineJob({
      kind: TRIAL_KIND,
      input: trialInput,
      result: trialResult,
      concurrency: slotsOf(config),
      // Begun again only where the engine's process ended: what happens in the process of a trial is its outcome.
      attempts: 5,
      dedupKey: trialKey,
      run: (input: TrialInput, job: JobContext) => this.#run(input, job),
    }) as JobDefinition;
  }

  /** Of this process of the engine. */
  get threads(): number {
    return this.#config.threads;
  }

  /** What a process that runs trials of a search is told first. */
  opening({ settings }: SearchRow): Open {
    const at_once = Math.min(settings.parallel, slotsOf(this.#config));
    const threads = Math.max(1, Math.floor(this.#config.threads / at_once));
    return { type: 'open', dataDir: this.#config.dataDir, threads, settings };
  }

  async #run({ search_id, number }: TrialInput, { signal }: JobContext) {
    const trial = await this.#store.trial(search_id, number);
    const search = await this.#search(search_id);
    // Counted already, by an attempt whose process ended right after it, or given up with its search.
    if (trial?.state !== 'running') return { search_id, number, state: trial?.state ?? 'cancelled' };
    const outcome = await this.#outcome(search, trial, signal);
    if (await this.#store.endTrial(search_id, number, outcome)) this.#ended.inc({ outcome: outcome.state });
    return { search_id, number, state: outcome.state };
  }

  async #outcome(search: SearchRow, trial: TrialRow, signal: AbortSignal): Promise<Outcome> {
    const { settings, search_id } = search;
    const { number, point } = trial;
    const start = performance.now();
    const history = (from: number) =>
      settings.pruner === 'none'
        ? Promise.resolve([])
        : this.#history(search_id, from, number - settings.lag);
    try {
      return await this.pool.trial(
        search_id,
        this.opening(search),
        { type: 'trial', number, point, history },
        { signal, timeoutMs: settings.trial_timeout_s * 1000 },
      );
    } catch (error) {
      const isOurs = error instanceof CancelledError || error instanceof StorageUnavailableError;
      if (signal.aborted || isOurs || !(error instanceof NautilusError)) throw error;
      const reason = { type: `/problems/${error.slug}`, detail: error.message };
      return failedOutcome(reason, (performance.now() - start) / 1000);
    }
  }

  /** Trials from one number up to another, all of which have ended. */
  async #history(id: string, from: number, to: number): Promise<Observation[]> {
    return to < from ? [] : (await this.#store.trials(id, from, to)).map(observationOf);
  }

  async #search(id: string): Promise<SearchRow> {
    const known = this.#searches.get(id) ?? (await this.#store.get(id));
    this.#searches.delete(id);
    this.#searches.set(id, known);
    if (this.#searches.size > REMEMBERED) this.#searches.delete(this.#searches.keys().next().value!);
    return known;
  }
}

/** A trial as samplers and pruners know it: one without an outcome has failed. */
export function observationOf({ number, point, outcome }: TrialRow): Observation {
  return {
    number,
    point,
    state: outcome?.state ?? 'failed',
    loss: outcome?.loss ?? null,
    reports: outcome?.reports ?? [],
  };
}
