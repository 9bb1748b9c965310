// Plots as SVG: two distributions, bars with a threshold, a line over time.
import { figure, type Html, html } from './html.ts';

const REFERENCE = '#8a9bb0';
const CURRENT = '#0b67b2';
const BAD = '#b3261e';

/** One bar of two distributions. */
export interface Pair {
  readonly label: string;
  readonly reference: number;
  readonly current: number;
}

const at = (value: number) => Number(value.toFixed(1));

/** Shares of the rows in each bin: the reference grey, the current rows blue. */
export function distributionPlot(name: string, pairs: readonly Pair[]): Html {
  const [width, height] = [300, 110];
  const most = Math.max(1e-9, ...pairs.flatMap(({ reference, current }) => [reference, current]));
  const step = width / Math.max(1, pairs.length);
  const bar = (share: number, x: number, colour: string, label: string) => {
    const tall = (share / most) * (height - 4);
    return html`<rect x="${at(x)}" y="${at(height - tall)}" width="${at(step * 0.4)}" height="${at(tall)}" fill="${colour}"><title>${label}</title></rect>`;
  };
  const bars = pairs.map(({ label, reference, current }, i) => {
    const x = i * step + step * 0.08;
    return [
      bar(reference, x, REFERENCE, `${label}: reference ${figure(reference)}`),
      bar(current, x + step * 0.42, CURRENT, `${label}: current ${figure(current)}`),
    ];
  });
  return html`<svg role="img" aria-label="Distribution of ${name}" width="${width}" height="${height + 2}" viewBox="0 0 ${width} ${height + 2}">${bars}<line x1="0" y1="${height}" x2="${width}" y2="${height}" stroke="#c5ced8"/></svg>`;
}

/** One bar each, red from the threshold on. */
export function barPlot(
  label: string,
  bars: readonly { readonly name: string; readonly value: number }[],
  threshold: number,
): Html {
  const [left, width, row] = [200, 420, 18];
  const most = Math.max(threshold * 1.2, ...bars.map(({ value }) => value));
  const height = bars.length * row;
  const x = (value: number) => at(left + (value / most) * width);
  const drawn = bars.map(({ name, value }, i) => {
    const y = i * row;
    const short = name.length > 28 ? `${name.slice(0, 27)}…` : name;
    return html`<text x="${left - 6}" y="${y + 13}" text-anchor="end" font-size="12">${short}</text><rect x="${left}" y="${y + 3}" width="${at((value / most) * width)}" height="${row - 6}" fill="${value >= threshold ? BAD : CURRENT}"><title>${name}: ${figure(value)}</title></rect>`;
  });
  return html`<svg role="img" aria-label="${label}" width="${left + width + 20}" height="${height}" viewBox="0 0 ${left + width + 20} ${height}">${drawn}<line x1="${x(threshold)}" y1="0" x2="${x(threshold)}" y2="${height}" stroke="${BAD}" stroke-dasharray="4 3"/></svg>`;
}

/** A line over windows, oldest first, with a level that it is held against; windows without a value leave a gap. */
export function linePlot(label: string, values: readonly (number | null)[], level: number | null): Html {
  const [width, height, pad] = [640, 120, 6];
  const known = [...values, level].filter((value) => value !== null);
  if (known.length === 0) return html`<p class="note">No value yet.</p>`;
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const span = high - low || Math.abs(high) || 1;
  const y = (value: number) => at(pad + (1 - (value - low) / span) * (height - 2 * pad));
  const x = (i: number) =>
    at(values.length < 2 ? width / 2 : pad + (i / (values.length - 1)) * (width - 2 * pad));
  const points = values.flatMap((value, i) =>
    value === null
      ? []
      : [
          html`<circle cx="${x(i)}" cy="${y(value)}" r="2.5" fill="${CURRENT}"><title>${figure(value)}</title></circle>`,
        ],
  );
  const lines: Html[] = [];
  for (let i = 1; i < values.length; i++) {
    const [a, b] = [values[i - 1]!, values[i]!];
    if (a !== null && b !== null)
      lines.push(html`<line x1="${x(i - 1)}" y1="${y(a)}" x2="${x(i)}" y2="${y(b)}" stroke="${CURRENT}"/>`);
  }
  const held =
    level === null
      ? null
      : html`<line x1="0" y1="${y(level)}" x2="${width}" y2="${y(level)}" stroke="${REFERENCE}" stroke-dasharray="4 3"><title>before: ${figure(level)}</title></line>`;
  return html`<svg role="img" aria-label="${label}" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">${held}${lines}${points}</svg><p class="note">${figure(low)} to ${figure(high)}</p>`;
}
