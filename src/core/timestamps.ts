// Timestamps of market-data files, in the forms that sources write them, as integer microseconds since the epoch.

const ISO =
  /^(\d{4})-(\d{2})-(\d{2})(?:[ T](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?)?(?: ?(Z|UTC|[+-]\d{2}:?\d{2}))?$/;

/**
 * Parses an ISO 8601 date or date and time (UTC when no zone is given; digits beyond microseconds are cut) or an integer
 * count since the epoch, whose unit follows from its size: seconds (to 11 digits), milliseconds (12 to 14), microseconds
 * (15 to 17), nanoseconds (18 and more, cut). Returns null for anything else, for dates that do not exist, and for those before the year 100: they
 * are years whose century is left out.
 */
export function parseTimestampUs(text: string): number | null {
  const us = utcUs(text);
  if (!Number.isNaN(us)) return us;
  if (/^\d+(\.0+)?$/.test(text)) return fromEpoch(text.split('.')[0]!);
  const match = ISO.exec(text);
  if (!match) return null;
  const [year, month, day, hour, minute, second] = match
    .slice(1, 7)
    .map((part) => Number(part ?? 0)) as number[];
  const ms = Date.UTC(year!, month! - 1, day!, hour!, minute!, second!);
  const date = new Date(ms);
  const exists =
    date.getUTCFullYear() === year! &&
    date.getUTCMonth() === month! - 1 &&
    date.getUTCDate() === day! &&
    hour! < 24 &&
    minute! < 60 &&
    second! < 60;
  if (!exists) return null;
  const micros = Number((match[7] ?? '').padEnd(6, '0').slice(0, 6));
  return ms * 1000 + micros - zoneOffsetUs(match[8]);
}

// The day that was read last: times of a market come in order.
let lastDay = Number.NaN;
let lastDayUs = Number.NaN;

/** Reads the form of nearly all of them, `2026-04-07T14:30:01.456789Z`, by its characters: NaN for any other, and for what does not exist. */
function utcUs(text: string): number {
  const length = text.charCodeAt(text.length - 1) === 90 ? text.length - 1 : text.length;
  const between = text.charCodeAt(10);
  if (length < 19 || length > 29 || (between !== 84 && between !== 32)) return Number.NaN;
  if (text.charCodeAt(4) !== 45 || text.charCodeAt(7) !== 45) return Number.NaN;
  if (text.charCodeAt(13) !== 58 || text.charCodeAt(16) !== 58) return Number.NaN;
  const hour = digits(text, 11, 13);
  const minute = digits(text, 14, 16);
  const second = digits(text, 17, 19);
  if (!(hour < 24 && minute < 60 && second < 60)) return Number.NaN;
  let micros = 0;
  if (length > 19) {
    if (text.charCodeAt(19) !== 46 || length === 20) return Number.NaN;
    const end = Math.min(length, 26);
    micros = digits(text, 20, end) * 10 ** (26 - end);
    // Nanoseconds are cut, but have to be digits.
    if (length > 26 && Number.isNaN(digits(text, 26, length))) return Number.NaN;
  }
  const day = digits(text, 0, 4) * 10_000 + digits(text, 5, 7) * 100 + digits(text, 8, 10);
  if (day !== lastDay) {
    const [year, month] = [Math.trunc(day / 10_000), Math.trunc(day / 100) % 100];
    const date = new Date(Date.UTC(year, month - 1, day % 100));
    // Of years below 100 the library makes those of the last century.
    const exists =
      date.getUTCDate() === day % 100 && date.getUTCMonth() + 1 === month && date.getUTCFullYear() === year;
    lastDay = exists ? day : Number.NaN;
    lastDayUs = exists ? date.getTime() * 1000 : Number.NaN;
    if (!exists) return Number.NaN;
  }
  return lastDayUs + ((hour * 60 + minute) * 60 + second) * 1_000_000 + micros;
}

/** The whole number between two places; NaN where a character is no digit. */
function digits(text: string, from: number, to: number): number {
  let number = 0;
  for (let at = from; at < to; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (!(digit >= 0 && digit <= 9)) return Number.NaN;
    number = number * 10 + digit;
  }
  return number;
}

function fromEpoch(digits: string): number | null {
  if (digits.length > 19) return null;
  if (digits.length >= 18) return Number(digits.slice(0, -3));
  const unit = digits.length >= 15 ? 1 : digits.length >= 12 ? 1000 : 1_000_000;
  const us = Number(digits) * unit;
  return Number.isSafeInteger(us) ? us : null;
}

function zoneOffsetUs(zone: string | undefined): number {
  if (!zone || zone === 'Z' || zone === 'UTC') return 0;
  const sign = zone.startsWith('-') ? -1 : 1;
  const digits = zone.slice(1).replace(':', '');
  return sign * (Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2))) * 60_000_000;
}
