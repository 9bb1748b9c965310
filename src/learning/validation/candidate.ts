// What is validated: a family with its options.
import type { Family, Task } from '../family.ts';
import type { Calibration } from './calibration/calibrate.ts';

/** What is validated. */
export interface Candidate<Options> {
  readonly family: Family<Options>;
  readonly task: Task;
  readonly options: Options;
  /** Calibrates a classifier on the latest of its training rows, which then fit nothing else. */
  readonly calibration?: Calibration;
  /** Share of the training rows, the latest ones, that early stopping watches and no parameter is fitted on; between 0 and 1. */
  readonly watchFraction?: number;
}
