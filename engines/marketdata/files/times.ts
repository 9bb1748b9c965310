// Times of files of market data, in the zone that the file is said to be in.
import { InvalidOptionError } from '../../../src/core/errors.ts';
import { parseTimestampUs } from '../../../src/core/timestamps.ts';

// `20200101 170000065` and `19980102 00:00`; eight digits alone are a date too: as seconds they would be in 1970.
const COMPACT =
  /^((?:19|20|21)\d{2})(\d{2})(\d{2})(?:[ T]?(\d{2}):?(\d{2})(?::?(\d{2})(?:\.?(\d{1,9}))?)?)?$/;
const WITH_ZONE = /(?:Z|UTC|[+-]\d{2}:?\d{2})$/;
// No zone is further from UTC than 14 hours.
const OFFSET = /^([+-])(0\d|1[0-4]):?([0-5]\d)$/;
const MAX_TEXT = 64;
const HOUR_US = 3_600_000_000;

/** Reads the times of one file. */
export class TimeReader {
  readonly #offsetUs: (localUs: number) => number;

  /**
   * `zone` is that of times that name none: `UTC`, an offset (`-05:00`) or a name of the IANA database (`America/New_York`). Throws
   * InvalidOptionError for another.
   */
  constructor(zone = 'UTC') {
    const fixed = OFFSET.exec(zone);
    if (zone === 'UTC') this.#offsetUs = () => 0;
    else if (fixed) {
      const us = (fixed[1] === '-' ? -1 : 1) * (Number(fixed[2]) * 60 + Number(fixed[3])) * 60e6;
      this.#offsetUs = () => us;
    } else if (/^[+-]/.test(zone)) throw unknownZone();
    else this.#offsetUs = zoneOffsets(zone);
  }

  /** Returns microseconds since the epoch, digits beyond them cut, or null for what is no time. */
  read(text: string): number | null {
    const compact = text.length === 8 || text.length >= 13 ? COMPACT.exec(text) : null;
    if (compact && !isEpoch(text)) {
      const [, year, month, day, hour = '00', minute = '00', second = '00', fraction = '0'] = compact;
      const us = parseTimestampUs(`${year}-${month}-${day} ${hour}:${minute}:${second}.${fraction}`);
      return us === null ? null : us - this.#offsetUs(us);
    }
    const us = parseTimestampUs(text);
    if (us === null || /^[\d.]+$/.test(text) || WITH_ZONE.test(text)) return us;
    return us - this.#offsetUs(us);
  }

  /** Returns the text of a time that is finer than microseconds, undefined for others. */
  fine(text: string): string | undefined {
    if (/^\d{18,19}$/.test(text)) return text.endsWith('000') ? undefined : text;
    return /\.\d{6}(?!0+(\D|$))\d+/.test(text) ? text : undefined;
  }

  /** Whether a text may be that of a time, which it says finer: its microseconds are the same. Its zone may be another, of whole seconds. */
  refines(text: string, us: number): boolean {
    if (text.length > MAX_TEXT) return false;
    const micros = /^\d{9,10}(\d{6})\d{3}$/.exec(text)?.[1] ?? /\.(\d{6})\d+/.exec(text)?.[1];
    return Number(micros) === ((us % 1e6) + 1e6) % 1e6;
  }
}

// Digits alone that are as long as a count since the epoch; 14 of them are a date and a time, or a count in the year 2286 and later.
function isEpoch(text: string): boolean {
  return /^\d+$/.test(text) && text.length !== 8 && text.length !== 14;
}

function unknownZone(): InvalidOptionError {
  const expected = 'UTC, an offset such as -05:00, or a name of the IANA database such as America/New_York';
  return new InvalidOptionError(`Expected ${expected} for time_zone`, [
    { pointer: 'query/time_zone', expected },
  ]);
}

// One look into the database of zones for each hour of the file.
function zoneOffsets(zone: string): (localUs: number) => number {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      timeZoneName: 'longOffset',
      hour: 'numeric',
    });
  } catch {
    throw unknownZone();
  }
  const at = (us: number) => {
    const name = format.formatToParts(us / 1000).find((part) => part.type === 'timeZoneName')!.value;
    const match = OFFSET.exec(name.slice(3));
    return match ? (match[1] === '-' ? -1 : 1) * (Number(match[2]) * 60 + Number(match[3])) * 60e6 : 0;
  };
  let hour = Number.NaN;
  let offset = 0;
  return (localUs) => {
    if (Math.floor(localUs / HOUR_US) !== hour) {
      hour = Math.floor(localUs / HOUR_US);
      const start = hour * HOUR_US;
      // The offset of the moment that this is, if the offset is that of the same hour in UTC.
      offset = at(start - at(start));
    }
    return offset;
  };
}
