// What may be wrong with a record or a series of market data: each flag defined once, as a bit, a name and a meaning.

/** A flag: its bit in `flags` of a record, and whether a record that has it is kept from the main view (quarantine). */
export interface QualityFlag {
  readonly bit: number;
  readonly quarantine: boolean;
  readonly meaning: string;
}

function flag(index: number, meaning: string, quarantine = false): QualityFlag {
  return Object.freeze({ bit: 1 << index, quarantine, meaning });
}

/** All flags by name. Bits are stored in history: an index is never given to another flag. */
export const FLAGS = Object.freeze({
  gap: flag(0, 'records before this one are missing: a jump of the sequence, or of the time of bars'),
  duplicate: flag(1, 'the same record came before', true),
  out_of_order: flag(2, 'older than a record that came before'),
  stale: flag(3, 'the source repeats itself, or said nothing for longer than it should'),
  crossed: flag(4, 'the best bid is above the best ask', true),
  locked: flag(5, 'the best bid equals the best ask'),
  ohlc_inconsistent: flag(6, 'open or close outside low to high, or high below low', true),
  outlier: flag(7, 'far from its neighbours by a robust measure'),
  zero_volume: flag(8, 'a bar or trade without volume'),
  bad_timestamp: flag(9, 'no time, one in the future, or one that no market could have', true),
  outside_session: flag(10, 'at a time when the session of its instrument is closed'),
  split_like_jump: flag(11, 'a jump by the ratio of a split that nobody announced'),
  clock_offset: flag(12, 'the clocks of venue and receiver disagree by more than the way can take'),
  malformed: flag(13, 'not readable as what it says it is', true),
  filled: flag(14, 'said by no source: a flat bar in the place of a missing one, in a repaired view'),
});

/** Name of a quality flag. */
export type FlagName = keyof typeof FLAGS;

export const FLAG_NAMES = Object.keys(FLAGS) as FlagName[];

/** Returns the names of the flags in `bits`. */
export function flagNames(bits: number): FlagName[] {
  return bits === 0 ? [] : FLAG_NAMES.filter((name) => (bits & FLAGS[name].bit) !== 0);
}
