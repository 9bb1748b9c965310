// What the trials of a search tell together: their order, the best one, and how much each setting mattered.
import { scoreOfLoss } from '../../../src/learning/search/metric.ts';
import type { Choice, Space } from '../../../src/learning/search/types.ts';
import { candidateOf } from './candidate.ts';
import type { Settings, TrialRow } from './records.ts';

const ORDER = { complete: 0, pruned: 1, failed: 2, running: 3, cancelled: 4 } as const;
/** Parts into which the values of a number are cut. */
const BINS = 4;
/** Complete trials below which nothing is said of importance. */
const LEAST_TRIALS = 10;

/** Returns the trials with the least losses first; those that were pruned come after those that were not, and then what has no loss. */
export function ranked(trials: readonly TrialRow[]): TrialRow[] {
  const loss = ({ outcome }: TrialRow) => outcome?.loss ?? Number.POSITIVE_INFINITY;
  return trials.toSorted((a, b) => {
    const [x, y] = [loss(a), loss(b)];
    return ORDER[a.state] - ORDER[b.state] || (x === y ? 0 : x - y) || a.number - b.number;
  });
}

/** Returns the complete trial of the least loss, the first of equals; null where there is none. */
export function best(trials: readonly TrialRow[]): TrialRow | null {
  let found: TrialRow | null = null;
  for (const trial of trials) {
    if (trial.state !== 'complete') continue;
    if (found === null || trial.outcome!.loss! < found.outcome!.loss!) found = trial;
  }
  return found;
}

/** Returns a trial as replies tell it. */
export function boardRow(trial: TrialRow, rank: number, settings: Settings) {
  const { number, point, state, outcome } = trial;
  const { family, options, groups } = candidateOf(point, settings);
  const loss = outcome?.loss ?? null;
  return {
    rank,
    trial: number,
    state,
    model_type: family,
    family,
    options: { ...options },
    features: [...(groups ?? [])],
    point,
    score: state !== 'complete' || loss === null ? null : scoreOfLoss(settings.metric, loss),
    loss,
    validation_metrics: { ...outcome?.scores },
    reports: outcome?.reports.length ?? 0,
    seconds: outcome?.seconds ?? null,
    reason: outcome?.reason ?? null,
  };
}

/**
 * Returns for each dimension the share of the variance of the loss between the groups of its values over the whole variance (the correlation
 * ratio eta squared, Fisher 1925, less what as many groups without meaning would explain), over the complete trials at which it counts;
 * numbers are cut into quarters. A rough measure of each setting by itself: what only two together do does not show. Null below 10 trials.
 */
export function importanceOf(trials: readonly TrialRow[], space: Space): Record<string, number> | null {
  const complete = trials.filter(({ state }) => state === 'complete');
  if (complete.length < LEAST_TRIALS) return null;
  const shares = space.map(({ name, kind }) => {
    const with_ = complete.filter(({ point }) => point[name] !== undefined);
    const losses = with_.map(({ outcome }) => outcome!.loss!);
    const values = with_.map(({ point }) => point[name]!);
    const groups = kind === 'choice' ? values.map(String) : quarters(values as number[]);
    return [name, with_.length < LEAST_TRIALS ? 0 : explained(losses, groups)] as const;
  });
  return Object.fromEntries(shares);
}

function quarters(values: readonly number[]): string[] {
  const sorted = values.toSorted((a, b) => a - b);
  const edges = Array.from(
    { length: BINS - 1 },
    (_, i) => sorted[Math.floor(((i + 1) * sorted.length) / BINS)]!,
  );
  return values.map((value) => String(edges.filter((edge) => value >= edge).length));
}

function explained(losses: readonly number[], groups: readonly Choice[]): number {
  // Ranks instead of losses: one trial that went wrong would be most of the variance.
  const order = losses.map((loss, i) => ({ loss, i })).sort((a, b) => a.loss - b.loss);
  const ranks = new Float64Array(losses.length);
  for (const [rank, { i }] of order.entries()) ranks[i] = rank;
  const n = ranks.length;
  const mean = (n - 1) / 2;
  const total = ranks.reduce((sum, rank) => sum + (rank - mean) ** 2, 0);
  const of = new Map<Choice, { sum: number; count: number }>();
  for (const [i, group] of groups.entries()) {
    const { sum, count } = of.get(group) ?? { sum: 0, count: 0 };
    of.set(group, { sum: sum + ranks[i]!, count: count + 1 });
  }
  let between = 0;
  for (const { sum, count } of of.values()) between += count * (sum / count - mean) ** 2;
  const k = of.size;
  if (k < 2 || n <= k || total === 0) return 0;
  // Epsilon squared (Kelley 1935): what is left when chance is taken off.
  const share = (between - ((k - 1) * (total - between)) / (n - k)) / total;
  return Math.max(0, share);
}
