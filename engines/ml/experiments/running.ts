// An experiment in memory: which arm a key gets, and what happened since the counts were stored last.
import { Split } from '../../../src/learning/experiments/assign.ts';
import type { Served } from './count.ts';
import type { Arm, Experiment } from './records.ts';

/** Requests that wait to be counted; more are left out while the database is away. */
const MAX_BUFFER = 10_000;

/** Rows of answers among them: requests may have a thousand, of every arm. */
const MAX_ROWS = 1_000_000;

/** What is to be stored. */
export interface Taken {
  readonly served: readonly Served[];
  readonly lost: number;
  /** Some of it was to be stored before, and it is not known whether it was: the database may go away while it answers. */
  readonly mayBeStored: boolean;
}

/** An experiment that has not ended. */
export class Running {
  #experiment: Experiment;
  #split: Split;
  #served: Served[] = [];
  #rows = 0;
  #mayBeStored = false;
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
    const rows = rowsOf(served);
    if (this.#served.length >= MAX_BUFFER || this.#rows + rows > MAX_ROWS) {
      this.#lost++;
      return;
    }
    this.#served.push(served);
    this.#rows += rows;
  }

  /** Counts what was left out. */
  lose(count = 1): void {
    this.#lost += count;
  }

  /** Takes out what is to be stored. */
  take(): Taken {
    const taken = { served: this.#served, lost: this.#lost, mayBeStored: this.#mayBeStored };
    this.#served = [];
    this.#rows = 0;
    this.#lost = 0;
    this.#mayBeStored = false;
    return taken;
  }

  /** Puts back what could not be stored. */
  giveBack({ served, lost }: Pick<Taken, 'served' | 'lost'>): void {
    const since = this.take();
    this.#mayBeStored = true;
    this.#lost = lost + since.lost;
    for (const one of [...served, ...since.served]) this.add(one);
  }
}

function rowsOf({ prediction }: Served): number {
  return Object.values(prediction?.said ?? {}).reduce((sum, { p }) => sum + p.length, 0);
}

function splitOf({ row, ramps }: Experiment): Split {
  return new Split(row.experiment_id, ramps);
}
