// Draws the speed-ups as an SVG: one bar for our ratio and one for the claim, on a logarithmic scale.
import { type Results, significant } from './results.ts';

const WIDTH = 880;
const LEFT = 210;
const RIGHT = 110;
const TOP = 76;
const STEP = 42;
const BAR = 14;
const GRID = [0.01, 0.1, 1, 10, 100, 1000];

const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** Returns the position of a ratio between `least` and `most` as a fraction of the axis. */
export function logPosition(ratio: number, least: number, most: number): number {
  const at = (Math.log10(ratio) - Math.log10(least)) / (Math.log10(most) - Math.log10(least));
  return Math.min(1, Math.max(0, at));
}

/**
 * Returns an SVG document with a pair of bars for each row, from 1x outwards: to the right ours is faster than the plain
 * version. A thin line spans the quartiles; pending rows show the claim only. Colours suit light and dark pages.
 */
export function chart(results: Results): string {
  const ratios = results.rows.flatMap((row) => [
    row.published_ratio,
    ...(row.ratio === null ? [] : [row.ratio]),
  ]);
  const least = GRID.findLast((line) => line <= Math.min(1, ...ratios)) ?? GRID[0]!;
  const most = GRID.find((line) => line >= Math.max(10, ...ratios)) ?? GRID.at(-1)!;
  const span = WIDTH - LEFT - RIGHT;
  const x = (ratio: number) => Math.round((LEFT + span * logPosition(ratio, least, most)) * 10) / 10;
  const height = TOP + results.rows.length * STEP + 34;
  const bottom = height - 30;
  const bar = (ratio: number, y: number, kind: string) => {
    const [from, to] = [Math.min(x(1), x(ratio)), Math.max(x(1), x(ratio))];
    return `<rect class="${kind}" x="${from}" y="${y}" width="${Math.max(1, to - from).toFixed(1)}" height="${BAR}"/>`;
  };
  const label = (ratio: number, y: number, text: string) =>
    `<text x="${Math.max(x(1), x(ratio)) + 6}" y="${y + BAR - 3}">${escaped(text)}</text>`;
  const rows = results.rows.flatMap((row, at) => {
    const y = TOP + at * STEP;
    const name = `<text class="name" x="${LEFT - 10}" y="${y + BAR + 4}">${escaped(row.published.operation)}</text>`;
    const claim = [
      bar(row.published_ratio, y + BAR + 2, 'claim'),
      label(row.published_ratio, y + BAR + 2, `${row.published_ratio}x claimed`),
    ];
    if (row.status === 'pending') {
      return [name, `<text class="soft" x="${x(1) + 6}" y="${y + BAR - 3}">pending</text>`, ...claim];
    }
    if (row.ratio === null || row.ratio_q1 === null || row.ratio_q3 === null) return [name, ...claim];
    const middle = y + BAR / 2;
    return [
      name,
      bar(row.ratio, y, 'ours'),
      `<line class="spread" x1="${x(row.ratio_q1)}" x2="${x(row.ratio_q3)}" y1="${middle}" y2="${middle}"/>`,
      label(Math.max(row.ratio, row.ratio_q3), y, `${significant(row.ratio)}x`),
      ...claim,
    ];
  });
  const grid = GRID.filter((line) => line >= least && line <= most).flatMap((line) => [
    `<line class="${line === 1 ? 'one' : 'grid'}" x1="${x(line)}" x2="${x(line)}" y1="${TOP - 8}" y2="${bottom}"/>`,
    `<text class="tick" x="${x(line)}" y="${bottom + 18}">${line}x</text>`,
  ]);
  const { cpu, threads } = results.machine;
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="title">`,
    '<title id="title">Speed-ups over plain TypeScript, beside the published claims</title>',
    '<style>text{font:13px system-ui,sans-serif;fill:#777}.head{font-size:17px;font-weight:600}.name{text-anchor:end;font-weight:600}',
    '.tick{text-anchor:middle;font-size:11px}.soft{font-style:italic}.ours{fill:#2f7ed8}.claim{fill:#b8b8b8}',
    '.grid{stroke:#9994;stroke-width:1}.one{stroke:#999;stroke-width:1.5}.spread{stroke:#0b2f5c;stroke-width:2}</style>',
    `<text class="head" x="16" y="28">Before / now, median of the rounds (line: quartiles); logarithmic</text>`,
    `<text x="16" y="50">${escaped(`${results.date.slice(0, 10)}, ${cpu}, ${threads} threads; grey: published, on other hardware`)}</text>`,
    ...grid,
    ...rows,
    '</svg>',
  ].join('\n')}\n`;
}
