// The median rule: a trial ends whose best report is worse than the median of what the others had at that step.
import type { Observation, Pruner, Reported } from '../types.ts';

export interface MedianOptions {
  /** Complete trials before any trial ends. */
  readonly startup_trials: number;
  /** Steps of a trial in which it does not end. */
  readonly warmup_steps: number;
  /** Steps from one check to the next. */
  readonly interval_steps: number;
  /** Complete trials that need a report at a step for it to be judged. */
  readonly least_trials: number;
}

/**
 * Ends a trial whose least report is above the median of the reports that complete trials have at the same step; one without a finite report ends as well.
 * Source: Golovin et al. 2017 (Google Vizier), section 3.2.2, with the rules of warm-up of Optuna's MedianPruner.
 */
export const medianPruner = ({
  startup_trials,
  warmup_steps,
  interval_steps,
  least_trials,
}: MedianOptions): Pruner => ({
  ends(_number, reports, history) {
    const last = reports.at(-1);
    const complete = history.filter(({ state }) => state === 'complete');
    if (!last || complete.length === 0 || complete.length < startup_trials) return false;
    if (last.step < warmup_steps || !isCheck(reports, warmup_steps, interval_steps)) return false;
    const finite = reports.flatMap(({ value }) => (Number.isFinite(value) ? [value] : []));
    if (finite.length === 0) return true;
    const others = complete.flatMap((trial) => reportAt(trial, last.step));
    return others.length >= least_trials && others.length > 0 && Math.min(...finite) > median(others);
  },
});

/** Whether the last report is the first one of its interval. */
function isCheck(reports: readonly Reported[], warmup: number, interval: number): boolean {
  const { step } = reports.at(-1)!;
  const from = warmup + Math.floor((step - warmup) / interval) * interval;
  const before = reports.at(-2)?.step;
  return before === undefined || before < from;
}

function reportAt({ reports }: Observation, step: number): number[] {
  const value = reports.find((report) => report.step === step)?.value;
  return value !== undefined && Number.isFinite(value) ? [value] : [];
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
