// Losses as they become known: tallies for the next verdict, and detectors that look at each of them.
import { Adwin, PageHinkley } from '../../../src/learning/drift/index.ts';
import type { StreamDetector } from '../../../src/learning/drift/types.ts';
import { type LossBaseline, type LossTally, NO_LOSSES, withLoss } from './losses.ts';
import type { VersionState } from './records.ts';
import type { AccuracyVerdict } from './schemas.ts';

/** Where a baseline of losses comes from. */
export type BaselineFrom = NonNullable<AccuracyVerdict['baseline_from']>;

/** Detectors on the stream of losses, made anew or of their state. */
const DETECTORS: Readonly<Record<string, (state: unknown) => StreamDetector>> = {
  adwin: (state) => (state === undefined ? new Adwin() : Adwin.fromJSON(state)),
  page_hinkley: (state) =>
    state === undefined ? new PageHinkley({ mode: 'up' }) : PageHinkley.fromJSON(state),
};

/** What is known of a version that is watched from now on. */
export function newVersion(version: string): VersionState {
  return {
    version,
    losses: NO_LOSSES,
    firstLosses: null,
    latencyMs: null,
    seen: 0,
    detectors: {},
    found: [],
    accuracy: null,
  };
}

/**
 * Returns what is known of a version after further losses. A detector counts as one that found something when it tells of a change while
 * the losses since the last verdict are above `baseline`: getting better is a change too, but no alarm.
 */
export function withLosses(
  state: VersionState,
  losses: readonly number[],
  baseline: LossBaseline | null,
): VersionState {
  const detectors = Object.entries(DETECTORS).map(
    ([name, make]) => [name, make(state.detectors[name])] as const,
  );
  const found = new Set(state.found);
  let tally: LossTally = state.losses;
  for (const loss of losses) {
    tally = withLoss(tally, loss);
    for (const [name, detector] of detectors) {
      if (detector.update(loss).drift && baseline && tally.mean > baseline.mean) found.add(name);
    }
  }
  return {
    ...state,
    losses: tally,
    seen: state.seen + losses.length,
    detectors: Object.fromEntries(detectors.map(([name, detector]) => [name, detector.toJSON()])),
    found: [...found],
  };
}
