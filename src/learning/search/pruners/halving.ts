// Successive halving and Hyperband: at each rung only the best part of the trials that reached it goes on.
import type { Observation, Pruner, Reported } from '../types.ts';

export interface HalvingOptions {
  /** Step of the first rung. */
  readonly least_steps: number;
  /** A rung lets the best of so many trials on, and the next one is so many times as far. */
  readonly reduction: number;
  /** Rungs that are left out at the start. */
  readonly skipped_rungs: number;
}

/**
 * Ends a trial at a rung (step `least_steps` times a power of `reduction`) unless its report there is among the best 1 / `reduction` of all trials that reached
 * the rung, itself included; while they are fewer than `reduction`, unless it is the best. A report that is no number ends the trial.
 * Source: Li et al. 2020, A system for massively parallel hyperparameter tuning (ASHA), without pauses, as Optuna's SuccessiveHalvingPruner.
 */
export const halvingPruner = (options: HalvingOptions): Pruner => ({
  ends: (_number, reports, history) => endsAtRung(options, reports, history),
});

function endsAtRung(
  { least_steps, reduction, skipped_rungs }: HalvingOptions,
  reports: readonly Reported[],
  history: readonly Observation[],
): boolean {
  const last = reports.at(-1);
  if (!last) return false;
  const before = reports.at(-2)?.step ?? 0;
  for (let step = least_steps * reduction ** skipped_rungs; step <= last.step; step *= reduction) {
    // What was passed with an earlier report is not asked again.
    if (step <= before) continue;
    if (!Number.isFinite(last.value)) return true;
    const others = history.flatMap((trial) => valueAt(trial.reports, step));
    const sorted = [...others, last.value].sort((a, b) => a - b);
    const kept = Math.max(1, Math.floor(sorted.length / reduction));
    if (last.value > sorted[kept - 1]!) return true;
  }
  return false;
}

/** Returns what a trial had at the first report from a rung's step on; nothing where it did not get there. */
function valueAt(reports: readonly Reported[], step: number): number[] {
  const value = reports.find((report) => report.step >= step)?.value;
  return value !== undefined && Number.isFinite(value) ? [value] : [];
}

export interface HyperbandOptions {
  readonly least_steps: number;
  /** Steps of a trial that is not ended; those of the first complete trial when absent. */
  readonly most_steps?: number | undefined;
  readonly reduction: number;
}

/**
 * Shares the trials out to brackets of successive halving, from the one that ends trials earliest to one that ends none before the last rung; a trial is compared
 * with those of its bracket. Bracket and number of trials: Li et al. 2018, Hyperband, algorithm 1; here spread over the numbers of trials, so
 * that at any time each bracket has its share.
 */
export const hyperbandPruner = ({ least_steps, most_steps, reduction }: HyperbandOptions): Pruner => ({
  ends(number, reports, history) {
    const most = most_steps ?? firstLength(history);
    if (most === undefined) return false;
    const shares = bracketShares(bracketsOf(least_steps, most, reduction), reduction);
    const bracketOf = sharedOut(shares);
    const own = bracketOf(number);
    const rivals = history.filter((trial) => bracketOf(trial.number) === own);
    return endsAtRung({ least_steps, reduction, skipped_rungs: own }, reports, rivals);
  },
});

/** Returns the number of brackets: rungs from the least to the most steps. */
function bracketsOf(least: number, most: number, reduction: number): number {
  let brackets = 1;
  for (let step = least * reduction; step <= most; step *= reduction) brackets++;
  return brackets;
}

/** Returns how many trials each bracket has beside the others', the one that ends trials earliest first. */
export function bracketShares(brackets: number, reduction: number): number[] {
  return Array.from({ length: brackets }, (_, bracket) => {
    const s = brackets - 1 - bracket;
    return Math.ceil((brackets * reduction ** s) / (s + 1));
  });
}

/** Neighbouring numbers times it fall far apart in the unit interval, and any run of them fills it evenly. */
const GOLDEN = (Math.sqrt(5) - 1) / 2;

/** Returns the bracket of each number. */
function sharedOut(shares: readonly number[]): (number: number) => number {
  const total = shares.reduce((sum, share) => sum + share, 0);
  return (number) => {
    let left = ((number * GOLDEN) % 1) * total;
    let bracket = 0;
    while (bracket < shares.length - 1 && left >= shares[bracket]!) left -= shares[bracket++]!;
    return bracket;
  };
}

/** Returns the steps of the first trial that is complete; what comes after it does not change them. */
function firstLength(history: readonly Observation[]): number | undefined {
  let first: Observation | undefined;
  for (const trial of history) {
    if (trial.state === 'complete' && trial.reports.length > 0 && (!first || trial.number < first.number))
      first = trial;
  }
  return first?.reports.at(-1)?.step;
}
