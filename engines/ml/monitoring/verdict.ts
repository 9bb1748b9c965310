// The verdict on a window: its report, its alarms, and what is remembered after it.
import type { TableSketch } from '../../../src/learning/drift/index.ts';
import { asReply, condensed } from './condense.ts';
import { alarmsOf, compare, gapsOf, type Judged, judgeLatency, judgeLosses, MIN_ROWS } from './judge.ts';
import { baselineOf, NO_LOSSES } from './losses.ts';
import { baselineFor } from './matching.ts';
import type { Reference, VersionState } from './records.ts';
import type { WatchedCard } from './rows.ts';
import type { AccuracyVerdict, Alarm, MonitorConfig, WindowReport } from './schemas.ts';
import type { Window } from './window.ts';

/** What is known of a reference, with its sketches. */
export interface LiveReference extends Pick<Reference, 'info' | 'losses'> {
  readonly inputs: TableSketch | null;
  readonly outputs: TableSketch | null;
}

/** What a verdict is about. */
export interface Watching {
  readonly card: WatchedCard;
  readonly config: MonitorConfig;
  readonly window: Window;
  readonly watched: VersionState;
  readonly reference: LiveReference | null;
}

/** A verdict. */
export interface Verdict {
  readonly report: WindowReport;
  readonly alarms: ReadonlyMap<Alarm, string>;
  readonly watched: VersionState;
}

/** Alarms that need a whole window. */
const OF_WINDOWS = ['data_drift', 'prediction_drift', 'latency_drift'] as const;

/** Returns the verdict on the losses since the last one, where there are enough of them, else the last one. */
export function judgeOutcomes({ card, config, watched, reference }: Watching): {
  readonly accuracy: AccuracyVerdict;
  readonly isNew: boolean;
  readonly watched: VersionState;
} {
  const isShare = card.model_type === 'classification';
  const baseline = baselineFor(config, card, reference, watched);
  const accuracy = judgeLosses(baseline, watched.losses, isShare, config.thresholds);
  if (watched.losses.rows < MIN_ROWS)
    return { accuracy: watched.accuracy ?? accuracy, isNew: false, watched };
  const firstLosses = baseline ? watched.firstLosses : baselineOf(watched.losses);
  const next = { ...watched, losses: NO_LOSSES, found: [], firstLosses, accuracy };
  return { accuracy, isNew: true, watched: next };
}

/** Returns the verdict on what a window holds. `closedUs` null: it stays open. `withLosses`: the losses since the last verdict are judged too. */
export function judge(watching: Watching, closedUs: number | null, withLosses: boolean): Verdict {
  const { card, config, window, watched, reference } = watching;
  const outcomes = withLosses ? judgeOutcomes(watching) : { watched, isNew: false };
  const isShare = card.model_type === 'classification';
  const baseline = baselineFor(config, card, reference, watched);
  const collecting = judgeLosses(baseline, NO_LOSSES, isShare, config.thresholds);
  const latencyMs = config.baseline.latency_ms ?? watched.latencyMs;
  const judged: Judged = {
    inputs: compare(reference?.inputs ?? null, window.inputs, config.drift),
    predictions: compare(reference?.outputs ?? null, window.outputs, config.drift),
    accuracy: outcomes.watched.accuracy ?? { ...collecting, rows: watched.losses.rows },
    latency: judgeLatency(latencyMs, window.latencies, config.thresholds),
    detected: watched.found.filter((name) => (config.detectors as readonly string[]).includes(name)),
  };
  const alarms = alarmsOf(judged);
  // A verdict on losses is told once, when it is made.
  if (!outcomes.isNew) alarms.delete('performance_drift');
  // A window is judged once, when it ends: with every further look at rows that come, chance would have another go.
  if (closedUs === null) for (const reason of OF_WINDOWS) alarms.delete(reason);
  const enough = window.latencies.requests >= MIN_ROWS;
  return {
    alarms,
    report: {
      model_id: card.model_id,
      version: card.version,
      seq: window.seq,
      opened_us: window.openedUs,
      // A clock that went back in between makes a window of no length, never of a negative one.
      closed_us: closedUs === null ? null : Math.max(closedUs, window.openedUs),
      rows: window.rows,
      requests: window.requests,
      skipped_rows: window.skipped,
      clock_jumped: window.jumps > 0,
      reference: reference?.info ?? null,
      inputs: judged.inputs && asReply(condensed(judged.inputs)),
      predictions: judged.predictions && asReply(condensed(judged.predictions)),
      accuracy: judged.accuracy,
      latency: judged.latency,
      detectors: Object.fromEntries(
        Object.keys(watched.detectors).map((name) => [
          name,
          { drift: watched.found.includes(name), losses: watched.seen },
        ]),
      ),
      alarms: [...alarms.keys()],
      texts: [...alarms.values(), ...gapsOf(judged, window.rows)],
    },
    watched: {
      ...outcomes.watched,
      latencyMs: watched.latencyMs ?? (closedUs !== null && enough ? window.latencies.medianMs : null),
    },
  };
}

/** Returns what the first window of a version gives to compare later ones with; null where too few rows came to compare anything with them. */
export function firstReference(
  window: Window,
  report: WindowReport,
  { drift }: MonitorConfig,
  why: string | null,
): Reference | null {
  if (window.rows < Math.max(MIN_ROWS, drift.min_rows)) return null;
  return {
    info: {
      kind: 'first_window',
      version: report.version,
      rows: window.rows,
      output_rows: window.rows,
      dataset_id: null,
      why,
      made_us: report.closed_us!,
    },
    inputs: window.inputs!.toJSON(),
    outputs: window.outputs!.toJSON(),
    losses: null,
  };
}
