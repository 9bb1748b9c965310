// The course of one search: proposes trials from the results that it may know, has them run, and counts each once.
import { NotFoundError } from '../../../src/core/errors.ts';
import type { Jobs } from '../../../src/jobs/jobs.ts';
import { samplerOf } from '../../../src/learning/search/samplers/index.ts';
import type { Observation, Sampler } from '../../../src/learning/search/types.ts';
import { SearchFailedError } from './errors.ts';
import { failedOutcome, type SearchRow, type TrialRow } from './records.ts';
import type { SearchStore } from './store.ts';
import { observationOf, TRIAL_KIND, trialKey } from './trial.ts';

/** So many first trials that all fail end a search. */
const FIRST_FAILURES = 10;
/** Later it is this share of all that have ended. */
const FAILED_SHARE = 0.8;
const FAILED_FROM = 50;

/** What a search needs to run. */
export interface RunParts {
  readonly store: Pick<SearchStore, 'trials' | 'trial' | 'propose' | 'assign' | 'endTrial' | 'giveUp'>;
  readonly jobs: Pick<Jobs, 'add' | 'wait' | 'cancel'>;
  readonly nowUs: () => number;
  readonly signal: AbortSignal;
  /** Told after each trial that ended, and as the first ones begin. */
  readonly told: (trials: readonly TrialRow[]) => void;
}

/** Why a search proposes no more. */
export type Stop = 'max_trials' | 'time_budget' | 'exhausted';

/** Runs the trials of one search, from wherever an earlier process left it. */
export class SearchRun {
  readonly #search: SearchRow;
  readonly #parts: RunParts;
  readonly #sampler: Sampler;
  /** By number. */
  readonly #trials: TrialRow[] = [];
  /** The first of them as the sampler knows them: the same objects for every proposal. */
  readonly #known: Observation[] = [];
  readonly #running = new Map<number, Promise<void>>();
  #stop: Stop | null = null;
  /** The first trial that has not ended: all below it have. */
  #open = 0;
  /** Whether the time of the search has passed. */
  #over = false;

  constructor(search: SearchRow, parts: RunParts) {
    this.#search = search;
    this.#parts = parts;
    const { space, seed, lag: parallel, first: enqueued, sampler } = search.settings;
    this.#sampler = samplerOf(sampler, { space, seed, parallel, enqueued });
  }

