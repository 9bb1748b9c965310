// Numbers and times as text. Decimals come as text and become numbers only to be shown.

export const NONE = '–';

const formats = new Map();

function number(value, min, max) {
  const key = `${min},${max}`;
  if (!formats.has(key)) {
    const options = { minimumFractionDigits: min, maximumFractionDigits: max };
    formats.set(key, new Intl.NumberFormat('en-US', options));
  }
  return formats.get(key).format(value);
}

const absent = (value) =>
  value === null || value === undefined || value === '' || !Number.isFinite(Number(value));

/** Money with two decimals; a true minus sign, so that columns align. */
export function money(value) {
  return absent(value) ? NONE : number(Number(value), 2, 2).replace('-', '−');
}

/** Money with its sign always shown. */
export function signedMoney(value) {
  return absent(value) ? NONE : (Number(value) > 0 ? '+' : '') + money(value);
}

/** A price with as many decimals as its size needs. */
export function price(value) {
  if (absent(value)) return NONE;
  const size = Math.abs(Number(value));
  const decimals = size >= 1000 ? 2 : size >= 1 ? 4 : 6;
  return number(Number(value), 2, decimals);
}

export function quantity(value) {
  return absent(value) ? NONE : number(Number(value), 0, 8).replace('-', '−');
}

/** A share of one as percent. */
export function percent(value, decimals = 2) {
  return absent(value) ? NONE : `${number(Number(value) * 100, decimals, decimals).replace('-', '−')} %`;
}

export function signedPercent(value) {
  return absent(value) ? NONE : (Number(value) > 0 ? '+' : '') + percent(value);
}

export function ratio(value) {
  return absent(value) ? NONE : number(Number(value), 2, 2).replace('-', '−');
}

/** A number of things, large ones shortened. */
export function count(value) {
  return value >= 1e6 ? `${number(value / 1e6, 1, 1)} M` : number(value, 0, 0);
}

export function volume(value) {
  return value >= 1e6
    ? `${number(value / 1e6, 2, 2)} M`
    : value >= 1e3
      ? `${number(value / 1e3, 2, 2)} k`
      : number(value, 0, 2);
}

export function megabytes(bytes) {
  return absent(bytes) ? NONE : `${number(bytes / 1e6, 0, 0)} MB`;
}

export function duration(seconds) {
  if (absent(seconds)) return NONE;
  const s = Math.floor(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} m ${s % 60} s`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} m`;
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3600)} h`;
}

/** The same for narrow columns: without the year, which the full time beside it tells. */
export function shortTime(us) {
  const full = time(us);
  return full.length > 8 ? full.slice(5) : full;
}

/** Microseconds since the epoch as UTC; the date only where it differs from today. */
export function time(us) {
  const iso = new Date(us / 1000).toISOString();
  const today = new Date().toISOString().slice(0, 10);
  return iso.startsWith(today) ? iso.slice(11, 19) : `${iso.slice(0, 10)} ${iso.slice(11, 16)}`;
}
