// What a search over settings is made of: dimensions, points, trials, and who proposes and who gives up.

/** When a dimension counts: while another one, a choice, has one of these values. */
export interface Condition {
  readonly dimension: string;
  readonly values: readonly Choice[];
}

export type Choice = string | number | boolean;

/** One setting that is searched over. */
export type Dimension = { readonly name: string; readonly when?: Condition } & (
  | {
      readonly kind: 'float';
      readonly low: number;
      readonly high: number;
      /** Searched by its logarithm; `low` is above 0 then. */
      readonly log?: boolean;
      /** Only `low`, `low + step`, ...; never with `log`. */
      readonly step?: number;
    }
  | {
      readonly kind: 'int';
      readonly low: number;
      readonly high: number;
      readonly log?: boolean;
      readonly step?: number;
    }
  | { readonly kind: 'choice'; readonly values: readonly Choice[] }
);

/** Dimensions in the order in which they are drawn; a condition names an earlier one. */
export type Space = readonly Dimension[];

/** Values of the dimensions that count at it. */
export type Point = Readonly<Record<string, Choice>>;

/** A score of a trial that is not at its end yet. */
export interface Reported {
  /** From 1 on, growing: rounds, epochs or folds done. */
  readonly step: number;
  readonly value: number;
}

/** A trial that has ended. */
export interface Observation {
  /** From 0 on, in the order of proposals. */
  readonly number: number;
  readonly point: Point;
  readonly state: 'complete' | 'pruned' | 'failed';
  /** What the search makes small; null for a trial that failed, the last report for a pruned one. */
  readonly loss: number | null;
  readonly reports: readonly Reported[];
}

/**
 * Proposes points. Pure: the same seed, number and history give the same point, whatever happened in between. What a search hands over as history is a
 * function of the number alone (all trials below `number - parallel + 1`), so that a search has the same trials however long each took.
 */
export interface Sampler {
  /** Returns the point of trial `number`; null where nothing is left to try (a grid at its end). */
  propose(number: number, history: readonly Observation[]): Point | null;
}

/** Says when a trial has no prospect. Pure, as {@link Sampler} is. */
export interface Pruner {
  /** Whether trial `number` ends after the last of its `reports`. */
  ends(number: number, reports: readonly Reported[], history: readonly Observation[]): boolean;
}