  /**
   * Resolves to all trials in order, and why there are no more. Throws SearchFailedError when too many failed, the reason of the signal,
   * and what store and jobs throw.
   */
  async run(): Promise<{ readonly trials: readonly TrialRow[]; readonly stop: Stop }> {
    const { store, signal, told } = this.#parts;
    const { search_id } = this.#search;
    this.#trials.push(...(await store.trials(search_id)));
    for (const { number, state } of this.#trials) if (state === 'running') this.#begin(number);
    const deadline = this.#deadline();
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    aborted.catch(() => undefined);
    try {
      for (;;) {
        signal.throwIfAborted();
        await this.#fill();
        told(this.#trials);
        if (this.#over) {
          this.#stop = 'time_budget';
          await this.#giveUp();
          break;
        }
        if (this.#running.size === 0) break;
        await Promise.race([...this.#running.values(), aborted, deadline.passed]);
        this.#checkFailures();
      }
    } finally {
      deadline.clear();
      signal.removeEventListener('abort', abort);
    }
    told(this.#trials);
    return { trials: this.#trials, stop: this.#stop ?? 'max_trials' };
  }

  /** Proposes as many trials as may run now, in order. */
  async #fill(): Promise<void> {
    const { store, signal } = this.#parts;
    const { search_id, settings } = this.#search;
    while (this.#running.size < settings.parallel && this.#stop === null && !this.#over) {
      const number = this.#trials.length;
      if (number >= settings.max_trials) return;
      // What a trial is proposed from is a function of its number alone, so that no timing changes a search.
      const known = number - settings.lag + 1;
      while (this.#trials[this.#open] && this.#trials[this.#open]!.state !== 'running') this.#open++;
      if (this.#open < known) return;
      const point = this.#sampler.propose(number, this.#history(Math.max(0, known)));
      if (point === null) {
        this.#stop = 'exhausted';
        return;
      }
      signal.throwIfAborted();
      await store.propose(search_id, number, point);
      const trial = {
        number,
        point,
        state: 'running',
        job_id: null,
        started_us: this.#parts.nowUs(),
      } as const;
      this.#trials.push({ ...trial, finished_us: null, outcome: null });
      this.#begin(number);
    }
  }

  /** The first `count` trials, all of which have ended. */
  #history(count: number): Observation[] {
    while (this.#known.length < count) this.#known.push(observationOf(this.#trials[this.#known.length]!));
    return this.#known.slice(0, count);
  }

  #begin(number: number): void {
    const running = this.#await(number).finally(() => this.#running.delete(number));
    this.#running.set(number, running);
    // It is awaited in the loop; an end of the loop before that is no reason for a crash.
    running.catch(() => undefined);
  }

  async #await(number: number): Promise<void> {
    const { store, jobs, signal } = this.#parts;
    const { search_id } = this.#search;
    const input = { search_id, number };
    const { job_id } = await jobs.add(TRIAL_KIND, input, { dedupKey: trialKey(input) });
    const state = await store.assign(search_id, number, job_id);
    // Who gave the trials up meanwhile knew of no job of this one.
    if (state === 'cancelled') await jobs.cancel(job_id);
    const { error } = await jobs.wait(job_id, signal);
    let trial = (await store.trial(search_id, number))!;
    if (trial.state === 'running') {
      // Its job ended without an outcome: cancelled by hand, or no attempt was left.
      const reason = error ?? { type: '/problems/internal', detail: 'The trial ended without an outcome' };
      await store.endTrial(search_id, number, failedOutcome(reason, 0));
      trial = (await store.trial(search_id, number))!;
    }
    this.#trials[number] = trial;
  }

  /** Throws SearchFailedError where the trials so far say that more will fail. */
  #checkFailures(): void {
    const ended = this.#trials.filter(({ state }) => state !== 'running');
    const failed = ended.filter(({ state }) => state === 'failed');
    const all = ended.length >= FIRST_FAILURES && failed.length === ended.length;
    const most = ended.length >= FAILED_FROM && failed.length >= FAILED_SHARE * ended.length;
    if (all || most) throw failure(failed, ended.length);
  }

  #deadline(): { readonly passed: Promise<void>; clear(): void } {
    const { started_us, settings } = this.#search;
    const { promise: passed, resolve } = Promise.withResolvers<void>();
    if (settings.time_budget_s === null) return { passed, clear: () => undefined };
    const leftMs = (started_us! + settings.time_budget_s * 1e6 - this.#parts.nowUs()) / 1000;
    this.#over = leftMs <= 0;
    const timer = setTimeout(
      () => {
        this.#over = true;
        resolve();
      },
      Math.max(0, Math.min(leftMs, 2 ** 31 - 1)),
    );
    return { passed, clear: () => clearTimeout(timer) };
  }

  /** Ends what still runs. What the tables say then is what counts: a trial may have ended meanwhile. */
  async #giveUp(): Promise<void> {
    const { store, jobs } = this.#parts;
    const { search_id } = this.#search;
    await giveUpTrials(search_id, store, jobs);
    for (const trial of await store.trials(search_id, this.#open)) this.#trials[trial.number] = trial;
  }
}

/** Gives up the trials of a search that still run, first in its tables, then their jobs. */
export async function giveUpTrials(
  searchId: string,
  store: Pick<SearchStore, 'trials' | 'giveUp'>,
  jobs: Pick<Jobs, 'cancel'>,
): Promise<void> {
  await store.giveUp(searchId);
  const trials = await store.trials(searchId);
  const given = trials.filter(({ state, job_id }) => state === 'cancelled' && job_id !== null);
  await Promise.all(
    given.map(({ job_id }) =>
      jobs.cancel(job_id!).catch((error) => {
        if (!(error instanceof NotFoundError)) throw error;
      }),
    ),
  );
}

/** Returns the error of a search whose trials failed. */
export function failure(failed: readonly TrialRow[], of: number): SearchFailedError {
  const reasons: Record<string, number> = {};
  for (const { outcome } of failed) {
    const type = outcome?.reason?.type ?? '/problems/internal';
    reasons[type] = (reasons[type] ?? 0) + 1;
  }
  const [most] = Object.entries(reasons).sort(([, a], [, b]) => b - a)[0] ?? ['/problems/internal'];
  const detail = failed.find(({ outcome }) => outcome?.reason?.type === most)?.outcome?.reason?.detail;
  return new SearchFailedError(failed.length, of, reasons, detail ?? 'no reason was kept');
}
