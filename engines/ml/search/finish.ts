// The end of a search, in the process of its trials: a choice fitted on all rows that trials saw, and tested once on those that none did.
import { checkedOptions, familyOf } from '../../../src/learning/families.ts';
import type { SearchTable } from '../../../src/learning/search/table.ts';
import type { Frame } from '../../../src/learning/tables/frame.ts';
import { trainingSet } from '../../../src/learning/tables/training-set.ts';
import { trainInput } from '../training/schemas.ts';
import { train } from '../training/train.ts';
import type { Finish, Finished } from './messages.ts';

/** What a process of trials has. */
export interface FinishParts {
  readonly frame: Frame;
  readonly table: SearchTable;
  readonly threads: number;
}

/** Fits and tests a choice. Throws what `train` throws. */
export async function finishSearch({ input }: Finish, { frame, table, threads }: FinishParts): Promise<Finished> {
  const { outer, set, task } = table;
  const heldFromUs = set.data.spans.startUs[outer.test[0]!]!;
  const test_fraction = shareFrom(heldFromUs, input, frame);
  const options = checkedOptions(familyOf(input.family), task, input.options);
  const whole = trainInput.parse({ ...input, options, test_fraction });
  const signal = new AbortController().signal;
  const control = { threads, signal, progress: () => undefined, ownProcess: true };
  return { ...(await train(whole, frame, control)), test_fraction, weights: null };
}

/**
 * Returns the share of the rows of a training that begin at `fromUs` or later: with half a row less, so that the floor of what is left of all
 * rows is exact.
 */
export function shareFrom(
  fromUs: number,
  { missing, steps, features, target }: Pick<Finish['input'], 'missing' | 'steps' | 'features' | 'target'>,
  frame: Frame,
): number {
  const { data } = trainingSet(frame, features, target, { missing, steps });
  let before = 0;
  while (before < data.rows && data.spans.startUs[before]! < fromUs) before++;
  return (data.rows - before - 0.5) / data.rows;
}
