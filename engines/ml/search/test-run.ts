// For tests: a search without processes, whose trials end when and how the test says.
import { newId } from '../../../src/core/ids.ts';
import type { JobReply } from '../../../src/jobs/record.ts';
import type { Point } from '../../../src/learning/search/types.ts';
import { failedOutcome, type Outcome, type SearchRow, type Settings, type TrialRow } from './records.ts';
import type { RunParts } from './run.ts';

const DEFAULTS: Settings = {
  dataset_id: '0123456789abcdef',
  target: { kind: 'log_return', column: 'close', horizon: 1 },
  task: 'regression',
  groups: [{ name: 'features', features: [{ kind: 'value', column: 'x', lag: 0 }] }],
  steps: 1,
  missing: 'drop',
  members: [{ family: 'ridge', options: {} }],
  space: [
    { kind: 'float', name: 'alpha', low: 1e-4, high: 1e4, log: true },
    { kind: 'choice', name: 'other', values: ['a', 'b', 'c'] },
  ],
  first: [],
  metric: 'rmse',
  scheme: { kind: 'holdout', train_fraction: 0.75, gap_us: 0 },
  test_fraction: 0.2,
  cost_bps: 1,
  sampler: 'random',
  pruner: 'none',
  max_trials: 20,
  parallel: 2,
  lag: 4,
  seed: 1,
  time_budget_s: null,
  trial_timeout_s: 600,
  ensemble: 0,
  hardware: 'auto',
  unused: [],
};

/** Returns a search with these settings instead of the usual ones. */
export function searchRow(settings: Partial<Settings> = {}): SearchRow {
  return {
    search_id: newId(),
    kind: 'automl',
    settings: { ...DEFAULTS, ...settings },
    state: 'running',
    reason: null,
    created_us: 1,
    started_us: 1,
    finished_us: null,
  };
}

/** A loss that is a function of the point alone. */
export function lossAt(point: Point): number {
  return Math.abs(Math.log10(Number(point.alpha)) - 1) + (point.other === 'b' ? 0 : 0.5);
}

export function completed(point: Point): Outcome {
  return {
    state: 'complete',
    loss: lossAt(point),
    scores: {},
    reports: [],
    seconds: 0,
    rounds: null,
    reason: null,
  };
}

export function failedFor(type: string): Outcome {
  return failedOutcome({ type, detail: `failed for ${type}` }, 0);
}

interface Waiting {
  readonly number: number;
  end(): void;
}

/** Tables and jobs of one search in memory; they outlive a run, as they do a process. */
export class TestSearch {
  readonly rows = new Map<number, TrialRow>();
  /** How often each trial was counted. */
  readonly counted = new Map<number, number>();
  /** Trials whose jobs were cancelled. */
  readonly cancelled: number[] = [];
  readonly #waiting: Waiting[] = [];
  readonly #outcome: (trial: TrialRow) => Outcome;
  #woken: (() => void) | undefined;

  constructor(outcome: (trial: TrialRow) => Outcome = ({ point }) => completed(point)) {
    this.#outcome = outcome;
  }

  /** Numbers of the trials whose jobs run, in the order in which they began. */
  get running(): number[] {
    return this.#waiting.map(({ number }) => number);
  }

  /** Ends the job of a trial: it writes its outcome, as the process that runs it does. */
  async end(at: number): Promise<void> {
    const [one] = this.#waiting.splice(at, 1);
    await this.store.endTrial('', one!.number, this.#outcome(this.rows.get(one!.number)!));
    one!.end();
  }

  /** Ends a job that wrote nothing. */
  loseJob(at: number): void {
    this.#waiting.splice(at, 1)[0]!.end();
  }

  /** Forgets the jobs: their process has ended. */
  crash(): void {
    this.#waiting.length = 0;
  }

  /** Resolves when a job begins. */
  async begun(): Promise<void> {
    if (this.#waiting.length > 0) return;
    await new Promise<void>((resolve) => {
      this.#woken = resolve;
    });
  }

  readonly store: RunParts['store'] = {
    trials: async (_id, from = 0, to = Number.MAX_SAFE_INTEGER) =>
      [...this.rows.values()].filter(({ number }) => number >= from && number <= to),
    trial: async (_id, number) => this.rows.get(number) ?? null,
    propose: async (_id, number, point) => {
      if (this.rows.has(number)) throw new Error(`trial ${number} was proposed twice`);
      const row = { number, point, state: 'running', job_id: null, started_us: 1 } as const;
      this.rows.set(number, { ...row, finished_us: null, outcome: null });
    },
    assign: async (_id, number, job_id) => {
      const row = { ...this.rows.get(number)!, job_id };
      this.rows.set(number, row);
      return row.state;
    },
    endTrial: async (_id, number, outcome) => {
      const row = this.rows.get(number)!;
      if (row.state !== 'running') return false;
      this.counted.set(number, (this.counted.get(number) ?? 0) + 1);
      this.rows.set(number, { ...row, state: outcome.state, outcome, finished_us: 2 });
      return true;
    },
    giveUp: async () => {
      for (const row of this.rows.values())
        if (row.state === 'running')
          this.rows.set(row.number, { ...row, state: 'cancelled', finished_us: 2 });
    },
  };

  readonly jobs: RunParts['jobs'] = {
    add: async (_kind, input) => {
      const { number } = input as { number: number };
      return { job_id: `job-${number}` } as Awaited<ReturnType<RunParts['jobs']['add']>>;
    },
    wait: (id, signal) =>
      new Promise((resolve, reject) => {
        const number = Number(id.slice('job-'.length));
        const end = () => resolve({ job_id: id, state: 'completed', error: null } as JobReply);
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
        if (this.rows.get(number)!.state !== 'running') return end();
        this.#waiting.push({ number, end });
        this.#woken?.();
      }),
    cancel: async (id) => {
      const number = Number(id.slice('job-'.length));
      this.cancelled.push(number);
      const at = this.running.indexOf(number);
      if (at >= 0) this.loseJob(at);
      return { job_id: id } as JobReply;
    },
  };
}
