// An experiment in memory: which arm a key gets, and what happened since the counts were stored last.
import { Split } from '../../../src/learning/experiments/assign.ts';
import type { Served } from './count.ts';
import type { Arm, Experiment } from './records.ts';

/** Requests that wait to be counted; more are left out while the database is away. */
const MAX_BUFFER = 10_000;

/** An experiment that has not ended. */
export class Running {
  #experiment: Experiment;
  #split: Split;
  #served: Served[] = [];
  #lost = 0;
  /** Shadow runs under way. */
  readonly pending = new Set<Promise<void>>();
  /** Predictions that are kept in the database. */
  kept: number;
  /** The last write that began or waits: the next one begins after it. */
  writing: Promise<unknown> = Promise.resolve();
  /** The write that waits for its turn: it stores everything that happens before it begins. */
  queued: Promise<void> | undefined;
  timer: ReturnType<typeof setTimeout> | undefined;
  /** Whether a promotion or a rollback of the registry is under way. */
  isMoving = false;

  constructor(experiment: Experiment, kept = 0) {
    this.#experiment = experiment;
    this.#split = splitOf(experiment);
    this.kept = kept;
  }

  get id(): string {
    return this.#experiment.row.experiment_id;
  }

  get experiment(): Experiment {
    return this.#experiment;
  }

  /** Requests that wait to be counted. */
  get waiting(): number {
    return this.#served.length;
  }

  /** Takes the experiment as it is stored now. */
  update(experiment: Experiment): void {
    if (experiment.row.stage !== this.#experiment.row.stage) this.#split = splitOf(experiment);
    this.#experiment = experiment;
  }

  /** Returns the arm of a key, and the stage by whose shares it was chosen. */
  choose(key: string): { readonly arm: Arm; readonly stage: number } {
    const { definition, row } = this.#experiment;
    const at = definition.mode === 'shadow' ? 0 : this.#split.armOf(key);
    return { arm: definition.arms[at]!, stage: row.stage };
  }

  /** Challengers that run in the shadow. */
  get shadows(): readonly Arm[] {
    const { definition, result } = this.#experiment;
    if (definition.mode !== 'shadow') return [];
    return definition.arms.slice(1).filter(({ name }) => !result.out.includes(name));
  }

  /** Keeps what happened until it is stored. */
  add(served: Served): void {
    if (this.#served.length < MAX_BUFFER) this.#served.push(served);
    else this.#lost++;
  }

  /** Counts what was left out. */
  lose(count = 1): void {
    this.#lost += count;
  }

  /** Takes out what is to be stored. */
  take(): { readonly served: Served[]; readonly lost: number } {
    const taken = { served: this.#served, lost: this.#lost };
    this.#served = [];
    this.#lost = 0;
    return taken;
  }

  /** Puts back what could not be stored. */
  giveBack({ served, lost }: { readonly served: readonly Served[]; readonly lost: number }): void {
    this.#served = [...served, ...this.#served];
    this.#lost += lost + Math.max(0, this.#served.length - MAX_BUFFER);
    this.#served.length = Math.min(this.#served.length, MAX_BUFFER);
  }
}

function splitOf({ row, ramps }: Experiment): Split {
  return new Split(row.experiment_id, ramps);
}
