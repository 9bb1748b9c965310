// What a check of quality is: one flag with the rule that gives it, its parameters, and its weight in a score.
import { FLAGS, type FlagName } from '../flags.ts';
import type { MarketKind, MarketRecord } from '../records.ts';
import type { Calendar } from '../sessions/calendar.ts';

/** One number that a check can be set by. */
export interface Parameter {
  readonly unit: string;
  readonly min: number;
  readonly max: number;
  readonly integer: boolean;
  readonly default: number;
  /** Defaults of kinds for which the common one does not fit. */
  readonly defaults?: Partial<Readonly<Record<MarketKind, number>>>;
  readonly meaning: string;
}

/** What is known of a series beside its records. */
export interface Series {
  readonly kind: MarketKind;
  /**
   * Whether numbers of the venue rise by one from record to record (`contiguous`), only rise, or count the messages of a connection, so that
   * the next one begins anew. Trades of most venues are contiguous.
   */
  readonly sequence: 'contiguous' | 'rising' | 'connection';
  /** When its market trades; null when that is not known: then neither sessions nor gaps of bars are judged. */
  readonly calendar: Calendar | null;
}

/** Where a record stands in its series. */
export type Place = 'first' | 'next' | 'older' | 'restart';

/** A split: from `exUs` on there are `ratio` shares for one before. */
export interface KnownSplit {
  readonly exUs: number;
  readonly ratio: number;
}

/** What checks of one record see and tell each other, in the order in which they run. */
export interface Context {
  readonly series: Series;
  /** The caller's clock. */
  nowUs: number;
  /** Bits that checks before have set. */
  flags: number;
  /** Set by `out_of_order`. */
  place: Place;
  /** Sequence and time of the newest record before; NaN without. */
  previousSequence: number;
  previousUs: number;
  /** Set by `gap`: how many records are missing before this one. */
  missing: number;
  /** Splits that are known, oldest first. */
  splits: readonly KnownSplit[];
}

/** A check at work on one series. */
export interface Running {
  /** Returns whether the record has the flag, and learns from it. */
  step(record: MarketRecord, context: Context): boolean;
  /** What it has to remember, as JSON. */
  save(): unknown;
  /** Microseconds of silence beyond the bound at a time, 0 within it; `stale` only. */
  silence?(nowUs: number, series: Series): number;
}

/** Numbers of a check by name. */
export type Values<P extends string = string> = Readonly<Record<P, number>>;

export interface Check<P extends string = string> {
  readonly flag: FlagName;
  /** Kinds of records that it judges. */
  readonly kinds: readonly MarketKind[];
  /** The rule in a sentence or two. */
  readonly rule: string;
  /** Flags of a record upon which it neither judges nor learns. */
  readonly unless: readonly FlagName[];
  /** A share `s` of flagged records costs `weight * s` of the score. */
  readonly weight: number;
  readonly parameters: Readonly<Record<P, Parameter>>;
  /** Starts on a series; `saved` is what `save` of the same version returned. */
  start(values: Values<P>, saved: unknown): Running;
}

/** Declares a check; its flag, kinds and parameters are what docs and tests loop over. */
export function defineCheck<P extends string>(check: Check<P>): Check<P> {
  return Object.freeze(check);
}

/** Returns a check that needs no memory and no parameters. */
export function statelessCheck(
  check: Omit<Check<never>, 'parameters' | 'start'>,
  holds: (record: MarketRecord, context: Context) => boolean,
): Check<never> {
  const running: Running = { step: holds, save: () => null };
  return defineCheck({ ...check, parameters: {}, start: () => running });
}

/** Returns the bits of flags by name. */
export function bitsOf(names: readonly FlagName[]): number {
  return names.reduce((bits, name) => bits | FLAGS[name].bit, 0);
}

/** Returns how many shares there are at a record for one at `fromUs`, by the splits in between; 1 for a bar whose source has adjusted it. */
export function ratioSince(splits: readonly KnownSplit[], fromUs: number, record: MarketRecord): number {
  let ratio = 1;
  if (splits.length === 0 || (record.kind === 'bar' && record.adjusted.includes('split'))) return ratio;
  for (const { exUs, ratio: more } of splits) if (exUs > fromUs && exUs <= record.tsEventUs) ratio *= more;
  return ratio;
}
