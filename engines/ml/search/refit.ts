// How a trial is fitted again at the end of its search.
import { trialOptions, WATCHED } from '../../../src/learning/search/base-options.ts';
import { WATCH_FRACTION } from '../../../src/learning/search/table.ts';
import { candidateOf } from './candidate.ts';
import type { Settings, TrialRow } from './records.ts';

/** Family, options and watched share of a fit. */
export interface Refit {
  readonly family: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly stopping_fraction: number;
}

/**
 * Returns the fit of a trial on all rows that trials saw: with the rounds that its watched rows asked for, so that no row is only watched.
 * A network, whose rates follow its epochs, watches again.
 */
export function refitOf(
  { point, outcome }: Pick<TrialRow, 'point' | 'outcome'>,
  settings: Pick<Settings, 'members' | 'groups' | 'steps'>,
): Refit {
  const { family, options: own } = candidateOf(point, settings);
  const options = trialOptions(family, own, settings.steps);
  const watched = WATCHED[family];
  const rounds = outcome?.rounds;
  if (watched?.steps === 'rounds' && rounds != null) {
    const whole = { ...options, rounds: Math.max(1, Math.round(rounds)), patience: 0 };
    return { family, options: whole, stopping_fraction: 0 };
  }
  return { family, options, stopping_fraction: watched ? WATCH_FRACTION : 0 };
}
