// What the counts of an experiment say, and what follows from them: no state, no clock, no storage.
import { type Mismatch, mismatchOf } from '../../../src/learning/experiments/mismatch.ts';
import {
  type Comparison,
  comparisonOf,
  type Evidence,
  meansEvidence,
  pairedRatesEvidence,
  pairsEvidence,
  ratesEvidence,
} from '../../../src/learning/experiments/sequential.ts';
import { type Definition, type Experiment, ofArm, type Result, type Tally } from './records.ts';
import { METRIC_FACTS } from './scoring.ts';

/** Below it the arms did not get their shares. */
export const MISMATCH_P = 0.001;
/** Times of each side before their means are compared: fewer tell little where a few are very long. */
const GUARD_TIMES = 30;

/** A challenger beside the control. */
export interface Standing {
  readonly arm: string;
  readonly metric: Comparison | null;
  /** Least p-value so far, for all challengers together. */
  readonly p: number;
  readonly verdict: 'better' | 'worse' | 'open';
  readonly latency: Comparison | null;
  readonly errors: Comparison | null;
  readonly agreement: number | null;
  /** Why a guardrail is broken; null while both hold. */
  readonly broken: string | null;
}

/** Everything that the counts say. */
export interface Findings {
  readonly standings: readonly Standing[];
  readonly mismatch: Mismatch | null;
  readonly result: Result;
}

/** What follows. */
export type Decision =
  | { readonly do: 'nothing' }
  | { readonly do: 'remove'; readonly arms: readonly string[]; readonly reason: string }
  | { readonly do: 'ramp'; readonly weights: readonly number[]; readonly reason: string }
  | { readonly do: 'win'; readonly arm: string; readonly reason: string }
  | { readonly do: 'back'; readonly reason: string }
  | { readonly do: 'give_up'; readonly reason: string };

/** Returns observations of the metric of an arm, and their mean; null for none. */
export function observed(
  { metric }: Definition,
  tally: Tally,
): { readonly n: number; readonly mean: number | null } {
  const { requests, errors, latency, values } = tally;
  if (metric === 'error_rate') return { n: requests, mean: requests === 0 ? null : errors / requests };
  const moments = metric === 'latency_ms' ? latency : values;
  return { n: moments.n, mean: moments.n === 0 ? null : moments.mean };
}

/** Returns what the counts of an experiment say. */
export function findingsOf({ definition, result, ramps, tallies }: Experiment): Findings {
  const { arms, alpha, min_samples, mode, metric, guardrails } = definition;
  // Every challenger may err: each gets its part of alpha.
  const share = alpha / (arms.length - 1);
  const control = tallies[0]!;
  const p: Record<string, number> = { ...result.p };
  const standings = arms.slice(1).map(({ name }, i): Standing => {
    const tally = tallies[i + 1]!;
    const isReady = [control, tally].every((one) => observed(definition, one).n >= min_samples);
    const evidence = metricEvidence(definition, control, tally);
    const found = evidence && comparisonOf(evidence, share);
    let verdict: Standing['verdict'] = 'open';
    if (found && isReady) {
      p[name] = Math.min(ofArm(p, name) ?? 1, found.p * (arms.length - 1));
      if (found.p <= share)
        verdict = found.effect > 0 === (METRIC_FACTS[metric].better === 'higher') ? 'better' : 'worse';
    }
    const [latency, errors] = guardEvidence(control, tally);
    const broken =
      brokenBy(latency, guardrails.latency_ms, share, 'latency_ms') ??
      brokenBy(errors, guardrails.error_rate, share, 'error_rate');
    return {
      arm: name,
      // Of few numbers its interval would not cover what it promises.
      metric: isReady ? found : null,
      p: ofArm(p, name) ?? 1,
      verdict,
      latency: latency && comparisonOf(latency, share),
      errors: errors && comparisonOf(errors, share),
      agreement: mode === 'shadow' && tally.rows > 0 ? tally.agreed / tally.rows : null,
      broken,
    };
  });
  const mismatch =
    mode === 'shadow'
      ? null
      : mismatchOf(
          ramps.map((weights, stage) => ({ weights, counts: tallies.map(({ keys }) => keys[stage] ?? 0) })),
        );
  const mismatch_p = Math.min(result.mismatch_p, mismatch?.p ?? 1);
  return { standings, mismatch, result: { ...result, p, mismatch_p } };
}

