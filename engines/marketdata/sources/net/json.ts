// JSON of providers without a loss: numbers that a float64 does not hold exactly as written come as their text.

// Sixteen digits, with or without a point, may be more than a float64 keeps; a cheap look decides whether the slow way is needed.
const LONG_NUMBER = /\d[\d.]{15}/;
const SIGNIFICANT = 15;

/** Returns `text` parsed; integers beyond 2^53 and decimals of more than 15 significant digits as their text. Throws SyntaxError. */
export function parseJson(text: string): unknown {
  if (!LONG_NUMBER.test(text)) return JSON.parse(text);
  return JSON.parse(text, exact);
}

function exact(_key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source;
  if (typeof value !== 'number' || source === undefined || source.length <= SIGNIFICANT) return value;
  if (Number.isSafeInteger(value) && !source.includes('.')) return value;
  const digits = source
    .replace(/[eE].*$/, '')
    .replace(/[-.]/g, '')
    .replace(/^0+/, '')
    .replace(/0+$/, '');
  return digits.length > SIGNIFICANT ? source : value;
}

/** Returns a price or size that came as a number or as text in plain decimal notation (`1e-8` is `0.00000001`); null for anything else. */
export function decimalOf(value: unknown): string | null {
  if (typeof value !== 'number' && typeof value !== 'string') return null;
  if (value === '' || !Number.isFinite(Number(value))) return null;
  const text = String(value);
  if (/^-?\d+(\.\d+)?$/.test(text)) return text;
  const match = /^(-?)(\d+)(?:\.(\d+))?[eE]([+-]?\d{1,2})$/.exec(text);
  return match ? shifted(match[1]!, match[2]!, match[3] ?? '', Number(match[4])) : null;
}

function shifted(sign: string, whole: string, fraction: string, exponent: number): string {
  const digits = whole + fraction;
  const point = whole.length + exponent;
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  if (point >= digits.length) return sign + digits + '0'.repeat(point - digits.length);
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}
