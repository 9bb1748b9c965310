// Chooses features of a table by one of four methods, from the training part of time alone.
import { turn } from '../../core/turn.ts';
import { adjustedP, type Control } from '../discoveries.ts';
import type { TrainingSet } from '../tables/training-set.ts';
import { holdOutLast } from '../validation/held-out.ts';
import { type Candidates, candidatesOf, type Unusable } from './candidates.ts';
import { type Independence, testEach } from './discovery.ts';
import {
  type Estimator,
  informationOf,
  minimumRedundancy,
  quickEstimator,
  type RelevanceControl,
} from './relevance.ts';
import { type StabilityOptions, stability } from './stability.ts';

export const SELECTION_METHODS = ['mutual_information', 'mrmr', 'stability', 'fdr'] as const;
export type SelectionMethod = (typeof SELECTION_METHODS)[number];

/** What a choice takes beside its method. */
export interface SelectionOptions extends StabilityOptions {
  readonly method: SelectionMethod;
  /** Most features that are chosen. */
  readonly top: number;
  /** Share of the rows, the last ones, that nothing is looked at of. */
  readonly test_fraction: number;
  readonly estimator: 'auto' | Estimator;
  readonly neighbours: number;
  readonly form: 'difference' | 'quotient';
  /** False discoveries among the chosen ones, as a share, in expectation. */
  readonly rate: number;
  readonly control: Control;
  readonly independence: Independence;
}

/** What is known of one feature. */
export interface Judged {
  readonly name: string;
  readonly selected: boolean;
  /** What it is ordered by; null for one that is not compared. */
  readonly score: number | null;
  readonly reason: Unusable | null;
  /** Of mRMR, where it is chosen. */
  readonly relevance?: number;
  readonly redundancy?: number;
  /** Of `fdr`. */
  readonly p?: number;
  readonly q?: number;
}

/** A choice. */
export interface Selection {
  /** In the order of the choice. */
  readonly selected: readonly string[];
  /** Best first; those that can't be compared last. */
  readonly features: readonly Judged[];
  readonly rows: {
    readonly used: number;
    readonly incomplete: number;
    readonly held_out: number;
    readonly from_us: number;
    readonly to_us: number;
    /** First row that nothing was looked at of. */
    readonly test_from_us: number;
  };
  readonly facts: Readonly<Record<string, number | string>>;
}

interface Ranked extends Omit<Judged, 'name' | 'reason'> {
  readonly column: number;
}

/**
 * Returns the choice of `options` among the inputs of a set, made with `missing: 'keep'`. The last rows, and those whose labels reach into
 * them, are not looked at. Throws InsufficientHistoryError, InvalidOptionError (too many columns for the method).
 */
export async function selectFeatures(
  { data, inputs }: TrainingSet,
  options: SelectionOptions,
  control: RelevanceControl,
): Promise<Selection> {
  const every = Uint32Array.from({ length: data.rows }, (_, row) => row);
  const { train, test } = holdOutLast(every, options.test_fraction, data.spans);
  const candidates = candidatesOf(data, train);
  await turn();
  const { ranked, facts } = await rank(candidates, options, control);
  const nameOf = (column: number) => inputs[candidates.places[column]!]!;
  const judged: Judged[] = ranked.map(({ column, ...rest }) => ({
    name: nameOf(column),
    ...rest,
    reason: null,
  }));
  for (const [place, reason] of candidates.unusable)
    judged.push({ name: inputs[place]!, selected: false, score: null, reason });
  return {
    selected: judged.filter(({ selected }) => selected).map(({ name }) => name),
    features: judged,
    rows: {
      used: candidates.rows,
      incomplete: candidates.incomplete,
      held_out: data.rows - train.length,
      from_us: candidates.startUs[0]!,
      to_us: candidates.startUs.at(-1)!,
      test_from_us: data.spans.startUs[test[0]!]!,
    },
    facts,
  };
}

async function rank(candidates: Candidates, options: SelectionOptions, control: RelevanceControl) {
  const { places } = candidates;
  const { top, method } = options;
  // Nothing is left to compare.
  if (places.length === 0) return { ranked: [], facts: {} };
  const columns = Array.from(places.keys());
  const facts: Record<string, number | string> = {};
  let ranked: Ranked[];
  switch (method) {
    case 'mutual_information': {
      const estimator = options.estimator === 'auto' ? quickEstimator(candidates) : options.estimator;
      const scores = await informationOf(candidates, estimator, options.neighbours, control);
      facts.estimator = estimator;
      ranked = best(columns, (i) => scores[i]!).map((column, place) => ({
        column,
        score: scores[column]!,
        selected: place < top && scores[column]! > 0,
      }));
      break;
    }
    case 'mrmr': {
      const chosen = await minimumRedundancy(candidates, top, options.form, control);
      const left = new Set(columns);
      for (const { column } of chosen) left.delete(column);
      ranked = [
        ...chosen.map((one) => ({ ...one, selected: true })),
        ...[...left].map((column) => ({ column, score: null, selected: false })),
      ];
      break;
    }
    case 'stability': {
      const { frequency, first, blocks } = await stability(candidates, options, control);
      Object.assign(facts, { found_by_each_half: first, blocks });
      ranked = best(columns, (i) => frequency[i]!).map((column, place) => ({
        column,
        score: frequency[column]!,
        selected: place < top && frequency[column]! >= options.threshold - 1e-9,
      }));
      break;
    }
    case 'fdr': {
      const tests = await testEach(candidates, options.independence, control.signal);
      const p = tests.map((test) => test.p);
      const q = adjustedP(p, options.control);
      const order = columns.toSorted((a, b) => p[a]! - p[b]! || strength(tests[b]!) - strength(tests[a]!));
      ranked = order.map((column, place) => ({
        column,
        score: tests[column]!.effect,
        ...{ p: p[column]!, q: q[column]! },
        selected: place < top && q[column]! <= options.rate,
      }));
    }
  }
  return { ranked, facts };
}

const strength = ({ effect }: { readonly effect: number }) => Math.abs(effect) || 0;

function best(columns: readonly number[], score: (column: number) => number): number[] {
  return columns.toSorted((a, b) => score(b) - score(a) || a - b);
}
