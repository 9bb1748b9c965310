// What a search ends with: the best settings fitted again and tested on rows that no trial saw.

import { DeadlineExceededError, DependencyUnavailableError } from '../../../src/core/errors.ts';
import { scoreOfLoss } from '../../../src/learning/search/metric.ts';
import { CancelledError } from '../../../src/native/errors.ts';
import { best, ranked } from './board.ts';
import { UnfinishedSearchError } from './errors.ts';
import type { Files } from './files.ts';
import type { Choice, Finished } from './messages.ts';
import type { SearchRow, Settings, TrialRow } from './records.ts';
import type { Stop } from './run.ts';
import type { Trials } from './trial.ts';

/** A model at the end may take as long as so many trials: a stack is all of its trials, twice. */
const FINISH_TRIALS = 40;

/** What is needed at the end. */
export interface ConcludeParts {
  readonly trials: Pick<Trials, 'pool' | 'opening' | 'threads'>;
  readonly files: Files;
  readonly signal: AbortSignal;
}

/** A model on the rows that no trial saw: the report of a training, and the weights of a stack. */
export type Tested = Pick<Finished, 'report' | 'test_fraction' | 'weights' | 'deflated_sharpe'>;

/** What is stored of the end of a search. */
export interface Conclusion {
  readonly stop: Stop;
  readonly best: number;
  /** By {@link choiceName}. */
  readonly tested: Readonly<Record<string, Tested>>;
}

/** Name of a choice in files and tables. */
export function choiceName(choice: Choice): string {
  return choice.kind === 'stack' ? 'stack' : `trial-${choice.trial.number}`;
}

/** Returns the best complete trials that a stack is made of. */
export function stackOf(trials: readonly TrialRow[], { ensemble }: Settings): Choice {
  const complete = ranked(trials).filter(({ state }) => state === 'complete');
  return { kind: 'stack', trials: complete.slice(0, ensemble) };
}

function sharpesOf(trials: readonly TrialRow[], { metric }: Settings): number[] | null {
  if (metric !== 'sharpe_ratio') return null;
  return trials.flatMap(({ state, outcome }) =>
    state === 'complete' ? [scoreOfLoss(metric, outcome!.loss!)] : [],
  );
}

/** Fits and tests the best trial, and the stack where one is asked for, and keeps their models. Throws what the fits throw. */
export async function conclude(
  search: SearchRow,
  trials: readonly TrialRow[],
  stop: Stop,
  parts: ConcludeParts,
): Promise<Conclusion> {
  const winner = best(trials)!;
  const choices: Choice[] = [{ kind: 'trial', trial: winner }];
  const stack = search.settings.ensemble > 0 ? stackOf(trials, search.settings) : null;
  // One trial alone is no stack.
  if (stack?.kind === 'stack' && stack.trials.length > 1) choices.push(stack);
  const tested: Record<string, Tested> = {};
  for (const choice of choices) {
    const sharpes = choice.kind === 'trial' ? sharpesOf(trials, search.settings) : null;
    const { report, test_fraction, weights, deflated_sharpe } = await finished(
      search,
      choice,
      parts,
      sharpes,
    );
    tested[choiceName(choice)] = { report, test_fraction, weights, deflated_sharpe };
  }
  return { stop, best: winner.number, tested };
}

/** Returns the model of a choice: the one that is kept, else it is made (again, to the same bits). */
export async function finished(
  search: SearchRow,
  choice: Choice,
  { trials, files, signal }: ConcludeParts,
  sharpes: readonly number[] | null = null,
): Promise<Finished> {
  const { search_id } = search;
  const kept = await files.load(search_id, choiceName(choice));
  if (kept) return kept;
  const timeoutMs = FINISH_TRIALS * search.settings.trial_timeout_s * 1000;
  const order = { type: 'finish', choice, threads: trials.threads, sharpes } as const;
  const made = await trials.pool
    .finish(search_id, trials.opening(search), order, { signal, timeoutMs })
    .catch((error) => {
      // The same fit would end its process again, however often it is tried.
      const isLost = error instanceof DependencyUnavailableError || error instanceof DeadlineExceededError;
      throw isLost ? new UnfinishedSearchError(error) : error;
    });
  if (signal.aborted) throw new CancelledError('The search was cancelled');
  await files.save(search_id, choiceName(choice), made);
  return made;
}
