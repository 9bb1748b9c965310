// What a search ends with: the best settings fitted again and tested on rows that no trial saw.
import { CancelledError } from '../../../src/native/errors.ts';
import type { TrainInput } from '../training/schemas.ts';
import { best, ranked } from './board.ts';
import { candidateOf } from './candidate.ts';
import type { Files } from './files.ts';
import type { Choice, Finished } from './messages.ts';
import { refitOf } from './refit.ts';
import type { SearchRow, Settings, TrialRow } from './records.ts';
import type { Stop } from './run.ts';
import type { Trials } from './trial.ts';

/** Resamples behind each interval of a score of the test. */
const RESAMPLES = 1000;

/** What is needed at the end. */
export interface ConcludeParts {
  readonly trials: Pick<Trials, 'pool' | 'opening'>;
  readonly files: Files;
  readonly signal: AbortSignal;
}

/** A model on the rows that no trial saw: the report of a training, and the weights of a stack. */
export type Tested = Omit<Finished, 'bytes' | 'probe'>;

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
    const { bytes: _, probe: __, ...rest } = await finished(search, choice, parts);
    tested[choiceName(choice)] = rest;
  }
  return { stop, best: winner.number, tested };
}

/** Returns the model of a choice: the one that is kept, else it is made (again, to the same bits). */
export async function finished(
  search: SearchRow,
  choice: Choice,
  { trials, files, signal }: ConcludeParts,
  timeoutMs = search.settings.trial_timeout_s * 1000,
): Promise<Finished> {
  const { search_id } = search;
  const kept = await files.load(search_id, choiceName(choice));
  if (kept) return kept;
  const order = { type: 'finish', choice, input: inputOf(search, choice) } as const;
  const made = await trials.pool.finish(search_id, trials.opening(search), order, { signal, timeoutMs });
  if (signal.aborted) throw new CancelledError('The search was cancelled');
  await files.save(search_id, choiceName(choice), made);
  return made;
}

/** Returns the training that a choice is: that of a stack has the features of all its trials, and of its first one the family. */
export function inputOf({ search_id, settings }: SearchRow, choice: Choice): Omit<TrainInput, 'test_fraction'> {
  const [first, ...others] = choice.kind === 'stack' ? choice.trials : [choice.trial];
  const refit = refitOf(first!, settings);
  const on = [first!, ...others].flatMap(({ point }) => candidateOf(point, settings).groups ?? []);
  const features = settings.groups.filter(({ name }) => on.includes(name)).flatMap((group) => group.features);
  return {
    ...refit,
    features,
    model_id: search_id,
    dataset_id: settings.dataset_id,
    target: settings.target,
    steps: settings.steps,
    missing: settings.missing,
    // All rows that trials saw are for the fit.
    calibration_fraction: 0,
    interval_level: 0.9,
    hardware: 'auto',
    resamples: RESAMPLES,
    seed: settings.seed,
  };
}
