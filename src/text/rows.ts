// Texts as rows of numbers: what runs models moves rows of float32, in which every UTF-16 code unit is exact.
import { MAX_TEXT } from './limits.ts';

/** Numbers of one row: the length of the text, its code units, zeros. */
export const TEXT_COLUMNS = MAX_TEXT + 1;

/** Returns [texts, TEXT_COLUMNS]. Longer texts are cut. */
export function rowsOfTexts(texts: readonly string[]): Float32Array {
  const rows = new Float32Array(texts.length * TEXT_COLUMNS);
  for (const [row, text] of texts.entries()) {
    const length = Math.min(text.length, MAX_TEXT);
    const at = row * TEXT_COLUMNS;
    rows[at] = length;
    for (let i = 0; i < length; i++) rows[at + 1 + i] = text.charCodeAt(i);
  }
  return rows;
}

/** Returns the text of one row [TEXT_COLUMNS]; null for a row of anything else. */
export function textOfRow(row: Float32Array): string | null {
  const length = row[0]!;
  if (!Number.isInteger(length) || length < 0 || length > MAX_TEXT) return null;
  let text = '';
  for (let i = 1; i <= length; i++) {
    const unit = row[i]!;
    if (!Number.isInteger(unit) || unit < 0 || unit > 0xffff) return null;
    text += String.fromCharCode(unit);
  }
  return text;
}

/** Texts that a model is tried with when it comes and again before it serves; all short but the last, some without words. */
export const PROBE_TEXTS: readonly string[] = [
  '',
  'The company raised its outlook for the year.',
  'Shares fell after a weak quarter; the dividend was cut.',
  'ok',
  'Ergebnis übertrifft Erwartungen, 業績は好調です \u{1f680}',
  '...!?',
  'not good, not bad',
  'Profit warning. '.repeat(60),
];
