// What routes tell of a search.
import { scoreOfLoss } from '../../../src/learning/search/metric.ts';
import { best, boardRow, importanceOf, ranked } from './board.ts';
import { memberOf } from './candidate.ts';
import { type Conclusion, choiceName } from './conclude.ts';
import type { SearchRow, TrialRow } from './records.ts';
import type { SearchResults, SearchStatus } from './schemas.ts';

const ENDED = ['complete', 'pruned', 'failed', 'cancelled'] as const;

/** Returns how a search is, by its trials. */
export function statusOf(search: SearchRow, trials: readonly TrialRow[], nowUs: number): SearchStatus {
  const { search_id, kind, state, reason, settings, created_us, started_us, finished_us } = search;
  const winner = best(trials);
  const counts = { running: 0, complete: 0, pruned: 0, failed: 0, cancelled: 0 };
  for (const trial of trials) counts[trial.state]++;
  const ended = ENDED.reduce((sum, one) => sum + counts[one], 0);
  const follow = kind === 'automl' ? 'status' : 'progress';
  return {
    job_id: search_id,
    ...{ kind, state, reason },
    dataset_id: settings.dataset_id,
    validation_metric: settings.metric,
    max_trials: settings.max_trials,
    trials: counts,
    fraction: state === 'completed' ? 1 : Math.min(1, ended / settings.max_trials),
    best: winner && {
      trial: winner.number,
      family: memberOf(winner.point, settings.members).family,
      score: scoreOfLoss(settings.metric, winner.outcome!.loss!),
    },
    ...{ created_us, started_us, finished_us },
    seconds: started_us === null ? null : ((finished_us ?? nowUs) - started_us) / 1e6,
    progress_url: `/${kind}/${follow}/${search_id}`,
    results_url: `/automl/results/${search_id}`,
  };
}

/** Returns everything that is known of a search, with one page of its leader board. */
export function resultsOf(
  search: SearchRow,
  trials: readonly TrialRow[],
  ended: unknown,
  { limit, offset }: { readonly limit: number; readonly offset: number },
  nowUs: number,
): SearchResults {
  const { settings } = search;
  const end = ended as Conclusion | null;
  const order = ranked(trials);
  const winner = best(trials);
  const { unused, hardware: asked, ...rest } = settings;
  return {
    ...statusOf(search, trials, nowUs),
    stop: end?.stop ?? null,
    best_model: winner && boardRow(winner, 1, settings),
    test: testedOf(end, winner && choiceName({ kind: 'trial', trial: winner })),
    stack: testedOf(end, 'stack'),
    deflated_sharpe:
      (winner && end?.tested[choiceName({ kind: 'trial', trial: winner })]?.deflated_sharpe) ?? null,
    importance: importanceOf(trials, settings.space),
    leader_board: order
      .slice(offset, offset + limit)
      .map((trial, i) => boardRow(trial, offset + i + 1, settings)),
    total: trials.length,
    unused: [...unused],
    hardware: { asked, used: 'cpu' as const, reason: hardwareReason(asked) },
    settings: { ...rest },
  };
}

function hardwareReason(asked: string): string | null {
  if (asked === 'auto' || asked === 'cpu') return null;
  const what =
    asked === 'neural_engine'
      ? 'The Neural Engine runs models, it fits none'
      : 'Trials are fitted on the CPU, several at a time';
  return `${what}; deploy with target_hardware for where the model runs`;
}

function testedOf(end: Conclusion | null, choice: string | null) {
  const tested = choice === null ? undefined : end?.tested[choice];
  if (!tested) return null;
  const { report, test_fraction, weights } = tested;
  return { report: { ...report }, test_fraction, weights: [...weights] };
}