/** Returns what follows for an experiment that runs. `ageS` are the seconds since it began. */
export function decide(experiment: Experiment, { standings, result }: Findings, ageS: number): Decision {
  const { definition } = experiment;
  const inside = standings.filter(({ arm }) => !result.out.includes(arm));
  const broken = inside.filter((one) => one.broken !== null);
  if (broken.length > 0) {
    const reason = broken.map((one) => `${one.arm}: ${one.broken}`).join('; ');
    if (broken.length === inside.length) return { do: 'back', reason };
    return { do: 'remove', arms: broken.map(({ arm }) => arm), reason };
  }
  const isMismatched = result.mismatch_p < MISMATCH_P;
  if (!isMismatched) {
    const next =
      definition.mode === 'canary' ? canaryStep(experiment, inside[0]!) : ofMetric(definition, inside);
    if (next.do !== 'nothing') return next;
  }
  if (ageS < definition.max_duration_s) return { do: 'nothing' };
  const why = isMismatched ? 'the arms did not get their shares' : 'nothing was decided';
  return { do: 'give_up', reason: `${why} within ${definition.max_duration_s} s` };
}

/** Returns what follows for a promoted version while it is watched. */
export function decideWatch({ definition, tallies, watch }: Experiment): Decision {
  const { guardrails, alpha, watch_requests } = definition;
  const [latency, errors] = guardEvidence(tallies[0]!, watch);
  const broken =
    brokenBy(latency, guardrails.latency_ms, alpha, 'latency_ms') ??
    brokenBy(errors, guardrails.error_rate, alpha, 'error_rate');
  if (broken !== null) return { do: 'back', reason: `after its promotion: ${broken}` };
  if (watch.requests < watch_requests) return { do: 'nothing' };
  return { do: 'win', arm: '', reason: `the guardrails held for ${watch_requests} requests` };
}

function ofMetric({ metric }: Definition, inside: readonly Standing[]): Decision {
  const better = inside.filter(({ verdict }) => verdict === 'better');
  const size = ({ metric: found }: Standing) => Math.abs(found!.effect);
  const best = better.sort((a, b) => size(b) - size(a))[0];
  if (best) return { do: 'win', arm: best.arm, reason: `${best.arm} is better by ${metric}` };
  const worse = inside.filter(({ verdict }) => verdict === 'worse');
  if (worse.length === 0) return { do: 'nothing' };
  const reason = worse.map(({ arm }) => `${arm} is worse by ${metric}`).join('; ');
  return worse.length === inside.length
    ? { do: 'back', reason }
    : { do: 'remove', arms: worse.map(({ arm }) => arm), reason };
}

// The canary grows as long as nothing speaks against it, and wins when the last step is over.
function canaryStep(experiment: Experiment, { arm, verdict }: Standing): Decision {
  const { definition, ramps, tallies } = experiment;
  const { metric, min_samples, canary } = definition;
  if (verdict === 'worse') return { do: 'back', reason: `${arm} is worse by ${metric}` };
  const stage = ramps.length - 1;
  if ((tallies[1]!.staged[stage] ?? 0) < canary.step_requests) return { do: 'nothing' };
  const share = canary.steps.find((step) => step > ramps[stage]![1]! + 1e-9);
  if (share !== undefined)
    return { do: 'ramp', weights: [1 - share, share], reason: 'the guardrails held for a step' };
  // Its answers may come true long after they were given.
  if (tallies.some((tally) => observed(definition, tally).n < min_samples)) return { do: 'nothing' };
  return { do: 'win', arm, reason: 'the guardrails held for all steps' };
}

function metricEvidence({ metric, mode }: Definition, control: Tally, tally: Tally): Evidence | null {
  if (metric === 'latency_ms') return meansEvidence(control.latency, tally.latency);
  if (metric === 'error_rate')
    return ratesEvidence(
      { n: control.requests, hits: control.errors },
      { n: tally.requests, hits: tally.errors },
    );
  if (metric !== 'accuracy')
    return mode === 'shadow' ? pairsEvidence(tally.differences) : meansEvidence(control.values, tally.values);
  if (mode === 'shadow')
    return pairedRatesEvidence({ n: tally.differences.n, gained: tally.gained, lost: tally.lost });
  const [first, second] = [control.values, tally.values].map(({ n, mean }) => ({
    n,
    hits: Math.round(n * mean),
  }));
  return ratesEvidence(first!, second!);
}

function guardEvidence(control: Tally, tally: Tally): readonly [Evidence | null, Evidence | null] {
  const few = Math.min(control.latency.n, tally.latency.n) < GUARD_TIMES;
  return [
    few ? null : meansEvidence(control.latency, tally.latency),
    ratesEvidence({ n: control.requests, hits: control.errors }, { n: tally.requests, hits: tally.errors }),
  ];
}

// Broken is what is certain at level alpha: not a mean that happened to be over the limit once.
function brokenBy(
  evidence: Evidence | null,
  limit: number | null,
  alpha: number,
  what: string,
): string | null {
  if (!evidence || limit === null || evidence.effect <= limit) return null;
  if (evidence.against(limit) < -Math.log(alpha)) return null;
  const by = evidence.effect.toPrecision(3);
  return `${what} is higher than that of the control by ${by}, allowed is ${limit}`;
}
