// From what happened to what is counted: served requests and outcomes as tallies.
import { NO_MOMENTS, withValue } from '../../../src/learning/experiments/moments.ts';
import {
  added,
  atStage,
  type Definition,
  NO_TALLY,
  ofArm,
  type PredictionRow,
  type Tally,
  WATCH,
} from './records.ts';
import { METRIC_FACTS, outcomeRows, type Said, scoreOf } from './scoring.ts';

/** What an arm did with one request. */
export interface Run {
  readonly arm: string;
  /** Milliseconds; null where it was at fault. */
  readonly latencyMs: number | null;
  /** Of a challenger in the shadow: rows that the control answered too, and those alike. */
  readonly rows?: number;
  readonly agreed?: number;
}

/** One request that was answered. */
export interface Served {
  readonly key: string;
  readonly stage: number;
  /** The arm that answered, or {@link WATCH}, then those in its shadow. */
  readonly runs: readonly Run[];
  /** Waits for an outcome; null where none is needed or can come. */
  readonly prediction: { readonly id: string; readonly said: Readonly<Record<string, Said>> } | null;
  readonly atUs: number;
}

/** Counts by the name of the arm. */
export class Counts {
  readonly #counts = new Map<string, Tally>();

  add(arm: string, more: Partial<Tally>): void {
    this.#counts.set(arm, added(this.#counts.get(arm) ?? NO_TALLY, { ...NO_TALLY, ...more }));
  }

  /** Names with what was counted of them. */
  entries(): IterableIterator<[string, Tally]> {
    return this.#counts.entries();
  }
}

/** A number that stands for a key: 53 bits, so that 100,000 keys meet with a probability of 1e-6. */
export function hashOf(key: string): number {
  return (Bun.hash.xxHash32(key, 1) & 0x1fffff) * 2 ** 32 + Bun.hash.xxHash32(key, 2);
}

/** Returns the counts of requests. `fresh` are the hashes of keys that were not counted before; each is taken out when it is. */
export function countServed({ metric }: Definition, all: readonly Served[], fresh: Set<number>): Counts {
  const counts = new Counts();
  const hasOutcome = METRIC_FACTS[metric].needs !== null;
  for (const { key, stage, runs } of all) {
    for (const { arm, latencyMs, rows = 0, agreed = 0 } of runs) {
      const latency = latencyMs === null ? NO_MOMENTS : withValue(NO_MOMENTS, latencyMs);
      const staged = arm === WATCH ? [] : atStage(stage, 1);
      counts.add(arm, { requests: 1, errors: latencyMs === null ? 1 : 0, latency, staged, rows, agreed });
    }
    const { arm } = runs[0]!;
    if (!hasOutcome && arm !== WATCH && fresh.delete(hashOf(key)))
      counts.add(arm, { keys: atStage(stage, 1) });
  }
  return counts;
}

/** Adds the outcome of a prediction; its key is counted elsewhere. Throws InvalidOptionError and ShapeMismatchError, before anything is added. */
export function countOutcome(
  counts: Counts,
  { metric, arms, scored }: Definition,
  { arm: answered, said: text }: PredictionRow,
  outcome: number | string | readonly (number | string)[],
  pointer: string,
): void {
  const said: Readonly<Record<string, Said>> = JSON.parse(text);
  const outcomes = outcomeRows(metric, outcome, said[answered]!.p.length, scored, pointer);
  const control = ofArm(said, arms[0]!.name);
  for (const [arm, its] of Object.entries(said)) {
    let [values, differences, gained, lost] = [NO_MOMENTS, NO_MOMENTS, 0, 0];
    for (const [row, one] of outcomes.entries()) {
      const score = scoreOf(metric, its, row, one);
      values = withValue(values, score);
      if (!control || its === control) continue;
      const difference = score - scoreOf(metric, control, row, one);
      differences = withValue(differences, difference);
      if (metric !== 'accuracy') continue;
      if (difference > 0) gained++;
      else if (difference < 0) lost++;
    }
    counts.add(arm, { values, differences, gained, lost });
  }
}
