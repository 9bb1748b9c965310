// Timestamps of market-data files, in the forms that sources write them, as integer microseconds since the epoch.

const ISO =
  /^(\d{4})-(\d{2})-(\d{2})(?:[ T](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?)?(?: ?(Z|UTC|[+-]\d{2}:?\d{2}))?$/;

/**
 * Parses an ISO 8601 date or date and time (UTC when no zone is given; digits beyond microseconds are cut) or an integer
 * count since the epoch, whose unit follows from its size: seconds (to 11 digits), milliseconds (12 to 14), microseconds
 * (15 to 17), nanoseconds (18 and more, cut). Returns null for anything else, and for dates that do not exist.
 */
export function parseTimestampUs(text: string): number | null {
  if (/^\d+(\.0+)?$/.test(text)) return fromEpoch(text.split('.')[0]!);
  const match = ISO.exec(text);
  if (!match) return null;
  const [year, month, day, hour, minute, second] = match
    .slice(1, 7)
    .map((part) => Number(part ?? 0)) as number[];
  const ms = Date.UTC(year!, month! - 1, day!, hour!, minute!, second!);
  const date = new Date(ms);
  const exists =
    date.getUTCMonth() === month! - 1 &&
    date.getUTCDate() === day! &&
    hour! < 24 &&
    minute! < 60 &&
    second! < 60;
  if (!exists) return null;
  const micros = Number((match[7] ?? '').padEnd(6, '0').slice(0, 6));
  return ms * 1000 + micros - zoneOffsetUs(match[8]);
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
