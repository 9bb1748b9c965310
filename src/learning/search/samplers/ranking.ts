// Trials from the best to the worst, as the samplers that learn see them.
import type { Observation } from '../types.ts';

/** Returns the trials that tell something, the best first: complete ones with a finite loss, then pruned ones, which got further before, by their last report. */
export function ranked(history: readonly Observation[]): Observation[] {
  const complete = history.filter(({ state, loss }) => state === 'complete' && Number.isFinite(loss));
  const pruned = history.filter(({ state }) => state === 'pruned');
  return [
    ...complete.toSorted((a, b) => lossOf(a) - lossOf(b) || a.number - b.number),
    ...pruned.toSorted((a, b) => stepOf(b) - stepOf(a) || lossOf(a) - lossOf(b) || a.number - b.number),
  ];
}

const stepOf = ({ reports }: Observation) => reports.at(-1)?.step ?? 0;

/** What is no number is worse than all numbers, and two such losses are equal. */
const lossOf = ({ loss }: Observation) => (Number.isFinite(loss) ? loss! : Number.MAX_VALUE);
