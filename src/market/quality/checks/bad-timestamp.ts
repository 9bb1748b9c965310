// `bad_timestamp`: a time that is none, or that cannot be.
import { MARKET_KINDS } from '../../records.ts';
import { DAY_US } from '../../sessions/days.ts';
import { defineCheck } from '../definition.ts';

const YEAR_1700_US = -8_520_336_000_000_000;
const YEAR_1900_US = -2_208_988_800_000_000;
const YEAR_US = 31_557_600_000_000;

export default defineCheck({
  flag: 'bad_timestamp',
  kinds: MARKET_KINDS,
  rule: 'No integer, further in the future of the clock than `future_us`, or before `earliest_us`. A time of exactly 0 is an absent one for all kinds but bars and macro points.',
  unless: ['malformed'],
  weight: 5,
  parameters: {
    future_us: {
      unit: 'us',
      min: 0,
      max: 100 * YEAR_US,
      integer: true,
      default: 60_000_000,
      // Splits and dividends are announced before they happen, and series of projections reach years ahead. A filing counts as known from the
      // end of its day on, which is the next working day for one of the evening.
      defaults: { corporate_action: 2 * YEAR_US, fundamental: 7 * DAY_US, macro: 50 * YEAR_US },
      meaning: 'how far ahead of the clock a time may be',
    },
    earliest_us: {
      unit: 'us since 1970-01-01',
      min: YEAR_1700_US,
      max: 4_102_444_800_000_000,
      integer: true,
      default: 0,
      defaults: {
        bar: YEAR_1900_US,
        corporate_action: YEAR_1900_US,
        fundamental: YEAR_1900_US,
        macro: YEAR_1700_US,
      },
      meaning: 'the earliest time that the series may have',
    },
  },
  start({ future_us, earliest_us }) {
    return {
      step(record, context) {
        const us = record.tsEventUs;
        if (!Number.isSafeInteger(us) || us < earliest_us || us > context.nowUs + future_us) return true;
        return us === 0 && record.kind !== 'bar' && record.kind !== 'macro';
      },
      save: () => null,
    };
  },
});
